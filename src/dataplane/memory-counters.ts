/** Writes the shared counters without a BigInt per packet: each uint64 is two uint32 words of the same memory. */
import { COUNTER_NAMES, type CounterName } from './counters.js';

/** Which of the two words of a uint64 is the lower one on this machine. */
const LOW_WORD = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;
const INDEX = Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, index])) as Record<CounterName, number>;

export class MemoryCounters {
  private readonly words: Uint32Array;

  /** Throws {@link RangeError} when `counters` has no room for all of {@link COUNTER_NAMES}. */
  constructor(counters: BigUint64Array) {
    if (counters.length < COUNTER_NAMES.length) {
      throw new RangeError(`${counters.length} counters where ${COUNTER_NAMES.length} are needed`);
    }
    this.words = new Uint32Array(counters.buffer, counters.byteOffset, counters.length * 2);
  }

  bump(name: CounterName, by = 1): void {
    const low = INDEX[name] * 2 + LOW_WORD;
    const sum = this.words[low]! + by;
    this.words[low] = sum;
    if (sum > 0xffffffff) this.words[low ^ 1]! += 1;
  }

  /** Levels stay below 2^32. */
  set(name: CounterName, level: number): void {
    this.words[INDEX[name] * 2 + LOW_WORD] = level;
  }
}

/** The counters as numbers by name, as `status` and tests read them. */
export function readCounters(counters: BigUint64Array): Record<CounterName, number> {
  return Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, Number(counters[index])])) as Record<
    CounterName,
    number
  >;
}

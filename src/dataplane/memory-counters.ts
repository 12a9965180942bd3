/** Writes the shared counters without a BigInt per packet: each uint64 is two uint32 words of the same memory. */
import {
  COUNTER_NAMES,
  type CounterName,
  counterWords,
  RULE_OUTCOMES,
  type RuleOutcome,
  ruleWord,
} from './counters.js';

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
    this.add(INDEX[name], by);
  }

  /** Nothing for a slot that is not there, and for a reason that is no outcome. */
  bumpRule(slot: number | undefined, reason: CounterName): void {
    const isCounted = slot !== undefined && counterWords(slot + 1) * 2 <= this.words.length;
    if (isCounted && isOutcome(reason)) this.add(ruleWord(slot, reason), 1);
  }

  /** Levels stay below 2^32. */
  set(name: CounterName, level: number): void {
    this.words[INDEX[name] * 2 + LOW_WORD] = level;
  }

  private add(index: number, by: number): void {
    const low = index * 2 + LOW_WORD;
    const sum = this.words[low]! + by;
    this.words[low] = sum;
    if (sum > 0xffffffff) this.words[low ^ 1]! += 1;
  }
}

const isOutcome = (reason: CounterName): reason is RuleOutcome => RULE_OUTCOMES.some((outcome) => outcome === reason);

/** The counters as numbers by name, as `status` and tests read them. */
export function readCounters(counters: BigUint64Array): Record<CounterName, number> {
  return Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, Number(counters[index])])) as Record<
    CounterName,
    number
  >;
}

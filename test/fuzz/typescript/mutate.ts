/** Changes inputs as libFuzzer's default mutator does: bits, bytes, numbers, pieces cut, doubled, moved, or taken from another one. */

/** Uniform integers; a seed makes a run that can be repeated. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }
  below(limit: number): number {
    // xorshift32 (Marsaglia 2003).
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

/** Lengths and counts at the edge of what a parser expects. */
const NUMBERS = [
  0,
  1,
  2,
  7,
  8,
  16,
  63,
  64,
  127,
  128,
  129,
  255,
  256,
  257,
  1023,
  4095,
  4096,
  65535,
  2 ** 31,
  2 ** 32 - 1,
];

export interface Pool {
  readonly inputs: readonly Uint8Array[];
  /** Pieces that mean something to the target. */
  readonly words: readonly Uint8Array[];
  readonly mostBytes: number;
}

/** A few changes to an input of the pool. */
export function mutated(random: Random, pool: Pool): Uint8Array {
  let input = random.of(pool.inputs);
  for (let changes = 1 + random.below(4); changes > 0; changes--) input = changed(random, input, pool);
  return input.slice(0, pool.mostBytes);
}

function changed(random: Random, input: Uint8Array, pool: Pool): Uint8Array {
  const at = random.below(input.length + 1);
  const length = 1 + random.below(Math.max(1, Math.min(32, input.length - at)));
  switch (random.below(9)) {
    case 0:
      return withByte(input, at, (byte) => byte ^ (1 << random.below(8)));
    case 1:
      return withByte(input, at, () => random.below(256));
    case 2:
      return withByte(input, at, (byte) => byte + random.of([-1, 1, 16, 128]));
    case 3:
      return replaced(input, at, 0, numberBytes(random));
    case 4:
      return replaced(input, at, length, new Uint8Array(0));
    case 5:
      return replaced(input, at, 0, input.subarray(at, at + length));
    case 6:
      return replaced(input, at, random.below(2) * length, pieceOf(random, random.of(pool.inputs)));
    case 7:
      return pool.words.length === 0 ? input : replaced(input, at, random.below(2) * length, random.of(pool.words));
    default:
      return input.slice(0, at);
  }
}

function withByte(input: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const result = input.slice();
  if (at < result.length) result[at] = change(result[at]!);
  return result;
}

function replaced(input: Uint8Array, at: number, cut: number, put: Uint8Array): Uint8Array {
  return Buffer.concat([input.subarray(0, at), put, input.subarray(at + cut)]);
}

function pieceOf(random: Random, input: Uint8Array): Uint8Array {
  const at = random.below(input.length + 1);
  return input.subarray(at, at + 1 + random.below(64));
}

function numberBytes(random: Random): Uint8Array {
  const bytes = Buffer.alloc(4);
  const number = random.of(NUMBERS);
  if (random.below(2) === 0) bytes.writeUInt32LE(number);
  else bytes.writeUInt32BE(number);
  return bytes.subarray(0, 1 + random.below(4));
}

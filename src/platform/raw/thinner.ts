import type { Thinning } from './contract.js';

/** More hosts than a segment has; beyond, sources are forgotten, and told again. */
const MAX_SOURCES = 1024;

/** See {@link Thinning}. Time comes in. */
export class Thinner {
  readonly #thinning: Thinning;
  readonly #toldMs = new Map<string, number>();

  constructor(thinning: Thinning) {
    this.#thinning = thinning;
  }

  isTooMany(frame: Uint8Array, nowMs: number): boolean {
    if (frame.length < 14 || ((frame[12]! << 8) | frame[13]!) !== this.#thinning.etherType) return false;
    const source = String.fromCharCode(...frame.subarray(6, 12));
    if (nowMs - (this.#toldMs.get(source) ?? Number.NEGATIVE_INFINITY) < this.#thinning.everyMs) return true;
    if (this.#toldMs.size >= MAX_SOURCES) this.#toldMs.clear();
    this.#toldMs.set(source, nowMs);
    return false;
  }
}

import type { Timers } from '../../src/platform/timers.js';

/** A clock that is turned by hand. */
export class FakeTimers implements Timers {
  #nowMs = 1000;
  #waiting: { readonly atMs: number; readonly then: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, then: () => void): () => void {
    const entry = { atMs: this.#nowMs + ms, then };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** Lets time pass; what falls due runs in order, and all that follows from it at once before time goes on. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (await settled(); ; await settled()) {
      const next = this.#waiting.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.then();
    }
    this.#nowMs = endMs;
  }

  /** How many calls are outstanding. */
  get outstanding(): number {
    return this.#waiting.length;
  }
}

/** All promises that can go on without time or I/O have done so. */
export const settled = () => new Promise<void>((done) => setImmediate(done));

/** How much a service may say in the log: enough to understand it, never so much that it fills the disk. Pure. */

const LINES = 100;
const WITHIN_MS = 10_000;

export class OutputGate {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #said = 0;
  #leftOut = 0;

  /** @returns the lines that go into the log now. */
  take(nowMs: number, line: string): readonly string[] {
    const before: string[] = [];
    if (nowMs - this.#sinceMs >= WITHIN_MS) {
      if (this.#leftOut > 0)
        before.push(`(${this.#leftOut} lines left out: at most ${LINES} in ${WITHIN_MS / 1000} s)`);
      this.#sinceMs = nowMs;
      this.#said = 0;
      this.#leftOut = 0;
    }
    if (this.#said >= LINES) {
      this.#leftOut += 1;
      return before;
    }
    this.#said += 1;
    return [...before, line];
  }
}

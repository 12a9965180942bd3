/**
 * Slows down guessing. After a few failures within a while the next attempt must wait, twice as long each time: 2 s, 4 s, ... 5 min.
 * Counted by address and by name, so that neither one host with many names nor many hosts with one name get far.
 */
const FREE_FAILURES = 4;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 300_000;
const FORGOTTEN_AFTER_MS = 900_000;
const MOST_KEYS = 10_000;

interface Record {
  failures: number;
  lastMs: number;
}

export class Limiter {
  readonly #records = new Map<string, Record>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** ms until any of the keys may try again; 0: now. */
  waitMs(keys: readonly string[]): number {
    return Math.max(0, ...keys.map((key) => this.#waitOf(key)));
  }

  failed(keys: readonly string[]): void {
    for (const key of keys) {
      const record = this.#living(key) ?? { failures: 0, lastMs: 0 };
      this.#records.delete(key);
      this.#records.set(key, { failures: record.failures + 1, lastMs: this.#nowMs() });
    }
    while (this.#records.size > MOST_KEYS) this.#records.delete(this.#records.keys().next().value!);
  }

  succeeded(keys: readonly string[]): void {
    for (const key of keys) this.#records.delete(key);
  }

  #waitOf(key: string): number {
    const record = this.#living(key);
    if (record === null || record.failures <= FREE_FAILURES) return 0;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (record.failures - FREE_FAILURES - 1));
    return Math.max(0, record.lastMs + wait - this.#nowMs());
  }

  #living(key: string): Record | null {
    const record = this.#records.get(key);
    return record !== undefined && this.#nowMs() - record.lastMs < FORGOTTEN_AFTER_MS ? record : null;
  }
}

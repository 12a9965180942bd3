/** A console that ends takes nothing more, and still answers what it was asked: whoever put a config in force hears that it is. */
export class Ending {
  readonly #asked = new Set<object>();
  #isBegun = false;
  #done: (() => void) | null = null;

  get isBegun(): boolean {
    return this.#isBegun;
  }

  begin(): void {
    this.#isBegun = true;
  }

  asked(request: object): void {
    this.#asked.add(request);
  }

  /** It has its answer, or does not wait for it any more. */
  answered(request: object): void {
    this.#asked.delete(request);
    if (this.#asked.size === 0) this.#done?.();
  }

  /** Resolves when all have their answers, at the latest after `withinMs`. */
  settled(withinMs: number): Promise<void> {
    if (this.#asked.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#done = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * Which blocks of our own code ran, by V8's precise coverage (the inspector protocol's Profiler domain), so that the fuzzer knows
 * an input that reaches something new. A look takes milliseconds, so it is worth one for a batch of inputs, not for each.
 */
import { type Profiler, Session } from 'node:inspector';

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  /** @param folder part of the URLs of the scripts that count, such as `/src/`. */
  constructor(private readonly folder: string) {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks that ran since the last look and never before it, by place. They count as seen only when {@link learn} is told. */
  look(): string[] {
    const fresh: string[] = [];
    for (const { url, functions } of this.#take()) {
      if (!url.includes(this.folder)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          const place = `${url}:${startOffset}-${endOffset}`;
          if (count > 0 && !this.#seen.has(place)) fresh.push(place);
        }
      }
    }
    return fresh;
  }

  learn(places: readonly string[]): void {
    for (const place of places) this.#seen.add(place);
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** Commands of a session in its own thread answer before `post` returns. */
  #take(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      scripts = result;
    });
    return scripts;
  }

  #post(method: 'Profiler.enable'): void {
    this.#session.post(method);
  }
}

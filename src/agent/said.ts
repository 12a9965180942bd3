/** What scripts said of custom checkers, in the run directory: an agent that is restarted must not forget that one is down. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Said, SaidStore } from './operations.js';

export class SaidFile implements SaidStore {
  readonly #file: string;

  constructor(runDir: string) {
    this.#file = join(runDir, 'custom.json');
  }

  /** Nothing, where there is no file, or none that can be understood. */
  read(): Readonly<Record<string, Said>> {
    try {
      const entries = Object.entries(JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, Partial<Said>>);
      return Object.fromEntries(
        entries.flatMap(([name, { isUp, reason }]) =>
          typeof isUp === 'boolean' && typeof reason === 'string' ? [[name, { isUp, reason }]] : [],
        ),
      );
    } catch {
      return {};
    }
  }

  write(said: Readonly<Record<string, Said>>): void {
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(said)}\n`, { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

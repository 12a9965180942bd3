/**
 * When services were restarted, in the run directory: an agent that crashes, perhaps because of them, must not give each its `maxRestarts` anew.
 * Wall clock, since no other one goes on over a start. Bounded by what a service may have: 1000 restarts each.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RestartStore, RestartTimes } from '../services/contract.js';

const MOST_RESTARTS = 1000;

export class RestartFile implements RestartStore {
  readonly #file: string;
  readonly #replace: (path: string, text: string) => void;

  /** @param replace puts a text in the place of a file, whole or not at all. */
  constructor(runDir: string, replace: (path: string, text: string) => void) {
    this.#file = join(runDir, 'restarts.json');
    this.#replace = replace;
  }

  /** Nothing, where there is no file, or none that can be understood. */
  read(): RestartTimes {
    try {
      const { services } = JSON.parse(readFileSync(this.#file, 'utf8')) as { readonly services?: unknown };
      return Object.fromEntries(Object.entries(services as object).map(([name, times]) => [name, timesOf(times)]));
    } catch {
      return {};
    }
  }

  write(services: RestartTimes): void {
    this.#replace(this.#file, `${JSON.stringify({ version: 1, services })}\n`);
  }
}

function timesOf(value: unknown): readonly number[] {
  if (!Array.isArray(value)) return [];
  return value.filter((time): time is number => Number.isFinite(time)).slice(-MOST_RESTARTS);
}

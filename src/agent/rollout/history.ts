/**
 * The configs that were in force on this node, the last {@link HISTORY_LIMIT}, one JSON file each in the state directory. A full disk
 * costs the record, never the farm: what cannot be written stays in memory, and `writeError` says why.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ConfigEntry } from './revision.js';

export const HISTORY_LIMIT = 20;
const FOLDER = 'config-history';

const entrySchema = z.object({
  revision: z.int().min(0),
  hash: z.string(),
  supersedes: z.array(z.string()),
  text: z.string(),
  at: z.string(),
  by: z.string(),
  node: z.string(),
});

export class ConfigHistory {
  readonly #folder: string;
  readonly #replaceFile: (path: string, text: string) => void;
  #entries: ConfigEntry[];
  /** Why the last entry could not be written; empty when it could. */
  writeError = '';

  /** @param replaceFile writes a whole file, or throws and leaves the old one. */
  constructor(stateDir: string, replaceFile: (path: string, text: string) => void) {
    this.#folder = join(stateDir, FOLDER);
    this.#replaceFile = replaceFile;
    this.#entries = read(this.#folder);
  }

  /** By revision, the newest last. */
  entries(): readonly ConfigEntry[] {
    return this.#entries;
  }

  find(revision: number): ConfigEntry | null {
    return this.#entries.find((entry) => entry.revision === revision) ?? null;
  }

  /** The latest one with this text. */
  withHash(hash: string): ConfigEntry | null {
    return this.#entries.findLast((entry) => entry.hash === hash) ?? null;
  }

  /** The same revision again takes the place of the former. */
  add(entry: ConfigEntry): void {
    const others = this.#entries.filter(({ revision }) => revision !== entry.revision);
    const sorted = [...others, entry].sort((a, b) => a.revision - b.revision);
    const gone = sorted.slice(0, Math.max(0, sorted.length - HISTORY_LIMIT));
    this.#entries = sorted.slice(-HISTORY_LIMIT);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#replaceFile(this.#path(entry), `${JSON.stringify(entry)}\n`);
      for (const old of gone) rmSync(this.#path(old), { force: true });
      this.writeError = '';
    } catch (error) {
      this.writeError = `the history of configs is not written: ${String(error)}`;
    }
  }

  #path({ revision }: ConfigEntry): string {
    return join(this.#folder, `${revision}.json`);
  }
}

/** A file that a crash cut short is left out; the rest stands. */
function read(folder: string): ConfigEntry[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /^\d+\.json$/.test(name));
  } catch {
    return [];
  }
  const entries = names.flatMap((name) => {
    try {
      const parsed = entrySchema.safeParse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
  return entries.sort((a, b) => a.revision - b.revision).slice(-HISTORY_LIMIT);
}

/**
 * A node's incarnation: 52 bits, the upper 32 count, the lower 20 are random. It grows at each start and lapse, and is on the disk before
 * anything is sealed with it.
 *
 * The count begins at max(last one + 1, seconds since 2026-01-01): so it grows although /run was emptied by a reboot, as long as
 * there was no more than one start a second. Where the wall clock was set back as well, peers report the higher one heard before,
 * and membership goes above that.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Incarnation } from '../membership/messages.js';
import { isIncarnation } from '../wire/bounds.js';
import { replaceFile } from './private-file.js';

const FILE = 'incarnation';
const RANDOM_LIMIT = 2 ** 20;
const COUNT_LIMIT = 2 ** 32;
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** The incarnation could not be made to last: without it a restart might use it again. */
export class IncarnationError extends Error {
  override readonly name = 'IncarnationError';
}

export interface IncarnationOptions {
  /** Of the wall clock, ms since 1970; tests hand in another. */
  readonly wallMs?: () => number;
  /** Of 0..2^20-1. */
  readonly randomBits?: () => number;
}

/** The caller holds the run directory's lock, see incarnation-lock.ts. */
export class IncarnationStore {
  readonly #path: string;
  readonly #wallMs: () => number;
  readonly #randomBits: () => number;
  #last: Incarnation | null;
  /** Why the last incarnation is not known, for the log; empty when it is. A missing file is usual after a reboot. */
  readonly trouble: string;

  constructor(runDir: string, options: IncarnationOptions = {}) {
    this.#path = join(runDir, FILE);
    this.#wallMs = options.wallMs ?? Date.now;
    this.#randomBits = options.randomBits ?? (() => randomInt(RANDOM_LIMIT));
    const { last, trouble } = readLast(this.#path);
    this.#last = last;
    this.trouble = trouble;
  }

  /** The newest incarnation on the disk: all up to it are gone once this process holds the lock. Null: not known. */
  get last(): Incarnation | null {
    return this.#last;
  }

  /** Draws the next incarnation, above `above` too, and persists it. Throws {@link IncarnationError}. */
  next(above: Incarnation = 0): Incarnation {
    const counts = [this.#sinceEpoch(), countOf(this.#last ?? -1) + 1, countOf(above) + 1];
    const incarnation = Math.max(...counts) * RANDOM_LIMIT + this.#randomBits();
    this.persist(incarnation);
    return incarnation;
  }

  /** Persists an incarnation that membership drew. Throws {@link IncarnationError}, also for one that is not newer. */
  persist(incarnation: Incarnation): void {
    if (!isIncarnation(incarnation)) throw new IncarnationError(`${incarnation} is no incarnation (52 bits)`);
    if (this.#last !== null && incarnation <= this.#last) {
      throw new IncarnationError(`incarnation ${incarnation} is not newer than ${this.#last} in ${this.#path}`);
    }
    try {
      replaceFile(this.#path, `${incarnation}\n`);
    } catch (cause) {
      throw new IncarnationError(`incarnation not written to ${this.#path}: ${(cause as Error).message}`, { cause });
    }
    this.#last = incarnation;
  }

  #sinceEpoch(): number {
    const seconds = Math.floor((this.#wallMs() - EPOCH_MS) / 1000);
    // Half of the count is left for growth, whatever the wall clock says: it must not bring us to the end of the numbers.
    return Math.min(Math.max(seconds, 1), COUNT_LIMIT / 2);
  }
}

function countOf(incarnation: Incarnation): number {
  return Math.floor(incarnation / RANDOM_LIMIT);
}

function readLast(path: string): { readonly last: Incarnation | null; readonly trouble: string } {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      last: null,
      trouble: isMissing ? `${path} does not exist` : `${path} cannot be read: ${(error as Error).message}`,
    };
  }
  const last = /^\d{1,16}\n$/.test(text) ? Number(text) : Number.NaN;
  if (isIncarnation(last)) return { last, trouble: '' };
  return { last: null, trouble: `${path} is damaged` };
}

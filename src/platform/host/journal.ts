/** The journal: who prepared this host and how, written before the first change, so that `cleanup` knows what to look for. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from './process.js';

export const JOURNAL_VERSION = 1;

export interface Journal {
  readonly version: typeof JOURNAL_VERSION;
  readonly agent: ProcessIdentity;
  /** The nft child; null until it runs. */
  readonly guard: ProcessIdentity | null;
  /** Identity of the network namespace (target of /proc/self/ns/net): a journal of another one is not ours to act on. */
  readonly namespace: string;
  readonly interface: string;
  readonly table: string;
  readonly tun: string;
  readonly vips: readonly string[];
}

function journalPath(runDir: string): string {
  return join(runDir, 'host.json');
}

/** Replaced as a whole, so that a crash leaves the old or the new one. */
export async function writeJournal(runDir: string, journal: Journal): Promise<void> {
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const path = journalPath(runDir);
  try {
    await writeFile(`${path}.new`, `${JSON.stringify(journal)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (cause) {
    // write(2) fails without a path: a full disk must be named.
    throw new Error(`cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Null when there is none, or none that this version understands. Throws what else keeps it from being read, such as EACCES. */
export async function readJournal(runDir: string): Promise<Journal | null> {
  let text: string;
  try {
    text = await readFile(journalPath(runDir), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
  try {
    const journal = JSON.parse(text) as Journal;
    return journal.version === JOURNAL_VERSION ? journal : null;
  } catch {
    return null;
  }
}

export async function removeJournal(runDir: string): Promise<void> {
  await rm(journalPath(runDir), { force: true });
}

/** Replaces a file in two steps, so that whatever may fail (a full disk, a read-only directory) fails in the first one. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

export interface StagedFile {
  /** The new text takes the place of the old one, which stays beside it as `FILE.previous`. On an error the old one is as it was. */
  commit(): void;
  /** The new text is forgotten. Idempotent; nothing after `commit`. */
  abort(): void;
}

/** Writes `text` beside the file, onto the disk, with the file's owner and mode. Throws with a message for people; then nothing is left. */
export function stageFile(path: string, text: string): StagedFile {
  const target = realpathSync(path);
  const fresh = `${target}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  try {
    write(fresh, text, target);
  } catch (cause) {
    rmSync(fresh, { force: true });
    throw new Error(`cannot write beside ${target}: ${(cause as Error).message}`, { cause });
  }
  let isOver = false;
  return {
    commit() {
      if (isOver) return;
      isOver = true;
      keepPrevious(target);
      try {
        renameSync(fresh, target);
      } catch (cause) {
        rmSync(fresh, { force: true });
        throw new Error(`cannot replace ${target}: ${(cause as Error).message}`, { cause });
      }
      syncDirectory(dirname(target));
    },
    abort() {
      if (!isOver) rmSync(fresh, { force: true });
      isOver = true;
    },
  };
}

function write(fresh: string, text: string, like: string): void {
  const { mode, uid, gid } = statSync(like);
  const descriptor = openSync(fresh, 'wx', 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  // Only root may give a file away; another owner's file stays ours then, and as readable as it was.
  if (process.getuid?.() === 0) chownSync(fresh, uid, gid);
  chmodSync(fresh, mode & 0o7777);
}

/** By a hard link, which needs no room. A file system that has none keeps no previous copy; the history has the text. */
function keepPrevious(target: string): void {
  const previous = `${target}.previous`;
  const link = `${previous}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    linkSync(target, link);
    renameSync(link, previous);
    // Two names of one file: rename(2) does nothing then, and leaves both.
    rmSync(link, { force: true });
  } catch {
    rmSync(link, { force: true });
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Small files that a crash must not leave half written. */

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a file of mode 0600 that is on the disk when this returns. Throws EEXIST when it exists. */
export function createPrivateFile(path: string, text: string): void {
  createFile(path, text, 0o600);
}

/** Makes a file of this mode (less the umask) that is on the disk when this returns. Throws EEXIST when it exists. */
export function createFile(path: string, text: string, mode: number): void {
  const descriptor = openSync(path, 'wx', mode);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Puts a new file of mode 0600 in the place of `path`: readers see the old text or the new one, whole, and after a power loss too.
 * `prepare` may change the new file before it takes its place. On an error the old file is as it was.
 */
export function replaceFile(path: string, text: string, prepare: (fresh: string) => void = () => {}): void {
  const fresh = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  try {
    createPrivateFile(fresh, text);
    prepare(fresh);
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** A rename is on the disk only when its directory is. */
function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

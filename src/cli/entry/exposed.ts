/** What standard output is written to, where a secret goes that way. */
import { fstatSync, readlinkSync, statSync } from 'node:fs';
import type { ExposedFile } from '../parts.js';

const OTHERS = 0o077;

/** Null where the descriptor is no regular file, or its owner's alone. */
export function exposedFile(descriptor: number): ExposedFile | null {
  const status = fstatSync(descriptor);
  if (!status.isFile() || (status.mode & OTHERS) === 0) return null;
  return { path: nameOf(descriptor, status), mode: status.mode & 0o777 };
}

/** The kernel's name is that of the opening; another file may have it by now, or none (then it ends with " (deleted)"). */
function nameOf(descriptor: number, { dev, ino }: { readonly dev: number; readonly ino: number }): string | null {
  try {
    const path = readlinkSync(`/proc/self/fd/${descriptor}`);
    const named = statSync(path);
    return named.dev === dev && named.ino === ino ? path : null;
  } catch {
    return null;
  }
}

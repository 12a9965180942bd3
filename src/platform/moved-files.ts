/** Moves small private files from one directory into another one, which may be on another disk. */
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './private-file.js';

/** Names of what was moved, and of what stays where it was, since there is one of that name already. */
export interface Moved {
  readonly moved: readonly string[];
  readonly left: readonly string[];
}

/**
 * Each file is gone from `from` only when it is whole in `to`, so a crash in between costs nothing. What is no plain file is left alone.
 * Without a directory `from` there is nothing to do.
 */
export function moveFiles(from: string, to: string): Moved {
  if (lstatSync(from, { throwIfNoEntry: false })?.isDirectory() !== true) return { moved: [], left: [] };
  const names = readdirSync(from, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
  const moved = names.filter((name) => moveFile(join(from, name), join(to, name)));
  return { moved, left: names.filter((name) => !moved.includes(name)) };
}

function moveFile(from: string, to: string): boolean {
  const text = readFileSync(from, 'utf8');
  const there = lstatSync(to, { throwIfNoEntry: false });
  // Moved before, by one who was ended before it could remove the old one.
  const isSame = there?.isFile() === true && readFileSync(to, 'utf8') === text;
  if (there !== undefined && !isSame) return false;
  if (!isSame) replaceFile(to, text);
  rmSync(from);
  return true;
}

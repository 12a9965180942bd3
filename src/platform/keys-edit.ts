/** `covey keygen` and `covey keys list|add|use|remove`: changes of the key file, each a whole new file in the old one's place. */
import { randomBytes } from 'node:crypto';
import { chownSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { KeyId } from '../wire/seal.js';
import { FARM_KEY_BYTES, formatKeyId, keyIdOf } from './crypto.js';
import { type FarmKey, formatKey, formatKeyFile, KeyFileError, type KeySet, loadKeyFile, parseKey } from './keys.js';
import { createPrivateFile, replaceFile } from './private-file.js';

/** A new key as `covey keygen` prints it, with its line end: a whole key file. */
export function generateKey(): string {
  return `${formatKey(randomBytes(FARM_KEY_BYTES))}\n`;
}

/** Makes a key file with one new key, mode 0600. Throws {@link KeyFileError} when the file exists. */
export function createKeyFile(path: string): KeySet {
  try {
    createPrivateFile(path, generateKey());
    giveToDirectoryOwner(path);
  } catch (cause) {
    throw new KeyFileError(path, whyNotMade(path, cause as NodeJS.ErrnoException), { cause });
  }
  return loadKeyFile(path);
}

/** Root makes the key of an agent that is another user, in that user's directory: it must be able to read it. */
function giveToDirectoryOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid, mode } = statSync(dirname(path));
  const isForAll = (mode & 0o022) !== 0;
  if (uid !== 0 && !isForAll) chownSync(path, uid, gid);
}

function whyNotMade(path: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'EEXIST') return 'exists already, and is left as it is';
  if (code === 'ENOENT')
    return `cannot be made: there is no directory ${dirname(path)}; make it first: mkdir -p ${dirname(path)}`;
  if (code === 'EACCES') return `cannot be made: no permission to write to ${dirname(path)}; try: sudo`;
  return `cannot be made (${message})`;
}

/** Adds `text` (one key as `covey keygen` prints it), or a new key. It is valid at once, and active when `use` says so. */
export function addKey(path: string, text: string | null): FarmKey {
  const keys = loadKeyFile(path);
  const secret = text === null ? new Uint8Array(randomBytes(FARM_KEY_BYTES)) : parseKey(text.trim());
  if (secret === null)
    throw new KeyFileError(
      path,
      'what was to be added is no key; make one with: covey keygen FILE, and give that FILE',
    );
  const id = keyIdOf(secret);
  if (keys.some((key) => key.id === id)) throw new KeyFileError(path, `holds key ${formatKeyId(id)} already`);
  const added: FarmKey = { id, secret, isActive: false, isIdentity: false, isRetired: false };
  save(path, [...keys, added]);
  return added;
}

/** Seals with key `id` from now on. `check` may throw what others have against it, once nothing here is. */
export function useKey(path: string, id: KeyId, check: () => void = () => undefined): void {
  const keys = loadKeyFile(path);
  if (find(keys, id, path).isRetired) {
    throw new KeyFileError(path, `key ${formatKeyId(id)} is retired; add a new one with: covey keys add`);
  }
  check();
  save(
    path,
    keys.map((key) => ({ ...key, isActive: key.id === id })),
  );
}

/**
 * Takes key `id` away, so that nothing sealed by it is accepted. The identity key stays in the file as retired.
 * Refuses the active key, and one that a member in `usedBy` still seals with.
 */
export function removeKey(path: string, id: KeyId, usedBy: readonly string[] = []): void {
  const keys = loadKeyFile(path);
  const key = find(keys, id, path);
  const name = formatKeyId(id);
  if (key.isActive) throw new KeyFileError(path, `key ${name} is active; first choose another with: covey keys use ID`);
  if (key.isRetired)
    throw new KeyFileError(path, `key ${name} is retired, and stays: the farm's vMAC and hash come from it`);
  if (usedBy.length > 0) {
    throw new KeyFileError(path, `key ${name} is in use by ${usedBy.join(', ')}; there first type: covey keys use ID`);
  }
  const rest = keys.filter((other) => other.id !== id || other.isIdentity);
  save(
    path,
    rest.map((other) => (other.id === id ? { ...other, isRetired: true } : other)),
  );
}

/** A key's id as people type it: 8 hex digits, or the beginning of one that is unique in the file. */
export function findKeyId(path: string, text: string): KeyId {
  const wanted = text.toLowerCase();
  const found = loadKeyFile(path).filter(({ id }) => wanted !== '' && formatKeyId(id).startsWith(wanted));
  if (found.length === 1) return found[0]!.id;
  throw new KeyFileError(
    path,
    `${found.length === 0 ? 'no key' : 'more than one key'} "${text}"; see: covey keys list`,
  );
}

function find(keys: KeySet, id: KeyId, path: string): FarmKey {
  const key = keys.find((candidate) => candidate.id === id);
  if (key === undefined) throw new KeyFileError(path, `no key ${formatKeyId(id)}; see: covey keys list`);
  return key;
}

/** Behind a symbolic link the file itself is replaced; its owner stays. */
function save(path: string, keys: KeySet): void {
  try {
    const file = realpathSync(path);
    const { uid, gid } = statSync(file);
    replaceFile(file, formatKeyFile(keys), (fresh) => {
      if (process.getuid?.() === 0) chownSync(fresh, uid, gid);
    });
  } catch (cause) {
    throw new KeyFileError(path, `cannot be replaced, and is as it was (${(cause as Error).message})`, { cause });
  }
}

/**
 * The key file: what makes a host a member of the farm. Text, mode 0600, the same on every node:
 *
 *     # comments and empty lines are free
 *     covey-key-1:<base64 of 32 bytes> active identity
 *     covey-key-1:<base64 of 32 bytes>
 *
 * | mark | meaning |
 * |---|---|
 * | active | seals what this node sends; without a mark, the only key that is not retired |
 * | identity | what the farm's vMAC, hash seed and id come from, so that rotation changes none of them; without a mark, the first key |
 * | retired | kept as identity alone: opens nothing, seals nothing |
 *
 * Rotation, on all nodes each: `keys add`, then `keys use`, then `keys remove`. Two keys may be valid at once.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { KeyId } from '../wire/seal.js';
import { FARM_KEY_BYTES, type FarmIdentity, FarmKeyring, farmIdentity, formatKeyId, keyIdOf } from './crypto.js';

const PREFIX = 'covey-key-1:';
const MAX_FILE_BYTES = 65_536;
const MARKS = ['active', 'identity', 'retired'] as const;
type Mark = (typeof MARKS)[number];

export interface FarmKey {
  readonly id: KeyId;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  readonly isActive: boolean;
  readonly isIdentity: boolean;
  readonly isRetired: boolean;
}

/** The keys of one file: exactly one is active, exactly one the identity, no two have one id. */
export type KeySet = readonly FarmKey[];

/** The key file cannot be used; the message says what to type. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`key file ${path}: ${message}`, options);
    this.path = path;
  }
}

/** Reads and checks the file. Throws {@link KeyFileError}, never with a key in its message. */
export function loadKeyFile(path: string): KeySet {
  return parseKeyFile(readPrivate(path), path);
}

export function keyringOf(keys: KeySet): FarmKeyring {
  const valid = keys.filter(({ isRetired }) => !isRetired);
  return new FarmKeyring(
    valid.map(({ secret }) => secret),
    valid.find(({ isActive }) => isActive)!.id,
  );
}

export function identityOf(keys: KeySet, farm: string): FarmIdentity {
  return farmIdentity(keys.find(({ isIdentity }) => isIdentity)!.secret, farm);
}

/** One key as text, without a line end. Throws {@link RangeError} unless it has 32 bytes. */
export function formatKey(secret: Uint8Array): string {
  if (secret.length !== FARM_KEY_BYTES) throw new RangeError(`a key has ${FARM_KEY_BYTES} bytes, not ${secret.length}`);
  return PREFIX + Buffer.from(secret).toString('base64');
}

/** The 32 bytes of a key as {@link formatKey} writes it, or null. */
export function parseKey(text: string): Uint8Array | null {
  if (!text.startsWith(PREFIX)) return null;
  const secret = Buffer.from(text.slice(PREFIX.length), 'base64');
  // Node's decoder skips what is no base64; only the text that the bytes give again is taken.
  return secret.length === FARM_KEY_BYTES && formatKey(secret) === text ? new Uint8Array(secret) : null;
}

export function formatKeyFile(keys: KeySet): string {
  const marks = (key: FarmKey) =>
    [key.isActive && ' active', key.isIdentity && ' identity', key.isRetired && ' retired'].filter(Boolean).join('');
  return keys.map((key) => `${formatKey(key.secret)}${marks(key)}\n`).join('');
}

/** Throws {@link KeyFileError}, which names the line. */
export function parseKeyFile(text: string, path: string): KeySet {
  const lines = text
    .split('\n')
    .map((line, index) => ({ words: line.replace(/#.*/, '').trim().split(/\s+/), number: index + 1 }));
  const rows = lines.filter(({ words }) => words[0] !== '').map(({ words, number }) => parseLine(words, number, path));
  if (rows.length === 0) throw new KeyFileError(path, 'holds no key; make another file with: covey keygen FILE');
  const valid = rows.filter(({ marks }) => !marks.includes('retired'));
  const active = only(valid, 'active', path) ?? (valid.length === 1 ? valid[0]! : null);
  if (active === null)
    throw new KeyFileError(path, 'exactly one key must be marked "active"; choose with: covey keys use ID');
  const identity = only(rows, 'identity', path) ?? rows[0]!;
  if (new Set(rows.map(({ id }) => id)).size < rows.length) throw new KeyFileError(path, 'holds one key twice');
  return rows.map((row) => ({
    id: row.id,
    secret: row.secret,
    isActive: row === active,
    isIdentity: row === identity,
    isRetired: row.marks.includes('retired'),
  }));
}

interface Row {
  readonly id: KeyId;
  readonly secret: Uint8Array;
  readonly marks: readonly Mark[];
}

function parseLine(words: readonly string[], line: number, path: string): Row {
  const secret = parseKey(words[0]!);
  if (secret === null) {
    throw new KeyFileError(
      path,
      `line ${line} is no key ("${PREFIX}" and base64 of 32 bytes); make another file with: covey keygen FILE`,
    );
  }
  const marks = words.slice(1);
  const unknown = marks.find((mark) => !MARKS.some((name) => name === mark));
  if (unknown !== undefined) throw new KeyFileError(path, `line ${line}: unknown mark; known are ${MARKS.join(', ')}`);
  if (marks.includes('active') && marks.includes('retired')) {
    throw new KeyFileError(path, `line ${line}: a retired key cannot be active`);
  }
  return { id: keyIdOf(secret), secret, marks: marks as readonly Mark[] };
}

function only(rows: readonly Row[], mark: Mark, path: string): Row | null {
  const marked = rows.filter(({ marks }) => marks.includes(mark));
  if (marked.length > 1) {
    throw new KeyFileError(
      path,
      `${marked.length} keys are marked "${mark}": ${marked.map(({ id }) => formatKeyId(id)).join(', ')}`,
    );
  }
  return marked[0] ?? null;
}

/** The mode is asked of the open file, so that the file checked is the file read. */
function readPrivate(path: string): string {
  let descriptor: number;
  try {
    // A FIFO would else wait for somebody who writes.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing) throw new KeyFileError(path, `does not exist; make one with: covey keygen ${path}`, { cause });
    const hint = `try: sudo; an agent with a user of its own must own it, as in: chown covey ${path}`;
    throw new KeyFileError(path, `cannot be read (${(cause as Error).message}); ${hint}`, { cause });
  }
  try {
    const status = fstatSync(descriptor);
    const { mode, size } = status;
    if (!status.isFile()) throw new KeyFileError(path, 'is no file; name the key file itself');
    if (size > MAX_FILE_BYTES) throw new KeyFileError(path, `${size} bytes are no key file`);
    const text = readFileSync(descriptor, 'utf8');
    // Only a key file is told to be made private: another one was named by mistake, and must stay as it is.
    if ((mode & 0o077) !== 0 && text.includes(PREFIX)) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new KeyFileError(path, `others may read or change it (mode ${octal}); type: chmod 0600 ${path}`);
    }
    return text;
  } catch (cause) {
    if (cause instanceof KeyFileError) throw cause;
    throw new KeyFileError(path, `cannot be read (${(cause as Error).message})`, { cause });
  } finally {
    closeSync(descriptor);
  }
}

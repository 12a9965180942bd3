/** The bytes of an invite's exchange, and its keys; see contract.ts. */
import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomInt,
} from 'node:crypto';
import { chaChaAead, deriveSalted } from '../crypto.js';

const MAGIC = Buffer.from('COVEYJ01');
const NONCE_BYTES = 16;
const PUBLIC_BYTES = 32;
export const HELLO_BYTES = MAGIC.length + NONCE_BYTES + PUBLIC_BYTES;

/** Crockford's base32: no I, L, O, U, which are mistaken for others. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SYMBOLS = 28;
const GROUP = 4;
/** The DER frame of an X25519 public key (RFC 8410), before its 32 bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/** 140 random bits, in groups that people can read out: `7K2M-...`. */
export function newCode(): string {
  const symbols = Array.from({ length: SYMBOLS }, () => ALPHABET[randomInt(ALPHABET.length)]!).join('');
  return symbols.match(new RegExp(`.{${GROUP}}`, 'g'))!.join('-');
}

/** The bytes of a code as people type it: any case, with or without dashes and spaces. Null: it is none. */
export function codeBytes(typed: string): Uint8Array | null {
  const symbols = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  const isCode = symbols.length === SYMBOLS && [...symbols].every((symbol) => ALPHABET.includes(symbol));
  return isCode ? new TextEncoder().encode(symbols) : null;
}

/** One side's hello, and the key that only it has. */
export interface Hello {
  readonly bytes: Uint8Array;
  readonly secret: KeyObject;
}

export function newHello(): Hello {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length);
  return { bytes: Buffer.concat([MAGIC, randomBytes(NONCE_BYTES), raw]), secret: privateKey };
}

export const isHello = (bytes: Uint8Array) =>
  bytes.length === HELLO_BYTES && Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) === 0;

/** Keys of one exchange. Throws for a public key that makes no secret (all zeros, say). */
export function exchangeKeys(
  code: Uint8Array,
  own: Hello,
  newcomerHello: Uint8Array,
  memberHello: Uint8Array,
): { readonly request: Uint8Array; readonly answer: Uint8Array } {
  const other = Buffer.compare(own.bytes, newcomerHello) === 0 ? memberHello : newcomerHello;
  const spki = Buffer.concat([SPKI_PREFIX, other.subarray(HELLO_BYTES - PUBLIC_BYTES)]);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const shared = diffieHellman({ privateKey: own.secret, publicKey });
  const salt = Buffer.concat([newcomerHello, memberHello]);
  const material = deriveSalted(Buffer.concat([code, shared]), salt, 'covey invite', 64);
  return { request: material.slice(0, 32), answer: material.slice(32) };
}

/** Each key seals one message only. */
const NONCE = new Uint8Array(12);
const NOTHING = new Uint8Array(0);

export function sealOnce(key: Uint8Array, value: object): Uint8Array {
  return chaChaAead.seal(key, NONCE, NOTHING, Buffer.from(JSON.stringify(value)));
}

/** Null: it was not sealed with this key. */
export function openOnce(key: Uint8Array, sealed: Uint8Array): unknown {
  const plain = chaChaAead.open(key, NONCE, NOTHING, sealed);
  return plain === null ? null : (JSON.parse(Buffer.from(plain).toString('utf8')) as unknown);
}

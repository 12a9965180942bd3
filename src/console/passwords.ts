/** Passwords by scrypt (RFC 7914), and random secrets. */
import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { Semaphore } from 'async-mutex';

/** 32 MiB and about 100 ms each: what a stolen file costs its thief. */
const COST = { N: 32_768, r: 8, p: 1 } as const;
type Cost = { readonly N: number; readonly r: number; readonly p: number };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** More at once would let a crowd of log-ins take the host's memory. */
const AT_ONCE = new Semaphore(2);
/** Letters and digits that are not mistaken for each other when read aloud. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

export const SHORTEST_PASSWORD = 10;

/** `scrypt$N$r$p$salt$key`, salt and key in base64url. */
export async function hashPassword(password: string, cost: Cost = COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const { N, r, p } = cost;
  const key = await derive(password, salt, cost);
  return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** False, too, for a hash that is none. Takes the same time whether the name is known or not: pass {@link NO_HASH} then. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [kind, N, r, p, salt, key] = hash.split('$');
  if (kind !== 'scrypt' || salt === undefined || key === undefined) return false;
  const expected = Buffer.from(key, 'base64url');
  const found = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) });
  return expected.length === found.length && timingSafeEqual(expected, found);
}

/** Of no password. */
export const NO_HASH = `scrypt$${COST.N}$${COST.r}$${COST.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

function derive(password: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  const options = { ...cost, maxmem: 64 << 20 };
  return AT_ONCE.runExclusive(
    () =>
      new Promise<Buffer>((done, failed) => {
        scrypt(password.normalize('NFKC'), salt, KEY_BYTES, options, (error, key) =>
          error === null ? done(key) : failed(error),
        );
      }),
  );
}

/** For people, 80 bits: `k3mq-...`. */
export function randomPassword(): string {
  const letters = Array.from({ length: 16 }, () => ALPHABET[uniform(ALPHABET.length)]!);
  return [0, 4, 8, 12].map((at) => letters.slice(at, at + 4).join('')).join('-');
}

function uniform(below: number): number {
  for (;;) {
    const byte = randomBytes(1)[0]!;
    if (byte < 256 - (256 % below)) return byte % below;
  }
}

export const randomToken = () => randomBytes(32).toString('base64url');

/** Of a random token, which needs no salt and no slow hash. */
export const tokenHash = (token: string) => createHash('sha256').update(token).digest('base64url');

export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(tokenHash(a)), Buffer.from(tokenHash(b))];
  return timingSafeEqual(left, right);
}

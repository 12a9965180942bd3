/** The ciphers of the seal by node:crypto, and the keys that are derived from a farm key. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { NodeName } from '../membership/messages.js';
import { type Aead, type KeyId, type Keyring, TAG_BYTES } from '../wire/seal.js';

const CIPHER = 'chacha20-poly1305';
const SALT = 'covey v1';
export const FARM_KEY_BYTES = 32;
/** Members of a farm, twice: names come from outside, and each new one costs a derivation. */
const MAX_CACHED_KEYS = 128;

/** ChaCha20-Poly1305 (RFC 8439). */
export const chaChaAead: Aead = {
  seal(key, nonce, associated, plain) {
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associated, { plaintextLength: plain.length });
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  },
  open(key, nonce, associated, sealed) {
    const end = sealed.length - TAG_BYTES;
    if (end < 0) return null;
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated, { plaintextLength: end });
    decipher.setAuthTag(sealed.subarray(end));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
    } catch {
      // final() throws when the tag does not match; there is no other cause, and no more to say.
      return null;
    }
  },
};

/** HKDF-SHA256 (RFC 5869) with Covey's salt. */
export function derive(key: Uint8Array, info: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, SALT, info, bytes));
}

/** HKDF-SHA256 with a salt of the caller's: for keys of one session. */
export function deriveSalted(key: Uint8Array, salt: Uint8Array, info: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, info, bytes));
}

export function hmacSha256(key: Uint8Array, ...pieces: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key);
  for (const piece of pieces) hmac.update(piece);
  return hmac.digest();
}

export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A key's short name: it tells nothing about the key, and two keys hardly ever share one (1 in 2^32). */
export function keyIdOf(key: Uint8Array): KeyId {
  return new DataView(derive(key, 'key-id', 4).buffer).getUint32(0);
}

/** As shown to people and typed by them: 8 hex digits. */
export function formatKeyId(id: KeyId): string {
  return id.toString(16).padStart(8, '0');
}

/** What a farm is known by: the same on all nodes, and unchanged by key rotation (it comes from the identity key). */
export interface FarmIdentity {
  /** Seed of the bucket hash's FNV offset basis, uint32. */
  readonly hashSeed: number;
  /** 6 bytes, locally administered, unicast. */
  readonly vmac: Uint8Array;
  /** 6 bytes: what probes are addressed to, never the live vMAC. */
  readonly probeVmac: Uint8Array;
  /** 32 bytes: what probes are authenticated with. */
  readonly probeKey: Uint8Array;
  /** 8 bytes, in the clear in each datagram. */
  readonly farmId: Uint8Array;
}

export function farmIdentity(identityKey: Uint8Array, farm: string): FarmIdentity {
  const mac = (info: string) => Uint8Array.of(0x02, ...derive(identityKey, info, 5));
  return {
    hashSeed: new DataView(derive(identityKey, 'hash', 4).buffer).getUint32(0),
    vmac: mac(`vmac:${farm}`),
    probeVmac: mac(`probe-vmac:${farm}`),
    probeKey: derive(identityKey, `probe-key:${farm}`, 32),
    farmId: derive(identityKey, `farm:${farm}`, 8),
  };
}

/** The farm's valid keys, for datagrams (a key per sender) and for links. */
export class FarmKeyring implements Keyring {
  readonly activeId: KeyId;
  readonly #keys: ReadonlyMap<KeyId, Uint8Array>;
  /** In order of last use. */
  readonly #derived = new Map<string, Uint8Array>();

  /** Throws {@link RangeError} when the active key is not among `keys`. */
  constructor(keys: Iterable<Uint8Array>, activeId: KeyId) {
    this.#keys = new Map([...keys].map((key) => [keyIdOf(key), key]));
    if (!this.#keys.has(activeId)) throw new RangeError(`no key ${formatKeyId(activeId)} among the farm's keys`);
    this.activeId = activeId;
  }

  get ids(): readonly KeyId[] {
    return [...this.#keys.keys()];
  }

  senderKey(id: KeyId, sender: NodeName): Uint8Array | null {
    return this.#derive(id, `seal:${sender}`);
  }

  /** What both ends of a link prove that they have; null: no such key. */
  linkKey(id: KeyId): Uint8Array | null {
    return this.#derive(id, 'link');
  }

  #derive(id: KeyId, info: string): Uint8Array | null {
    const farmKey = this.#keys.get(id);
    if (farmKey === undefined) return null;
    const name = `${id} ${info}`;
    const key = this.#derived.get(name) ?? derive(farmKey, info, 32);
    this.#derived.delete(name);
    this.#derived.set(name, key);
    if (this.#derived.size > MAX_CACHED_KEYS) this.#derived.delete(this.#derived.keys().next().value!);
    return key;
  }
}

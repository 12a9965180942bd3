import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chaChaAead, derive, FarmKeyring, formatKeyId, keyIdOf } from '../../../src/platform/crypto.js';
import {
  formatKey,
  identityOf,
  KeyFileError,
  keyringOf,
  loadKeyFile,
  parseKey,
  parseKeyFile,
} from '../../../src/platform/keys.js';
import { addKey, createKeyFile, findKeyId, generateKey, removeKey, useKey } from '../../../src/platform/keys-edit.js';

const A = new Uint8Array(32).fill(1);
const B = new Uint8Array(32).fill(2);
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-keys-'));
  path = join(directory, 'farm.key');
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (text: string, mode = 0o600) => {
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
};
const parse = (text: string) => parseKeyFile(text, 'k');
const seen = () =>
  loadKeyFile(path).map((key) => ({ id: key.id, a: key.isActive, i: key.isIdentity, r: key.isRetired }));

describe('the key file', () => {
  it('as keygen prints it is one line, and a whole file', () => {
    const text = generateKey();
    expect(text).toMatch(/^covey-key-1:[A-Za-z0-9+/]{43}=\n$/);
    expect(parse(text)).toMatchObject([{ isActive: true, isIdentity: true, isRetired: false }]);
    expect(generateKey()).not.toBe(text);
  });

  it('may have comments, several keys and marks', () => {
    const text = `# farm web\n\n${formatKey(A)} identity # the first\r\n  ${formatKey(B)}\tactive\n`;
    expect(parse(text)).toEqual([
      { id: keyIdOf(A), secret: A, isActive: false, isIdentity: true, isRetired: false },
      { id: keyIdOf(B), secret: B, isActive: true, isIdentity: false, isRetired: false },
    ]);
  });

  it.each([
    ['nothing', '', 'keygen'],
    ['only comments', '# x\n', 'keygen'],
    ['another prefix', 'covey-key-2:AAAA\n', 'line 1'],
    ['a short key', `covey-key-1:${Buffer.alloc(31).toString('base64')}\n`, 'line 1'],
    ['base64 with a hole', `${formatKey(A).slice(0, -5)}*aaaa\n`, 'line 1'],
    ['an unknown mark', `${formatKey(A)} main\n`, 'unknown mark'],
    ['two keys, none active', `${formatKey(A)}\n${formatKey(B)}\n`, 'active'],
    ['two active keys', `${formatKey(A)} active\n${formatKey(B)} active\n`, 'active'],
    ['two identities', `${formatKey(A)} active identity\n${formatKey(B)} identity\n`, 'identity'],
    ['one key twice', `${formatKey(A)} active\n${formatKey(A)}\n`, 'twice'],
    ['a retired key that is active', `${formatKey(A)} active retired\n`, 'retired'],
    ['retired keys alone', `${formatKey(A)} retired\n`, 'active'],
  ])('with %s is refused', (_, text, says) => {
    expect(() => parse(text)).toThrow(KeyFileError);
    expect(() => parse(text)).toThrow(says);
  });

  it('never shows a key in a message', () => {
    const secret = Buffer.from(A).toString('base64').slice(0, 43);
    expect(() => parse(`${secret}\n`)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(secret) }),
    );
  });

  it.each([0o640, 0o604, 0o620, 0o601, 0o666])('of mode %o is refused, and told how to mend it', (mode) => {
    write(generateKey(), mode);
    expect(() => loadKeyFile(path)).toThrow(`chmod 0600 ${path}`);
    // Named by mistake: it must not be told to be made private.
    write('root:x:0:0:root:/root:/bin/sh\n', 0o644);
    expect(() => loadKeyFile(path)).toThrow(/line 1 is no key .*covey keygen FILE/);
    expect(() => loadKeyFile(directory)).toThrow('is no file');
  });

  it('that is missing, or a directory, says what to do', () => {
    expect(() => loadKeyFile(path)).toThrow(`covey keygen ${path}`);
    chmodSync(directory, 0o700);
    expect(() => loadKeyFile(directory)).toThrow(KeyFileError);
    // Waits for nobody who writes.
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect(() => loadKeyFile(fifo)).toThrow('is no file');
  });

  it('is made once, 0600', () => {
    createKeyFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const before = readFileSync(path, 'utf8');
    expect(() => createKeyFile(path)).toThrow('exists already');
    const lost = join(directory, 'none', 'farm.key');
    expect(() => createKeyFile(lost)).toThrow(`key file ${lost}: cannot be made: there is no directory`);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});

describe('rotation', () => {
  beforeEach(() => write(`${formatKey(A)}\n`));
  const [idA, idB] = [keyIdOf(A), keyIdOf(B)];

  it('add, use, remove: the identity stays, the old key opens nothing', () => {
    const identity = identityOf(loadKeyFile(path), 'web');
    expect(addKey(path, formatKey(B)).id).toBe(idB);
    expect(seen()).toEqual([
      { id: idA, a: true, i: true, r: false },
      { id: idB, a: false, i: false, r: false },
    ]);
    useKey(path, idB);
    expect(keyringOf(loadKeyFile(path)).activeId).toBe(idB);
    removeKey(path, idA);
    expect(seen()).toEqual([
      { id: idA, a: false, i: true, r: true },
      { id: idB, a: true, i: false, r: false },
    ]);
    expect(keyringOf(loadKeyFile(path)).senderKey(idA, 'n1')).toBeNull();
    expect(identityOf(loadKeyFile(path), 'web')).toEqual(identity);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['farm.key']);
  });

  it('a second rotation leaves nothing of the middle key', () => {
    addKey(path, formatKey(B));
    useKey(path, idB);
    removeKey(path, idA);
    const c = addKey(path, null);
    useKey(path, c.id);
    removeKey(path, idB);
    expect(seen().map(({ id }) => id)).toEqual([idA, c.id]);
  });

  it('refuses to remove the active key, one in use, the retired one; to use a retired one; to add one twice', () => {
    expect(() => removeKey(path, idA)).toThrow('covey keys use');
    addKey(path, formatKey(B));
    expect(() => removeKey(path, idB, ['n2', 'n3'])).toThrow('in use by n2, n3');
    expect(() => addKey(path, formatKey(A))).toThrow('already');
    expect(() => addKey(path, 'nonsense')).toThrow('no key');
    expect(() => removeKey(path, 5)).toThrow('covey keys list');
    useKey(path, idB);
    removeKey(path, idA);
    expect(() => removeKey(path, idA)).toThrow('stays');
    expect(() => useKey(path, idA)).toThrow('retired');
  });

  it('finds keys by the beginning of their id', () => {
    addKey(path, formatKey(B));
    expect(findKeyId(path, formatKeyId(idB))).toBe(idB);
    expect(findKeyId(path, formatKeyId(idA).slice(0, 6).toUpperCase())).toBe(idA);
    expect(() => findKeyId(path, '')).toThrow('no key');
    expect(() => findKeyId(path, 'zz')).toThrow('no key');
  });

  it('goes through a symbolic link to the file', () => {
    const link = join(directory, 'link.key');
    symlinkSync(path, link);
    addKey(link, formatKey(B));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(seen()).toHaveLength(2);
  });
});

describe('derivations', () => {
  /** HKDF-SHA256 by RFC 5869, written out. */
  function oracle(key: Uint8Array, info: string, bytes: number): string {
    const hmac = (by: Uint8Array, ...data: (Uint8Array | string)[]) => {
      const mac = createHmac('sha256', by);
      for (const piece of data) mac.update(piece);
      return mac.digest();
    };
    const extracted = hmac(Buffer.from('covey v1'), key);
    return hmac(extracted, info, Uint8Array.of(1)).subarray(0, bytes).toString('hex');
  }
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

  it('are HKDF-SHA256 with the named infos', () => {
    const identity = identityOf(parse(formatKey(A)), 'web');
    expect(identity.hashSeed.toString(16).padStart(8, '0')).toBe(oracle(A, 'hash', 4));
    expect(hex(identity.vmac)).toBe(`02${oracle(A, 'vmac:web', 5)}`);
    expect(hex(identity.probeVmac)).toBe(`02${oracle(A, 'probe-vmac:web', 5)}`);
    expect(hex(identity.farmId)).toBe(oracle(A, 'farm:web', 8));
    expect(hex(keyringOf(parse(formatKey(A))).senderKey(keyIdOf(A), 'n1')!)).toBe(oracle(A, 'seal:n1', 32));
  });

  it('are fixed: all nodes must agree', () => {
    expect(hex(derive(A, 'hash', 4))).toMatchInlineSnapshot(`"77981420"`);
    expect(formatKeyId(keyIdOf(A))).toMatchInlineSnapshot(`"8ca995f2"`);
  });

  it('a keyring gives the same key again after many other names', () => {
    const keyring = new FarmKeyring([A], keyIdOf(A));
    const first = keyring.senderKey(keyIdOf(A), 'n1')!;
    for (let i = 0; i < 1000; i++) keyring.senderKey(keyIdOf(A), `x${i}`);
    expect(keyring.senderKey(keyIdOf(A), 'n1')).toEqual(first);
    expect(keyring.senderKey(keyIdOf(A), 'n2')).not.toEqual(first);
    expect(() => new FarmKeyring([A], keyIdOf(B))).toThrow(RangeError);
  });

  it('parseKey takes what formatKey gives, and nothing near it', () => {
    expect(parseKey(formatKey(A))).toEqual(A);
    expect(parseKey(`${formatKey(A)}=`)).toBeNull();
    expect(parseKey(` ${formatKey(A)}`)).toBeNull();
  });
});

describe('the cipher', () => {
  /** RFC 8439, section 2.8.2. */
  it('is ChaCha20-Poly1305', () => {
    const bytes = (hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex');
    const key = bytes('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
    const nonce = bytes('070000004041424344454647');
    const associated = bytes('50515253c0c1c2c3c4c5c6c7');
    const plain = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = chaChaAead.seal(key, nonce, associated, plain);
    expect(Buffer.from(sealed.subarray(0, 16)).toString('hex')).toBe('d31a8d34648e60db7b86afbc53ef7ec2');
    expect(Buffer.from(sealed.subarray(-16)).toString('hex')).toBe('1ae10b594f09e26a7e902ecbd0600691');
    expect(chaChaAead.open(key, nonce, associated, sealed)).toEqual(plain);
    expect(chaChaAead.open(key, nonce, associated, sealed.subarray(0, 15))).toBeNull();
    expect(chaChaAead.open(key, nonce, new Uint8Array(0), sealed)).toBeNull();
  });
});

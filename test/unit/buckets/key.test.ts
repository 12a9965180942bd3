import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../../src/buckets/address.js';
import { type Affinity, KEY_BYTES } from '../../../src/buckets/contract.js';
import { bucketOfHash, hash32 } from '../../../src/buckets/hash.js';
import { bucketOfKey, decodeKey, encodeKey, encodeKeyInto, hashInputOf } from '../../../src/buckets/key.js';

const V4 = Uint8Array.of(10, 77, 1, 100);
const V6 = parseAddress('2001:db8:1:2:3:4:5:6')!;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const addresses = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
const affinities = fc.constantFrom<Affinity>('client', 'connection', 'network');
const ports = fc.nat(65535);

describe('key records', () => {
  test('have the layout of the contract', () => {
    expect(hex(encodeKey(3, 'client', V4, 40000))).toBe('0300000000000000000000000000ffff0a4d0164');
    expect(hex(encodeKey(0, 'connection', V4, 0x9c40))).toBe('00019c4000000000000000000000ffff0a4d0164');
    expect(hex(encodeKey(7, 'network', V4, 1))).toBe('0702000000000000000000000000ffff0a4d0100');
    expect(hex(encodeKey(1, 'connection', V6, 443))).toBe('010501bb20010db8000100020003000400050006');
    expect(hex(encodeKey(1, 'network', V6, 443))).toBe('0106000020010db8000100020000000000000000');
  });

  test('hash the address or prefix, then the port', () => {
    expect(hex(hashInputOf(encodeKey(5, 'client', V4, 9)))).toBe('0a4d0164');
    expect(hex(hashInputOf(encodeKey(5, 'connection', V4, 9)))).toBe('0a4d01640009');
    expect(hex(hashInputOf(encodeKey(5, 'network', V4, 9)))).toBe('0a4d01');
    expect(hex(hashInputOf(encodeKey(5, 'client', V6, 9)))).toBe('20010db8000100020003000400050006');
    expect(hex(hashInputOf(encodeKey(5, 'connection', V6, 9)))).toBe('20010db80001000200030004000500060009');
    expect(hex(hashInputOf(encodeKey(5, 'network', V6, 9)))).toBe('20010db800010002');
  });

  test('decode to what was encoded', () => {
    fc.assert(
      fc.property(fc.nat(7), affinities, addresses, ports, (plan, affinity, address, port) => {
        const record = encodeKey(plan, affinity, address, port);
        const key = decodeKey(record)!;
        expect([key.plan, key.affinity, key.port]).toEqual([plan, affinity, affinity === 'connection' ? port : 0]);
        const network = address.length === 4 ? 3 : 8;
        const kept = affinity === 'network' ? network : address.length;
        expect(key.address).toEqual(Uint8Array.from(address, (byte, i) => (i < kept ? byte : 0)));
        expect(encodeKey(key.plan, key.affinity, key.address, key.port)).toEqual(record);
      }),
    );
  });

  test('the bucket follows from the hash input alone, whatever the plan', () => {
    fc.assert(
      fc.property(affinities, addresses, ports, fc.nat(0xffffffff), (affinity, address, port, seed) => {
        const [first, second] = [encodeKey(0, affinity, address, port), encodeKey(7, affinity, address, port)];
        const expected = bucketOfHash(hash32(seed, hashInputOf(first)), 4096);
        expect([bucketOfKey(seed, first, 0, 4096), bucketOfKey(seed, second, 0, 4096)]).toEqual([expected, expected]);
        expect(bucketOfKey(seed, first, 0, 64)).toBe(expected % 64);
      }),
    );
  });

  test('are written and read at an offset, and overwrite what was there', () => {
    const bytes = new Uint8Array(2 * KEY_BYTES).fill(0xaa);
    encodeKeyInto(bytes, KEY_BYTES, 2, 'client', false, Uint8Array.of(9, 9, ...V4), 2, 77);
    expect(bytes.subarray(KEY_BYTES)).toEqual(encodeKey(2, 'client', V4, 0));
    expect(bytes.subarray(0, KEY_BYTES)).toEqual(new Uint8Array(KEY_BYTES).fill(0xaa));
    expect(decodeKey(bytes, KEY_BYTES)).toEqual({ plan: 2, affinity: 'client', port: 0, address: V4 });
  });

  test('what is no record decodes to null', () => {
    const good = encodeKey(0, 'client', V4, 0);
    expect(decodeKey(good.subarray(1))).toBeNull();
    expect(decodeKey(Uint8Array.from(good, (byte, i) => (i === 1 ? 3 : byte)))).toBeNull();
    expect(decodeKey(Uint8Array.from(good, (byte, i) => (i === 1 ? 8 : byte)))).toBeNull();
    expect(decodeKey(Uint8Array.from(good, (byte, i) => (i === 15 ? 0 : byte)))).toBeNull();
    expect(() => encodeKey(0, 'client', new Uint8Array(5), 0)).toThrow(RangeError);
  });
});

describe('addresses', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['10.77.0.50', '10.77.0.50'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['FD77::50', 'fd77::50'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('%s reads as %s', (text, canonical) => {
    expect(formatAddress(parseAddress(text)!)).toBe(canonical);
  });

  test.each([
    '',
    '10.0.0',
    '10.0.0.1.2',
    '10.0.0.256',
    '10.0.0.01',
    '10.0.0.-1',
    ' 10.0.0.1',
    '10.0.0.1/24',
    '1e1.0.0.0',
  ])('no IPv4: "%s"', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test.each([
    ':',
    ':::',
    '1',
    '1:2',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::12345',
    '::g',
    'fe80::1%eth0',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '::1/64',
    '1:2:3:4:5:6:7:1.2.3.4',
    ':1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:',
  ])('no IPv6: "%s"', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test('format and parse are inverse', () => {
    // Few values, so that runs of zeros of every length and place come up.
    const sparse = fc
      .array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 })
      .map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(fc.oneof(addresses, sparse), (address) => {
        expect(parseAddress(formatAddress(address))).toEqual(Uint8Array.from(address));
      }),
    );
    expect(() => formatAddress(new Uint8Array(6))).toThrow(RangeError);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bucketOfHash, fmix32, HASH_VERSION, hash32 } from '../../../src/buckets/hash.js';

const vectors = readFileSync(new URL('../../vectors/hash.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ') as [string, string, string, string]);

describe('the bucket hash', () => {
  test('matches the vectors of the oracle', () => {
    expect(vectors.length).toBeGreaterThan(200);
    const ours = vectors.map(([seed, input]) => {
      const bytes = Buffer.from(input === '-' ? '' : input, 'hex');
      const hash = hash32(Number.parseInt(seed, 16), bytes);
      return [seed, input, hash.toString(16).padStart(8, '0'), String(bucketOfHash(hash, 4096))];
    });
    expect(ours).toEqual(vectors);
  });

  test('finishes FNV-1a as published: foobar is bf9cf968 before fmix32', () => {
    expect(hash32(0, Buffer.from('foobar'))).toBe(fmix32(0xbf9cf968));
    expect(fmix32(1)).toBe(0x514e28b7);
  });

  test('has version 1: change the number with any change of the function', () => {
    expect(HASH_VERSION).toBe(1);
    expect(hash32(0x12345678, Uint8Array.of(10, 77, 0, 100))).toBe(
      Number.parseInt(vectors.find(([seed, input]) => seed === '12345678' && input === '0a4d0064')![2], 16),
    );
  });

  test('reads only the given range', () => {
    const bytes = Uint8Array.of(9, 1, 2, 3, 9);
    expect(hash32(7, bytes, 1, 4)).toBe(hash32(7, Uint8Array.of(1, 2, 3)));
  });

  test('spreads what raw FNV-1a clusters: even source ports only, as Linux connect() takes them', () => {
    const shares = [0, 0, 0];
    for (let port = 32768; port < 32768 + 2 * 6000; port += 2) {
      const bucket = bucketOfHash(hash32(5, Uint8Array.of(10, 77, 0, 100, port >> 8, port & 255)), 4096);
      shares[bucket % 3]! += 1;
    }
    // 2000 each in the mean, standard deviation 37: five of them either way.
    for (const share of shares) expect(Math.abs(share - 2000)).toBeLessThan(185);
  });

  test('changes half of the buckets bits with the seed', () => {
    const same = Array.from({ length: 4096 }, (_, i) => Uint8Array.of(i >> 8, i & 255)).filter(
      (bytes) => bucketOfHash(hash32(1, bytes), 4096) === bucketOfHash(hash32(2, bytes), 4096),
    );
    // One key in 4096 by chance: Poisson with mean 1.
    expect(same.length).toBeLessThan(8);
  });
});

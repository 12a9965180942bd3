import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBitmap, writeBitmap } from '../../../src/wire/bitmap.js';
import { Reader, Writer } from '../../../src/wire/cursor.js';
import { DecodeError } from '../../../src/wire/errors.js';
import { bitmap } from './arbitraries.js';

const encode = (bytes: Uint8Array) => {
  const writer = new Writer();
  writeBitmap(writer, bytes);
  return writer.finish();
};
const decode = (bytes: Uint8Array) => readBitmap(new Reader(bytes));
const withBits = (bits: readonly number[], fill = 0) => {
  const bytes = new Uint8Array(512).fill(fill);
  for (const bit of bits) bytes[bit >> 3]! ^= 1 << (bit & 7);
  return bytes;
};

describe('bitmaps', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(bitmap, (bytes) => void expect(decode(encode(bytes))).toEqual(bytes)),
      { numRuns: 500 },
    );
  });

  it.each([
    ['empty', withBits([]), 0, 3],
    ['sparse', withBits([0, 5, 4095]), 1, 3 + 1 + 1 + 1 + 2],
    ['raw', withBits(Array.from({ length: 2048 }, (_, i) => i * 2)), 2, 515],
    ['inverted', withBits([7, 4000], 0xff), 3, 3 + 1 + 1 + 2],
    ['all', withBits([], 0xff), 3, 4],
  ])('%s: takes the smallest kind', (_, bytes, kind, size) => {
    const encoded = encode(bytes);
    expect([encoded[0], encoded.length]).toEqual([kind, size]);
  });

  it('never takes more than raw', () => {
    fc.assert(fc.property(bitmap, (bytes) => void expect(encode(bytes).length).toBeLessThanOrEqual(bytes.length + 3)));
  });

  it.each([
    ['an unknown kind', [4, 1, 0]],
    ['more than 4096 buckets', [0, 0x81, 0x04]],
    ['a bit outside', [1, 1, 1, 8]],
    ['a gap that leads outside', [1, 1, 2, 7, 0]],
    ['more bits than there are', [1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['missing bytes', [2, 4, 1, 2, 3]],
  ])('refuses %s', (_, bytes) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(DecodeError);
  });
});

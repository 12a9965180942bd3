import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  and,
  andInto,
  andNot,
  andNotInto,
  bitmapOf,
  bitsOf,
  clearBit,
  cloneBitmap,
  countBits,
  emptyBitmap,
  equalBitmaps,
  fullBitmap,
  hasBit,
  intersects,
  isEmpty,
  isSubset,
  or,
  orInto,
  setBit,
} from '../../../src/buckets/bitmap.js';

const sizes = fc.constantFrom(8, 64, 100, 4096);
const pairs = sizes.chain((size) =>
  fc.tuple(fc.constant(size), fc.uniqueArray(fc.nat(size - 1)), fc.uniqueArray(fc.nat(size - 1))),
);
const ascending = (set: Iterable<number>) => [...set].sort((a, b) => a - b);

describe('bitmaps', () => {
  test('have the layout of the contract', () => {
    expect(emptyBitmap()).toEqual(new Uint8Array(512));
    expect([...bitmapOf([0, 9, 15], 16)]).toEqual([0b1, 0b1000_0010]);
    expect([...fullBitmap(12)]).toEqual([0xff, 0x0f]);
    expect(countBits(fullBitmap())).toBe(4096);
  });

  test('agree with sets of numbers', () => {
    fc.assert(
      fc.property(pairs, ([size, first, second]) => {
        const [a, b] = [new Set(first), new Set(second)];
        const [bitsA, bitsB] = [bitmapOf(a, size), bitmapOf(b, size)];
        expect(bitsOf(bitsA)).toEqual(ascending(a));
        expect(bitsOf(or(bitsA, bitsB))).toEqual(ascending(new Set([...a, ...b])));
        expect(bitsOf(and(bitsA, bitsB))).toEqual(ascending([...a].filter((x) => b.has(x))));
        expect(bitsOf(andNot(bitsA, bitsB))).toEqual(ascending([...a].filter((x) => !b.has(x))));
        expect(countBits(bitsA)).toBe(a.size);
        expect(isEmpty(bitsA)).toBe(a.size === 0);
        expect(intersects(bitsA, bitsB)).toBe([...a].some((x) => b.has(x)));
        expect(isSubset(bitsA, bitsB)).toBe([...a].every((x) => b.has(x)));
        expect(equalBitmaps(bitsA, bitsB)).toBe(a.size === b.size && [...a].every((x) => b.has(x)));
      }),
    );
  });

  test('change in place only by the functions that say so', () => {
    const [a, b] = [bitmapOf([1, 2, 3]), bitmapOf([3, 4])];
    const before = cloneBitmap(a);
    for (const pure of [or, and, andNot]) expect(pure(a, b)).not.toBe(a);
    expect(a).toEqual(before);
    orInto(a, b);
    expect(bitsOf(a)).toEqual([1, 2, 3, 4]);
    andNotInto(a, bitmapOf([1]));
    expect(bitsOf(a)).toEqual([2, 3, 4]);
    andInto(a, b);
    expect(bitsOf(a)).toEqual([3, 4]);
    expect(bitsOf(b)).toEqual([3, 4]);
  });

  test('set, clear and ask for single buckets', () => {
    const bitmap = emptyBitmap();
    setBit(bitmap, 4095);
    setBit(bitmap, 4095);
    expect([hasBit(bitmap, 4095), hasBit(bitmap, 4094), hasBit(bitmap, 4096), hasBit(bitmap, -1)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    clearBit(bitmap, 4095);
    expect(isEmpty(bitmap)).toBe(true);
  });

  test('refuse sets of other sizes and buckets out of range', () => {
    expect(() => or(emptyBitmap(8), emptyBitmap(16))).toThrow(RangeError);
    expect(() => isSubset(emptyBitmap(8), emptyBitmap(16))).toThrow(RangeError);
    expect(equalBitmaps(emptyBitmap(8), emptyBitmap(16))).toBe(false);
    expect(() => bitmapOf([16], 16)).toThrow(/bucket 16 is not in 0..15/);
    expect(() => bitmapOf([-1])).toThrow(RangeError);
  });
});

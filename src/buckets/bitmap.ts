/**
 * Sets of buckets as bytes: bit `b` is `bytes[b >> 3] & (1 << (b & 7))`, see {@link Bitmap}.
 *
 * Two bitmaps of one operation have the same length, a multiple of 1 byte; a {@link RangeError} says where they differ. The
 * functions ending in `Into` write to their first argument and allocate nothing; the others give a new bitmap.
 */
import { type Bitmap, BUCKETS } from './contract.js';

/** How many bits each byte value has set. */
const BITS_SET = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});

/** An empty set that has room for `buckets` buckets. */
export function emptyBitmap(buckets: number = BUCKETS): Bitmap {
  return new Uint8Array((buckets + 7) >> 3);
}

/** The set of all `buckets` buckets. */
export function fullBitmap(buckets: number = BUCKETS): Bitmap {
  const bitmap = emptyBitmap(buckets).fill(0xff);
  if ((buckets & 7) !== 0) bitmap[bitmap.length - 1] = (1 << (buckets & 7)) - 1;
  return bitmap;
}

/** The set of the buckets that `members` gives. Throws {@link RangeError} for a bucket outside 0..`buckets`-1. */
export function bitmapOf(members: Iterable<number>, buckets: number = BUCKETS): Bitmap {
  const bitmap = emptyBitmap(buckets);
  for (const bucket of members) {
    if (!(bucket >= 0 && bucket < buckets)) throw new RangeError(`bucket ${bucket} is not in 0..${buckets - 1}`);
    setBit(bitmap, bucket);
  }
  return bitmap;
}

export function cloneBitmap(bitmap: Bitmap): Bitmap {
  return bitmap.slice();
}

export function setBit(bitmap: Bitmap, bucket: number): void {
  bitmap[bucket >> 3]! |= 1 << (bucket & 7);
}

export function clearBit(bitmap: Bitmap, bucket: number): void {
  bitmap[bucket >> 3]! &= ~(1 << (bucket & 7));
}

/** False for buckets outside the set's room. */
export function hasBit(bitmap: Bitmap, bucket: number): boolean {
  return ((bitmap[bucket >> 3] ?? 0) & (1 << (bucket & 7))) !== 0;
}

export function orInto(target: Bitmap, other: Bitmap): void {
  sameLength(target, other);
  for (let i = 0; i < target.length; i++) target[i]! |= other[i]!;
}

export function andInto(target: Bitmap, other: Bitmap): void {
  sameLength(target, other);
  for (let i = 0; i < target.length; i++) target[i]! &= other[i]!;
}

export function andNotInto(target: Bitmap, other: Bitmap): void {
  sameLength(target, other);
  for (let i = 0; i < target.length; i++) target[i]! &= ~other[i]!;
}

/** Union. */
export function or(a: Bitmap, b: Bitmap): Bitmap {
  const result = a.slice();
  orInto(result, b);
  return result;
}

/** Intersection. */
export function and(a: Bitmap, b: Bitmap): Bitmap {
  const result = a.slice();
  andInto(result, b);
  return result;
}

/** What is in `a` and not in `b`. */
export function andNot(a: Bitmap, b: Bitmap): Bitmap {
  const result = a.slice();
  andNotInto(result, b);
  return result;
}

export function countBits(bitmap: Bitmap): number {
  let count = 0;
  for (let i = 0; i < bitmap.length; i++) count += BITS_SET[bitmap[i]!]!;
  return count;
}

/** False where the lengths differ. */
export function equalBitmaps(a: Bitmap, b: Bitmap): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function isEmpty(bitmap: Bitmap): boolean {
  for (let i = 0; i < bitmap.length; i++) if (bitmap[i] !== 0) return false;
  return true;
}

/** True when some bucket is in both. */
export function intersects(a: Bitmap, b: Bitmap): boolean {
  sameLength(a, b);
  for (let i = 0; i < a.length; i++) if ((a[i]! & b[i]!) !== 0) return true;
  return false;
}

/** True when all of `part` is in `whole`. */
export function isSubset(part: Bitmap, whole: Bitmap): boolean {
  sameLength(part, whole);
  for (let i = 0; i < part.length; i++) if ((part[i]! & ~whole[i]!) !== 0) return false;
  return true;
}

/** Calls `visit` for each bucket in the set, ascending. */
export function forEachBit(bitmap: Bitmap, visit: (bucket: number) => void): void {
  for (let i = 0; i < bitmap.length; i++) {
    for (let rest = bitmap[i]!; rest !== 0; rest &= rest - 1) visit((i << 3) | (31 - Math.clz32(rest & -rest)));
  }
}

/** The buckets in the set, ascending. */
export function bitsOf(bitmap: Bitmap): number[] {
  const buckets: number[] = [];
  forEachBit(bitmap, (bucket) => buckets.push(bucket));
  return buckets;
}

function sameLength(a: Bitmap, b: Bitmap): void {
  if (a.length !== b.length) throw new RangeError(`bitmaps of ${a.length} and ${b.length} bytes do not match`);
}

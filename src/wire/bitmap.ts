/**
 * Bitmaps on the wire: kind (1 byte), length in bytes (varuint), then by kind
 *
 * | kind | what follows | good for |
 * |---|---|---|
 * | 0 empty | nothing | most bitmaps, most of the time |
 * | 1 sparse | count, then the gap before each set bit | a few buckets that move |
 * | 2 raw | the bytes | a share of a few nodes |
 * | 3 inverted | as sparse, of the clear bits | nearly all buckets |
 *
 * The writer takes the smallest, so 4096 buckets cost 3..515 bytes.
 */
import { type Bitmap, BUCKETS } from '../buckets/contract.js';
import type { Reader, Writer } from './cursor.js';
import { DecodeError } from './errors.js';

const KIND = { empty: 0, sparse: 1, raw: 2, inverted: 3 } as const;
const MAX_BYTES = BUCKETS / 8;

/** How many bits each byte value has set. */
const BITS_SET = Uint8Array.from(
  { length: 256 },
  (_, byte) => [...byte.toString(2)].filter((bit) => bit === '1').length,
);

export function writeBitmap(writer: Writer, bitmap: Bitmap): void {
  const { kind, bits } = choose(bitmap);
  writer.u8(kind).count(bitmap.length, MAX_BYTES, 'bytes of bitmap');
  if (kind === KIND.raw) writer.bytes(bitmap);
  else if (kind !== KIND.empty) writeBits(writer, bits);
}

export function readBitmap(reader: Reader): Bitmap {
  const kind = reader.u8();
  const length = reader.count(MAX_BYTES, 'bytes of bitmap');
  switch (kind) {
    case KIND.empty:
      return new Uint8Array(length);
    case KIND.raw:
      return reader.bytes(length).slice();
    case KIND.sparse:
      return readBits(reader, new Uint8Array(length));
    case KIND.inverted:
      return readBits(reader, new Uint8Array(length).fill(0xff));
    default:
      throw new DecodeError(`bitmap of kind ${kind}`);
  }
}

function choose(bitmap: Bitmap): { kind: number; bits: readonly number[] } {
  const set = countBits(bitmap);
  if (set === 0) return { kind: KIND.empty, bits: [] };
  const clear = bitmap.length * 8 - set;
  // A listed bit takes a byte at least, so a share of a small farm is known to be raw without listing it.
  if (Math.min(set, clear) >= bitmap.length) return { kind: KIND.raw, bits: [] };
  const bits = bitsOf(bitmap, set <= clear ? 0 : 0xff);
  if (bitsSize(bits) >= bitmap.length) return { kind: KIND.raw, bits };
  return { kind: set <= clear ? KIND.sparse : KIND.inverted, bits };
}

function countBits(bitmap: Bitmap): number {
  let count = 0;
  for (let i = 0; i < bitmap.length; i++) count += BITS_SET[bitmap[i]!]!;
  return count;
}

/** The bits of `bitmap` XOR `flip` (a byte), ascending. */
function bitsOf(bitmap: Bitmap, flip: number): number[] {
  const bits: number[] = [];
  for (let i = 0; i < bitmap.length; i++) {
    for (let rest = bitmap[i]! ^ flip; rest !== 0; rest &= rest - 1) bits.push(i * 8 + 31 - Math.clz32(rest & -rest));
  }
  return bits;
}

const varuintSize = (value: number) => (value < 128 ? 1 : value < 16384 ? 2 : 3);

function bitsSize(bits: readonly number[]): number {
  let size = varuintSize(bits.length);
  let next = 0;
  for (const bit of bits) {
    size += varuintSize(bit - next);
    next = bit + 1;
  }
  return size;
}

function writeBits(writer: Writer, bits: readonly number[]): void {
  writer.varuint(bits.length);
  let next = 0;
  for (const bit of bits) {
    writer.varuint(bit - next);
    next = bit + 1;
  }
}

/** Flips the listed bits of `bitmap`. */
function readBits(reader: Reader, bitmap: Uint8Array): Bitmap {
  const size = bitmap.length * 8;
  const count = reader.count(size, 'bits');
  let next = 0;
  for (let i = 0; i < count; i++) {
    const bit = next + reader.varuint();
    if (bit >= size) throw new DecodeError(`bit ${bit} of a bitmap of ${size}`);
    bitmap[bit >> 3]! ^= 1 << (bit & 7);
    next = bit + 1;
  }
  return bitmap;
}

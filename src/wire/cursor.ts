/**
 * Reading and writing bytes by a cursor that cannot run past its end. Numbers are big endian.
 *
 * `varuint`: 7 bits a byte, low ones first, the upper bit says that more follow (as LEB128); at most 2^53 - 1.
 */
import { DecodeError, EncodeError } from './errors.js';

const UTF8_ENCODER = new TextEncoder();
const UTF8_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const TWO_32 = 2 ** 32;

/** Reads `bytes`; each method throws {@link DecodeError} where the bytes end too soon. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    // A Buffer's `slice` shares memory where a Uint8Array's copies; what is read must not change with the receive buffer.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** Eight bytes that must hold a number that JavaScript counts exactly. */
  u64(): number {
    const value = this.u32() * TWO_32 + this.u32();
    if (!Number.isSafeInteger(value)) throw new DecodeError('number above 2^53 - 1');
    return value;
  }

  varuint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      factor *= 128;
    }
    throw new DecodeError('number above 2^53 - 1');
  }

  /** A varuint of at most `most`: every count and length has a bound of its own. */
  count(most: number, what: string): number {
    const value = this.varuint();
    if (value > most) throw new DecodeError(`${value} ${what}, at most ${most} are allowed`);
    return value;
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** Text of at most `mostBytes` bytes of UTF-8, with its length before it. */
  text(mostBytes: number): string {
    const bytes = this.bytes(this.count(mostBytes, 'bytes of text'));
    try {
      return UTF8_DECODER.decode(bytes);
    } catch {
      throw new DecodeError('text is not UTF-8');
    }
  }

  /** A byte that is 0 or 1. */
  flag(): boolean {
    const byte = this.u8();
    if (byte > 1) throw new DecodeError(`a flag of ${byte}`);
    return byte === 1;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.remaining !== 0) throw new DecodeError(`${this.remaining} bytes too many`);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start)
      throw new DecodeError(`${length} bytes wanted at ${start}, the end is near`);
    this.#offset = start + length;
    return start;
  }
}

/** Writes to a buffer that grows; a number out of its range throws {@link EncodeError}. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    return this.#bigEndian(value, 1);
  }

  u16(value: number): this {
    return this.#bigEndian(value, 2);
  }

  u32(value: number): this {
    return this.#bigEndian(value, 4);
  }

  u64(value: number): this {
    return this.#bigEndian(value, 8);
  }

  varuint(value: number): this {
    requireCount(value);
    let rest = value;
    while (rest > 0x7f) {
      this.u8((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    return this.u8(rest);
  }

  /** A varuint of at most `most`. */
  count(value: number, most: number, what: string): this {
    if (value > most) throw new EncodeError(`${value} ${what}, at most ${most} are allowed`);
    return this.varuint(value);
  }

  bytes(bytes: Uint8Array): this {
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
    return this;
  }

  /** Text with its length before it; what is longer than `mostBytes` of UTF-8 is refused. */
  text(text: string, mostBytes: number): this {
    const bytes = UTF8_ENCODER.encode(text);
    return this.count(bytes.length, mostBytes, 'bytes of text').bytes(bytes);
  }

  flag(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  /** The bytes written so far, as a view: good until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The bytes written so far, as a copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #bigEndian(value: number, size: 1 | 2 | 4 | 8): this {
    requireCount(value);
    if (size < 8 && value >= 2 ** (8 * size)) throw new EncodeError(`${value} does not fit ${size} bytes`);
    let offset = this.#grow(size) + size;
    for (let rest = value, i = 0; i < size; i++) {
      this.#bytes[--offset] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return this;
  }

  #grow(by: number): number {
    const start = this.#length;
    this.#length += by;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    return start;
  }
}

function requireCount(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new EncodeError(`${value} is no whole number of 0..2^53 - 1`);
}

/** The longest beginning of `text` that takes at most `mostBytes` of UTF-8, for text that is only shown to people. */
export function shorten(text: string, mostBytes: number): string {
  const bytes = UTF8_ENCODER.encode(text);
  if (bytes.length <= mostBytes) return text;
  let end = mostBytes;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return UTF8_DECODER.decode(bytes.subarray(0, end));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

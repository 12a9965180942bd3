/**
 * Names and digests repeat in a heartbeat (view, heard, dead, outcomes; mostly one view digest), so each is written once, in a
 * table at its beginning, and named by index.
 */
import type { Reader, Writer } from './cursor.js';
import { DecodeError, EncodeError } from './errors.js';

/** Every member with a name and a digest of its own, those called dead, the granters, and some. */
const MAX_TEXTS = 1024;

export class TextTableWriter {
  readonly #index = new Map<string, number>();

  /** The index of `text`, which it gets now if it has none. */
  index(text: string): number {
    const known = this.#index.get(text);
    if (known !== undefined) return known;
    if (this.#index.size >= MAX_TEXTS) throw new EncodeError(`more than ${MAX_TEXTS} names and digests`);
    this.#index.set(text, this.#index.size);
    return this.#index.size - 1;
  }

  writeTo(writer: Writer, mostBytes: number): void {
    writer.varuint(this.#index.size);
    for (const text of this.#index.keys()) writer.text(text, mostBytes);
  }
}

export class TextTableReader {
  readonly #texts: readonly string[];

  constructor(reader: Reader, mostBytes: number) {
    const count = reader.count(MAX_TEXTS, 'names and digests');
    this.#texts = Array.from({ length: count }, () => reader.text(mostBytes));
  }

  read(reader: Reader): string {
    const text = this.#texts[reader.varuint()];
    if (text === undefined) throw new DecodeError('a name or digest that is not in the table');
    return text;
  }
}

/**
 * A heartbeat that does not fit one datagram goes as several parts, each sealed by itself, and is joined after each was
 * authenticated. A part: message number (varuint, grows within the incarnation), index (1 byte), count (1 byte), bytes.
 */
import { MAX_PARTS } from './bounds.js';
import { Reader, Writer } from './cursor.js';
import { DecodeError, EncodeError } from './errors.js';

const MAX_PART_HEAD_BYTES = 10;
/** Messages of one sender being joined: the newest, and the one before it, whose last part may be late. */
const MAX_OPEN_MESSAGES = 2;

interface Part {
  readonly message: number;
  readonly index: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** The plain bytes of the datagrams that carry `bytes`, each of at most `mostBytes`. Throws {@link EncodeError}. */
export function splitIntoParts(message: number, bytes: Uint8Array, mostBytes: number): Uint8Array[] {
  const room = mostBytes - MAX_PART_HEAD_BYTES;
  const count = Math.max(1, Math.ceil(bytes.length / room));
  if (count > MAX_PARTS)
    throw new EncodeError(`${bytes.length} bytes would take ${count} parts, at most ${MAX_PARTS} are allowed`);
  return Array.from({ length: count }, (_, index) =>
    new Writer(mostBytes)
      .varuint(message)
      .u8(index)
      .u8(count)
      .bytes(bytes.subarray(index * room, (index + 1) * room))
      .finish(),
  );
}

/** Throws {@link DecodeError}. */
export function decodePart(plain: Uint8Array): Part {
  const reader = new Reader(plain);
  const message = reader.varuint();
  const index = reader.u8();
  const count = reader.u8();
  if (count === 0 || count > MAX_PARTS || index >= count) throw new DecodeError(`part ${index} of ${count}`);
  return { message, index, count, bytes: reader.rest() };
}

export interface Joined {
  readonly message: number;
  readonly bytes: Uint8Array;
  /** The datagrams that carried it, in order of their parts. */
  readonly sealed: readonly Uint8Array[];
}

interface OpenMessage {
  readonly parts: (Uint8Array | undefined)[];
  readonly sealed: Uint8Array[];
  missing: number;
}

/** Joins the parts of one incarnation of one sender, in bounded memory: two messages of at most 64 datagrams. */
export class PartJoiner {
  readonly #open = new Map<number, OpenMessage>();
  #newestJoined = -1;
  readonly #onAbandoned: () => void;

  /** `onAbandoned`: a message was given up because newer ones came. */
  constructor(onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
  }

  /** The message that `part` completes, or null. Keeps no reference to the part's bytes unless `datagram` owns them. */
  add(part: Part, datagram: Uint8Array): Joined | null {
    if (part.message <= this.#newestJoined) return null;
    const open = this.#open.get(part.message) ?? this.#begin(part);
    if (open.parts.length !== part.count) throw new DecodeError('parts of one message disagree on their number');
    if (open.parts[part.index] !== undefined) throw new DecodeError(`part ${part.index} a second time`);
    open.parts[part.index] = part.bytes.slice();
    open.sealed[part.index] = new Uint8Array(datagram);
    open.missing -= 1;
    return open.missing === 0 ? this.#finish(part.message, open) : null;
  }

  #begin(part: Part): OpenMessage {
    const open: OpenMessage = { parts: new Array(part.count).fill(undefined), sealed: [], missing: part.count };
    this.#open.set(part.message, open);
    if (this.#open.size > MAX_OPEN_MESSAGES) this.#abandon(Math.min(...this.#open.keys()));
    return open;
  }

  #finish(message: number, open: OpenMessage): Joined {
    this.#open.delete(message);
    this.#newestJoined = message;
    for (const older of [...this.#open.keys()].filter((number) => number < message)) this.#abandon(older);
    const writer = new Writer(open.parts.length * open.parts[0]!.length);
    for (const bytes of open.parts) writer.bytes(bytes!);
    return { message, bytes: writer.finish(), sealed: open.sealed };
  }

  #abandon(message: number): void {
    this.#open.delete(message);
    this.#onAbandoned();
  }
}

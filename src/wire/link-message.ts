/**
 * Messages of the peer link as bytes (version 1): version, type (1 byte), the sender's heartbeat sequence, then what the type
 * carries. Sets of keeps make up nearly all of a large message and are copied as they are.
 */
import { KEEP_BYTES, type Keeps, MAX_PLANS } from '../buckets/contract.js';
import type { GrantId, KeeperList, LinkMessage } from '../membership/messages.js';
import { readBitmap, writeBitmap } from './bitmap.js';
import {
  MAX_DIGEST_BYTES,
  MAX_KEEPERS,
  MAX_LINK_MESSAGE_BYTES,
  MAX_NAME_BYTES,
  MAX_REASON_BYTES,
  readIncarnation,
  readName,
  writeIncarnation,
  writeName,
} from './bounds.js';
import { Reader, shorten, Writer } from './cursor.js';
import { DecodeError, EncodeError } from './errors.js';

const VERSION = 1;

type Type = LinkMessage['type'];
type Message<T extends Type> = Extract<LinkMessage, { readonly type: T }>;
type Body<T extends Type> = Omit<Message<T>, 'type' | 'sequence'>;

interface Codec<T extends Type> {
  /** The number of the type on the wire; never used for another one. */
  readonly code: number;
  write(writer: Writer, message: Body<T>): void;
  /** Reads in the order of `write`: literals are evaluated from top to bottom. */
  read(reader: Reader): Body<T>;
}

const onlyId = {
  write: (writer: Writer, { id }: { readonly id: GrantId }) => writeGrantId(writer, id),
  read: (reader: Reader) => ({ id: readGrantId(reader) }),
};

const numberedKeeps = {
  write: (writer: Writer, { number, keeps }: { readonly number: number; readonly keeps: Keeps }) => {
    writer.varuint(number);
    writeKeeps(writer, keeps);
  },
  read: (reader: Reader) => ({ number: reader.varuint(), keeps: readKeeps(reader) }),
};

const CODECS: { readonly [T in Type]: Codec<T> } = {
  offer: {
    code: 1,
    write(writer, { id, plan, buckets, keeps, last }) {
      writeGrantId(writer, id);
      writePlan(writer, plan);
      writeBitmap(writer, buckets);
      writeKeepers(writer, keeps);
      writer.flag(last);
    },
    read: (reader) => ({
      id: readGrantId(reader),
      plan: readPlan(reader),
      buckets: readBitmap(reader),
      keeps: readKeepers(reader),
      last: reader.flag(),
    }),
  },
  ready: { code: 2, ...onlyId },
  refuse: {
    code: 3,
    write(writer, { id, why }) {
      writeGrantId(writer, id);
      writer.text(shorten(why, MAX_REASON_BYTES), MAX_REASON_BYTES);
    },
    read: (reader) => ({ id: readGrantId(reader), why: reader.text(MAX_REASON_BYTES) }),
  },
  difference: {
    code: 4,
    write(writer, { id, keeps, last }) {
      writeGrantId(writer, id);
      writeKeepers(writer, keeps);
      writer.flag(last);
    },
    read: (reader) => ({ id: readGrantId(reader), keeps: readKeepers(reader), last: reader.flag() }),
  },
  confirm: { code: 5, ...onlyId },
  'keeps-wanted': {
    code: 6,
    write(writer, { request, viewDigest, plan, buckets }) {
      writer.varuint(request).text(viewDigest, MAX_DIGEST_BYTES);
      writePlan(writer, plan);
      writeBitmap(writer, buckets);
    },
    read: (reader) => ({
      request: reader.varuint(),
      viewDigest: reader.text(MAX_DIGEST_BYTES),
      plan: readPlan(reader),
      buckets: readBitmap(reader),
    }),
  },
  'keeps-are': {
    code: 7,
    write(writer, { request, viewDigest, plan, buckets, keeps, last }) {
      writer.varuint(request).text(viewDigest, MAX_DIGEST_BYTES);
      writePlan(writer, plan);
      writeBitmap(writer, buckets);
      writeKeeps(writer, keeps);
      writer.flag(last);
    },
    read: (reader) => ({
      request: reader.varuint(),
      viewDigest: reader.text(MAX_DIGEST_BYTES),
      plan: readPlan(reader),
      buckets: readBitmap(reader),
      keeps: readKeeps(reader),
      last: reader.flag(),
    }),
  },
  'end-offer': {
    code: 8,
    write(writer, { number, plan, buckets, keeps }) {
      writer.varuint(number);
      writePlan(writer, plan);
      writeBitmap(writer, buckets);
      writeKeeps(writer, keeps);
    },
    read: (reader) => ({
      number: reader.varuint(),
      plan: readPlan(reader),
      buckets: readBitmap(reader),
      keeps: readKeeps(reader),
    }),
  },
  'end-ready': { code: 9, ...numberedKeeps },
  ended: { code: 10, ...numberedKeeps },
  'end-done': {
    code: 11,
    write: (writer, { number }) => void writer.varuint(number),
    read: (reader) => ({ number: reader.varuint() }),
  },
  opaque: {
    code: 12,
    write(writer, { kind, body }) {
      writer.text(kind, MAX_NAME_BYTES).count(body.length, MAX_LINK_MESSAGE_BYTES, 'bytes').bytes(body);
    },
    read: (reader) => ({
      kind: reader.text(MAX_NAME_BYTES),
      body: reader.bytes(reader.count(MAX_LINK_MESSAGE_BYTES, 'bytes')).slice(),
    }),
  },
};

const TYPE_OF_CODE: ReadonlyMap<number, Type> = new Map(
  (Object.keys(CODECS) as Type[]).map((type) => [CODECS[type].code, type]),
);

/** Throws {@link EncodeError} where a bound of the format is broken. */
export function encodeLinkMessage(message: LinkMessage): Uint8Array {
  const writer = new Writer(256);
  writer.u8(VERSION).u8(CODECS[message.type].code).varuint(message.sequence);
  writeMessage(writer, message.type, message);
  if (writer.length > MAX_LINK_MESSAGE_BYTES) {
    throw new EncodeError(`a message of ${writer.length} bytes, at most ${MAX_LINK_MESSAGE_BYTES} are allowed`);
  }
  return writer.finish();
}

/** Throws {@link DecodeError}, and nothing else, for bytes that are no message. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage {
  const reader = new Reader(bytes);
  const version = reader.u8();
  if (version !== VERSION) throw new DecodeError(`link message of version ${version}`);
  const code = reader.u8();
  const type = TYPE_OF_CODE.get(code);
  if (type === undefined) throw new DecodeError(`link message of type ${code}`);
  const message = readMessage(reader, type);
  reader.end();
  return message;
}

function writeMessage<T extends Type>(writer: Writer, type: T, message: Body<T>): void {
  CODECS[type].write(writer, message);
}

function readMessage(reader: Reader, type: Type): LinkMessage {
  const sequence = reader.varuint();
  // The table pairs each type with its own body; the compiler cannot follow that through the union.
  return { sequence, type, ...CODECS[type].read(reader) } as LinkMessage;
}

function writeGrantId(writer: Writer, { granter, incarnation, number }: GrantId): void {
  writeName(writer, granter);
  writeIncarnation(writer, incarnation);
  writer.varuint(number);
}

function readGrantId(reader: Reader): GrantId {
  return { granter: readName(reader), incarnation: readIncarnation(reader), number: reader.varuint() };
}

function writePlan(writer: Writer, plan: number): void {
  writer.count(plan, MAX_PLANS - 1, 'as plan');
}

function readPlan(reader: Reader): number {
  return reader.count(MAX_PLANS - 1, 'as plan');
}

function writeKeepers(writer: Writer, lists: readonly KeeperList[]): void {
  writer.count(lists.length, MAX_KEEPERS, 'keepers');
  for (const { keeper, sequence, keeps } of lists) {
    writeName(writer, keeper.name);
    writeIncarnation(writer, keeper.incarnation);
    writer.varuint(sequence);
    writeKeeps(writer, keeps);
  }
}

function readKeepers(reader: Reader): KeeperList[] {
  return Array.from({ length: reader.count(MAX_KEEPERS, 'keepers') }, () => ({
    keeper: { name: readName(reader), incarnation: readIncarnation(reader) },
    sequence: reader.varuint(),
    keeps: readKeeps(reader),
  }));
}

function writeKeeps(writer: Writer, keeps: Keeps): void {
  if (keeps.length % KEEP_BYTES !== 0) throw new EncodeError(`${keeps.length} bytes are no whole number of keeps`);
  writer.varuint(keeps.length / KEEP_BYTES).bytes(keeps);
}

function readKeeps(reader: Reader): Keeps {
  return reader.bytes(reader.count(MAX_LINK_MESSAGE_BYTES / KEEP_BYTES, 'keeps') * KEEP_BYTES).slice();
}

/**
 * The sealed datagram: header (authenticated, in clear), ciphertext, 16 bytes of tag.
 *
 * | offset | bytes | meaning |
 * |---|---|---|
 * | 0 | 4 | magic `COVY` |
 * | 4 | 1 | version, 1 |
 * | 5 | 1 | type: 1 part of a heartbeat, 2 obituary, 3 another member's datagram, passed on |
 * | 6 | 8 | farm id |
 * | 14 | 4 | key id |
 * | 18 | 8 | incarnation of the sender |
 * | 26 | 6 | counter |
 * | 32 | 1 | n, length of the sender's name |
 * | 33 | n | sender's name |
 *
 * Nonce (96 bits): incarnation (52), series (4), counter (40). The key belongs to the sender alone, an incarnation is used by one
 * process only, and a counter once in its series: so a nonce never repeats under one key.
 */
import type { Incarnation, NodeName } from '../membership/messages.js';
import { isIncarnation, isNodeName, MAX_NAME_BYTES } from './bounds.js';
import { Reader, Writer } from './cursor.js';
import { DecodeError, EncodeError } from './errors.js';

/** ChaCha20-Poly1305, or a test's stand-in. Key 32 bytes, nonce 12, tag 16 behind the ciphertext. */
export interface Aead {
  seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array;
  /** Null when the bytes are not authentic. Never throws for bytes from outside. */
  open(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

/** Short name of a farm key, derived from it: uint32. */
export type KeyId = number;

/** The farm's valid keys: one seals, all open. */
export interface Keyring {
  readonly activeId: KeyId;
  /** All valid ones, the active among them. */
  readonly ids: readonly KeyId[];
  /** The 32 bytes under which `sender` seals; null: no such key. */
  senderKey(id: KeyId, sender: NodeName): Uint8Array | null;
}

export const SEAL_VERSION = 1;
export const TAG_BYTES = 16;
export const FARM_ID_BYTES = 8;
const MAGIC = 0x434f5659;
/** Up to the length of the name. */
const FIXED_BYTES = 33;
export const MIN_SEALED_BYTES = FIXED_BYTES + 1 + TAG_BYTES;
export const MAX_HEADER_BYTES = FIXED_BYTES + MAX_NAME_BYTES;
export const COUNTER_LIMIT = 2 ** 40;

export const DATAGRAM = { heartbeat: 1, obituary: 2, passedOn: 3 } as const;
export type DatagramType = (typeof DATAGRAM)[keyof typeof DATAGRAM];

/** Obituaries are sealed ahead of time and sent after all else, so they count by themselves. */
const SERIES: Readonly<Record<DatagramType, number>> = { 1: 0, 3: 0, 2: 1 };

export interface Header {
  readonly type: DatagramType;
  readonly farmId: Uint8Array;
  readonly keyId: KeyId;
  readonly sender: NodeName;
  readonly incarnation: Incarnation;
  readonly counter: number;
}

export function encodeHeader({ type, farmId, keyId, sender, incarnation, counter }: Header): Uint8Array {
  if (farmId.length !== FARM_ID_BYTES) throw new EncodeError(`a farm id of ${farmId.length} bytes`);
  if (counter >= COUNTER_LIMIT) throw new EncodeError('the counter of this incarnation is used up');
  if (!isNodeName(sender) || !isIncarnation(incarnation)) throw new EncodeError(`sender "${sender}", ${incarnation}`);
  const writer = new Writer(MAX_HEADER_BYTES).u32(MAGIC).u8(SEAL_VERSION).u8(type).bytes(farmId).u32(keyId);
  writer
    .u64(incarnation)
    .u16(Math.floor(counter / 2 ** 32))
    .u32(counter % 2 ** 32);
  return writer.text(sender, MAX_NAME_BYTES).finish();
}

export function hasMagic(datagram: Uint8Array): boolean {
  return new DataView(datagram.buffer, datagram.byteOffset, 4).getUint32(0) === MAGIC;
}

export const versionOf = (datagram: Uint8Array): number => datagram[4]!;

export const farmIdOf = (datagram: Uint8Array): Uint8Array => datagram.subarray(6, 6 + FARM_ID_BYTES);

/** The header of a datagram that has the magic and the version. Throws {@link DecodeError}. */
export function decodeHeader(datagram: Uint8Array): { readonly header: Header; readonly headerBytes: number } {
  const reader = new Reader(datagram);
  reader.bytes(5);
  const type = reader.u8();
  if (type !== 1 && type !== 2 && type !== 3) throw new DecodeError(`datagram of type ${type}`);
  const farmId = reader.bytes(FARM_ID_BYTES);
  const keyId = reader.u32();
  const incarnation = reader.u64();
  const counter = reader.u16() * 2 ** 32 + reader.u32();
  const sender = reader.text(MAX_NAME_BYTES);
  if (!isNodeName(sender) || !isIncarnation(incarnation) || counter >= COUNTER_LIMIT)
    throw new DecodeError('bad header');
  return { header: { type, farmId, keyId, sender, incarnation, counter }, headerBytes: reader.offset };
}

/** The nonce of a datagram, 12 bytes: incarnation << 44 | series << 40 | counter. */
export function nonceOf({ type, incarnation, counter }: Pick<Header, 'type' | 'incarnation' | 'counter'>): Uint8Array {
  const series = SERIES[type];
  const nonce = new Writer(12).u32(Math.floor(incarnation / 2 ** 20)); // upper 32 of 52 bits
  nonce.u16(Math.floor(incarnation / 16) % 2 ** 16); // the next 16
  nonce.u8((incarnation % 16) * 16 + series); // the last 4, and the series
  return nonce
    .u8(Math.floor(counter / 2 ** 32))
    .u32(counter % 2 ** 32)
    .finish();
}

export function sealDatagram(aead: Aead, key: Uint8Array, header: Header, plain: Uint8Array): Uint8Array {
  const head = encodeHeader(header);
  return new Writer(head.length + plain.length + TAG_BYTES)
    .bytes(head)
    .bytes(aead.seal(key, nonceOf(header), head, plain))
    .finish();
}

/** The plain bytes, or null when they are not authentic. */
export function openDatagram(
  aead: Aead,
  key: Uint8Array,
  header: Header,
  headerBytes: number,
  datagram: Uint8Array,
): Uint8Array | null {
  return aead.open(key, nonceOf(header), datagram.subarray(0, headerBytes), datagram.subarray(headerBytes));
}

/** The bounds of the wire format, and the smallest fields that several messages share. */
import type { Incarnation, NodeName } from '../membership/messages.js';
import type { Reader, Writer } from './cursor.js';
import { DecodeError, EncodeError } from './errors.js';

export const MAX_MEMBERS = 64;
export const MAX_NAME_BYTES = 63;
/** Members, and as many again of incarnations that have not proved themselves: replayed captures must not fill the list up. */
export const MAX_HEARD = 256;
/** Members called dead stay listed a while under older incarnations too. */
export const MAX_DEAD = 256;
export const MAX_OUTCOMES = 256;
export const MAX_ENDPOINTS = 8;
export const MAX_KEYS = 8;
/** Changes of the config that are under way at once. */
export const MAX_SWITCHES = 64;
export const MAX_DIGEST_BYTES = 64;
export const MAX_REACH_BYTES = 32;
export const MAX_REASON_BYTES = 200;
export const MAX_ADDRESS_BYTES = 64;
export const MAX_KEEPERS = 256;
/** A message of the link. The core sends larger sets of keeps in several messages. */
export const MAX_LINK_MESSAGE_BYTES = 16 * 1024 * 1024;
/** A datagram: fits the payload of an Ethernet frame, and of UDP on IPv6 within it. */
export const MAX_DATAGRAM_BYTES = 1400;
export const MAX_PARTS = 64;
/** Of a node; the config allows no more either. */
export const MAX_WEIGHT = 1000;
export const MAX_PERCENT = 100;

const NAME = /^[A-Za-z0-9_.-]{1,63}$/;

export function isNodeName(text: string): boolean {
  return NAME.test(text);
}

export function writeName(writer: Writer, name: NodeName): void {
  if (!isNodeName(name)) throw new EncodeError(`"${name}" is no node name: 1-63 of A-Z a-z 0-9 _ . -`);
  writer.text(name, MAX_NAME_BYTES);
}

export function readName(reader: Reader): NodeName {
  const name = reader.text(MAX_NAME_BYTES);
  if (!isNodeName(name)) throw new DecodeError('not a node name');
  return name;
}

const INCARNATION_LIMIT = 2 ** 52;

export function isIncarnation(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < INCARNATION_LIMIT;
}

export function writeIncarnation(writer: Writer, incarnation: Incarnation): void {
  if (!isIncarnation(incarnation)) throw new EncodeError(`${incarnation} is no incarnation (52 bits)`);
  writer.u64(incarnation);
}

export function readIncarnation(reader: Reader): Incarnation {
  const incarnation = reader.u64();
  if (!isIncarnation(incarnation)) throw new DecodeError('an incarnation of more than 52 bits');
  return incarnation;
}

/** An obituary as bytes (version 1): version, name, incarnation. */
import type { Obituary } from '../membership/messages.js';
import { readIncarnation, readName, writeIncarnation, writeName } from './bounds.js';
import { Reader, Writer } from './cursor.js';
import { DecodeError } from './errors.js';

const VERSION = 1;

export function encodeObituary({ name, incarnation }: Obituary): Uint8Array {
  const writer = new Writer(96).u8(VERSION);
  writeName(writer, name);
  writeIncarnation(writer, incarnation);
  return writer.finish();
}

/** Throws {@link DecodeError}, and nothing else, for bytes that are no obituary. */
export function decodeObituary(bytes: Uint8Array): Obituary {
  const reader = new Reader(bytes);
  const version = reader.u8();
  if (version !== VERSION) throw new DecodeError(`obituary of version ${version}`);
  const obituary = { name: readName(reader), incarnation: readIncarnation(reader) };
  reader.end();
  return obituary;
}

/**
 * The two hellos that open a link, each behind its length (uint16):
 *
 *   magic `COVL`, version, kind (1 caller, 2 listener), farm id (8), key id (4), from, to, incarnation (8), random (32), proof (32)
 *
 * The proof is HMAC-SHA256 under the link key over the hello before it (the listener's: over the caller's whole hello first).
 * Both randoms go into the session's keys, so a replayed hello opens a session whose keys the replayer does not have.
 */
import type { Incarnation, NodeName } from '../membership/messages.js';
import { MAX_NAME_BYTES, readIncarnation, readName, writeIncarnation, writeName } from './bounds.js';
import { Reader, Writer } from './cursor.js';
import { DecodeError } from './errors.js';
import { FARM_ID_BYTES, type KeyId } from './seal.js';

const MAGIC = 0x434f564c;
const VERSION = 1;
export const RANDOM_BYTES = 32;
export const PROOF_BYTES = 32;
export const MAX_HELLO_BYTES =
  4 + 1 + 1 + FARM_ID_BYTES + 4 + 2 * (1 + MAX_NAME_BYTES) + 8 + RANDOM_BYTES + PROOF_BYTES;

export const HELLO = { caller: 1, listener: 2 } as const;

export interface Hello {
  readonly kind: (typeof HELLO)[keyof typeof HELLO];
  readonly farmId: Uint8Array;
  readonly keyId: KeyId;
  readonly from: NodeName;
  readonly to: NodeName;
  readonly incarnation: Incarnation;
  readonly random: Uint8Array;
}

/** All but the length and the proof. */
export function encodeHello({ kind, farmId, keyId, from, to, incarnation, random }: Hello): Uint8Array {
  const writer = new Writer(MAX_HELLO_BYTES).u32(MAGIC).u8(VERSION).u8(kind).bytes(farmId).u32(keyId);
  writeName(writer, from);
  writeName(writer, to);
  writeIncarnation(writer, incarnation);
  return writer.bytes(random).finish();
}

/** Throws {@link DecodeError}, and nothing else, for bytes that are no hello with its proof. */
export function decodeHello(bytes: Uint8Array): {
  readonly hello: Hello;
  readonly proven: Uint8Array;
  readonly proof: Uint8Array;
} {
  const reader = new Reader(bytes);
  if (reader.u32() !== MAGIC) throw new DecodeError('no hello of a link');
  const version = reader.u8();
  if (version !== VERSION) throw new DecodeError(`hello of version ${version}`);
  const kind = reader.u8();
  if (kind !== HELLO.caller && kind !== HELLO.listener) throw new DecodeError(`hello of kind ${kind}`);
  const hello: Hello = {
    kind,
    farmId: reader.bytes(FARM_ID_BYTES).slice(),
    keyId: reader.u32(),
    from: readName(reader),
    to: readName(reader),
    incarnation: readIncarnation(reader),
    random: reader.bytes(RANDOM_BYTES).slice(),
  };
  const proven = bytes.subarray(0, reader.offset);
  const proof = reader.bytes(PROOF_BYTES);
  reader.end();
  return { hello, proven, proof };
}

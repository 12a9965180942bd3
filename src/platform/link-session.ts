/**
 * The sealed session of one connection, without its socket: hellos, keys, frames.
 *
 * A frame: length (uint32) of what follows, ciphertext, tag. The nonce counts the frames of its direction; the keys are the session's
 * own, one per direction, so a nonce never repeats, and a frame that is lost, repeated or moved fails the tag.
 * Plain: kind (1 byte), bytes. `more` and `last` carry a message in pieces.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Incarnation, NodeName } from '../membership/messages.js';
import { MAX_LINK_MESSAGE_BYTES } from '../wire/bounds.js';
import { Writer } from '../wire/cursor.js';
import { DecodeError } from '../wire/errors.js';
import { decodeHello, encodeHello, HELLO, type Hello, RANDOM_BYTES } from '../wire/hello.js';
import { TAG_BYTES } from '../wire/seal.js';
import { chaChaAead, deriveSalted, equalSecrets, type FarmKeyring, hmacSha256 } from './crypto.js';
import type { LinkCounter } from './link-contract.js';

export const FRAME = { alive: 1, more: 2, last: 3 } as const;
/** Plain bytes of one frame: large enough to cost little, small enough that nothing is stuck behind it for long. */
export const PIECE_BYTES = 64 * 1024;
export const MAX_FRAME_BYTES = 1 + PIECE_BYTES + TAG_BYTES;
const NO_ASSOCIATED = new Uint8Array(0);

/** The other end broke the protocol; `counter` says how. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly counter: LinkCounter;

  constructor(counter: LinkCounter, message: string, options?: ErrorOptions) {
    super(message, options);
    this.counter = counter;
  }
}

/** Who we are, to the other end. */
export interface LinkSelf {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
  readonly farmId: Uint8Array;
  readonly keyring: FarmKeyring;
}

/** One direction's key and count. */
class Direction {
  readonly #key: Uint8Array;
  #frames = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(kind: number, bytes: Uint8Array): Uint8Array {
    const plain = new Uint8Array(1 + bytes.length);
    plain[0] = kind;
    plain.set(bytes, 1);
    const sealed = chaChaAead.seal(this.#key, this.#nextNonce(), NO_ASSOCIATED, plain);
    return new Writer(4 + sealed.length).u32(sealed.length).bytes(sealed).finish();
  }

  open(sealed: Uint8Array): Uint8Array {
    const plain = chaChaAead.open(this.#key, this.#nextNonce(), NO_ASSOCIATED, sealed);
    if (plain === null || plain.length === 0) throw new LinkError('badSeal', 'a frame is not authentic');
    return plain;
  }

  #nextNonce(): Uint8Array {
    return new Writer(12)
      .u32(0)
      .u64(this.#frames++)
      .finish();
  }
}

/** Keys of an open session, as one end sees them. */
export interface Session {
  readonly peer: NodeName;
  readonly incarnation: Incarnation;
  readonly outward: Direction;
  readonly inward: Direction;
}

/** The caller's side: `hello` goes out, `finish` takes the answer. */
export class CallerHandshake {
  /** Whole, with its length before it. */
  readonly hello: Uint8Array;
  readonly #self: LinkSelf;
  readonly #to: NodeName;
  readonly #incarnation: Incarnation;
  readonly #key: Uint8Array;
  readonly #sent: Uint8Array;

  constructor(self: LinkSelf, to: NodeName, incarnation: Incarnation) {
    this.#self = self;
    this.#to = to;
    this.#incarnation = incarnation;
    this.#key = linkKey(self, self.keyring.activeId);
    this.#sent = withProof(this.#key, new Uint8Array(0), helloOf(self, HELLO.caller, self.keyring.activeId, to));
    this.hello = withLength(this.#sent);
  }

  /** Throws {@link LinkError}. */
  finish(answer: Uint8Array): Session {
    const { hello, proven, proof } = parseHello(answer, HELLO.listener, this.#self);
    if (hello.keyId !== this.#self.keyring.activeId)
      throw new LinkError('helloUnknownKey', 'answered under another key');
    if (!equalSecrets(proof, hmacSha256(this.#key, this.#sent, proven))) throw badProof();
    if (hello.from !== this.#to || hello.incarnation !== this.#incarnation) {
      throw new LinkError(
        'helloOtherPeer',
        `called ${this.#to} ${this.#incarnation}, got ${hello.from} ${hello.incarnation}`,
      );
    }
    return sessionOf(this.#key, this.#sent, answer, hello, true);
  }
}

/** The listener's side: the caller's hello comes in, the answer and the session's keys come out. Throws {@link LinkError}. */
export function answerHello(
  self: LinkSelf,
  bytes: Uint8Array,
): { readonly answer: Uint8Array; readonly session: Session } {
  const { hello, proven, proof } = parseHello(bytes, HELLO.caller, self);
  const key = linkKey(self, hello.keyId);
  if (!equalSecrets(proof, hmacSha256(key, proven))) throw badProof();
  const answer = withProof(key, bytes, helloOf(self, HELLO.listener, hello.keyId, hello.from));
  return { answer: withLength(answer), session: sessionOf(key, bytes, answer, hello, false) };
}

function parseHello(bytes: Uint8Array, kind: Hello['kind'], self: LinkSelf): ReturnType<typeof decodeHello> {
  const parsed = decodeOrThrow(bytes);
  const { hello } = parsed;
  if (hello.kind !== kind) throw new LinkError('helloMalformed', `a hello of kind ${hello.kind}`);
  if (!equalSecrets(hello.farmId, self.farmId)) throw new LinkError('helloOtherFarm', 'a hello of another farm');
  if (hello.to !== self.name) throw new LinkError('helloOtherPeer', `a hello for ${hello.to}`);
  return parsed;
}

function decodeOrThrow(bytes: Uint8Array): ReturnType<typeof decodeHello> {
  try {
    return decodeHello(bytes);
  } catch (cause) {
    if (cause instanceof DecodeError) throw new LinkError('helloMalformed', cause.message, { cause });
    throw cause;
  }
}

function linkKey(self: LinkSelf, id: number): Uint8Array {
  const key = self.keyring.linkKey(id);
  if (key === null) throw new LinkError('helloUnknownKey', 'a hello under a key that we do not have');
  return key;
}

const badProof = () => new LinkError('helloBadProof', 'the other end does not have the farm key');

function helloOf(self: LinkSelf, kind: Hello['kind'], keyId: number, to: NodeName): Uint8Array {
  const { farmId, name: from, incarnation } = self;
  return encodeHello({ kind, farmId, keyId, from, to, incarnation, random: randomBytes(RANDOM_BYTES) });
}

function withProof(key: Uint8Array, before: Uint8Array, hello: Uint8Array): Uint8Array {
  return Buffer.concat([hello, hmacSha256(key, before, hello)]);
}

function withLength(hello: Uint8Array): Uint8Array {
  return new Writer(2 + hello.length).u16(hello.length).bytes(hello).finish();
}

function sessionOf(key: Uint8Array, caller: Uint8Array, listener: Uint8Array, peer: Hello, isCaller: boolean): Session {
  const transcript = createHash('sha256').update(caller).update(listener).digest();
  const keys = deriveSalted(key, transcript, 'link session', 64);
  const [fromCaller, fromListener] = [new Direction(keys.subarray(0, 32)), new Direction(keys.subarray(32))];
  const [outward, inward] = isCaller ? [fromCaller, fromListener] : [fromListener, fromCaller];
  return { peer: peer.from, incarnation: peer.incarnation, outward, inward };
}

/** Joins the pieces of messages, in bounded memory. */
export class MessageJoiner {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** A whole message, or null while pieces are missing. Throws {@link LinkError}. */
  add(piece: Uint8Array, isLast: boolean): Uint8Array | null {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_LINK_MESSAGE_BYTES)
      throw new LinkError('messageTooLong', `a message of more than ${this.#bytes} bytes`);
    this.#pieces.push(piece);
    if (!isLast) return null;
    const message = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return message;
  }
}

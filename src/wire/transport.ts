/**
 * Seals what this node broadcasts, and opens what it hears: one ladder of checks, each rung with its own counter.
 *
 *   length -> magic -> version -> farm id -> rate limit -> cipher -> replay -> parse
 *
 * All that stands before the cipher changes no state but counters and the rate limit's buckets. Time comes in as a parameter.
 */
import type { Heartbeat, Incarnation, NodeName, Obituary } from '../membership/messages.js';
import { MAX_DATAGRAM_BYTES } from './bounds.js';
import { type WireCounter, WireCounters } from './counters.js';
import { equalBytes } from './cursor.js';
import { DecodeError } from './errors.js';
import { encodeHeartbeat, HeartbeatDecoder } from './heartbeat.js';
import { DEFAULT_LIMITS, RateLimiter, type RateLimits } from './limit.js';
import { decodeObituary, encodeObituary } from './obituary.js';
import { decodePart, PartJoiner, splitIntoParts } from './parts.js';
import { MAX_WINDOWS, ReplayGuard } from './replay.js';
import * as seal from './seal.js';

/** Room for the header and tag of the member that passes a datagram on. */
const MAX_OWN_DATAGRAM_BYTES = MAX_DATAGRAM_BYTES - seal.MAX_HEADER_BYTES - seal.TAG_BYTES;
const PLAIN_BYTES = MAX_OWN_DATAGRAM_BYTES - seal.MAX_HEADER_BYTES - seal.TAG_BYTES;

export interface TransportOptions {
  readonly aead: seal.Aead;
  readonly keyring: seal.Keyring;
  /** 8 bytes. */
  readonly farmId: Uint8Array;
  readonly name: NodeName;
  readonly incarnation: Incarnation;
  readonly limits?: RateLimits;
  /** Another one than the right one, for tests that show what it is for. */
  readonly guard?: ReplayGuard;
}

/** What an authentic datagram turned out to be. */
export type Opened =
  | {
      readonly kind: 'heartbeat';
      readonly heartbeat: Heartbeat;
      /** The member that passed it on; null: it came from the sender itself. */
      readonly via: NodeName | null;
      /** Its datagrams as the sender sealed them, to be passed on. */
      readonly sealed: readonly Uint8Array[];
      /** The sender's newest heartbeat once more, by another path: it says that the path works, and is no new sign of life. */
      readonly copy: boolean;
    }
  | { readonly kind: 'obituary'; readonly obituary: Obituary };

/** What is remembered of a sender between its datagrams. */
interface Conversation {
  readonly incarnation: Incarnation;
  readonly joiner: PartJoiner;
  readonly decoder: HeartbeatDecoder;
  newest: { readonly message: number; readonly heartbeat: Heartbeat; readonly sealed: readonly Uint8Array[] } | null;
}

export interface KeyUse {
  readonly node: NodeName;
  readonly keyId: seal.KeyId;
}

/** One per process and incarnation: two would use one nonce twice. */
export class Transport {
  readonly #aead: seal.Aead;
  readonly #farmId: Uint8Array;
  readonly #name: NodeName;
  #keyring: seal.Keyring;
  #incarnation: Incarnation;
  #counter = 0;
  #obituaryCounter = 0;
  #message = 0;
  readonly #limiter: RateLimiter;
  readonly #guard: ReplayGuard;
  /** By name; of each the last few, so that two hosts with one name do not disturb each other. */
  readonly #conversations = new Map<NodeName, readonly Conversation[]>();
  readonly #keyUse = new Map<NodeName, seal.KeyId>();
  readonly #counters = new WireCounters();

  constructor({ aead, keyring, farmId, name, incarnation, limits = DEFAULT_LIMITS, guard }: TransportOptions) {
    this.#guard = guard ?? new ReplayGuard();
    this.#aead = aead;
    this.#keyring = keyring;
    this.#farmId = new Uint8Array(farmId);
    this.#name = name;
    this.#incarnation = incarnation;
    this.#limiter = new RateLimiter(limits);
  }

  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  /** From now on we are this incarnation. Throws {@link RangeError} unless it is newer: an older one's nonces are used up. */
  setIncarnation(incarnation: Incarnation): void {
    if (incarnation === this.#incarnation) return;
    if (incarnation < this.#incarnation) {
      throw new RangeError(`incarnation ${incarnation} is older than ${this.#incarnation}, whose nonces are used`);
    }
    this.#incarnation = incarnation;
    this.#counter = 0;
    this.#obituaryCounter = 0;
    this.#message = 0;
  }

  /** Seals with the new active key from now on, and accepts the new set. Counters go on. */
  setKeyring(keyring: seal.Keyring): void {
    this.#keyring = keyring;
  }

  /** Our own keys: the one that seals, and all that we can open. */
  keys(): { readonly activeId: seal.KeyId; readonly ids: readonly seal.KeyId[] } {
    return { activeId: this.#keyring.activeId, ids: this.#keyring.ids };
  }

  /** The key under which each member sealed the newest datagram heard from it: a key listed here is in use. */
  keysInUse(): readonly KeyUse[] {
    return [...this.#keyUse].map(([node, keyId]) => ({ node, keyId }));
  }

  counters(): Readonly<Record<WireCounter, number>> {
    return this.#counters.snapshot();
  }

  /** Throws EncodeError where the heartbeat breaks a bound of the format. */
  sealHeartbeat(heartbeat: Heartbeat): readonly Uint8Array[] {
    const parts = splitIntoParts(this.#message++, encodeHeartbeat(heartbeat), PLAIN_BYTES);
    return parts.map((plain) => this.#seal(seal.DATAGRAM.heartbeat, plain, this.#counter++));
  }

  /** Of this incarnation or an older one of this node. May be sent at any later time, by another process. */
  sealObituary(obituary: Obituary): readonly Uint8Array[] {
    return [this.#seal(seal.DATAGRAM.obituary, encodeObituary(obituary), this.#obituaryCounter++)];
  }

  /** Wraps another member's sealed datagrams, unchanged, so that receivers know who passed them on. */
  sealPassedOn(sealed: readonly Uint8Array[]): readonly Uint8Array[] {
    return sealed.map((datagram) => this.#seal(seal.DATAGRAM.passedOn, datagram, this.#counter++));
  }

  /**
   * @param source whence it came, as text: a MAC, or an address and port. Only the rate limit and the telling of copies use it.
   * @returns null when it was rejected, or when parts are missing: a counter says which. Never throws for any bytes.
   */
  open(datagram: Uint8Array, source: string, nowMs: number): Opened | null {
    this.#counters.add('received');
    const reason = this.#rejection(datagram) ?? this.#limiter.check(source, nowMs);
    return reason === null ? this.#openSealed(datagram, source, null) : this.#reject(reason);
  }

  #seal(type: seal.DatagramType, plain: Uint8Array, counter: number): Uint8Array {
    const keyId = this.#keyring.activeId;
    const key = this.#keyring.senderKey(keyId, this.#name);
    if (key === null) throw new RangeError(`the keyring has no active key ${keyId}`);
    const [farmId, sender, incarnation] = [this.#farmId, this.#name, this.#incarnation];
    this.#counters.add('sealed');
    return seal.sealDatagram(this.#aead, key, { type, farmId, keyId, sender, incarnation, counter }, plain);
  }

  #rejection(datagram: Uint8Array): WireCounter | null {
    if (datagram.length < seal.MIN_SEALED_BYTES) return 'tooShort';
    if (datagram.length > MAX_DATAGRAM_BYTES) return 'tooLong';
    if (!seal.hasMagic(datagram)) return 'badMagic';
    if (seal.versionOf(datagram) !== seal.SEAL_VERSION) return 'badVersion';
    return equalBytes(seal.farmIdOf(datagram), this.#farmId) ? null : 'otherFarm';
  }

  /** The rungs from the cipher on. `via`: the member in whose datagram this one came, null at the outside. */
  #openSealed(datagram: Uint8Array, source: string, via: NodeName | null): Opened | null {
    const parsed = parse(() => seal.decodeHeader(datagram));
    if (parsed === null) return this.#reject('badHeader');
    const { header, headerBytes } = parsed;
    // Our own broadcasts come back by some paths. Nothing is believed here: a forged one only drops itself.
    if (header.sender === this.#name && header.incarnation === this.#incarnation) return this.#reject('own');
    const key = this.#keyring.senderKey(header.keyId, header.sender);
    if (key === null) return this.#reject('unknownKey');
    const plain = seal.openDatagram(this.#aead, key, header, headerBytes, datagram);
    if (plain === null) return this.#reject('badSeal');
    if (header.type === seal.DATAGRAM.obituary) return this.#takeObituary(header, plain, source);
    const novelty = this.#guard.accept(header.sender, header.incarnation, header.counter, via === null ? source : null);
    if (novelty === 'copy') return this.#takeCopy(header, plain);
    if (novelty !== 'new') return this.#reject(novelty);
    this.#trust(header, source, via);
    if (header.type === seal.DATAGRAM.heartbeat) return this.#takePart(header, plain, datagram, via);
    return this.#takePassedOn(header, plain, source, via);
  }

  #takeObituary(header: seal.Header, plain: Uint8Array, source: string): Opened | null {
    const novelty = this.#guard.allowsObituary(header.sender, header.incarnation);
    if (novelty !== 'new') return this.#reject(novelty);
    const obituary = parse(() => decodeObituary(plain));
    if (obituary === null) return this.#reject('malformed');
    if (obituary.name !== header.sender || obituary.incarnation > header.incarnation)
      return this.#reject('otherSender');
    if (!this.#guard.isNewObituary(obituary.name, obituary.incarnation)) return this.#reject('obituaryRepeated');
    this.#limiter.trust(source);
    this.#counters.add('obituaries');
    return { kind: 'obituary', obituary };
  }

  #takePart(header: seal.Header, plain: Uint8Array, datagram: Uint8Array, via: NodeName | null): Opened | null {
    this.#counters.add('parts');
    const conversation = this.#conversation(header);
    const taken = parse(() => {
      const joined = conversation.joiner.add(decodePart(plain), datagram);
      return { joined, heartbeat: joined === null ? null : conversation.decoder.decode(joined.bytes) };
    });
    if (taken === null) return this.#reject('malformed');
    const { joined, heartbeat } = taken;
    if (joined === null || heartbeat === null) return null;
    if (heartbeat.from !== header.sender || heartbeat.incarnation !== header.incarnation)
      return this.#reject('otherSender');
    conversation.newest = { message: joined.message, heartbeat, sealed: joined.sealed };
    this.#counters.add('heartbeats');
    return { kind: 'heartbeat', heartbeat, via, sealed: joined.sealed, copy: false };
  }

  /** A datagram that came by another path before. Only the first part of the newest heartbeat is worth telling. */
  #takeCopy(header: seal.Header, plain: Uint8Array): Opened | null {
    this.#counters.add('copies');
    const newest = this.#known(header)?.newest ?? null;
    if (header.type !== seal.DATAGRAM.heartbeat || newest === null) return null;
    const part = parse(() => decodePart(plain));
    if (part === null || part.index !== 0 || part.message !== newest.message) return null;
    return { kind: 'heartbeat', heartbeat: newest.heartbeat, via: null, sealed: newest.sealed, copy: true };
  }

  #takePassedOn(header: seal.Header, inner: Uint8Array, source: string, via: NodeName | null): Opened | null {
    if (via !== null) return this.#reject('malformed');
    this.#counters.add('passedOn');
    const reason = this.#rejection(inner);
    return reason === null ? this.#openSealed(inner, source, header.sender) : this.#reject(reason);
  }

  #trust(header: seal.Header, source: string, via: NodeName | null): void {
    if (via === null) this.#limiter.trust(source);
    this.#keyUse.set(header.sender, header.keyId);
  }

  #conversation(header: seal.Header): Conversation {
    const known = this.#known(header);
    if (known !== undefined) return known;
    const { sender, incarnation } = header;
    const joiner = new PartJoiner(() => this.#counters.add('partsAbandoned'));
    const begun: Conversation = { incarnation, joiner, decoder: new HeartbeatDecoder(), newest: null };
    const others = this.#conversations.get(sender) ?? [];
    this.#conversations.set(sender, [begun, ...others].slice(0, MAX_WINDOWS));
    return begun;
  }

  #known({ sender, incarnation }: seal.Header): Conversation | undefined {
    return this.#conversations.get(sender)?.find((conversation) => conversation.incarnation === incarnation);
  }

  #reject(reason: WireCounter): null {
    this.#counters.add(reason);
    return null;
  }
}

/** What `read` gives, or null when the bytes are not what they claim to be. Other errors are faults of ours and pass. */
function parse<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

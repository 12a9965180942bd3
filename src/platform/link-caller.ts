/**
 * The sending side towards one peer: a queue, and a connection when there is something to send.
 *
 *   idle --send--> connecting --hello--> open
 *    ^                 |                   |
 *    |            every address        connection
 *    |               failed              ended
 *    +---back-off--- waiting <-------------+        entering `waiting` drops the queue and reports the peer down
 */
import { connect } from 'node:net';
import type { Endpoint, Incarnation, NodeName } from '../membership/messages.js';
import { inOrderOfHope } from './link-addresses.js';
import { LinkConnection } from './link-connection.js';
import type { LinkCounter, LinkPeerStatus, LinkTimes } from './link-contract.js';
import { CallerHandshake, FRAME, LinkError, type LinkSelf, PIECE_BYTES } from './link-session.js';

/** Twenty times the keeps of a full table's largest grant message. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

export interface CallerContext {
  readonly times: LinkTimes;
  /** As we are now. */
  readonly self: () => LinkSelf;
  readonly count: (counter: LinkCounter, by?: number) => void;
  readonly onDown: (peer: NodeName, why: string) => void;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly connection: LinkConnection }
  | { readonly kind: 'open'; readonly connection: LinkConnection }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout };

const IDLE: State = { kind: 'idle' };

export class LinkCaller {
  readonly #peer: NodeName;
  readonly #context: CallerContext;
  #incarnation: Incarnation;
  #endpoints: readonly Endpoint[];
  #lastGood: Endpoint | null = null;
  #state: State = IDLE;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Bytes of the queue's first message that are sent. */
  #offset = 0;
  #backoffMs: number;
  #lastError = '';

  constructor(peer: NodeName, incarnation: Incarnation, endpoints: readonly Endpoint[], context: CallerContext) {
    this.#peer = peer;
    this.#incarnation = incarnation;
    this.#endpoints = endpoints;
    this.#context = context;
    this.#backoffMs = context.times.backoffMinMs;
  }

  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  /** A newer incarnation ends the connection to the older one. */
  learn(incarnation: Incarnation, endpoints: readonly Endpoint[]): void {
    if (incarnation < this.#incarnation) return;
    this.#endpoints = endpoints;
    if (incarnation === this.#incarnation) return;
    this.#incarnation = incarnation;
    this.restart('it has a newer incarnation');
  }

  send(message: Uint8Array): void {
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) {
      this.#context.count('queueOverflow');
      this.restart('its queue is full');
    } else if (this.#state.kind === 'open') this.#pump(this.#state.connection);
    else if (this.#state.kind === 'idle') this.#call(inOrderOfHope(this.#endpoints, this.#lastGood));
  }

  /** Ends what is there, without back-off; the peer is reported down when anything is lost by it. */
  restart(why: string): void {
    const isLoss = this.#queue.length > 0 || this.#state.kind === 'open';
    this.close();
    this.#backoffMs = this.#context.times.backoffMinMs;
    if (isLoss) this.#context.onDown(this.#peer, why);
  }

  /** Ends all without a word; the next `send` begins anew. */
  close(): void {
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer);
    else if (this.#state.kind !== 'idle') this.#state.connection.destroy();
    this.#state = IDLE;
    this.#dropQueue();
  }

  status(): LinkPeerStatus {
    return { peer: this.#peer, state: this.#state.kind, queuedBytes: this.#queuedBytes, lastError: this.#lastError };
  }

  /** Tries one address after the other. */
  #call([endpoint, ...rest]: readonly Endpoint[]): void {
    if (endpoint === undefined) {
      this.#down(`cannot be reached: ${this.#endpoints.length === 0 ? 'it advertises no address' : this.#lastError}`);
      return;
    }
    const handshake = new CallerHandshake(this.#context.self(), this.#peer, this.#incarnation);
    const socket = connect({ host: endpoint.address, port: endpoint.port });
    const connection = new LinkConnection(socket, true, this.#context.times, {
      takeHello: (answer) => handshake.finish(answer),
      onOpen: () => this.#opened(connection, endpoint),
      onMessage: () => connection.end(new LinkError('badSeal', 'a message from the listening side')),
      onDrain: () => this.#pump(connection),
      onEnd: (error) => this.#ended(error, endpoint, rest),
    });
    socket.once('connect', () => connection.write(handshake.hello));
    this.#state = { kind: 'connecting', connection };
  }

  #opened(connection: LinkConnection, endpoint: Endpoint): void {
    this.#context.count('connected');
    this.#lastGood = endpoint;
    this.#backoffMs = this.#context.times.backoffMinMs;
    this.#lastError = '';
    this.#state = { kind: 'open', connection };
    this.#pump(connection);
  }

  #ended(error: Error, { address, port }: Endpoint, rest: readonly Endpoint[]): void {
    this.#lastError = `${address} port ${port}: ${error.message}`;
    if (error instanceof LinkError) this.#context.count(error.counter);
    if (this.#state.kind === 'open') this.#down(this.#lastError);
    else {
      this.#context.count('connectFailed');
      this.#call(rest);
    }
  }

  #down(why: string): void {
    const waitMs = this.#backoffMs;
    this.#backoffMs = Math.min(waitMs * 2, this.#context.times.backoffMaxMs);
    this.#state = { kind: 'waiting', timer: setTimeout(() => this.#awake(), waitMs) };
    this.#dropQueue();
    this.#context.onDown(this.#peer, why);
  }

  #awake(): void {
    this.#state = IDLE;
    if (this.#queue.length > 0) this.#call(inOrderOfHope(this.#endpoints, this.#lastGood));
  }

  /** Seals and writes while the socket takes it: what it does not take stays in the queue, unsealed. */
  #pump(connection: LinkConnection): void {
    if (this.#state.kind !== 'open' || this.#state.connection !== connection) return;
    for (let message = this.#queue[0]; message !== undefined; message = this.#queue[0]) {
      const piece = message.subarray(this.#offset, this.#offset + PIECE_BYTES);
      const isLast = this.#offset + piece.length === message.length;
      this.#offset = isLast ? 0 : this.#offset + piece.length;
      if (isLast) this.#shift(message);
      if (!connection.sendFrame(isLast ? FRAME.last : FRAME.more, piece)) return;
    }
  }

  #shift(message: Uint8Array): void {
    this.#queue.shift();
    this.#queuedBytes -= message.length;
    this.#context.count('messagesSent');
  }

  #dropQueue(): void {
    this.#context.count('messagesLost', this.#queue.length);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#offset = 0;
  }
}

/** One TCP connection of the peer link: hellos, then sealed frames both ways, and a watch on silence. */
import type { Socket } from 'node:net';
import { MAX_HELLO_BYTES } from '../wire/hello.js';
import type { LinkTimes } from './link-contract.js';
import { FRAME, LinkError, MAX_FRAME_BYTES, MessageJoiner, type Session } from './link-session.js';
import { BlockReader } from './link-stream.js';
import { LinkWatch } from './link-watch.js';

export interface ConnectionEvents {
  /** The other end's hello; throws {@link LinkError} to end the connection. */
  takeHello(hello: Uint8Array): Session;
  /** The other end has proved that it has the key now, not only once. Throws {@link LinkError} to end the connection. */
  onOpen(session: Session): void;
  onMessage(session: Session, message: Uint8Array): void;
  /** There is room for more. */
  onDrain(): void;
  /** Once, whoever ended it; not after `destroy`. */
  onEnd(error: Error): void;
}

const NOTHING = new Uint8Array(0);

export class LinkConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #isCaller: boolean;
  readonly #blocks = new BlockReader();
  readonly #joiner = new MessageJoiner();
  readonly #helloTimer: NodeJS.Timeout;
  readonly #watch: LinkWatch;
  #session: Session | null = null;
  #isOpen = false;
  #hasEnded = false;

  constructor(socket: Socket, isCaller: boolean, times: LinkTimes, events: ConnectionEvents) {
    this.#socket = socket;
    this.#isCaller = isCaller;
    this.#events = events;
    this.#watch = new LinkWatch(times, {
      sayAlive: () => this.#sayAlive(),
      onSilence: (ms) => this.end(new LinkError('silent', `silent for ${Math.round(ms)} ms`)),
    });
    this.#helloTimer = setTimeout(
      () => this.end(new LinkError('helloTimeout', `no hello within ${times.connectTimeoutMs} ms`)),
      times.connectTimeoutMs,
    );
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('drain', () => this.#events.onDrain());
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(new Error('closed by the other end')));
  }

  /** Before the session: a hello, with its length. */
  write(bytes: Uint8Array): void {
    if (!this.#hasEnded) this.#socket.write(bytes);
  }

  /** Seals and sends one frame. False: wait for `onDrain` with the next one. */
  sendFrame(kind: number, bytes: Uint8Array): boolean {
    if (this.#hasEnded || this.#session === null) return false;
    if (kind !== FRAME.alive) this.#watch.used();
    return this.#socket.write(this.#session.outward.seal(kind, bytes));
  }

  /** Ends the connection and tells it. Idempotent. */
  end(error: Error): void {
    if (this.#hasEnded) return;
    this.destroy();
    this.#events.onEnd(error);
  }

  /** Ends the connection without a word. Idempotent. */
  destroy(): void {
    this.#hasEnded = true;
    clearTimeout(this.#helloTimer);
    this.#watch.stop();
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array): void {
    this.#watch.heard();
    this.#blocks.push(chunk);
    try {
      while (!this.#hasEnded && this.#takeBlock());
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.end(error);
    }
  }

  /** False when there is no whole block. */
  #takeBlock(): boolean {
    if (this.#session === null) {
      const hello = this.#blocks.next(2, MAX_HELLO_BYTES, (length) => {
        throw new LinkError('helloMalformed', `a hello of ${length} bytes`);
      });
      if (hello !== null) this.#begin(this.#events.takeHello(hello));
      return hello !== null;
    }
    const frame = this.#blocks.next(4, MAX_FRAME_BYTES, (length) => {
      throw new LinkError('frameTooLong', `a frame of ${length} bytes`);
    });
    if (frame !== null) this.#takeFrame(this.#session, frame);
    return frame !== null;
  }

  /** The listener's answer proves the listener; the caller proves itself by its first frame, so it sends one at once. */
  #begin(session: Session): void {
    this.#session = session;
    if (!this.#isCaller) return;
    this.sendFrame(FRAME.alive, NOTHING);
    this.#open(session);
  }

  #open(session: Session): void {
    this.#isOpen = true;
    clearTimeout(this.#helloTimer);
    this.#watch.start();
    this.#events.onOpen(session);
  }

  #takeFrame(session: Session, frame: Uint8Array): void {
    const plain = session.inward.open(frame);
    if (!this.#isOpen) this.#open(session);
    if (this.#hasEnded) return;
    switch (plain[0]) {
      case FRAME.alive:
        return;
      case FRAME.more:
      case FRAME.last:
        this.#watch.used();
        this.#takePiece(session, plain.subarray(1), plain[0] === FRAME.last);
        return;
      default:
        throw new LinkError('badSeal', `a frame of kind ${plain[0]}`);
    }
  }

  #takePiece(session: Session, piece: Uint8Array, isLast: boolean): void {
    const message = this.#joiner.add(piece, isLast);
    if (message !== null) this.#events.onMessage(session, message);
  }

  /** Said by both ends unasked: an answer would come only after all that the caller has on the way. What waits says it as well. */
  #sayAlive(): void {
    if (this.#socket.writableLength === 0) this.sendFrame(FRAME.alive, NOTHING);
    else this.#watch.used();
  }
}

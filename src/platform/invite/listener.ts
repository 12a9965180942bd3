/** The member's side of an invite: listens only while one is open. */
import { createServer, type Server, type Socket } from 'node:net';
import { INVITE_LASTS_MS, INVITE_TRIES, type InviteContent, type JoinRequest, MAX_INVITE_BYTES } from './contract.js';
import { FramedSocket } from './framed.js';
import { codeBytes, exchangeKeys, HELLO_BYTES, isHello, newCode, newHello, openOnce, sealOnce } from './handshake.js';

const EXCHANGE_WITHIN_MS = 10_000;
/** An honest newcomer needs one. */
const MAX_CONNECTIONS = 8;
const MAX_REQUEST_BYTES = 4096;

export type InviteEvent =
  /** Somebody with the code has got config and key: the invite is over. */
  | { readonly type: 'used'; readonly by: string; readonly host: string }
  | { readonly type: 'wrong-code'; readonly by: string; readonly triesLeft: number }
  /** Nobody came in time, or too many wrong codes did. */
  | { readonly type: 'ended'; readonly why: string };

export interface InviteOptions {
  readonly port: number;
  /** Asked for when somebody has proved to know the code. */
  readonly content: () => Promise<InviteContent>;
  readonly onEvent: (event: InviteEvent) => void;
  /** Default {@link INVITE_LASTS_MS}. */
  readonly lastsMs?: number;
}

export class Invite {
  readonly code = newCode();
  readonly #secret = codeBytes(this.code)!;
  readonly #options: InviteOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #timer: NodeJS.Timeout | null = null;
  #triesLeft = INVITE_TRIES;
  #isOver = false;

  private constructor(options: InviteOptions) {
    this.#options = options;
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Throws the system's error when the port cannot be had. */
  static async open(options: InviteOptions): Promise<Invite> {
    const invite = new Invite(options);
    await new Promise<void>((done, failed) => {
      invite.#server.once('error', failed);
      invite.#server.listen(options.port, () => done());
    });
    const lastsMs = options.lastsMs ?? INVITE_LASTS_MS;
    invite.#timer = setTimeout(() => invite.#end('nobody used it in time'), lastsMs);
    invite.#timer.unref();
    return invite;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Idempotent; says nothing. */
  close(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #end(why: string): void {
    if (this.#isOver) return;
    this.close();
    this.#options.onEvent({ type: 'ended', why });
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const framed = new FramedSocket(socket, EXCHANGE_WITHIN_MS);
    try {
      await this.#exchange(framed, socket.remoteAddress ?? 'unknown');
    } catch {
      // Not our protocol, or it broke off: no code was tried, and there is nobody to tell.
    } finally {
      framed.close();
    }
  }

  async #exchange(framed: FramedSocket, by: string): Promise<void> {
    const theirs = await framed.receive(HELLO_BYTES);
    if (!isHello(theirs)) return;
    const hello = newHello();
    framed.send(hello.bytes);
    const keys = exchangeKeys(this.#secret, hello, theirs, hello.bytes);
    const sealed = await framed.receive(MAX_REQUEST_BYTES);
    // Checked after each wait: of two that come at once only one gets it.
    if (this.#isOver) return;
    const request = requestIn(keys.request, sealed);
    if (request === null) return this.#wrong(by);
    const answer = await this.#answer(keys.answer);
    if (answer === null || this.#isOver) return;
    this.#use();
    framed.send(answer);
    this.#options.onEvent({ type: 'used', by, host: request.host });
  }

  /** Null: this node cannot give it, which ends the invite. */
  async #answer(key: Uint8Array): Promise<Uint8Array | null> {
    try {
      const answer = sealOnce(key, await this.#options.content());
      if (answer.length <= MAX_INVITE_BYTES) return answer;
      this.#end('config and key are too large');
    } catch (error) {
      this.#end(`config or key cannot be read: ${String(error)}`);
    }
    return null;
  }

  /** Used up from here on, though its answer is still on the way. */
  #use(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#server.close();
  }

  #wrong(by: string): void {
    this.#triesLeft -= 1;
    this.#options.onEvent({ type: 'wrong-code', by, triesLeft: this.#triesLeft });
    if (this.#triesLeft <= 0) this.#end(`${INVITE_TRIES} wrong codes`);
  }
}

function requestIn(key: Uint8Array, sealed: Uint8Array): JoinRequest | null {
  const value = openOnce(key, sealed) as Partial<JoinRequest> | null;
  if (value === null) return null;
  // Whoever has the code is believed to be an operator; the name is for the log alone.
  return { version: 1, host: String(value.host).slice(0, 63) };
}

/** The receiving side: the port, those who have not proved themselves yet (few, and not for long), and the callers. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Incarnation, NodeName } from '../membership/messages.js';
import { LinkConnection } from './link-connection.js';
import type { LinkCounter, LinkTimes } from './link-contract.js';
import { answerHello, LinkError, type LinkSelf, type Session } from './link-session.js';

/** The oldest stranger goes when one more comes: a member needs a round trip, a flood must come faster than that. */
const MAX_STRANGERS = 64;

export interface ListenerContext {
  readonly times: LinkTimes;
  readonly self: () => LinkSelf;
  readonly count: (counter: LinkCounter) => void;
  /** The newest incarnation known of a member; -1: none. */
  readonly newest: (peer: NodeName) => Incarnation;
  readonly onMessage: (from: NodeName, incarnation: Incarnation, message: Uint8Array) => void;
  readonly onDown: (peer: NodeName, why: string) => void;
}

interface Caller {
  readonly connection: LinkConnection;
  readonly incarnation: Incarnation;
}

export class LinkListener {
  readonly #context: ListenerContext;
  readonly #server: Server;
  /** In order of arrival. */
  readonly #strangers = new Set<LinkConnection>();
  readonly #callers = new Map<NodeName, Caller>();

  constructor(context: ListenerContext) {
    this.#context = context;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @returns the port. Rejects with the errno. */
  listen(port: number, host: string | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host }, () => {
        this.#server.off('error', reject);
        // What may still come is a failed accept (no descriptor left): that caller tries again.
        this.#server.on('error', () => this.#context.count('connectFailed'));
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  get callers(): readonly NodeName[] {
    return [...this.#callers.keys()];
  }

  /** Ends the connections of those callers of whom `isGone` says so, and reports them down. */
  endCallers(isGone: (name: NodeName, incarnation: Incarnation) => boolean, why: string): void {
    for (const [name, { connection, incarnation }] of [...this.#callers]) {
      if (isGone(name, incarnation)) connection.end(new Error(why));
    }
  }

  /** Ends all without a word. */
  async close(): Promise<void> {
    for (const connection of this.#strangers) connection.destroy();
    for (const { connection } of this.#callers.values()) connection.destroy();
    this.#strangers.clear();
    this.#callers.clear();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    if (this.#strangers.size >= MAX_STRANGERS) this.#evictOldest();
    const connection: LinkConnection = new LinkConnection(socket, false, this.#context.times, {
      takeHello: (hello) => {
        const { answer, session } = answerHello(this.#context.self(), hello);
        this.#requireLiving(session);
        connection.write(answer);
        return session;
      },
      onOpen: (session) => this.#opened(connection, session),
      onMessage: ({ peer, incarnation }, message) => this.#context.onMessage(peer, incarnation, message),
      onDrain: () => {},
      onEnd: (error) => this.#ended(connection, error),
    });
    this.#strangers.add(connection);
  }

  #evictOldest(): void {
    const oldest = this.#strangers.values().next().value!;
    this.#strangers.delete(oldest);
    oldest.destroy();
    this.#context.count('strangersEvicted');
  }

  /** Before the answer, so that the caller takes it for a failed call and backs off. */
  #requireLiving({ peer, incarnation }: Session): void {
    if (incarnation >= Math.max(this.#context.newest(peer), this.#callers.get(peer)?.incarnation ?? -1)) return;
    throw new LinkError('helloOtherPeer', `${peer} called as an incarnation that is gone`);
  }

  /** A caller that calls again has lost its earlier connection, also where we have not noticed it yet. */
  #opened(connection: LinkConnection, { peer, incarnation }: Session): void {
    this.#strangers.delete(connection);
    this.#callers.get(peer)?.connection.end(new Error('it called again'));
    this.#context.count('accepted');
    this.#callers.set(peer, { connection, incarnation });
  }

  #ended(connection: LinkConnection, error: Error): void {
    if (error instanceof LinkError) this.#context.count(error.counter);
    this.#strangers.delete(connection);
    for (const [name, caller] of this.#callers) {
      if (caller.connection !== connection) continue;
      this.#callers.delete(name);
      this.#context.onDown(name, error.message);
    }
  }
}

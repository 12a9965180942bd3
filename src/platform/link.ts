/** The peer link over TCP, see link-contract.ts. Runs in any thread; needs no root. */
import type { Endpoint, Incarnation, NodeName } from '../membership/messages.js';
import { MAX_ENDPOINTS, MAX_LINK_MESSAGE_BYTES } from '../wire/bounds.js';
import type { FarmKeyring } from './crypto.js';
import { advertisedAddresses } from './link-addresses.js';
import { LinkCaller } from './link-caller.js';
import {
  LINK_COUNTERS,
  LINK_TIMES,
  type LinkCounter,
  type LinkOptions,
  type LinkStatus,
  type PeerLink,
} from './link-contract.js';
import { LinkListener } from './link-listener.js';
import type { LinkSelf } from './link-session.js';

/** Addresses change rarely, and every heartbeat asks for them; a member without the new one still has the old ones. */
const ENDPOINTS_MAX_AGE_MS = 3000;

export class TcpPeerLink implements PeerLink {
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  readonly #callers = new Map<NodeName, LinkCaller>();
  readonly #counters = new Map<LinkCounter, number>(LINK_COUNTERS.map((name) => [name, 0]));
  #self: LinkSelf;
  #port = 0;
  #isClosed = false;
  #endpoints: readonly Endpoint[] = [];
  #hidden: readonly string[];
  #endpointsAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#hidden = options.hidden;
    const { name, incarnation, keyring, farmId } = options;
    this.#self = { name, incarnation, keyring, farmId };
    this.#listener = new LinkListener({ ...this.#context(), ...this.#incoming() });
  }

  async listen(): Promise<readonly Endpoint[]> {
    this.#port = await this.#listener.listen(this.#options.port, this.#options.host);
    return this.endpoints();
  }

  endpoints(): readonly Endpoint[] {
    if (this.#port === 0) return [];
    const nowMs = performance.now();
    if (nowMs - this.#endpointsAtMs >= ENDPOINTS_MAX_AGE_MS) {
      this.#endpointsAtMs = nowMs;
      const addresses = this.#options.host === undefined ? advertisedAddresses(this.#hidden) : [this.#options.host];
      this.#endpoints = addresses.slice(0, MAX_ENDPOINTS).map((address) => ({ address, port: this.#port }));
    }
    return this.#endpoints;
  }

  learn(name: NodeName, incarnation: Incarnation, endpoints: readonly Endpoint[]): void {
    if (name === this.#self.name || this.#isClosed) return;
    const known = this.#callers.get(name);
    const isNewer = incarnation > (known?.incarnation ?? -1);
    if (known === undefined) this.#callers.set(name, new LinkCaller(name, incarnation, endpoints, this.#context()));
    else known.learn(incarnation, endpoints);
    if (!isNewer) return;
    this.#listener.endCallers((caller, of) => caller === name && of < incarnation, 'it has a newer incarnation');
  }

  setPeers(names: ReadonlySet<NodeName>): void {
    for (const [name, caller] of [...this.#callers]) {
      if (names.has(name)) continue;
      this.#callers.delete(name);
      caller.restart('it is no member any more');
    }
    this.#listener.endCallers((name) => !names.has(name), 'it is no member any more');
  }

  send(to: NodeName, message: Uint8Array): void {
    if (message.length > MAX_LINK_MESSAGE_BYTES) {
      throw new RangeError(`a message of ${message.length} bytes, at most ${MAX_LINK_MESSAGE_BYTES} are allowed`);
    }
    if (this.#isClosed) return;
    const caller = this.#callers.get(to);
    if (caller !== undefined) caller.send(message);
    else {
      this.#count('messagesLost');
      setImmediate(() => this.#down(to, 'nothing was heard of it'));
    }
  }

  setIncarnation(incarnation: Incarnation): void {
    this.#self = { ...this.#self, incarnation };
    this.#restartAll('we have a newer incarnation');
  }

  /** Addresses of this host that others must not be told from now on: the VIPs. */
  setHidden(addresses: readonly string[]): void {
    this.#hidden = addresses;
    this.#endpointsAtMs = Number.NEGATIVE_INFINITY;
  }

  setKeyring(keyring: FarmKeyring): void {
    const isAnyGone = this.#self.keyring.ids.some((id) => !keyring.ids.includes(id));
    this.#self = { ...this.#self, keyring };
    if (isAnyGone) this.#restartAll('a key was removed');
  }

  status(): LinkStatus {
    return {
      port: this.#port,
      peers: [...this.#callers.values()].map((caller) => caller.status()),
      callers: this.#listener.callers,
      counters: Object.fromEntries(this.#counters) as Record<LinkCounter, number>,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const caller of this.#callers.values()) caller.close();
    this.#callers.clear();
    await this.#listener.close();
  }

  #restartAll(why: string): void {
    for (const caller of this.#callers.values()) caller.restart(why);
    this.#listener.endCallers(() => true, why);
  }

  #context() {
    return {
      times: this.#options.times ?? LINK_TIMES,
      self: () => this.#self,
      count: (counter: LinkCounter, by = 1) => this.#count(counter, by),
      onDown: (peer: NodeName, why: string) => this.#down(peer, why),
    };
  }

  #incoming() {
    return {
      newest: (peer: NodeName) => this.#callers.get(peer)?.incarnation ?? -1,
      onMessage: (from: NodeName, incarnation: Incarnation, message: Uint8Array) => {
        if (this.#isClosed) return;
        this.#count('messagesReceived');
        this.#options.onMessage(from, incarnation, message);
      },
    };
  }

  #down(peer: NodeName, why: string): void {
    if (this.#isClosed) return;
    this.#count('down');
    this.#options.onDown(peer, why);
  }

  #count(counter: LinkCounter, by = 1): void {
    this.#counters.set(counter, this.#counters.get(counter)! + by);
  }
}

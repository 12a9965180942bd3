/**
 * Asks the agent again and again, and tells all pages that look. One question of a kind at a time; what is not answered ages, and every
 * frame says how old each part is.
 */
import type { ControlClient } from '../control/client.js';
import type { BucketsReport, PeersReport } from '../control/console-contract.js';
import type { EventReport, StatusReport } from '../control/contract.js';
import { consoleAddresses } from './addresses.js';
import type { Frame } from './contract.js';
import { TrafficHistory } from './traffic.js';

export type LiveAgent = Pick<ControlClient, 'status' | 'peers' | 'buckets' | 'events'>;

/** What a page hears. */
export type LiveMessage =
  | { readonly event: 'frame'; readonly data: Frame }
  | { readonly event: 'buckets'; readonly data: BucketsReport }
  | { readonly event: 'events'; readonly data: readonly EventReport[] };

export interface LiveParts {
  readonly agent: LiveAgent;
  readonly fingerprint: string;
  readonly listen: string;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

/** Fast while somebody looks; else only the history is kept. */
const LOOKED_AT_MS = 400;
const ALONE_MS = 1000;
const PEERS_MS = 1000;
const FIRST_EVENTS = 300;
const SUMMARY_FRESH_MS = 1900;

interface Aged<T> {
  readonly value: T;
  readonly atMs: number;
}

export class Live {
  readonly #parts: LiveParts;
  readonly #listeners = new Set<(message: LiveMessage) => void>();
  readonly #asking = new Set<string>();
  readonly traffic = new TrafficHistory();
  #status: Aged<StatusReport> | null = null;
  #peers: Aged<PeersReport> | null = null;
  #buckets: BucketsReport | null = null;
  #bucketsText = '';
  #events: EventReport[] = [];
  #trouble = 'the agent has not answered yet';
  #sequence = 0;
  #timer: NodeJS.Timeout | null = null;
  #peersAskedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#turn();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#listeners.clear();
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get status(): StatusReport | null {
    return this.#status?.value ?? null;
  }

  get events(): readonly EventReport[] {
    return this.#events;
  }

  get buckets(): BucketsReport | null {
    return this.#buckets;
  }

  /** Hears all that is known at once, then what changes. @returns to be called when nobody looks any more. */
  listen(listener: (message: LiveMessage) => void): () => void {
    this.#listeners.add(listener);
    listener({ event: 'frame', data: this.frame() });
    if (this.#buckets !== null) listener({ event: 'buckets', data: this.#buckets });
    listener({ event: 'events', data: this.#events });
    if (this.#listeners.size === 1) this.#turn();
    return () => this.#listeners.delete(listener);
  }

  frame(): Frame {
    const nowMs = this.#parts.nowMs();
    const age = (part: Aged<unknown> | null) => (part === null ? null : Math.round(nowMs - part.atMs));
    const status = this.#status?.value ?? null;
    return {
      sequence: this.#sequence,
      atMs: this.#parts.wallMs(),
      agent: { ok: this.#trouble === '', trouble: this.#trouble },
      status,
      statusAgeMs: age(this.#status),
      peers: this.#peers?.value.nodes ?? [],
      peersAgeMs: age(this.#peers),
      consoles: status === null ? [] : consoleAddresses(status, this.#peers?.value.nodes ?? [], this.#parts.listen),
      fingerprint: this.#parts.fingerprint,
      traffic: this.traffic.newest,
    };
  }

  /** Asks all that is due, tells a frame, and arms the next turn. */
  #turn(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), this.#listeners.size > 0 ? LOOKED_AT_MS : ALONE_MS);
    void this.#ask('status', async () => {
      const value = await this.#parts.agent.status();
      this.#status = { value, atMs: this.#parts.nowMs() };
      this.#trouble = '';
      this.#tellFrame();
    });
    void this.#ask('events', () => this.#askEvents());
    if (this.#listeners.size > 0) void this.#ask('buckets', () => this.#askBuckets());
    if (this.#parts.nowMs() - this.#peersAskedMs >= PEERS_MS) {
      this.#peersAskedMs = this.#parts.nowMs();
      void this.#ask('peers', () => this.#askPeers());
    }
    if (this.#trouble !== '') this.#tellFrame();
  }

  /** A question that fails is asked again at the next turn; its failure is shown. */
  async #ask(what: string, how: () => Promise<void>): Promise<void> {
    if (this.#asking.has(what)) return;
    this.#asking.add(what);
    try {
      await how();
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error);
    } finally {
      this.#asking.delete(what);
    }
  }

  async #askPeers(): Promise<void> {
    const value = await this.#parts.agent.peers();
    this.#peers = { value, atMs: this.#parts.nowMs() };
    const fresh = value.nodes.filter(({ ageMs }) => ageMs < SUMMARY_FRESH_MS);
    this.traffic.add(
      Math.floor(this.#parts.wallMs() / 1000),
      Object.fromEntries(fresh.map((node) => [node.node, node])),
    );
  }

  async #askBuckets(): Promise<void> {
    const report = await this.#parts.agent.buckets();
    const text = JSON.stringify(report);
    if (text === this.#bucketsText) return;
    this.#bucketsText = text;
    this.#buckets = report;
    this.#tell({ event: 'buckets', data: report });
  }

  async #askEvents(): Promise<void> {
    const since = this.#events.at(-1)?.at ?? null;
    const { events } = await this.#parts.agent.events({ since, limit: FIRST_EVENTS });
    if (events.length === 0) return;
    this.#events = [...this.#events, ...events].slice(-FIRST_EVENTS);
    this.#tell({ event: 'events', data: events });
  }

  #tellFrame(): void {
    this.#sequence += 1;
    if (this.#listeners.size > 0) this.#tell({ event: 'frame', data: this.frame() });
  }

  #tell(message: LiveMessage): void {
    for (const listener of this.#listeners) listener(message);
  }
}

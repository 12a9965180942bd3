/**
 * Asks the agent again and again, and tells all pages that look. One question of a kind at a time; what is not answered ages, and every
 * frame says how old each part is.
 */
import type { ControlClient } from '../control/client.js';
import type { BucketsReport, PeersReport } from '../control/console-contract.js';
import type { EventReport, StatusReport } from '../control/contract.js';
import { consoleAddresses } from './addresses.js';
import { type Frame, STALE_AFTER_MS, type TrafficSecond } from './contract.js';
import { TrafficHistory } from './traffic.js';

export type LiveAgent = Pick<ControlClient, 'status' | 'peers' | 'buckets' | 'events'>;

/** What a page hears. */
export type LiveMessage =
  | { readonly event: 'frame'; readonly data: Frame }
  | { readonly event: 'buckets'; readonly data: BucketsReport }
  | { readonly event: 'events'; readonly data: readonly EventReport[] }
  /** Seconds of the traffic that are new, or have got the values of a node whose word was late. */
  | { readonly event: 'traffic'; readonly data: readonly TrafficSecond[] };

export interface LiveParts {
  readonly agent: LiveAgent;
  readonly fingerprint: string;
  readonly listen: string;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  /** What people should know of this console itself, one line each. */
  readonly warnings?: () => readonly string[];
}

/** Fast while somebody looks; else only the history is kept. */
const LOOKED_AT_MS = 400;
const ALONE_MS = 1000;
/** A page that hears nothing for two seconds takes this console for gone. */
const FRAME_EVERY_MS = 800;
const FIRST_EVENTS = 300;

/** What a node said earlier is of another time than the second that is counted. */
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
  #buckets: Aged<BucketsReport> | null = null;
  #bucketsText = '';
  /** By scripts, however many. */
  #bucketsAsked: Promise<void> | null = null;
  #events: EventReport[] = [];
  #eventsMs: number | null = null;
  #moved: Frame['moved'] | null = null;
  #trouble = 'the agent has not answered yet';
  #sequence = 0;
  #timer: NodeJS.Timeout | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;

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

  /** Where a node has its console that has not said it. */
  get #fallback(): string {
    return this.#moved === null ? this.#parts.listen : (this.#moved?.listen ?? '');
  }

  /**
   * Of a config that moves consoles, the nodes come to speak in their own time: what one of them said last may be older. Whoever was where
   * this console was, by the same config, goes where it goes.
   */
  get #peersNow(): PeersReport['nodes'] {
    const nodes = this.#peers?.value.nodes ?? [];
    if (this.#moved === null) return nodes;
    const console = this.#fallback === '' ? null : this.#fallback;
    return nodes.map((node) => (node.console === this.#parts.listen ? { ...node, console } : node));
  }

  /** For scripts: while no page looks, nobody has asked. Throws what the agent's answer is, where it has none. */
  async bucketsNow(): Promise<BucketsReport & { readonly ageMs: number }> {
    const ageOf = () => this.#parts.nowMs() - (this.#buckets?.atMs ?? Number.NEGATIVE_INFINITY);
    if (ageOf() > STALE_AFTER_MS) {
      this.#bucketsAsked ??= this.#askBuckets().finally(() => (this.#bucketsAsked = null));
      await this.#bucketsAsked;
    }
    return { ...this.#buckets!.value, ageMs: Math.round(ageOf()) };
  }

  /** Hears all that is known at once, then what changes. @returns to be called when nobody looks any more. */
  listen(listener: (message: LiveMessage) => void): () => void {
    this.#listeners.add(listener);
    listener({ event: 'frame', data: this.frame() });
    if (this.#buckets !== null) listener({ event: 'buckets', data: this.#buckets.value });
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
      bucketsAgeMs: age(this.#buckets),
      eventsAgeMs: this.#eventsMs === null ? null : Math.round(nowMs - this.#eventsMs),
      warnings: this.#parts.warnings?.() ?? [],
      consoles: status === null ? [] : consoleAddresses(status, this.#peersNow, this.#fallback),
      ...(this.#moved === null ? {} : { moved: this.#moved }),
      fingerprint: this.#parts.fingerprint,
      traffic: this.traffic.present,
    };
  }

  /** The last frame says where this console and the others are by a config that has just come into force, once the agent goes by it. */
  async farewell(): Promise<void> {
    await this.#askPeers().catch(() => undefined);
    const own = this.#peers?.value.nodes.find(({ node }) => node === this.status?.node);
    // Else the agent ends, too, or the console begins anew: no config moves it.
    if (own === undefined || own.console === this.#parts.listen) return;
    this.#moved = { listen: own.console };
    this.#tellFrame();
  }

  /** Asks all that is due, tells a frame when nothing else has, and arms the next turn. */
  #turn(): void {
    const isLookedAt = this.#listeners.size > 0;
    const nowMs = this.#parts.nowMs();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), isLookedAt ? LOOKED_AT_MS : ALONE_MS);
    void this.#ask('status', () => this.#askStatus());
    void this.#ask('events', () => this.#askEvents());
    if (isLookedAt) void this.#ask('buckets', () => this.#askBuckets());
    // At every turn: a summary of another node is asked for with one call, and had with the next.
    void this.#ask('peers', () => this.#askPeers());
    if (nowMs - this.#toldMs >= FRAME_EVERY_MS) this.#tellFrame();
  }

  /** A question that fails is asked again at the next turn; meanwhile what it is about ages, and every frame says so. */
  async #ask(what: string, how: () => Promise<void>): Promise<void> {
    if (this.#asking.has(what)) return;
    this.#asking.add(what);
    try {
      await how();
    } catch (error) {
      if (what === 'status') this.#trouble = error instanceof Error ? error.message : String(error);
    } finally {
      this.#asking.delete(what);
    }
  }

  async #askStatus(): Promise<void> {
    const value = await this.#parts.agent.status();
    this.#status = { value, atMs: this.#parts.nowMs() };
    this.#trouble = '';
    this.#tellFrame();
  }

  async #askPeers(): Promise<void> {
    const value = await this.#parts.agent.peers();
    this.#peers = { value, atMs: this.#parts.nowMs() };
    const fresh = value.nodes.filter(({ ageMs }) => ageMs < SUMMARY_FRESH_MS);
    this.traffic.add(
      Math.floor(this.#parts.wallMs() / 1000),
      Object.fromEntries(fresh.map((node) => [node.node, node])),
    );
    const changed = this.traffic.takeChanged();
    if (changed.length > 0) this.#tell({ event: 'traffic', data: changed });
  }

  async #askBuckets(): Promise<void> {
    const report = await this.#parts.agent.buckets();
    const text = JSON.stringify(report);
    const ageMs = this.#parts.nowMs() - (this.#buckets?.atMs ?? Number.NEGATIVE_INFINITY);
    this.#buckets = { value: report, atMs: this.#parts.nowMs() };
    // While nobody looked they aged: the page need not call them old until the next frame.
    if (ageMs > STALE_AFTER_MS) this.#tellFrame();
    if (text === this.#bucketsText) return;
    this.#bucketsText = text;
    this.#tell({ event: 'buckets', data: report });
  }

  async #askEvents(): Promise<void> {
    const known = this.#events.at(-1)?.seq ?? 0;
    const { events, lastSeq } = await this.#parts.agent.events({ since: null, limit: FIRST_EVENTS, after: known });
    this.#eventsMs = this.#parts.nowMs();
    // The run directory was emptied: its events begin anew.
    if (lastSeq < known) this.#events = [];
    if (events.length === 0) return;
    this.#events = [...this.#events, ...events].slice(-FIRST_EVENTS);
    this.#tell({ event: 'events', data: events });
  }

  #tellFrame(): void {
    this.#sequence += 1;
    this.#toldMs = this.#parts.nowMs();
    if (this.#listeners.size > 0) this.#tell({ event: 'frame', data: this.frame() });
  }

  #tell(message: LiveMessage): void {
    for (const listener of [...this.#listeners]) listener(message);
  }
}

/** One core on a bench: the test plays the clock, the data plane and all other members. */
import { emptyBitmap } from '../../../src/buckets/bitmap.js';
import type { TableOp, TableResult } from '../../../src/buckets/contract.js';
import type { Core, Directive, Event, Settings } from '../../../src/membership/contract.js';
import { createCoreWith } from '../../../src/membership/core.js';
import type { Heartbeat } from '../../../src/membership/messages.js';
import { RULES, type Rules } from '../../../src/membership/rules.js';

export const BUCKETS = 16;

export const SETTINGS: Settings = {
  node: 'n1',
  weight: 1,
  plans: [{ mode: 'balance', order: [], weights: {} }],
  configDigest: 'c0',
  reach: 'flood',
  intervalMs: 100,
  leaseMs: 500,
  marginMs: 100,
  quorum: 'none',
  electorate: [],
  witness: false,
  buckets: BUCKETS,
};

export class Bench {
  readonly core: Core;
  nowMs = 1000;
  /** The table of keys has no room for what others keep. */
  isFull = false;
  readonly out: Directive[] = [];
  readonly #sequences = new Map<string, number>();

  constructor(settings: Partial<Settings> = {}, rules: Partial<Rules> = {}) {
    this.core = createCoreWith({ ...RULES, ...rules }, { ...SETTINGS, ...settings }, 2 ** 20, this.nowMs, () => 0.5, 0);
    this.step({ type: 'command', command: { name: 'start' } });
  }

  step(event: Event): readonly Directive[] {
    const queue: Event[] = [event];
    const all: Directive[] = [];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const directive of this.core.step(this.nowMs, next)) {
        all.push(directive);
        if (directive.type !== 'tables') continue;
        queue.push({ type: 'applied', id: directive.id, results: directive.ops.map((op) => this.#result(op)) });
      }
    }
    this.out.push(...all);
    return all;
  }

  #result(op: TableOp): TableResult {
    return { groups: op.op === 'honour' && this.isFull ? op.groups : [] };
  }

  /** Ticks whenever one is due, for `ms`; `between` plays the others every 50 ms. */
  run(ms: number, between: () => void = () => {}): void {
    const untilMs = this.nowMs + ms;
    let othersMs = this.nowMs;
    while (this.nowMs < untilMs) {
      if (othersMs <= this.nowMs) {
        between();
        othersMs += 50;
      }
      this.nowMs = Math.min(untilMs, othersMs, Math.max(this.nowMs + 0.5, this.core.nextTickMs()));
      if (this.nowMs >= this.core.nextTickMs()) this.step({ type: 'tick' });
    }
  }

  /** Our newest heartbeat. */
  newest(): Heartbeat {
    const sent = this.out.filter((directive) => directive.type === 'broadcast');
    return sent[sent.length - 1]!.heartbeat;
  }

  /** The next heartbeat of another member that hears us and has our view, unless `change` says otherwise. */
  heartbeatOf(name: string, change: Partial<Heartbeat> = {}): Heartbeat {
    const ours = this.newest();
    const sequence = (this.#sequences.get(name) ?? 0) + 1;
    this.#sequences.set(name, sequence);
    const { incarnation, viewDigest, gained, view } = ours;
    const none = (): Uint8Array => emptyBitmap(BUCKETS);
    return {
      from: name,
      incarnation: 2 ** 20 + 7,
      sequence,
      gone: 0,
      gained: 0,
      state: 'up',
      reason: '',
      weight: 1,
      weightPercent: 100,
      configDigest: 'c0',
      switches: [],
      reach: 'flood',
      mac: Uint8Array.of(2, 0, 0, 0, 0, Number(name.slice(1)) || 0),
      viewDigest,
      view,
      plans: [{ held: none(), granting: none(), kept: none() }],
      outcomes: [],
      heard: [{ name: ours.from, incarnation, sequence: ours.sequence, viewDigest, gained }],
      dead: [],
      framesSeen: 0,
      keeps: 0,
      endpoints: [],
      keys: [],
      ...change,
    };
  }

  hear(name: string, change: Partial<Heartbeat> = {}): readonly Directive[] {
    return this.step(this.eventOf(name, change));
  }

  eventOf(name: string, change: Partial<Heartbeat> = {}): Extract<Event, { type: 'heartbeat' }> {
    const heartbeat = this.heartbeatOf(name, change);
    return { type: 'heartbeat', heartbeat, path: 'raw', via: null, sealed: [new Uint8Array([1])] };
  }

  get state(): string {
    return this.core.status(this.nowMs).state;
  }

  get reason(): string {
    return this.core.status(this.nowMs).reason;
  }

  get held(): number {
    return this.core.status(this.nowMs).members.find(({ name }) => name === 'n1')!.heldBuckets;
  }
}

/** What of this node can be seen from outside its log: the timeline, notifications about it, and metrics. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Config } from '../config/contract.js';
import type { StatusReport } from '../control/contract.js';
import { COUNTER_NAMES, type CounterName } from '../dataplane/counters.js';
import type { Log } from './agent-parts.js';
import type { ProcessFacts } from './metrics/contract.js';
import { families } from './metrics/families.js';
import { render } from './metrics/family.js';
import { MetricsListener } from './metrics/listener.js';
import type { Send } from './notify/contract.js';
import { Notifier, notifyWarnings, OUTAGE_EVENT, RECOVERY_EVENT } from './notify/notifier.js';
import { Timeline } from './timeline.js';

export interface SeeingParts {
  readonly node: string;
  readonly runDir: string;
  readonly log: Log;
  readonly counters: BigUint64Array;
  readonly send: Send;
}

/** A node that leaves lets its last word arrive for so long. */
const LAST_WORDS_MS = 1000;
/** Between two looks at the event loop: what it wakes the processor for is next to nothing. */
const LOOP_RESOLUTION_MS = 100;
/** Kinds of events are few; one more than so many would be a fault, and is counted as `other`. */
const MOST_KINDS = 200;

export class Seeing {
  readonly timeline: Timeline;
  readonly #parts: SeeingParts;
  readonly #notifier: Notifier;
  readonly #listener: MetricsListener;
  readonly #kinds = new Map<string, number>();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #startedAtSeconds = Date.now() / 1000;
  #status: (() => Promise<StatusReport>) | null = null;
  #wire: Readonly<Record<string, number>> = {};

  constructor(parts: SeeingParts) {
    this.#parts = parts;
    this.timeline = new Timeline(parts.runDir);
    this.#notifier = new Notifier({
      send: parts.send,
      later: (ms, then) => {
        const timer = setTimeout(then, ms);
        return () => clearTimeout(timer);
      },
      onOutage: (target, error) => this.#tellOutage(target, error),
    });
    this.#listener = new MetricsListener({
      metrics: () => this.metrics(),
      log: (level, fields, message) => parts.log[level](fields, message),
    });
    this.#loopDelay.enable();
  }

  /** Of the start, and of each reload. */
  configure(config: Config): void {
    this.#notifier.configure(config);
    this.#listener.configure(config.metrics?.listen ?? null);
  }

  /** Metrics can be asked for from now on. */
  serve(status: () => Promise<StatusReport>): void {
    this.#status = status;
  }

  /** What the membership thread last counted of datagrams. */
  countWire(counters: Readonly<Record<string, number>>): void {
    this.#wire = counters;
  }

  record(event: string, fields: Readonly<Record<string, unknown>>): void {
    const kind = this.#kinds.has(event) || this.#kinds.size < MOST_KINDS ? event : 'other';
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
    const { node } = this.#parts;
    this.#notifier.offer(this.timeline.add({ at: new Date().toISOString(), node, event, fields }));
  }

  warnings(): readonly string[] {
    const { writeError } = this.timeline;
    return [writeError, this.#listener.trouble, ...notifyWarnings(this.#notifier.reports())].filter(Boolean);
  }

  /** In the text format of Prometheus. */
  async metrics(): Promise<string> {
    if (this.#status === null) throw new Error('the node is still starting');
    const { counters } = this.#parts;
    return render(
      families({
        status: await this.#status(),
        counter: (name: CounterName) => Number(Atomics.load(counters, COUNTER_NAMES.indexOf(name))),
        wire: this.#wire,
        events: Object.fromEntries(this.#kinds),
        eventsWritten: this.timeline.writeError === '',
        notifications: this.#notifier.reports(),
        process: this.#processFacts(),
      }),
    );
  }

  async close(): Promise<void> {
    this.#listener.close();
    this.#loopDelay.disable();
    await this.#notifier.close(LAST_WORDS_MS);
  }

  #tellOutage(target: string, error: string | null): void {
    const { log } = this.#parts;
    if (error === null) log.info({ target }, 'notifications arrive again');
    else log.warn({ target, error }, 'notifications do not arrive; trying again');
    this.record(error === null ? RECOVERY_EVENT : OUTAGE_EVENT, error === null ? { target } : { target, error });
  }

  #processFacts(): ProcessFacts {
    const { user, system } = process.cpuUsage();
    // Before its first sample the histogram has a NaN.
    const lateNs = Math.max(0, (this.#loopDelay.mean || 0) - LOOP_RESOLUTION_MS * 1e6);
    this.#loopDelay.reset();
    return {
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      startedAtSeconds: this.#startedAtSeconds,
      loopDelaySeconds: lateNs / 1e9,
    };
  }
}

/** What the metrics of a node are made of. */
import type { StatusReport } from '../../control/contract.js';
import type { CounterName } from '../../dataplane/counters.js';
import type { NotifyReport } from '../notify/contract.js';

export interface MetricsInput {
  readonly status: StatusReport;
  readonly counter: (name: CounterName) => number;
  /** Of the seal: what became of heartbeats and other datagrams. */
  readonly wire: Readonly<Record<string, number>>;
  /** Kind -> events since the agent's start. */
  readonly events: Readonly<Record<string, number>>;
  readonly eventsWritten: boolean;
  readonly notifications: readonly NotifyReport[];
  readonly process: ProcessFacts;
}

/** Of the agent's process, all its threads together. */
export interface ProcessFacts {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** Unix time, s. */
  readonly startedAtSeconds: number;
  /** By how much the main thread's timers are late, s: mean since the last time it was asked. */
  readonly loopDelaySeconds: number;
}

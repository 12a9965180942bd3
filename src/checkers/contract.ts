/** The checkers of a node, as the agent sees them. */
import type { Checker } from '../config/contract.js';

/** Drawing in health.ts. `idle`: it does not check now. */
export type CheckState = 'idle' | 'starting' | 'well' | 'failed' | 'unable';

/** What one check found. A null `ok`: this host cannot check that at all, so nothing may hang on it. */
export interface Verdict {
  readonly ok: boolean | null;
  /** What was seen, for people. */
  readonly detail: string;
}

/** One check. It heeds the signal; what it throws is a failure. */
export type Probe = (signal: AbortSignal) => Promise<Verdict>;

/** What `status` shows of a checker. */
export interface CheckerReport {
  readonly name: string;
  readonly type: Checker['type'];
  readonly state: CheckState;
  /** What the last check saw. */
  readonly detail: string;
  /** As in the config, e.g. `restart nginx`. */
  readonly onFail: string;
  /** In a row. */
  readonly failures: number;
  readonly successes: number;
  /** Since the last check ended; null: none yet. */
  readonly lastMs: number | null;
  readonly tookMs: number | null;
  /** True while it has not succeeded yet and the node should wait for that. */
  readonly isAwaited: boolean;
}

export interface CheckerChange {
  readonly checker: Checker;
  readonly from: CheckState;
  readonly to: CheckState;
  readonly detail: string;
}

export interface CheckersDoor {
  /** Checks `name` from now on, with its grace. `isAwaited`: the node waits for its first success. */
  begin(name: string, isAwaited: boolean): void;
  /** Does not check `name` until the next `begin`. */
  suspend(name: string): void;
  /** Takes over a new config. What has not changed goes on; what is new or changed waits for its `begin`. @returns their names. */
  update(checkers: readonly Checker[]): readonly string[];
  /** The word of a script on a `custom` checker; counts at once. */
  set(name: string, isUp: boolean, reason: string): void;
  /** One check beside the schedule, for whoever must know now. */
  ask(name: string): Promise<boolean>;
  reports(): readonly CheckerReport[];
  close(): void;
}

export function actionText({ onFail }: Pick<Checker, 'onFail'>): string {
  if (onFail.action === 'restart') return `restart ${onFail.service}`;
  return onFail.action === 'weight' ? `weight ${onFail.percent}%` : onFail.action;
}

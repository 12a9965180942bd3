/**
 * What a row of verdicts means, as a pure function. Time comes in as ms.
 *
 * ```
 *           one success                 `fall` failures in a row
 *  starting ------------> well -------------------------------> failed
 *     |  ^                  ^         `rise` successes in a row    |
 *     |  | cannot check     +--------------------------------------+
 *     |  +--> unable (from anywhere; the next real verdict counts as after `starting`)
 *     |      `fall` failures in a row, grace over
 *     +---------------------------------------> failed
 * ```
 * At the start one success is enough: nothing has failed yet. Failures within the grace do not count.
 */
import type { CheckState, Verdict } from './contract.js';

export interface HealthRules {
  readonly fall: number;
  readonly rise: number;
  readonly graceMs: number;
}

export interface Health {
  readonly state: CheckState;
  /** In a row. */
  readonly failures: number;
  readonly successes: number;
  readonly detail: string;
  /** When checking began. */
  readonly begunMs: number;
}

export const IDLE: Health = { state: 'idle', failures: 0, successes: 0, detail: '', begunMs: 0 };

export function begun(nowMs: number): Health {
  return { ...IDLE, state: 'starting', begunMs: nowMs };
}

export function observe(health: Health, rules: HealthRules, nowMs: number, { ok, detail }: Verdict): Health {
  if (ok === null) return { ...health, state: 'unable', failures: 0, successes: 0, detail };
  const isEarly = health.state === 'starting' && inGrace(health, rules, nowMs);
  const failures = ok || isEarly ? 0 : health.failures + 1;
  const successes = ok ? health.successes + 1 : 0;
  return { ...health, state: next(health.state, rules, failures, successes), failures, successes, detail };
}

/** True while failures do not count. */
export function inGrace({ begunMs }: Health, { graceMs }: HealthRules, nowMs: number): boolean {
  return nowMs - begunMs < graceMs;
}

function next(state: CheckState, { fall, rise }: HealthRules, failures: number, successes: number): CheckState {
  if (state === 'failed') return successes >= rise ? 'well' : 'failed';
  if (failures >= fall) return 'failed';
  if (successes > 0) return 'well';
  return state === 'unable' ? 'starting' : state;
}

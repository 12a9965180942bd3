/**
 * Until when somebody waits for an answer. An agent that was stopped or stalled finds old requests when it goes on: whoever sent them was
 * told that nothing had come of them, and may have done something else since.
 */
import { ControlError } from './errors.js';

/** ms of CLOCK_MONOTONIC, which all processes of a host share and nobody sets. An agent that does not know it does as it always did. */
export const DEADLINE_HEADER = 'x-covey-until';

export const monotonicMs = () => Number(process.hrtime.bigint() / 1_000_000n);

export const deadlineIn = (ms: number) => String(monotonicMs() + ms);

/** @throws {@link ControlError} `refused` when nobody waits any more. */
export function mustBeInTime(deadline: string | readonly string[] | undefined, nowMs = monotonicMs()): void {
  if (typeof deadline !== 'string' || !/^\d{1,15}$/.test(deadline)) return;
  const lateMs = nowMs - Number(deadline);
  if (lateMs > 0) throw new ControlError('refused', `this came ${lateMs} ms after its deadline, and is not done`);
}

/** From unanswered datagrams to how long a client waited. */
import { BenchError } from '../contract.js';

/** What the client prints. Times are of {@link monotonicMs}. */
export interface Heard {
  readonly sent: number;
  /** When those were sent that nobody answered, in order. */
  readonly lostAtMs: readonly number[];
}

/** CLOCK_MONOTONIC: the same for all processes of a machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** This many losses before the fault can be a busy machine's; more, and the farm was not well to begin with. */
const TOLERATED_BEFORE = 5;

/** `gapMs`: from the fault until the last datagram without an answer was sent; 0: none was lost. Throws when the farm was not well before. */
export function gapOf({ sent, lostAtMs }: Heard, faultMs: number): { readonly gapMs: number; readonly lost: number } {
  const before = lostAtMs.filter((atMs) => atMs < faultMs).length;
  if (before > TOLERATED_BEFORE) throw new BenchError(`${before} of ${sent} datagrams were lost before the fault`);
  const after = lostAtMs.filter((atMs) => atMs >= faultMs);
  const last = after.at(-1);
  return { gapMs: last === undefined ? 0 : last - faultMs, lost: after.length };
}

/** `covey apply` as a schedule: every node is told what comes, then each goes over to it, a moment before or after the others. */
import type { Dice } from './random.js';
import type { Action } from './schedule.js';

/** How far nodes are apart at each step, and how long they count both configs as one after they switched, ms. */
const TOLD_WITHIN_MS = 25;
/** Then all hear of each other that they were told, as the agents wait for it too. */
const HEARD_WITHIN_MS = 100;
const SWITCH_WITHIN_MS = 60;
const COUNTED_AS_ONE_MS = 2000;

export interface Misses {
  /** Chance of a node that it hears of the change only when it is over, as one that has just started. */
  readonly both: number;
  /** Chance of a node that it is told what comes, and then no more. */
  readonly commit: number;
}

const NO_MISSES: Misses = { both: 0, commit: 0 };

/** `times` applies in a row, the first from the config `c0`, so close to each other that the one before is not forgotten yet. */
export function applies(nodes: number, atMs: number, times: number, dice: Dice, misses = NO_MISSES): Action[] {
  const actions: Action[] = [];
  let [base, tellMs] = ['c0', atMs];
  for (let turn = 1; turn <= times; turn++) {
    // Every third one goes back to where the one before it came from.
    const next = turn % 3 === 0 ? `a${turn - 2}` : `a${turn}`;
    const switchMs = tellMs + TOLD_WITHIN_MS + HEARD_WITHIN_MS;
    for (let node = 0; node < nodes; node++) {
      const lateMs = dice.between(800, 1500);
      const told = { base, next, forMs: HEARD_WITHIN_MS + SWITCH_WITHIN_MS + COUNTED_AS_ONE_MS };
      const missesBoth = dice.chance(misses.both);
      const isLate = missesBoth || dice.chance(misses.commit);
      if (!missesBoth) actions.push({ atMs: tellMs + dice.between(0, TOLD_WITHIN_MS), kind: 'expect', node, ...told });
      const atMs = switchMs + dice.between(0, SWITCH_WITHIN_MS) + (isLate ? lateMs : 0);
      actions.push({ atMs, kind: 'config', node, digest: next });
    }
    base = next;
    tellMs = switchMs + SWITCH_WITHIN_MS + dice.between(5, 400);
  }
  return actions;
}

/** Makes a failing schedule shorter: leaves out what is not needed to violate the same invariant. */
import { Farm } from './farm.js';
import { type Flaws, NO_FLAWS } from './host.js';
import { NO_LOSS } from './network.js';
import { PLAIN, type Schedule } from './schedule.js';

export function shrink(schedule: Schedule, invariant: string, flaws: Flaws = NO_FLAWS): Schedule {
  const fails = (candidate: Schedule): boolean => new Farm(candidate, flaws).run()?.invariant === invariant;
  let best = schedule;
  const simpler: Partial<Schedule>[] = [
    { loss: NO_LOSS },
    { sealed: false },
    { udp: false },
    { witness: false },
    { quorum: 'none' },
    { tableRoom: 0 },
    { delayMs: PLAIN.delayMs },
    { duplicates: 0 },
    { late: 0 },
    { appliedDelayMs: 0 },
    { timersLateMs: 0 },
    { drift: 0 },
    { plans: 1 },
    { buckets: 16 },
  ];
  for (const change of simpler) if (fails({ ...best, ...change })) best = { ...best, ...change };
  for (let index = best.actions.length - 1; index >= 0; index--) {
    const without = { ...best, actions: best.actions.filter((_, other) => other !== index) };
    if (fails(without)) best = without;
  }
  for (let index = best.aims.length - 1; index >= 0; index--) {
    const without = { ...best, aims: best.aims.filter((_, other) => other !== index) };
    if (fails(without)) best = without;
  }
  return best;
}

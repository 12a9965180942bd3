/** An apply that reaches every node costs nobody anything: no node waits, no bucket moves, no packet is lost. */
import { describe, expect, it } from 'vitest';
import { applies } from './applies.js';
import { Farm } from './farm.js';
import { Dice } from './random.js';
import { type Action, PLAIN, type Schedule } from './schedule.js';

const FARMS = 300;
const FIRST_MS = 3000;

function life(seed: number, change: (actions: Action[]) => Action[] = (actions) => actions): Schedule {
  const dice = new Dice(seed);
  const nodes = dice.whole(2, 8);
  const starts = Array.from({ length: nodes }, (_, node) => ({
    atMs: dice.between(0, 200),
    kind: 'start' as const,
    node,
  }));
  const actions = change(applies(nodes, FIRST_MS, dice.whole(1, 6), dice));
  const endMs = Math.max(...actions.map(({ atMs }) => atMs)) + 3000;
  return {
    ...PLAIN,
    seed,
    nodes,
    keys: 30,
    packetEveryMs: 3,
    drift: 0.01,
    delayMs: dice.pick([0.2, 5]),
    actions: [...starts, ...actions],
    // The heal would set another config on all at once.
    healMs: endMs + 1,
    endMs,
  };
}

/** What happened from the first apply on that should not: nodes that wait, buckets that move. */
function unrest(schedule: Schedule): string[] {
  const farm = new Farm(schedule);
  const seen: string[] = [];
  let before = '';
  const look = (): void => {
    const held = farm.hosts.map(({ plane }) => plane.owned.map((plan) => plan.join()).join('|')).join('\n');
    if (before !== '' && held !== before) seen.push(`buckets moved before ${farm.timeline.nowMs.toFixed(0)} ms`);
    before = held;
    for (const { name, state } of farm.hosts) if (state !== 'up') seen.push(`${name} is ${state}`);
    farm.timeline.after(1, look);
  };
  farm.timeline.at(FIRST_MS - 1, look);
  expect(farm.run(), `seed ${schedule.seed}`).toBeNull();
  return seen;
}

describe('applies in a row', () => {
  it(`by ${FARMS} farms: nobody waits, and no bucket moves`, { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= FARMS; seed++) expect(unrest(life(seed)), `seed ${seed}`).toEqual([]);
  });

  it('without telling the nodes first, nodes do wait: so the test above can fail', () => {
    const untold = (actions: Action[]) => actions.filter(({ kind }) => kind !== 'expect');
    expect(unrest(life(1, untold)).join()).toMatch(/is waiting/);
  });
});

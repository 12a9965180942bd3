/** I2 as a time: how long keys of a dead node go unserved, and how rarely the living are ejected. */
import { describe, expect, it } from 'vitest';
import { Farm } from './farm.js';
import { countEjections, countEjectionsPlainly } from './pair.js';
import { Dice } from './random.js';
import { PLAIN, type Schedule } from './schedule.js';

const KILL_MS = 3000;

function killOne(seed: number, nodes: number, obituary: boolean): Schedule {
  const dice = new Dice(seed);
  const starts = Array.from({ length: nodes }, (_, node) => ({
    atMs: dice.between(0, 100),
    kind: 'start' as const,
    node,
  }));
  return {
    ...PLAIN,
    seed,
    nodes,
    keys: 50,
    packetEveryMs: 5,
    drift: 0.01,
    actions: [
      ...starts,
      { atMs: KILL_MS + dice.between(0, 100), kind: 'kill', node: dice.whole(0, nodes - 1), obituary },
    ],
    healMs: 6000,
    endMs: 9000,
  };
}

/** ms from the kill until every key has someone again. */
function outageMs(schedule: Schedule): number {
  const farm = new Farm(schedule);
  const killMs = schedule.actions.find(({ kind }) => kind === 'kill')!.atMs;
  let servedMs = Number.POSITIVE_INFINITY;
  const look = (): void => {
    const served = farm.clients.keys.every(({ plan, key }) =>
      farm.hosts.some((host) => host.plane.wouldDo(host.localMs(), plan, key) === 'accept'),
    );
    if (served) servedMs = farm.timeline.nowMs - killMs;
    else farm.timeline.after(1, look);
  };
  farm.timeline.at(killMs + 0.5, look);
  expect(farm.run()).toBeNull();
  return servedMs;
}

describe('failover', () => {
  for (const nodes of [2, 3, 8]) {
    it(`power loss of one of ${nodes}: served again within 750 ms`, { timeout: 60_000 }, () => {
      for (let seed = 1; seed <= 20; seed++) expect(outageMs(killOne(seed, nodes, false))).toBeLessThan(750);
    });

    it(`the agent of one of ${nodes} ends, its supervisor says so: within 50 ms`, { timeout: 60_000 }, () => {
      for (let seed = 1; seed <= 20; seed++) expect(outageMs(killOne(seed, nodes, true))).toBeLessThan(50);
    });
  }
});

describe('false ejections', () => {
  it('none in 8 pair-years at 1 % random loss', { timeout: 60_000 }, () => {
    expect(countEjections(0.01, 8 * 365 * 86_400, new Dice(3))).toBe(0);
  });

  it('the short cut and the plain count agree where both can be had', { timeout: 60_000 }, () => {
    const seconds = 5 * 86_400;
    const dice = new Dice(5);
    const plain = countEjectionsPlainly(() => dice.chance(0.3), seconds);
    const short = countEjections(0.3, seconds, new Dice(6));
    expect(plain).toBeGreaterThan(50);
    expect(short / plain).toBeGreaterThan(0.4);
    expect(short / plain).toBeLessThan(2.5);
  });
});

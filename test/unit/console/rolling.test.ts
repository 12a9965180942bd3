import { expect, it } from 'vitest';
import { Rolling } from '../../../src/console/rolling.js';
import { rollingOrder, whyNotRoll } from '../../../src/console/rolling-order.js';
import type { MemberReport } from '../../../src/control/contract.js';
import { statusOf } from './rig.js';

/** A farm whose nodes are back some looks after their restart, unless they never are. */
function farm({ never = '', looks = 3 } = {}) {
  const clock = { nowMs: 0 };
  const [ordered, said]: [string[], string[]] = [[], []];
  let away: { node: string; looks: number } | null = null;
  const base = statusOf({ node: 'n2' });
  const incarnations = new Map(base.members.map(({ name }) => [name, 1]));
  const member = (one: MemberReport): MemberReport => {
    const isAway = away?.node === one.name;
    return { ...one, incarnation: incarnations.get(one.name)!, ...(isAway ? { state: 'joining', share: 0 } : {}) };
  };
  const rolling = new Rolling({
    agent: {
      command: async ({ command, node }, by) => {
        ordered.push(`${command} ${node} by ${by}`);
        away = { node: node!, looks: node === never ? Number.POSITIVE_INFINITY : looks };
        incarnations.set(node!, incarnations.get(node!)! + 1);
        return { version: 1, command, node: node!, message: '' };
      },
    },
    status: () => {
      if (away !== null && away.looks-- <= 0) away = null;
      return { ...base, members: base.members.map(member) };
    },
    say: (line, by, outcome) => {
      said.push(outcome === undefined ? line : `${line} (${outcome})`);
      if (!ordered.at(-1)?.endsWith(` by ${by}`)) throw new Error(`${line} is told of ${by}`);
    },
    nowMs: () => clock.nowMs,
    pause: async (ms) => {
      clock.nowMs += ms;
    },
  });
  return { rolling, ordered, said };
}
const until = async (condition: () => boolean) => {
  for (let turns = 0; turns < 10_000 && !condition(); turns++) await new Promise((done) => setImmediate(done));
};

it('takes the others by name, then the node whose console it is', () => {
  expect(rollingOrder(statusOf({ node: 'n2' }))).toEqual(['n1', 'n3', 'n2']);
});

it('restarts each when the one before is back, in the name of who asked', async () => {
  const { rolling, ordered, said } = farm();
  expect(rolling.begin('ann')).toEqual(['n1', 'n3', 'n2']);
  await until(() => said.at(-1) === 'rolling restart: done');
  expect(ordered).toEqual(['restart n1 by ann', 'restart n3 by ann', 'restart n2 by ann']);
  expect(said).toEqual(
    ['n1', 'n3', 'n2'].map((node) => `rolling restart: ${node} is back`).concat('rolling restart: done'),
  );
});

it('ends at the first that does not come back, and can then be begun again', async () => {
  const { rolling, ordered, said } = farm({ never: 'n3' });
  rolling.begin('ann');
  expect(() => rolling.begin('bob')).toThrow(/under way/);
  await until(() => said.length === 2);
  expect(said[1]).toMatch(/ended at n3: it did not come back within 150 s \(failed\)$/);
  expect(ordered).toEqual(['restart n1 by ann', 'restart n3 by ann']);
  await until(() => false || said.length > 2);
  expect(rolling.begin('bob').length).toBeGreaterThan(0);
});

it('is not begun where the only node with a weight would have to restart', () => {
  const members = statusOf().members.map((one, at) => (at === 0 ? one : { ...one, weight: 0 }));
  expect(whyNotRoll(statusOf({ members }))).toBe('only n1 has a weight: nobody would serve while it restarts');
  expect(whyNotRoll(statusOf())).toBeNull();
});

it('refuses where nobody would serve meanwhile', () => {
  const [one] = statusOf().members;
  const alone = new Rolling({
    agent: { command: () => Promise.reject(new Error('must not be asked')) },
    status: () => statusOf({ members: [one!] }),
    say: () => undefined,
    nowMs: () => 0,
  });
  expect(() => alone.begin('ann')).toThrow(/fewer than two/);
});

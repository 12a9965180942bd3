/** Who answers whom with reach `relay`: the vectors that C++ matches too, and what rendezvous hashing promises. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NOBODY, type ReachMember } from '../../../src/buckets/contract.js';
import { chooseIngress } from '../../../src/buckets/ingress.js';
import { client4, VIP4 } from '../../conformance/frames.js';
import { fromHex, readMembers } from '../../conformance/records.js';

const VECTORS = readFileSync(new URL('../../vectors/ingress.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ') as [string, string, string, string, string]);
const SEED = 77;

function farm(nodes: number): ReachMember[] {
  return Array.from({ length: nodes }, (_, i) => ({ mac: Uint8Array.of(2, 0x77, 0, 0, 0, i + 1), answers: true }));
}

/** How many of 3000 askers each member has. */
function shares(members: readonly ReachMember[]): number[] {
  const counts = members.map(() => 0);
  for (let host = 0; host < 3000; host++) counts[chooseIngress(client4(host), VIP4, members, SEED)]!++;
  return counts;
}

describe('ingress.txt', () => {
  test(`${VECTORS.length} vectors`, () => {
    expect(VECTORS.length).toBeGreaterThan(100);
    for (const [seed, asker, vip, members, index] of VECTORS) {
      const chosen = chooseIngress(fromHex(asker), fromHex(vip), readMembers(members), Number.parseInt(seed, 16));
      expect(`${members} ${chosen}`).toBe(`${members} ${index}`);
    }
  });
});

describe('rendezvous', () => {
  test('spreads askers evenly', () => {
    for (const count of shares(farm(3))) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  test('a member that stops answering moves its own askers only', () => {
    const all = farm(4);
    const without = all.map((member, index) => ({ ...member, answers: index !== 2 }));
    for (let host = 0; host < 1000; host++) {
      const before = chooseIngress(client4(host), VIP4, all, SEED);
      const after = chooseIngress(client4(host), VIP4, without, SEED);
      if (before === 2) expect(after).not.toBe(2);
      else expect(after).toBe(before);
    }
  });

  test('the order of the members means nothing', () => {
    const all = farm(5);
    const turned = [...all.slice(3), ...all.slice(0, 3)];
    for (let host = 0; host < 200; host++) {
      const [a, b] = [all, turned].map((members) => members[chooseIngress(client4(host), VIP4, members, SEED)]!.mac);
      expect(a).toEqual(b);
    }
  });

  test('nobody answers where no member does', () => {
    expect(chooseIngress(client4(1), VIP4, [], SEED)).toBe(NOBODY);
    expect(
      chooseIngress(
        client4(1),
        VIP4,
        farm(2).map(({ mac }) => ({ mac, answers: false })),
        SEED,
      ),
    ).toBe(NOBODY);
  });
});

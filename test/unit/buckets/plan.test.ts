import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countBits } from '../../../src/buckets/bitmap.js';
import {
  computePlan,
  type PlanMember,
  type PlanRule,
  planMoves,
  planNames,
  preferenceOf,
  quotas,
} from '../../../src/buckets/plan.js';
import { stupidPlan, stupidQuotas } from './plan-twin.js';

const BALANCE: PlanRule = { mode: 'balance', order: [], weights: {} };
const BUCKETS = 4096;

function nodes(count: number, weightOf: (index: number) => number = () => 1): PlanMember[] {
  return Array.from({ length: count }, (_, i) => ({ name: `n${i + 1}`, weight: weightOf(i) }));
}

function held(owners: Int16Array, count: number): number[] {
  const shares = new Array<number>(count).fill(0);
  for (const owner of owners) if (owner >= 0) shares[owner]! += 1;
  return shares;
}

function moved(before: readonly PlanMember[], after: readonly PlanMember[]): number {
  const plan = (members: readonly PlanMember[]) => ({
    names: planNames(members),
    owners: computePlan(members, BALANCE),
  });
  return planMoves(plan(before), plan(after)).reduce((sum, { buckets }) => sum + countBits(buckets), 0);
}

/** Deterministic, so that a failure of the figures below is one of the algorithm. */
function shuffled<T>(list: readonly T[]): T[] {
  return [...list]
    .map((item, i) => [Math.imul(i + 1, 0x9e3779b1) >>> 0, item] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, item]) => item);
}

const memberLists = fc.uniqueArray(
  fc.record({ name: fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/), weight: fc.integer({ min: 0, max: 1000 }) }),
  { selector: ({ name }) => name, maxLength: 12 },
);
const bucketCounts = fc.constantFrom(1, 2, 8, 64, 256, 4096);

describe('quotas', () => {
  test('are exact parts, the largest remainders rounded up, the lower index first', () => {
    expect(quotas([1, 1, 1], 4096)).toEqual([1366, 1365, 1365]);
    expect(quotas([2, 1, 1], 4096)).toEqual([2048, 1024, 1024]);
    expect(quotas([1, 0, 3], 8)).toEqual([2, 0, 6]);
    expect(quotas([5, 5, 1], 4)).toEqual([2, 2, 0]);
    expect(quotas([0, 0], 4096)).toEqual([0, 0]);
    expect(quotas([], 4096)).toEqual([]);
  });

  test('equal those of big integers, and differ from the exact part by less than one', () => {
    const weights = fc.array(fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })), {
      maxLength: 64,
    });
    fc.assert(
      fc.property(weights, bucketCounts, (list, buckets) => {
        const result = quotas(list, buckets);
        expect(result).toEqual(stupidQuotas(list, buckets));
        const total = list.reduce((sum, weight) => sum + weight, 0);
        expect(result.reduce((sum, quota) => sum + quota, 0)).toBe(total === 0 ? 0 : buckets);
        for (const [i, quota] of result.entries()) {
          if (total > 0) expect(Math.abs(quota - (list[i]! / total) * buckets)).toBeLessThan(1);
        }
      }),
    );
  });
});

describe('the plan', () => {
  test('equals its stupid twin', () => {
    fc.assert(
      fc.property(memberLists, bucketCounts, (members, buckets) => {
        expect(computePlan(members, BALANCE, buckets)).toEqual(stupidPlan(members, buckets));
      }),
      { numRuns: 60 },
    );
    expect(computePlan(nodes(64), BALANCE)).toEqual(stupidPlan(nodes(64), BUCKETS));
  });

  test('I4: the same members in any order give the same plan', () => {
    fc.assert(
      fc.property(memberLists, (members) => {
        expect(computePlan([...members].reverse(), BALANCE, 256)).toEqual(computePlan(members, BALANCE, 256));
        expect(computePlan(shuffled(members), BALANCE, 256)).toEqual(computePlan(members, BALANCE, 256));
      }),
    );
  });

  test('fulfils the quotas exactly: overload 0', () => {
    fc.assert(
      fc.property(memberLists, bucketCounts, (members, buckets) => {
        const sorted = [...members].sort((a, b) => (a.name < b.name ? -1 : 1));
        const expected = quotas(
          sorted.map(({ weight }) => weight),
          buckets,
        );
        expect(held(computePlan(members, BALANCE, buckets), members.length)).toEqual(expected);
      }),
    );
    for (let count = 1; count <= 64; count++) {
      const shares = held(computePlan(nodes(count), BALANCE), count);
      expect(Math.max(...shares) - Math.min(...shares), `${count} nodes`).toBeLessThanOrEqual(1);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(BUCKETS);
    }
    expect(held(computePlan(nodes(64), BALANCE), 64)).toEqual(new Array(64).fill(64));
  });

  test('stays what it was: a farm whose nodes differ in version must agree', () => {
    // Literal owners of the first buckets. They change with the hash of names, the permutation and the ties, and with nothing else.
    expect([...computePlan(nodes(3), BALANCE).subarray(0, 24)]).toMatchInlineSnapshot(`
      [
        2,
        0,
        1,
        0,
        0,
        1,
        1,
        2,
        0,
        1,
        2,
        1,
        1,
        1,
        0,
        1,
        1,
        1,
        1,
        2,
        1,
        2,
        2,
        2,
      ]
    `);
    expect([
      ...computePlan(
        nodes(5, (i) => i + 1),
        BALANCE,
        64,
      ).subarray(0, 24),
    ]).toMatchInlineSnapshot(`
      [
        2,
        2,
        4,
        3,
        3,
        4,
        2,
        1,
        0,
        1,
        4,
        3,
        3,
        4,
        2,
        1,
        3,
        0,
        1,
        4,
        4,
        3,
        3,
        2,
      ]
    `);
  });

  test('preferences are permutations', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), bucketCounts, (name, buckets) => {
        expect([...preferenceOf(name, buckets).byRank].sort((a, b) => a - b)).toEqual(
          Array.from({ length: buckets }, (_, i) => i),
        );
      }),
    );
  });

  test('preferences of similar names are unrelated', () => {
    // Two random permutations agree at about one rank; the mean rank distance of a bucket is a third of all.
    for (const [a, b] of [
      ['n1', 'n2'],
      ['n1', 'n11'],
      ['web-a', 'web-b'],
      ['a', 'b'],
    ] as const) {
      const [first, second] = [preferenceOf(a, BUCKETS).byRank, preferenceOf(b, BUCKETS).byRank];
      const rankInSecond = new Uint16Array(BUCKETS);
      second.forEach((bucket, rank) => {
        rankInSecond[bucket] = rank;
      });
      let distance = 0;
      let same = 0;
      first.forEach((bucket, rank) => {
        distance += Math.abs(rank - rankInSecond[bucket]!) / BUCKETS;
        if (rankInSecond[bucket] === rank) same += 1;
      });
      expect(distance / BUCKETS).toBeCloseTo(1 / 3, 1);
      expect(same).toBeLessThan(10);
    }
  });
});

describe('moves', () => {
  test('I4: a leave or a join moves at most 1.1 times the ideal, up to 8 nodes', () => {
    for (let count = 2; count <= 8; count++) {
      const all = nodes(count);
      for (const leaver of all) {
        const rest = all.filter((member) => member !== leaver);
        const factor = moved(all, rest) / (BUCKETS / count);
        expect(factor, `${leaver.name} leaves ${count}`).toBeLessThanOrEqual(1.1);
        expect(factor, `what ${leaver.name} had must move`).toBeGreaterThan(0.999);
        expect(moved(rest, all)).toBe(moved(all, rest));
      }
    }
  });

  test('the mean over many farms of other names is within the same bound', () => {
    for (const count of [3, 5, 8]) {
      let sum = 0;
      for (let farm = 0; farm < 20; farm++) {
        const all = Array.from({ length: count }, (_, i) => ({ name: `farm${farm}-host${i}`, weight: 1 }));
        sum += moved(all, all.slice(1)) / (BUCKETS / count);
      }
      expect(sum / 20, `${count} nodes`).toBeLessThanOrEqual(1.08);
    }
  });

  test('a weight change moves about the difference', () => {
    const before = nodes(3);
    const after = nodes(3, (i) => (i === 0 ? 2 : 1));
    // n1 goes from a third to a half: 683 buckets.
    expect(moved(before, after)).toBeLessThanOrEqual(1.1 * 683);
    expect(moved(before, before)).toBe(0);
  });

  test('are a delta: applied to the old plan they give the new one', () => {
    fc.assert(
      fc.property(memberLists, memberLists, (first, second) => {
        const [before, after] = [first, second].map((list) => ({
          names: planNames(list),
          owners: computePlan(list, BALANCE, 64),
        })) as [{ names: string[]; owners: Int16Array }, { names: string[]; owners: Int16Array }];
        const name = (plan: typeof before, bucket: number) => plan.names[plan.owners[bucket]!] ?? null;
        const state = Array.from({ length: 64 }, (_, bucket) => name(before, bucket));
        for (const { from, to, buckets } of planMoves(before, after)) {
          for (let bucket = 0; bucket < 64; bucket++) {
            if ((buckets[bucket >> 3]! & (1 << (bucket & 7))) === 0) continue;
            expect(state[bucket]).toBe(from);
            expect(from).not.toBe(to);
            state[bucket] = to;
          }
        }
        expect(state).toEqual(Array.from({ length: 64 }, (_, bucket) => name(after, bucket)));
      }),
    );
  });
});

describe('rules', () => {
  const failover = (order: readonly string[], weights = {}): PlanRule => ({ mode: 'failover', order, weights });

  test('failover gives all to the first living node of the list', () => {
    expect(new Set(computePlan(nodes(3), failover(['n2', 'n1'])))).toEqual(new Set([1]));
    expect(new Set(computePlan(nodes(3), failover(['n9', 'n3'])))).toEqual(new Set([2]));
  });

  test('failover passes over a node without weight', () => {
    expect(
      new Set(
        computePlan(
          nodes(3, (i) => i),
          failover(['n1', 'n3']),
        ),
      ),
    ).toEqual(new Set([2]));
    expect(new Set(computePlan(nodes(3), failover(['n1', 'n3'], { n1: 0 })))).toEqual(new Set([2]));
  });

  test('failover without a living node of the list gives the buckets to nobody', () => {
    expect(new Set(computePlan(nodes(3), failover(['n8', 'n9'])))).toEqual(new Set([-1]));
    expect(new Set(computePlan(nodes(3), failover([])))).toEqual(new Set([-1]));
  });

  test('own weights of a rule replace the general ones', () => {
    const rule: PlanRule = { ...BALANCE, weights: { n1: 0, n3: 3 } };
    expect(held(computePlan(nodes(3), rule), 3)).toEqual([0, 1024, 3072]);
  });

  test('names that objects inherit are names like others', () => {
    const odd = [
      { name: 'constructor', weight: 1 },
      { name: 'toString', weight: 1 },
    ];
    expect(held(computePlan(odd, BALANCE), 2)).toEqual([2048, 2048]);
  });

  test('nodes without weight hold nothing; without any weight nobody does', () => {
    expect(
      held(
        computePlan(
          nodes(3, (i) => i),
          BALANCE,
        ),
        3,
      ),
    ).toEqual(quotas([0, 1, 2], BUCKETS));
    expect(
      new Set(
        computePlan(
          nodes(2, () => 0),
          BALANCE,
        ),
      ),
    ).toEqual(new Set([-1]));
    expect(new Set(computePlan([], BALANCE))).toEqual(new Set([-1]));
  });

  test('refuses what has no plan', () => {
    expect(() => computePlan([...nodes(2), ...nodes(1)], BALANCE)).toThrow(/two members are named n1/);
    expect(() =>
      computePlan(
        nodes(1, () => 0.5),
        BALANCE,
      ),
    ).toThrow(RangeError);
    expect(() =>
      computePlan(
        nodes(1, () => -1),
        BALANCE,
      ),
    ).toThrow(RangeError);
    expect(() => computePlan(nodes(1), BALANCE, 1000)).toThrow(/power of two/);
    expect(() => computePlan(nodes(1), BALANCE, 8192)).toThrow(RangeError);
    expect(() => computePlan(nodes(1), BALANCE, 0)).toThrow(RangeError);
  });
});

describe('speed', () => {
  test('64 nodes take less than 50 ms, 3 nodes less than 10', () => {
    const fastest = (count: number) => {
      const times = Array.from({ length: 5 }, () => {
        const start = performance.now();
        computePlan(nodes(count), BALANCE);
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    expect(fastest(64)).toBeLessThan(50);
    expect(fastest(3)).toBeLessThan(10);
  });
});

import { describe, expect, it } from 'vitest';
import { foresee, plannedOwner } from '../../../src/agent/foresight.js';
import { computePlan } from '../../../src/buckets/plan.js';
import type { PlanSpec } from '../../../src/membership/contract.js';
import { member } from '../cli/reports.js';

const balance: PlanSpec = { mode: 'balance', order: [], weights: {} };
const failover: PlanSpec = { mode: 'failover', order: ['n2', 'n3', 'n1'], weights: {} };
const members = [
  member('n1', { heldBuckets: 1366, keeps: 0 }),
  member('n2', { heldBuckets: 1365, keeps: 12 }),
  member('n3', { heldBuckets: 1365, weight: 2 }),
];
const ask = (place: { plan: number; bucket: number; owner: string | null } | null, without: string[] = ['n2']) =>
  foresee({ members, specs: [balance, failover], without, place });

describe('a node thought away', () => {
  it('leaves its buckets to those that the plan of the others names', () => {
    const rest = computePlan(
      members.filter(({ name }) => name !== 'n2'),
      balance,
    );
    const now = computePlan(members, balance);
    const lost = now.indexOf(1);
    const heir = ['n1', 'n3'][rest[lost]!];
    const report = ask({ plan: 0, bucket: lost, owner: 'n2' });
    expect(report).toMatchObject({ nodes: ['n2'], owner: heir, moves: true, movedBuckets: 1365, keepsLost: 12 });
    expect(report.why).toBe(
      `bucket ${lost} would go to ${heir}, and connections that are open break with their node; n2: 1365 buckets would move to the others, 12 kept clients in buckets of others die with it`,
    );
    expect(report.shares.map(({ name }) => name)).toEqual(['n1', 'n3']);
    expect(report.shares[1]!.share).toBeCloseTo(2 / 3, 3);
  });

  it('changes nothing for a client of another node whose bucket stays', () => {
    const rest = computePlan(
      members.filter(({ name }) => name !== 'n2'),
      balance,
    );
    const stays = computePlan(members, balance).findIndex((owner, bucket) => owner === 0 && rest[bucket] === 0);
    expect(ask({ plan: 0, bucket: stays, owner: 'n1' })).toMatchObject({ owner: 'n1', moves: false });
  });

  it('follows the order of a fail-over rule', () => {
    expect(ask({ plan: 1, bucket: 5, owner: 'n2' })).toMatchObject({ owner: 'n3', moves: true });
    expect(ask({ plan: 1, bucket: 5, owner: 'n2' }, ['n2', 'n3'])).toMatchObject({ owner: 'n1' });
  });

  it('says so when nobody would be left', () => {
    const report = ask({ plan: 0, bucket: 7, owner: 'n2' }, ['n1', 'n2', 'n3']);
    expect(report.owner).toBeNull();
    expect(report.why).toMatch(/nobody would serve bucket 7/);
  });

  it('has no heir for a packet without a bucket', () => {
    expect(ask(null)).toMatchObject({ owner: null, moves: false, movedBuckets: 1365 });
  });

  it('goes by the draining ones when none is up, as membership does', () => {
    const draining = [member('n1', { state: 'draining' }), member('n2')];
    const report = foresee({
      members: draining,
      specs: [balance],
      without: ['n2'],
      place: { plan: 0, bucket: 0, owner: 'n2' },
    });
    expect(report.owner).toBe('n1');
  });

  it('agrees with the plan when nobody is thought away', () => {
    const owners = computePlan(members, balance);
    for (const bucket of [0, 1, 77, 4095]) {
      expect(plannedOwner(members, balance, bucket)).toBe(['n1', 'n2', 'n3'][owners[bucket]!]);
    }
  });
});

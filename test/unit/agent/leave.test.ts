import { describe, expect, it } from 'vitest';
import type { MembershipSnapshot } from '../../../src/agent/contract.js';
import { ALONE_PATIENCE_MS, watchLeave } from '../../../src/agent/leave.js';
import type { NodeState } from '../../../src/membership/contract.js';

type Others = Readonly<Record<string, NodeState | 'dead'>>;

/** Watches a leave on a clock of its own; gives when and why it stopped the node. */
async function leave(others: (nowMs: number) => Others, connections: (nowMs: number) => number, stopsAtMs: number) {
  let nowMs = 0;
  let stopped: { readonly atMs: number; readonly why: string } | null = null;
  const snapshot = (): MembershipSnapshot =>
    ({
      state: nowMs >= stopsAtMs ? 'stopped' : 'draining',
      members: [
        { name: 'n1', state: 'draining' },
        ...Object.entries(others(nowMs)).map(([name, state]) => ({ name, state })),
      ],
    }) as unknown as MembershipSnapshot;
  await watchLeave({
    node: 'n1',
    status: async () => snapshot(),
    connections: async () => connections(nowMs),
    stopNow: (why) => {
      stopped = { atMs: nowMs, why };
    },
    nowMs: () => nowMs,
    pause: async (ms) => {
      nowMs += ms;
    },
  });
  return stopped as { readonly atMs: number; readonly why: string } | null;
}

describe('leaving', () => {
  it('lets the drain take its time while another node may take the share', async () => {
    expect(
      await leave(
        () => ({ n2: 'up' }),
        () => 7,
        30_000,
      ),
    ).toBeNull();
    expect(
      await leave(
        () => ({ n2: 'joining' }),
        () => 0,
        30_000,
      ),
    ).toBeNull();
  });

  it('ends at once on the last node of a farm when no connection is left', async () => {
    expect(
      (
        await leave(
          () => ({ n2: 'dead' }),
          () => 0,
          60_000,
        )
      )?.atMs,
    ).toBe(0);
    expect(
      (
        await leave(
          () => ({}),
          (nowMs) => (nowMs < 1000 ? 1 : 0),
          60_000,
        )
      )?.atMs,
    ).toBe(1000);
  });

  it('waits a bounded while for connections that nobody takes', async () => {
    expect(
      (
        await leave(
          () => ({ n2: 'draining' }),
          () => 3,
          60_000,
        )
      )?.atMs,
    ).toBe(ALONE_PATIENCE_MS);
  });

  it('counts the while anew when another node was there in between', async () => {
    const others = (nowMs: number): Others => (nowMs >= 2000 && nowMs < 4000 ? { n2: 'up' } : {});
    expect((await leave(others, () => 3, 60_000))?.atMs).toBe(4000 + ALONE_PATIENCE_MS);
  });
});

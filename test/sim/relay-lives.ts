/** Random lives of farms in relay mode, or of farms whose reach changes. */
import { REACH_MODES } from '../../src/buckets/contract.js';
import { type Focus, generate, type Size } from './generate.js';
import { Dice } from './random.js';
import type { RelayFarm, RelayLife } from './relay-farm.js';
import type { Action } from './schedule.js';

export function relayLife(seed: number, size: Size = { least: 2, most: 6 }, focus: Focus = {}): RelayLife {
  const schedule = generate(seed, size, focus);
  const dice = new Dice(seed ^ 0x0e1a7);
  const reach = dice.chance(0.5) ? 'relay' : 'auto';
  const changes = Array.from({ length: dice.whole(0, 8) }, () => ({
    atMs: dice.between(0, schedule.healMs),
    node: dice.whole(0, schedule.nodes - 1),
    best: dice.pick(REACH_MODES),
  }));
  return { schedule, reach, changes };
}

/** Three nodes whose weights change; one of them hears nobody for a moment then, so that it relays by an old view. */
export function staleRelay(seed: number): RelayLife {
  const { schedule } = relayLife(seed, { least: 3, most: 3 }, { theme: 'peaceful' });
  const starts: Action[] = [0, 1, 2].map((node) => ({ atMs: 5 * node, kind: 'start', node }));
  const weights: Action[] = STALE_AT_MS.map((atMs, i) => ({
    atMs,
    kind: 'weight',
    node: 1,
    weight: i % 2 === 0 ? 4 : 1,
  }));
  const calm = { quorum: 'none', drift: 0, duplicates: 0, late: 0, appliedDelayMs: 0 } as const;
  // New clients only: who is known already stays with its server, wherever the bucket goes.
  const clients: Action[] = STALE_AT_MS.flatMap((atMs, turn) =>
    Array.from({ length: NEWCOMERS }, (_, i) => ({
      atMs: atMs + 4 + (i * (DEAF_MS - 8)) / NEWCOMERS,
      kind: 'client',
      key: turn * NEWCOMERS + i + 1,
      send: 'syn',
    })),
  );
  const size = { nodes: 3, plans: 1, buckets: 64, keys: STALE_AT_MS.length * NEWCOMERS, packetEveryMs: 0 };
  const actions = [...starts, ...weights, ...clients].sort((a, b) => a.atMs - b.atMs);
  return {
    schedule: { ...schedule, ...calm, ...size, actions, healMs: 7000, endMs: 9000 },
    reach: 'relay',
    changes: [],
  };
}

const STALE_AT_MS: readonly number[] = [4000, 4500, 5000, 5500, 6000, 6500];
const DEAF_MS = 80;
const NEWCOMERS = 60;

/** To be called before the run of a {@link staleRelay}. */
export function deafenRelay(farm: RelayFarm): void {
  farm.cutsCopies = false;
  for (const atMs of STALE_AT_MS) {
    for (const speaker of [1, 2]) {
      const path = farm.network.path(speaker, 0);
      farm.timeline.at(atMs - 1, () => {
        path.cut = true;
      });
      farm.timeline.at(atMs + DEAF_MS, () => {
        path.cut = false;
      });
    }
  }
}

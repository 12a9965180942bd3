/** Lives made by hand, for mutations that random ones hardly ever meet: each takes a seed for its small delays. */
import { Dice } from './random.js';
import { type Action, PLAIN, type Schedule } from './schedule.js';

export function life(seed: number, nodes: number, actions: readonly Action[], change: Partial<Schedule>): Schedule {
  const healMs = Math.max(...actions.map(({ atMs }) => atMs)) + 1500;
  const starts: Action[] = Array.from({ length: nodes }, (_, node) => ({ atMs: node, kind: 'start', node }));
  return {
    ...PLAIN,
    seed,
    nodes,
    keys: 40,
    packetEveryMs: 4,
    actions: [...starts, ...actions],
    healMs,
    endMs: healMs + 2500,
    ...change,
  };
}

/**
 * n1 dies, and n2 misses n3's first word after it. n3's weight goes up, back, and up again, each time before it can hear what n2 made of
 * the last time: both then pass through the same two views, each holding a heartbeat of the other that shows its own view and is old.
 */
export function crossingViews(seed: number): Schedule {
  const dice = new Dice(seed);
  const deathMs = dice.between(1500, 1600);
  const weigh = (afterMs: number, weight: number): Action => {
    return { atMs: deathMs + afterMs + dice.between(-0.3, 0.3), kind: 'weight', node: 2, weight };
  };
  const actions: Action[] = [
    { atMs: deathMs, kind: 'cut', shape: 'oneWay', paths: [[2, 1]], forMs: 1.6 },
    { atMs: deathMs + 0.01, kind: 'kill', node: 0, obituary: true },
    weigh(2, 3),
    weigh(5, 1),
    weigh(9, 3),
  ];
  return life(seed, 3, actions, {});
}

/**
 * n1 begins, and its first grant is cut and cannot be finished for a while. Meanwhile the third node comes up, and all agree on that.
 * Then the grant is finished, and only the granter hears that the second node has the buckets: it reports them no more, and the third,
 * for which some of them are meant by now, knows a heartbeat of each that does not show them.
 */
export function passedUnseen(seed: number): Schedule {
  const dice = new Dice(seed);
  const actions: Action[] = [{ atMs: dice.between(1200, 1300), kind: 'weight', node: 1, weight: 2 }];
  const aim = { on: 'difference' as const, nth: 1, obituary: false };
  const aims = [
    { ...aim, afterMs: 0, side: 'from' as const, strike: 'mute' as const, forMs: 30 },
    { ...aim, afterMs: 42, side: 'to' as const, strike: 'isolate' as const, forMs: 60 },
  ];
  return life(seed, 3, actions, { aims });
}

/**
 * Three nodes, one key. n1 keeps it, ends it, and n3's link is mute when the end is told. The key comes to life on n1 anew, is kept
 * again, and the bucket goes by n2 to n3, which then hears the old end.
 */
export function lateEnd(seed: number): Schedule {
  const dice = new Dice(seed);
  const actions: Action[] = [];
  const weigh = (atMs: number, weights: readonly number[]): void => {
    weights.forEach((weight, node) => {
      actions.push({ atMs, kind: 'weight', node, weight });
    });
  };
  const client = (atMs: number, send: 'syn' | 'data' | 'fin'): void => {
    actions.push({ atMs, kind: 'client', key: 1, send });
  };
  weigh(800, [1, 0, 0]);
  client(1200, 'syn');
  weigh(1300, [0, 1, 0]);
  client(1600, 'fin');
  // The end is told at about 2.6 to 3.1 s; n1 has the buckets again soon after.
  const backMs = 3200 + dice.between(0, 100);
  weigh(backMs, [1, 0, 0]);
  client(backMs + 150, 'syn');
  weigh(backMs + 200, [0, 1, 0]);
  weigh(backMs + 350, [0, 0, 1]);
  for (let turn = 0; turn < 20; turn++) client(backMs + 400 + turn * 60, 'data');
  // The first end goes to the owner, the second to the third node.
  const mute = { side: 'from', strike: 'mute', forMs: backMs + 600 - 2700, obituary: false } as const;
  const aims = [1, 2]
    .map((nth) => ({ on: 'ended' as const, nth, afterMs: 0, ...mute }))
    .slice(dice.whole(0, 1))
    .slice(0, 1);
  return life(seed, 3, actions, { packetEveryMs: 0, keys: 1, buckets: 16, aims });
}

/**
 * n1 hears nothing of n2 for a while, n2 a little less long nothing of n1. When they could hear each other again n1 is stopped, and as
 * it goes on, n2's heartbeats wait unread and the last read one is older than lease and margin.
 */
export function lateTick(seed: number): Schedule {
  const dice = new Dice(seed);
  const cutMs = 1500 + dice.between(0, 100);
  const stallMs = cutMs + 360;
  const actions: Action[] = [
    { atMs: cutMs, kind: 'cut', shape: 'oneWay', paths: [[1, 0]], forMs: 355 },
    { atMs: cutMs + 90, kind: 'cut', shape: 'oneWay', paths: [[0, 1]], forMs: 265 },
    { atMs: stallMs, kind: 'stall', node: 0, forMs: cutMs + 602 - stallMs },
  ];
  return life(seed, 2, actions, {});
}

/**
 * n1 is stopped for longer than lease and margin. n2 takes over, and its heartbeats reach n1 until just before it says that n1 is dead; from
 * then on n1 hears nothing. Going on, n1 reads those that wait, and falls silent to nobody: n2 hears all that it says. When n2 has been silent
 * for three intervals it counts no more, and the next heartbeat would give a lease again, from send time alone.
 */
export function lapsedAndUncounted(seed: number): Schedule {
  const dice = new Dice(seed);
  const stallMs = 1500 + dice.between(0, 100);
  const actions: Action[] = [
    { atMs: stallMs, kind: 'stall', node: 0, forMs: dice.between(610, 640) },
    { atMs: stallMs + 480, kind: 'cut', shape: 'oneWay', paths: [[1, 0]], forMs: 900 },
  ];
  return life(seed, 2, actions, {});
}

/** Two of four nodes are told of a change of the config, and go over; the others never hear of it. Then one of the two dies. */
export function halfTold(seed: number): Schedule {
  const dice = new Dice(seed);
  const tellMs = dice.between(1500, 1600);
  const told = [0, 1].flatMap((node): Action[] => [
    { atMs: tellMs + dice.between(0, 10), kind: 'expect', node, base: 'c0', next: 'c1', forMs: 3500 },
    { atMs: tellMs + 20 + dice.between(0, 10), kind: 'config', node, digest: 'c1' },
  ]);
  const death: Action = { atMs: tellMs + dice.between(100, 400), kind: 'kill', node: 0, obituary: dice.chance(0.5) };
  return life(seed, 4, [...told, death], { healMs: tellMs + 5000, endMs: tellMs + 7000 });
}

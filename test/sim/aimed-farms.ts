/** Lives made by hand for what only some farms have: quorum, witness, small tables, keys that change, recordings, namesakes. */
import { life } from './aimed.js';
import { rotation } from './extras.js';
import { Dice } from './random.js';
import type { Action, Schedule } from './schedule.js';

type Cut = Extract<Action, { kind: 'cut' }>;

function apart(left: readonly number[], right: readonly number[], atMs: number, forMs: number): Cut {
  const paths = left.flatMap((a) => right.flatMap((b) => [[a, b] as const, [b, a] as const]));
  return { atMs, kind: 'cut', shape: 'halves', paths, forMs };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** A full partition of three to five nodes that count a majority. */
export function dividedByQuorum(seed: number): Schedule {
  const dice = new Dice(seed);
  const nodes = dice.whole(3, 5);
  const split = dice.whole(1, nodes - 1);
  const cut = apart(range(0, split), range(split, nodes), dice.between(1500, 1700), 2000);
  return life(seed, nodes, [cut], { quorum: 'majority', healMs: 4500, endMs: 8000 });
}

/** A full partition of two to four nodes; the witness answers one side alone. Sometimes it was lost before. */
export function dividedByWitness(seed: number): Schedule {
  const dice = new Dice(seed);
  const nodes = dice.whole(2, 4);
  const split = dice.whole(1, nodes - 1);
  const [left, right] = [range(0, split), range(split, nodes)];
  const atMs = dice.between(1500, 1700);
  const blindMs = atMs - (dice.chance(0.3) ? dice.between(0, 500) : 0);
  const blind: Action = { atMs: blindMs, kind: 'blind', nodes: dice.chance(0.5) ? left : right, forMs: 2500 };
  return life(seed, nodes, [apart(left, right, atMs, 2000), blind], { witness: true, healMs: 4700, endMs: 8200 });
}

/** Weights go up and down, and the tables have no room for all that others keep. */
export function smallTables(seed: number): Schedule {
  const dice = new Dice(seed);
  const nodes = dice.whole(2, 4);
  const actions = Array.from({ length: 8 }, (_, turn): Action => {
    const node = dice.whole(0, nodes - 1);
    return { atMs: 1300 + turn * 300, kind: 'weight', node, weight: dice.whole(node === 0 ? 1 : 0, 4) };
  });
  return life(seed, nodes, actions, { tableRoom: dice.whole(8, 16) });
}

/**
 * n1 has given all its buckets to n2 and keeps its clients; n2 loses its power. n3 begins, cut off from n1, and acquires everything.
 * When the two meet, no bucket is held twice, but n3 owns keys that n1 keeps.
 */
export function meetsKeeper(seed: number): Schedule {
  const dice = new Dice(seed);
  const atMs = dice.between(1500, 1600);
  const actions: Action[] = [
    { atMs: 1200, kind: 'weight', node: 0, weight: 0 },
    { atMs: atMs - 1, kind: 'kill', node: 1, obituary: false },
    apart([0], [2], atMs, 1500),
    { atMs: atMs + 10, kind: 'start', node: 2 },
  ];
  const drawn = life(seed, 3, actions, { healMs: atMs + 3500, endMs: atMs + 7000 });
  return { ...drawn, actions: drawn.actions.filter(({ atMs: startMs, kind }) => kind !== 'start' || startMs !== 2) };
}

/** All nodes change the farm's key, one by one, and nothing else happens. Sometimes once more. */
export function newKeys(seed: number): Schedule {
  const dice = new Dice(seed);
  const nodes = dice.whole(2, 4);
  const again = dice.chance(0.5) ? rotation(nodes, 1, 3200, dice) : [];
  return life(seed, nodes, [...rotation(nodes, 0, 1200, dice), ...again], { sealed: true });
}

/** A node has several lives; all that was said comes again to another one, which heard it. */
export function echoes(seed: number): Schedule {
  const dice = new Dice(seed);
  const nodes = dice.whole(2, 4);
  const lives = range(0, 6).flatMap((turn): Action[] => [
    { atMs: 700 + turn * 100, kind: 'kill', node: 1, obituary: dice.chance(0.5) },
    { atMs: 760 + turn * 100, kind: 'start', node: 1 },
  ]);
  const replay: Action = { atMs: 1800, kind: 'replay', node: 0, sinceMs: dice.between(0, 800) };
  return life(seed, nodes, [...lives, replay], { sealed: true });
}

/** Two nodes lose their power. One comes back, and hears for seconds what the other once said. */
export function ghost(seed: number): Schedule {
  const dice = new Dice(seed);
  const downMs = dice.between(6500, 6700);
  const actions: Action[] = [
    { atMs: downMs, kind: 'kill', node: 1, obituary: false },
    { atMs: downMs + 100, kind: 'kill', node: 0, obituary: false },
    { atMs: downMs + 500, kind: 'start', node: 0 },
    { atMs: downMs + 501, kind: 'replay', node: 0, sinceMs: 500 },
  ];
  return life(seed, 2, actions, { sealed: dice.chance(0.5), healMs: downMs + 7000, endMs: downMs + 10_000 });
}

/** A third host is started under the name of the first, and later one of the two is stopped. Its numbers may be higher or lower. */
export function namesakes(seed: number): Schedule {
  const dice = new Dice(seed);
  const hosts = dice.whole(2, 3);
  const twin = hosts - 1;
  const names = range(0, hosts).map((host) => (host === twin ? 'n1' : `n${host + 1}`));
  const bornMs = dice.between(1500, 1700);
  // A host that has been started often counts higher.
  const lives = range(0, dice.chance(0.5) ? 4 : 0).flatMap((turn): Action[] => [
    { atMs: bornMs + turn * 300, kind: 'start', node: twin },
    { atMs: bornMs + turn * 300 + 200, kind: 'kill', node: twin, obituary: true },
  ]);
  const comesMs = bornMs + 1300;
  const leaver = dice.chance(0.5) ? 0 : twin;
  const leaves: Action = { atMs: comesMs + 4000, kind: 'kill', node: leaver, obituary: dice.chance(0.5) };
  const actions: Action[] = [...lives, { atMs: comesMs, kind: 'start', node: twin }, leaves];
  const drawn = life(seed, hosts, actions, { names, sealed: dice.chance(0.5), healMs: 10_000, endMs: 14_000 });
  return { ...drawn, actions: drawn.actions.filter(({ atMs, kind }) => kind !== 'start' || atMs !== twin) };
}

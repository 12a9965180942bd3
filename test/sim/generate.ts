/** Random schedules: a seed gives one farm's life. */

import { withExtras } from './extras.js';
import { type Loss, NO_LOSS } from './network.js';
import { Dice } from './random.js';
import { type Action, type Aim, type CutShape, PLAIN, type Schedule } from './schedule.js';

/** Sets the dice of extras apart from the others of a seed. */
const EXTRAS = 0x5eed;

export interface Size {
  readonly least: number;
  readonly most: number;
}

/** Kinds of lives. `peaceful` ones must lose nothing at all; the others mix faults of every kind. */
const THEMES = ['peaceful', 'crashes', 'network', 'everything', 'everything', 'aimed', 'aimed'] as const;
type Theme = (typeof THEMES)[number];

/** What an aimed life strikes at, unless told. */
const TARGETS: readonly Aim['on'][] = [
  'offer',
  'ready',
  'difference',
  'confirm',
  'keeps-wanted',
  'keeps-are',
  'end-offer',
  'end-ready',
  'ended',
  'end-done',
];

export interface Focus {
  readonly theme?: Theme;
  readonly targets?: readonly Aim['on'][];
  readonly strikes?: readonly Aim['strike'][];
}

export function generate(seed: number, size: Size = { least: 2, most: 8 }, focus: Focus = {}): Schedule {
  const dice = new Dice(seed);
  const drawn = dice.pick(THEMES);
  const theme = focus.theme ?? drawn;
  // Small farms find most: two of three have at most four nodes.
  const most = dice.chance(0.66) ? Math.min(size.most, Math.max(size.least, 4)) : size.most;
  const nodes = dice.whole(size.least, most);
  const faultsMs = dice.between(1500, theme === 'peaceful' ? 4000 : 3500);
  const actions = [...starts(dice, nodes), ...lifeOf(dice, theme, nodes, faultsMs)];
  const healMs = Math.max(...actions.map(endOf)) + (theme === 'peaceful' ? 1500 : 500);
  const life: Schedule = {
    ...PLAIN,
    seed,
    nodes,
    plans: dice.chance(0.3) ? 2 : 1,
    buckets: dice.pick([16, 32, 64]),
    keys: dice.whole(20, 50),
    packetEveryMs: dice.between(2, 8),
    quorum: dice.chance(0.05) ? 'majority' : 'none',
    drift: dice.chance(0.5) ? 0.01 : 0,
    loss: theme === 'network' || theme === 'everything' ? lossOf(dice) : NO_LOSS,
    duplicates: dice.chance(0.3) ? 0.05 : 0,
    late: dice.chance(0.3) ? 0.05 : 0,
    appliedDelayMs: dice.chance(0.2) ? dice.between(0.1, 5) : 0,
    actions: actions.sort((a, b) => a.atMs - b.atMs),
    aims: theme === 'aimed' ? aimsOf(dice, focus) : [],
    healMs,
    endMs: healMs + (theme === 'peaceful' ? 2000 : 4500),
  };
  // Lives that are aimed at a mutation stay what they are.
  return focus.theme === undefined ? withExtras(life, theme === 'peaceful', new Dice(seed ^ EXTRAS)) : life;
}

/** Paths are whole again from the heal on; a stall lasts as long as it lasts. */
function endOf(action: Action): number {
  return action.kind === 'stall' || action.kind === 'condition' ? action.atMs + action.forMs : action.atMs + 500;
}

function lossOf(dice: Dice): Loss {
  const kind = dice.whole(0, 4);
  if (kind === 0) return { random: dice.between(0.005, 0.05), bursts: 0, burstMs: 0 };
  if (kind === 1) return { random: dice.between(0.05, 0.3), bursts: 0, burstMs: 0 };
  if (kind === 2) return { random: 0.01, bursts: dice.between(0.02, 0.15), burstMs: dice.between(50, 400) };
  return NO_LOSS;
}

function starts(dice: Dice, nodes: number): Action[] {
  const together = dice.chance(0.6);
  return Array.from({ length: nodes }, (_, node) => {
    const atMs = together ? dice.between(0, 50) : dice.between(0, 1500);
    return { atMs, kind: 'start' as const, node };
  });
}

function lifeOf(dice: Dice, theme: Theme, nodes: number, faultsMs: number): Action[] {
  const actions: Action[] = [];
  // Aims need grants and keeps to strike at.
  const count = theme === 'aimed' ? dice.whole(4, 9) : dice.whole(1, theme === 'peaceful' ? 5 : 6);
  for (let i = 0; i < count; i++) actions.push(...event(dice, theme, nodes, 900 + dice.next() * faultsMs));
  return actions;
}

function event(dice: Dice, theme: Theme, nodes: number, atMs: number): Action[] {
  const node = dice.whole(0, nodes - 1);
  const roll = dice.next();
  if (theme === 'peaceful' || (theme === 'aimed' && roll < 0.85) || (theme === 'everything' && roll < 0.35))
    return peace(dice, node, atMs);
  if (theme === 'crashes' || theme === 'aimed' || (theme === 'everything' && roll < 0.7))
    return crash(dice, node, atMs);
  return outage(dice, nodes, node, atMs);
}

function aimsOf(dice: Dice, focus: Focus): Aim[] {
  return Array.from({ length: dice.whole(1, 4) }, () => ({
    on: dice.pick(focus.targets ?? TARGETS),
    nth: dice.whole(1, 12),
    afterMs: dice.chance(0.3) ? 0 : dice.between(0, 3),
    side: dice.pick(['from', 'to'] as const),
    strike: dice.pick(focus.strikes ?? (['kill', 'stall', 'mute', 'sever', 'lose'] as const)),
    forMs: dice.chance(0.6) ? dice.between(5, 500) : dice.between(500, 1500),
    obituary: dice.chance(0.6),
  }));
}

function peace(dice: Dice, node: number, atMs: number): Action[] {
  switch (dice.whole(0, 4)) {
    case 0:
    case 1: {
      const backMs = atMs + dice.between(20, 2500);
      return [
        { atMs, kind: 'drain', node, deadlineMs: null },
        { atMs: backMs, kind: 'start', node },
      ];
    }
    case 2:
    case 3:
      return [{ atMs, kind: 'weight', node, weight: dice.whole(node === 0 ? 1 : 0, 4) }];
    default:
      return [
        { atMs, kind: 'config', node, digest: 'c1' },
        { atMs: atMs + dice.between(50, 1500), kind: 'config', node, digest: 'c0' },
      ];
  }
}

function crash(dice: Dice, node: number, atMs: number): Action[] {
  const roll = dice.next();
  if (roll < 0.5) {
    const obituary = dice.chance(0.5);
    const back: Action[] = dice.chance(0.7) ? [{ atMs: atMs + dice.between(5, 1500), kind: 'start', node }] : [];
    return [{ atMs, kind: 'kill', node, obituary }, ...back];
  }
  if (roll < 0.9) {
    const forMs = dice.chance(0.7) ? dice.between(100, 900) : dice.between(900, 4000);
    return [{ atMs, kind: 'stall', node, forMs }];
  }
  if (roll < 0.95) return [{ atMs, kind: 'replay', node, sinceMs: dice.between(0, atMs) }];
  return [
    {
      atMs,
      kind: 'condition',
      node,
      reason: dice.pick(['checker', 'conflict'] as const),
      forMs: dice.between(50, 1500),
    },
  ];
}

function outage(dice: Dice, nodes: number, node: number, atMs: number): Action[] {
  const forMs = dice.chance(0.7) ? dice.between(20, 900) : dice.between(900, 2500);
  const others = Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== node);
  const other = dice.pick(others);
  const paths: [number, number][] = [];
  let shape: CutShape = 'oneWay';
  switch (dice.whole(0, 3)) {
    case 0:
      paths.push([node, other]);
      break;
    case 1:
      shape = 'pair';
      paths.push([node, other], [other, node]);
      break;
    case 2: {
      // Halves; sometimes one node hears both: a bridge.
      const bridge = nodes > 2 && dice.chance(0.4) ? dice.whole(0, nodes - 1) : -1;
      shape = bridge >= 0 ? 'bridge' : 'halves';
      const left = new Set(Array.from({ length: nodes }, (_, n) => n).filter(() => dice.chance(0.5)));
      for (let a = 0; a < nodes; a++) {
        for (let b = 0; b < nodes; b++)
          if (a !== bridge && b !== bridge && left.has(a) !== left.has(b)) paths.push([a, b]);
      }
      break;
    }
    default: {
      const deaf = dice.chance(0.5);
      shape = deaf ? 'deaf' : 'mute';
      for (const peer of others) paths.push(deaf ? [peer, node] : [node, peer]);
    }
  }
  return [{ atMs, kind: 'cut', shape, paths, forMs }];
}

/**
 * What only some lives have: the real seal with key rotation and replayed traffic, a second way for heartbeats with a dead
 * interface, or one that only sends, applied configs, quorum, witness, small tables of keys, a slow network, busy machines, very long stalls. Drawn from dice of their own.
 */
import { applies } from './applies.js';
import type { Dice } from './random.js';
import type { Action, CutShape, Schedule } from './schedule.js';

/** The first fault or change comes after this. */
const FROM_MS = 900;

/** Gives `life` one of these, or leaves it as it is. `isPeaceful`: nothing may be added that breaks anything. */
export function withExtras(life: Schedule, isPeaceful: boolean, dice: Dice): Schedule {
  const roll = dice.next();
  const untilMs = Math.max(FROM_MS + 200, life.healMs - 1200);
  const atMs = dice.between(FROM_MS, untilMs);
  if (roll < 0.07) return sealed(life, atMs, isPeaceful, dice);
  if (roll < 0.12) return { ...life, tableRoom: dice.whole(6, life.keys) };
  if (roll < 0.17) return { ...life, delayMs: dice.between(2, 20) };
  if (isPeaceful) return roll < 0.3 ? added(life, applies(life.nodes, atMs, dice.whole(1, 6), dice)) : life;
  if (roll < 0.25) return twoWays(life, atMs, dice);
  if (roll < 0.3) return { ...added(life, [halves(life.nodes, atMs, dice)]), quorum: 'majority' };
  if (roll < 0.36) return witnessed(life, atMs, dice);
  if (roll < 0.375) return added(life, [longStall(life.nodes, atMs, dice)]);
  if (roll < 0.4) return { ...life, timersLateMs: dice.between(5, 40) };
  if (roll < 0.425) return deafNic(life, atMs, dice);
  if (roll < 0.5) return added(life, applies(life.nodes, atMs, dice.whole(1, 6), dice, { both: 0.05, commit: 0.1 }));
  return life;
}

/** The life goes on for long enough after what was added. */
function added(life: Schedule, actions: readonly Action[]): Schedule {
  const endOf = (action: Action): number => action.atMs + ('forMs' in action ? action.forMs : 0);
  const laterMs = Math.max(0, Math.max(...actions.map(endOf)) + 500 - life.healMs);
  const all = [...life.actions, ...actions].sort((a, b) => a.atMs - b.atMs);
  return { ...life, actions: all, healMs: life.healMs + laterMs, endMs: life.endMs + laterMs };
}

function sealed(life: Schedule, atMs: number, isPeaceful: boolean, dice: Dice): Schedule {
  const actions: Action[] = dice.chance(0.8) ? rotation(life.nodes, 0, Math.min(atMs, life.healMs - 2500), dice) : [];
  if (dice.chance(0.6)) {
    const node = dice.whole(0, life.nodes - 1);
    const replayMs = dice.between(FROM_MS + 300, life.healMs);
    // To one that knows nothing of what went before, and to one that does.
    if (!isPeaceful && dice.chance(0.5)) {
      actions.push({ atMs: replayMs - 5, kind: 'kill', node, obituary: dice.chance(0.5) });
      actions.push({ atMs: replayMs - 1, kind: 'start', node });
    }
    actions.push({ atMs: replayMs, kind: 'replay', node, sinceMs: dice.chance(0.5) ? 0 : dice.between(0, replayMs) });
  }
  return { ...added(life, actions), sealed: true };
}

/** First every node gets the new key, then each seals with it, then each forgets the old one. */
export function rotation(nodes: number, from: number, atMs: number, dice: Dice): Action[] {
  const beginMs = Math.max(100, atMs);
  const steps = [
    ['add', 0],
    ['use', 500],
    ['remove', 1100],
  ] as const;
  return steps.flatMap(([step, afterMs]) =>
    Array.from({ length: nodes }, (_, node) => {
      const offsetMs = afterMs + dice.between(0, 400);
      return { atMs: beginMs + offsetMs, kind: 'keys' as const, node, step, from };
    }),
  );
}

function twoWays(life: Schedule, atMs: number, dice: Dice): Schedule {
  const node = dice.whole(0, life.nodes - 1);
  if (dice.chance(0.6)) {
    const forMs = dice.chance(0.5) ? dice.between(100, 2000) : dice.between(3500, 6000);
    return { ...added(life, [{ atMs, kind: 'nic', node, forMs }]), udp: true };
  }
  const cut = halves(life.nodes, atMs, dice);
  return { ...added(life, [{ ...cut, way: dice.chance(0.5) ? 'raw' : 'udp' }]), udp: true };
}

/** Long enough that the others must take over while it lasts, or not. */
function deafNic(life: Schedule, atMs: number, dice: Dice): Schedule {
  const forMs = dice.chance(0.5) ? dice.between(100, 2000) : dice.between(3500, 6000);
  return added(life, [{ atMs, kind: 'ingress', node: dice.whole(0, life.nodes - 1), forMs }]);
}

/** In a full partition with a witness: it answers one side, or none. */
function witnessed(life: Schedule, atMs: number, dice: Dice): Schedule {
  const cut = halves(life.nodes, atMs, dice);
  const left = new Set(cut.paths.map(([from]) => from));
  const side = new Set(cut.paths.filter(([from]) => from === cut.paths[0]?.[0]).map(([, to]) => to));
  const nodes = dice.chance(0.2) ? [...left] : [...side];
  const earlierMs = dice.chance(0.3) ? dice.between(0, 800) : 0;
  const blind: Action = { atMs: Math.max(1, atMs - earlierMs), kind: 'blind', nodes, forMs: cut.forMs + earlierMs };
  return { ...added(life, [cut, blind]), witness: true, quorum: 'none' };
}

type Cut = Extract<Action, { kind: 'cut' }>;

/** Two sides that hear nothing of each other, or all but one node that hears both. Each side has a node at least. */
function halves(nodes: number, atMs: number, dice: Dice): Cut {
  const forMs = dice.chance(0.5) ? dice.between(600, 1500) : dice.between(1500, 3500);
  const split = dice.whole(1, nodes - 1);
  const order = Array.from({ length: nodes }, (_, node) => node).sort(() => dice.next() - 0.5);
  const left = new Set(order.slice(0, split));
  const bridge = nodes > 2 && dice.chance(0.2) ? dice.whole(0, nodes - 1) : -1;
  const paths: [number, number][] = [];
  for (let a = 0; a < nodes; a++) {
    for (let b = 0; b < nodes; b++) if (a !== bridge && b !== bridge && left.has(a) !== left.has(b)) paths.push([a, b]);
  }
  const shape: CutShape = bridge >= 0 ? 'bridge' : 'halves';
  return { atMs, kind: 'cut', shape, paths, forMs };
}

function longStall(nodes: number, atMs: number, dice: Dice): Action {
  return { atMs, kind: 'stall', node: dice.whole(0, nodes - 1), forMs: dice.between(4000, 30_000) };
}

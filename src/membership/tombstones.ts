/** Members that are gone: what is remembered of them, for how long, and how a late word corrects it. */
import { SILENT_INTERVALS } from './lease.js';
import { MOST_TOMBSTONES } from './limits.js';
import type { Incarnation, NodeName } from './messages.js';
import { type Departure, type Peer, type State, TELL_MS, type Tombstone } from './state.js';

/** Names that the config does not know are forgotten after this: a node that left in good order, and one called dead. */
const FORGET_LEFT_MS = 600_000;
const FORGET_DEAD_MS = 86_400_000;

export function entomb(s: State, { name, incarnation, heardMs, heartbeat }: Peer, how: Departure): void {
  const reasons: Readonly<Record<Departure, string>> = {
    dead: 'not heard',
    gone: 'its agent ended',
    stopped: heartbeat.reason,
  };
  const tellUntilMs = how === 'dead' ? s.nowMs + TELL_MS : 0;
  const [reason, atMs] = [reasons[how], s.nowMs];
  remember(s, name, { incarnation, how, reason, atMs, heardMs, speaksSinceMs: atMs, tellUntilMs });
}

/** A member that we called dead speaks: it is to hear that for a while longer. Gives for how long it has spoken. */
export function tellAgain(s: State, name: NodeName): number {
  const tombstone = s.tombstones.get(name)!;
  if (tombstone.tellUntilMs <= s.nowMs) s.urgent = true;
  const hasPaused = s.nowMs - tombstone.heardMs > SILENT_INTERVALS * s.settings.intervalMs;
  const speaksSinceMs = hasPaused ? s.nowMs : tombstone.speaksSinceMs;
  s.tombstones.set(name, { ...tombstone, heardMs: s.nowMs, speaksSinceMs, tellUntilMs: s.nowMs + TELL_MS });
  return s.nowMs - speaksSinceMs;
}

/** A later word says more: it did not just fall silent, or it said itself why it left. */
export function amend(s: State, name: NodeName, incarnation: Incarnation, how: Departure, reason: string): void {
  const known = s.tombstones.get(name);
  if (known === undefined || known.incarnation > incarnation || known.how === 'stopped') return;
  s.tombstones.set(name, { ...known, incarnation, how, reason, tellUntilMs: 0 });
}

/** Each tick. */
export function forgetOld(s: State): void {
  for (const [name, { how, atMs, heardMs }] of s.tombstones) {
    const keepMs = how === 'dead' ? FORGET_DEAD_MS : FORGET_LEFT_MS;
    if (s.nowMs - Math.max(atMs, heardMs) >= keepMs && !s.settings.electorate.includes(name)) s.tombstones.delete(name);
  }
}

/** In order of their ends. The oldest goes when there are too many, one that the config names last. */
function remember(s: State, name: NodeName, tombstone: Tombstone): void {
  s.tombstones.delete(name);
  s.tombstones.set(name, tombstone);
  if (s.tombstones.size <= MOST_TOMBSTONES) return;
  const names = [...s.tombstones.keys()];
  s.tombstones.delete(names.find((other) => !s.settings.electorate.includes(other)) ?? names[0]!);
}

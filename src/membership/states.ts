/**
 * The node's own state. `transition` is the only function that changes it; `lapse` the only one that ends an incarnation.
 *
 * ```
 *              start               listened, heard          drain
 *   stopped ----------> joining ------------------> up <-----------> draining
 *      ^                 |   ^                      | ^     start        |
 *      |                 |   |  lapse               | |                  | all given and ended,
 *      |                 v   |  (new incarnation)   v | reason gone,     | deadline, or lapse
 *      |               waiting <------ reason ------+-+ lease unbroken   |
 *      |                 |                                              |
 *      +---- stop -------+----------------------------------------------+
 * ```
 * A reason that casts doubt on what we hear or are (deaf, conflict, twin, quorum, witness, data plane) ends the lease at once.
 * Others (config, reach, checker, services) leave in good order: buckets are granted away, keeps stay, the lease goes on.
 */
import { isEmpty } from '../buckets/bitmap.js';
import type { HoldReason, NodeState } from './contract.js';
import { broadcast } from './heartbeat.js';
import { allowedDeadlineMs, electorate, mayServe, witnessMissing } from './lease.js';
import type { Incarnation } from './messages.js';
import { isIngressStill, reachMissing } from './reach.js';
import { type Peer, type State, TELL_MS } from './state.js';
import { configCountedAs, ownConfig } from './switches.js';
import { refreshView } from './view.js';

/** The low bits of an incarnation are random, see messages.ts. */
const RANDOM_BITS = 2 ** 20;
/** A node that hears only unproved members listens at most this many times as long. */
const LONGEST_LISTENING = 3;
const ORDERLY: ReadonlySet<HoldReason> = new Set<HoldReason>(['config', 'checker', 'services', 'reach']);

/** The next incarnation above `floor`. */
export function incarnationAbove(s: State, floor: Incarnation): Incarnation {
  return (Math.floor(floor / RANDOM_BITS) + 1) * RANDOM_BITS + Math.floor(s.random() * RANDOM_BITS);
}

function transition(s: State, to: NodeState, reason: string): void {
  if (s.state === to && s.reason === reason) return;
  const from = s.state;
  s.state = to;
  s.reason = reason;
  if (to === 'joining') s.joiningSinceMs = s.nowMs;
  if (to === 'waiting' && from !== 'waiting') s.waitingSinceMs = s.nowMs;
  if (to === 'stopped') s.drainDeadlineMs = null;
  s.emit({ type: 'state', from, to, reason });
  s.viewDirty = true;
  s.changed();
}

/** The incarnation is over: nothing is accepted any more, and we begin anew under a higher one. */
export function lapse(
  s: State,
  why: string,
  then: { readonly state: NodeState; readonly reason: string } | null = null,
): void {
  const old = s.incarnation;
  const wasDraining = s.state === 'draining';
  s.log('warn', 'lapsed', { why, incarnation: old });
  s.emit({ type: 'reset' });
  renewIncarnation(s, old);
  s.emit({ type: 'obituary', obituary: { name: s.settings.node, incarnation: old } });
  if (then !== null) transition(s, then.state, then.reason);
  else if (wasDraining) stop(s, `lapsed while draining: ${why}`);
  else transition(s, 'joining', why);
}

function renewIncarnation(s: State, floor: Incarnation): void {
  s.gone = s.incarnation;
  s.incarnation = incarnationAbove(s, floor);
  s.leaseDeadlineMs = null;
  s.sequence = 0;
  s.gained = 0;
  s.gainUnreported = false;
  s.clearTables();
  for (const peer of s.peers.values()) peer.ackedMs = s.nowMs;
  s.emit({ type: 'incarnation', incarnation: s.incarnation });
  s.viewDirty = true;
}

/**
 * Goes above `reported`, while nothing hangs on the present incarnation: others called it dead, or know a later one of ours
 * than we do (our memory of it was lost).
 */
export function outgrow(s: State, reported: Incarnation): void {
  s.log('info', 'incarnation-outgrown', { ours: s.incarnation, reported });
  renewIncarnation(s, reported);
  s.changed();
}

export function start(s: State): void {
  if (s.state === 'draining') transition(s, 'up', 'started');
  if (s.state !== 'stopped') return;
  if (s.started) renewIncarnation(s, s.incarnation);
  else s.emit({ type: 'incarnation', incarnation: s.incarnation });
  s.started = true;
  transition(s, 'joining', 'listening');
}

export function drain(s: State, deadlineMs: number | null): void {
  if (s.state === 'joining' || s.state === 'waiting')
    return s.leasing ? beginDraining(s, deadlineMs) : stop(s, 'drained');
  if (s.state === 'up' || s.state === 'draining') beginDraining(s, deadlineMs);
}

function beginDraining(s: State, deadlineMs: number | null): void {
  s.drainDeadlineMs = deadlineMs;
  if (s.state !== 'draining') s.drainingSinceMs = s.nowMs;
  transition(s, 'draining', 'draining');
}

/** Ends at once: what we keep goes to the others, and they are told. */
export function stop(s: State, reason: string): void {
  if (s.state === 'stopped') return;
  s.emit({ type: 'reset' });
  s.leaseDeadlineMs = null;
  s.clearTables();
  transition(s, 'stopped', reason);
  refreshView(s);
  broadcast(s);
  s.emit({ type: 'obituary', obituary: { name: s.settings.node, incarnation: s.incarnation } });
  s.emit({ type: 'stopped' });
}

/** Looks at all that the state hangs on. Called after each event. */
export function evaluate(s: State): void {
  if (s.state === 'stopped') return;
  const bad = holdReason(s);
  if (bad !== null) return wait(s, bad.reason, bad.detail);
  switch (s.state) {
    case 'waiting':
      return s.leasing ? comeUp(s, 'all well again') : transition(s, 'joining', 'listening');
    case 'joining':
      return join(s);
    case 'draining':
      return finishDraining(s);
    case 'up':
  }
}

function wait(s: State, reason: HoldReason, detail: string): void {
  const text = detail === '' ? reason : `${reason}: ${detail}`;
  if (!s.leasing) return transition(s, 'waiting', text);
  if (!ORDERLY.has(reason)) return lapse(s, text, s.state === 'draining' ? null : { state: 'waiting', reason: text });
  if (s.state === 'draining') return finishDraining(s);
  // With nobody to give the buckets to, what is doubtful must not be served at all.
  if (s.state === 'waiting' && s.view.planMembers.length === 0 && !isBeingRolledOut(s, reason))
    return lapse(s, text, { state: 'waiting', reason: text });
  transition(s, 'waiting', text);
}

/**
 * A config reaches the nodes one by one, or all at once, each reading it a few milliseconds before or after the others: then
 * those that have the farm's config wait themselves, until they hear of each other. That must cost nobody a connection. Nor must one
 * that is just starting with the config that counts: it takes over in good order once it has listened.
 */
function isBeingRolledOut(s: State, reason: HoldReason): boolean {
  if (reason !== 'config') return false;
  const isHeir = ({ heartbeat: { state, configDigest } }: Peer) =>
    state === 'joining' && configCountedAs(s, configDigest) === s.view.configDigest;
  const patience = [...s.peers.values()].some(isHeir) ? LONGEST_LISTENING + 1 : 1;
  return s.nowMs - s.waitingSinceMs < patience * (s.settings.leaseMs + s.settings.marginMs);
}

function join(s: State): void {
  const listenMs = s.rules.listenMs(s.settings);
  const listenedMs = s.nowMs - s.joiningSinceMs;
  if (listenedMs < listenMs) return;
  const names = unproved(s);
  if (names !== '' && listenedMs < LONGEST_LISTENING * listenMs) {
    if (s.reason !== `unproved: ${names}`) transitionKeepingListening(s, `unproved: ${names}`);
    return;
  }
  const deadlineMs = allowedDeadlineMs(s);
  if (deadlineMs <= s.nowMs + s.settings.intervalMs) return transitionKeepingListening(s, 'not heard by all');
  s.leaseDeadlineMs = deadlineMs;
  s.allowedMs = deadlineMs;
  s.emit({ type: 'renew-lease', deadlineMs });
  comeUp(s, 'listened');
}

/**
 * Those who may be members, and whose buckets we do not know. Recordings of our own past are known to be that. One that waits and has
 * nothing may be deaf, so that it can never prove itself; it too must listen to us before it takes anything.
 */
function unproved(s: State): string {
  const names = [...s.candidates.values()].flatMap(({ heartbeat }) => {
    const { from, incarnation, state } = heartbeat;
    const isIdle = state === 'waiting' && !mayServe(heartbeat);
    return isIdle || (from === s.settings.node && incarnation <= s.gone) ? [] : [from];
  });
  return [...new Set(names)].join(', ');
}

/** From now on others count us. Those whom we called dead meanwhile are told, in case that they hear us. */
function comeUp(s: State, reason: string): void {
  s.upSinceMs = s.nowMs;
  for (const [name, tombstone] of s.tombstones) {
    if (tombstone.how === 'dead') s.tombstones.set(name, { ...tombstone, tellUntilMs: s.nowMs + TELL_MS });
  }
  transition(s, 'up', reason);
}

function transitionKeepingListening(s: State, reason: string): void {
  const sinceMs = s.joiningSinceMs;
  transition(s, 'joining', reason);
  s.joiningSinceMs = sinceMs;
}

function finishDraining(s: State): void {
  const empty = [...s.held, ...s.granting, ...s.kept, ...s.keptSince].every(isEmpty);
  if (empty && s.keptCount === 0 && s.grants.size === 0 && !isIngressStill(s)) return stop(s, 'drained');
  if (s.drainDeadlineMs !== null && s.nowMs >= s.drainDeadlineMs) stop(s, 'drain deadline passed');
}

/** The gravest reason to wait; null: none. */
function holdReason(s: State): { readonly reason: HoldReason; readonly detail: string } | null {
  for (const reason of ['dataplane', 'host', 'interface', 'conflict', 'twin', 'deaf'] as const) {
    const detail = s.conditions.get(reason);
    if (detail !== undefined) return { reason, detail };
  }
  // A node that listens has not had the time to hear a majority, or a witness.
  const isNew = s.state === 'joining' && s.nowMs - s.joiningSinceMs < s.rules.listenMs(s.settings);
  if (!isNew && witnessMissing(s))
    return { reason: 'witness', detail: s.conditions.get('witness') ?? 'no answer while a node is missing' };
  const quorum = isNew ? null : quorumMissing(s);
  if (quorum !== null) return { reason: 'quorum', detail: quorum };
  if (ownConfig(s) !== s.view.configDigest && s.view.configDigest !== '') {
    return { reason: 'config', detail: OTHER_CONFIG };
  }
  const reach = reachMissing(s);
  if (reach !== null) return { reason: 'reach', detail: reach };
  for (const reason of ['checker', 'services'] as const) {
    const detail = s.conditions.get(reason);
    if (detail !== undefined) return { reason, detail };
  }
  return null;
}

const OTHER_CONFIG =
  'another config than the farm has; to give this one to all: covey apply FILE; to take theirs: put it here, and covey reload';

function quorumMissing(s: State): string | null {
  if (s.settings.quorum !== 'majority' || !s.rules.heedQuorum()) return null;
  const names = electorate(s);
  const present = names.filter((name) => name === s.settings.node || s.peers.has(name)).length;
  return present * 2 > names.length ? null : `${present} of ${names.length} nodes`;
}

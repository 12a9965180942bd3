/** Who lives: heartbeats in, proof of freshness, deaths, heals and namesakes. */
import { countBits, intersects } from '../buckets/bitmap.js';
import { noteRaw } from './deafness.js';
import { isSilent, sendTimeMs } from './lease.js';
import { HIGHEST_INCARNATION, MOST_CANDIDATES, MOST_MEMBERS } from './limits.js';
import type { Heard, Heartbeat, Incarnation, NodeName, Obituary } from './messages.js';
import { relaysOtherwise } from './reach.js';
import type { Candidate, Departure, Peer, State } from './state.js';
import { lapse, outgrow } from './states.js';
import { amend, entomb, tellAgain } from './tombstones.js';
import { hearTwin, twinIsOver } from './twin.js';

/**
 * A new life says that older ones of its host are gone. Numbers alone do not prove it, a namesake on another host may count higher: the
 * older one is replaced when it has not spoken from an interval after the newer one began until now, this many intervals after.
 */
const GONE_AFTER_INTERVALS = 2.5;
/** After a partition the other side hears us within so many intervals of our hearing it, or the way to it is still cut. */
const HEARD_AFTER_INTERVALS = 4;

/** What else must happen when a member's incarnation ends, a new one comes, or one speaks. Filled in by core.ts. */
export interface LifeHooks {
  ended(s: State, peer: Peer): void;
  /** `before`: what it said the time before; null: it is new. */
  heard(s: State, peer: Peer, before: Heartbeat | null): void;
}

export interface Arrival {
  readonly heartbeat: Heartbeat;
  readonly path: string;
  readonly sealed: readonly Uint8Array[];
}

export function hear(s: State, arrival: Arrival, hooks: LifeHooks): void {
  const { heartbeat, path } = arrival;
  if (!isWellFormed(s, heartbeat)) return;
  noteRaw(s, path);
  if (heartbeat.from === s.settings.node) return hearNamesake(s, heartbeat);
  const tombstone = s.tombstones.get(heartbeat.from);
  if (tombstone !== undefined && heartbeat.incarnation <= tombstone.incarnation) {
    if (heartbeat.incarnation < tombstone.incarnation) return;
    if (tombstone.how === 'gone' && heartbeat.state === 'stopped')
      amend(s, heartbeat.from, heartbeat.incarnation, 'stopped', heartbeat.reason);
    if (tombstone.how !== 'dead' || !hearDead(s, heartbeat)) return;
  }
  const peer = s.peers.get(heartbeat.from);
  if (peer?.incarnation === heartbeat.incarnation) {
    peer.paths.set(path, s.nowMs);
    if (heartbeat.sequence > peer.heartbeat.sequence) absorb(s, peer, arrival, hooks);
    return;
  }
  if (peer !== undefined && heartbeat.incarnation < peer.incarnation) return;
  consider(s, arrival, hooks);
}

/** Sets of buckets have one size in a farm; a member that holds the key and says otherwise is not listened to. */
function isWellFormed(s: State, { plans }: Heartbeat): boolean {
  return plans.every((plan) => [plan.held, plan.granting, plan.kept].every((set) => s.isBucketSet(set)));
}

/** An incarnation that we do not know as living: it must prove that it is not a recording. */
function consider(s: State, arrival: Arrival, hooks: LifeHooks): void {
  const { heartbeat } = arrival;
  const id = candidateId(heartbeat.from, heartbeat.incarnation);
  const known = s.candidates.get(id);
  if (known !== undefined && heartbeat.sequence <= known.heartbeat.sequence) return;
  const candidate: Candidate = {
    heartbeat,
    heardMs: s.nowMs,
    sinceMs: known?.sinceMs ?? s.nowMs,
    reportedSequence: known?.reportedSequence ?? 0,
  };
  if (known === undefined && s.candidates.size >= MOST_CANDIDATES) return;
  s.candidates.set(id, candidate);
  // It proves itself by naming us, so let it hear soon that we hear it.
  if (known === undefined) s.urgent = true;
  if (namesUs(s, heartbeat)) promote(s, arrival, hooks);
  else outgrowIfReported(s, heartbeat);
}

/** The candidate lives. It replaces an older incarnation only when that one is surely gone. */
function promote(s: State, { heartbeat, path, sealed }: Arrival, hooks: LifeHooks): void {
  const { from: name, incarnation } = heartbeat;
  const old = s.peers.get(name);
  if (old !== undefined) {
    if (heartbeat.gone < old.incarnation || !hasEnded(s, old, incarnation)) return;
    bury(s, old, 'gone', hooks);
  }
  if (s.peers.size >= MOST_MEMBERS - 1) return leaveOut(s, name);
  s.candidates.delete(candidateId(name, incarnation));
  s.metPeers = true;
  s.aloneSinceMs = Number.NEGATIVE_INFINITY;
  const peer: Peer = {
    name,
    incarnation,
    heartbeat,
    messageSequence: 0,
    heardMs: s.nowMs,
    aliveMs: s.nowMs,
    reportedSequence: heartbeat.sequence,
    // What it says to have heard of us counts; one that others vouch for has yet to say.
    ackedMs: namesUs(s, heartbeat) ? Number.NEGATIVE_INFINITY : s.nowMs,
    paths: new Map([[path, s.nowMs]]),
    sealed,
    passUntilMs: 0,
    passedMs: 0,
  };
  s.peers.set(name, peer);
  s.log('info', 'member-found', { name, incarnation });
  s.viewDirty = true;
  s.changed();
  digest(s, peer, null, hooks);
}

/** See {@link GONE_AFTER_INTERVALS}. */
function hasEnded(s: State, { name, heardMs }: Peer, successor: Incarnation): boolean {
  if (!s.rules.heedVoice()) return true;
  const { intervalMs } = s.settings;
  const sinceMs = s.candidates.get(candidateId(name, successor))?.sinceMs ?? s.nowMs;
  return heardMs < sinceMs + intervalMs && s.nowMs - sinceMs >= GONE_AFTER_INTERVALS * intervalMs;
}

/** A farm that is full stays as it is; who came too late goes on listening, heard by nobody. */
function leaveOut(s: State, name: NodeName): void {
  if (s.surplus.has(name) || s.surplus.size >= MOST_CANDIDATES) return;
  s.surplus.add(name);
  s.log('error', 'farm-full', { name, members: MOST_MEMBERS });
}

/** The next heartbeat of a living member. */
function absorb(s: State, peer: Peer, { heartbeat, sealed }: Arrival, hooks: LifeHooks): void {
  const before = peer.heartbeat;
  // Rediscovered: it did not count while it was silent, and now needs a moment to say that it hears us.
  if (isSilent(s, peer)) peer.ackedMs = Math.max(peer.ackedMs, s.nowMs - s.settings.leaseMs + s.settings.intervalMs);
  peer.heartbeat = heartbeat;
  peer.sealed = sealed;
  peer.heardMs = s.nowMs;
  peer.aliveMs = s.nowMs;
  peer.reportedSequence = Math.max(peer.reportedSequence, heartbeat.sequence);
  if (heartbeat.framesSeen !== before.framesSeen) s.othersMovedMs = Math.min(s.othersMovedMs, s.nowMs);
  if (differs(before, heartbeat)) s.viewDirty = true;
  if (relaysOtherwise(before, heartbeat)) s.reach.dirty = s.dirty = true;
  if (before.viewDigest !== heartbeat.viewDigest) s.changed();
  digest(s, peer, before, hooks);
}

/** What every heartbeat of a living member may change. */
function digest(s: State, peer: Peer, before: Heartbeat | null, hooks: LifeHooks): void {
  const { heartbeat } = peer;
  for (const heard of heartbeat.heard) {
    if (heard.name === s.settings.node) acknowledge(s, peer, heard);
    else learnReport(s, heard, hooks);
  }
  if (heartbeat.state === 'stopped') return bury(s, peer, 'stopped', hooks);
  const serving = heartbeat.state === 'up' || heartbeat.state === 'draining';
  const calledDead = heartbeat.dead.some((d) => d.name === s.settings.node && d.incarnation === s.incarnation);
  if (calledDead && serving) return s.leasing ? lapse(s, `${peer.name} called us dead`) : outgrow(s, s.incarnation);
  hooks.heard(s, peer, before);
}

function acknowledge(s: State, peer: Peer, heard: Heard): void {
  if (heard.incarnation !== s.incarnation) return outgrowIfReported(s, peer.heartbeat);
  const sentMs = sendTimeMs(s, heard.sequence);
  if (sentMs !== null && sentMs > peer.ackedMs) peer.ackedMs = sentMs;
}

/** A living member heard another one: a growing sequence is a sign of life, and proof for a candidate. */
function learnReport(s: State, heard: Heard, hooks: LifeHooks): void {
  const other = s.peers.get(heard.name);
  if (other?.incarnation === heard.incarnation) {
    if (heard.sequence <= other.reportedSequence) return;
    other.reportedSequence = heard.sequence;
    other.aliveMs = s.nowMs;
    return;
  }
  const candidate = s.candidates.get(candidateId(heard.name, heard.incarnation));
  if (candidate === undefined) return;
  const grown = candidate.reportedSequence > 0 && heard.sequence > candidate.reportedSequence;
  candidate.reportedSequence = Math.max(candidate.reportedSequence, heard.sequence);
  if (grown) promote(s, { heartbeat: candidate.heartbeat, path: 'reported', sealed: [] }, hooks);
}

/** What the view is made of, see view.ts. */
const ENTRY_FIELDS = ['state', 'weight', 'weightPercent', 'configDigest', 'reach'] as const;

function differs(a: Heartbeat, b: Heartbeat): boolean {
  return ENTRY_FIELDS.some((field) => a[field] !== b[field]) || !isSameList(a.switches, b.switches);
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((value, index) => value === b[index]));
}

/**
 * A member speaks that we called dead. True: it may live again, since we hold nothing that it may hold. Otherwise it is told,
 * and if it too goes on without us, the smaller side ends (heal of a full partition).
 */
function hearDead(s: State, heartbeat: Heartbeat): boolean {
  const { from: name } = heartbeat;
  if (!s.leasing) {
    s.tombstones.delete(name);
    return true;
  }
  const spokenMs = tellAgain(s, name);
  const serves = heartbeat.state === 'up' || heartbeat.state === 'draining';
  if (!serves || countsUs(s, heartbeat)) return false;
  // One that hears us, and should give way, would have done so by now. A larger side does not end for one node that is deaf.
  const isDeafToUs = spokenMs > HEARD_AFTER_INTERVALS * s.settings.intervalMs;
  if (isDeafToUs && oursBeyondTheirs(s, heartbeat) === 0) lapse(s, `${name} goes on and does not hear us`);
  else if (mustGiveWay(s, heartbeat)) lapse(s, `healed: the side of ${name} goes on`);
  return false;
}

/**
 * Two living owners of one bucket: two farms that never knew each other have met. As long as the other does not count us, sides are
 * compared as after a partition; later, when both views are merging, the lower name goes on.
 */
export function resolveOverlap(s: State, peer: Peer): void {
  const { heartbeat } = peer;
  if (!s.leasing || heartbeat.sequence <= peer.messageSequence) return;
  const overlap = s.held.some((held, plan) => intersects(held, heartbeat.plans[plan]?.held ?? s.none()));
  if (!overlap) return;
  s.log('error', 'overlap', { name: peer.name, incarnation: peer.incarnation });
  const givesWay = countsUs(s, heartbeat) ? peer.name < s.settings.node : mustGiveWay(s, heartbeat);
  if (givesWay) lapse(s, `met the farm of ${peer.name}`);
}

function countsUs(s: State, heartbeat: Heartbeat): boolean {
  return heartbeat.view.some((m) => m.name === s.settings.node && m.incarnation === s.incarnation);
}

/** By how many members our side of a partition is the larger one. */
function oursBeyondTheirs(s: State, { from, view }: Heartbeat): number {
  return ourSide(s, from).length - view.length;
}

function ourSide(s: State, from: NodeName): readonly NodeName[] {
  return [s.settings.node, ...[...s.peers.keys()].filter((name) => name !== from)];
}

/** True when our side of a partition is the smaller one, or of equal size and without the lowest name. Sides that share it: the
 *  lower of the two who hear each other goes on. */
function mustGiveWay(s: State, heartbeat: Heartbeat): boolean {
  const surplus = oursBeyondTheirs(s, heartbeat);
  if (surplus !== 0) return surplus < 0;
  const [ours, theirs] = [lowest(ourSide(s, heartbeat.from)), lowest(heartbeat.view.map(({ name }) => name))];
  return theirs === ours ? heartbeat.from < s.settings.node : theirs < ours;
}

function lowest(names: readonly NodeName[]): NodeName {
  return [...names].sort()[0]!;
}

/** Another host uses our name. It is real when it names us, else a recording of ourselves. */
function hearNamesake(s: State, heartbeat: Heartbeat): void {
  if (heartbeat.incarnation === s.incarnation) return;
  const id = candidateId(heartbeat.from, heartbeat.incarnation);
  const known = s.candidates.get(id);
  if (known !== undefined && heartbeat.sequence <= known.heartbeat.sequence) return;
  if (known === undefined && s.candidates.size >= MOST_CANDIDATES) return;
  // It proves itself by naming us, so our heartbeats must name it.
  s.candidates.set(id, { heartbeat, heardMs: s.nowMs, sinceMs: known?.sinceMs ?? s.nowMs, reportedSequence: 0 });
  if (namesUs(s, heartbeat)) hearTwin(s, heartbeat);
}

/** While we listen, a member that knows a later incarnation of us, and not this one, makes us go above it. */
function outgrowIfReported(s: State, heartbeat: Heartbeat): void {
  if (s.leasing || s.state === 'stopped' || s.conditions.has('twin')) return;
  const ours = heartbeat.heard.filter(({ name }) => name === s.settings.node).map(({ incarnation }) => incarnation);
  const highest = Math.max(0, ...ours);
  if (highest > s.incarnation && highest < HIGHEST_INCARNATION && !ours.includes(s.incarnation)) outgrow(s, highest);
}

/**
 * That incarnation is gone, and older ones of its host with it. Of an older one that we take for living that is true only if it has
 * fallen silent: a namesake on another host may have died.
 */
export function hearObituary(s: State, { name, incarnation }: Obituary, hooks: LifeHooks): void {
  if (name === s.settings.node) return;
  s.candidates.delete(candidateId(name, incarnation));
  const peer = s.peers.get(name);
  if (peer?.incarnation === incarnation) return bury(s, peer, 'gone', hooks);
  const isPast = peer !== undefined && peer.incarnation < incarnation;
  if (isPast && (isSilent(s, peer) || !s.rules.heedVoice())) return bury(s, peer, 'gone', hooks);
  amend(s, name, incarnation, 'gone', 'its agent ended');
}

/** When the next member is called dead if nothing is heard of it. */
export function nextDeathMs(s: State): number {
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const { aliveMs } of s.peers.values()) if (aliveMs < earliestMs) earliestMs = aliveMs;
  return earliestMs + s.settings.leaseMs + s.settings.marginMs;
}

/** Calls the silent dead. Only from a tick that was in time: otherwise their heartbeats may lie unread. */
export function callDead(s: State, hooks: LifeHooks): void {
  const limitMs = s.nowMs - s.settings.leaseMs - s.settings.marginMs;
  for (const peer of [...s.peers.values()]) {
    if (peer.aliveMs < limitMs) bury(s, peer, 'dead', hooks);
  }
  for (const [id, { heardMs }] of s.candidates) if (heardMs < limitMs) s.candidates.delete(id);
  if (s.twinHeardMs < limitMs) twinIsOver(s);
}

/** A member's incarnation is over, for us for good. */
export function bury(s: State, peer: Peer, how: Departure, hooks: LifeHooks): void {
  s.peers.delete(peer.name);
  if (how === 'dead' && s.peers.size === 0) s.aloneSinceMs = s.nowMs;
  entomb(s, peer, how);
  const { name, incarnation, heartbeat } = peer;
  // What goes with it: buckets that others take over, and clients that it kept in theirs.
  const buckets = heartbeat.plans.reduce((sum, { held }) => sum + countBits(held), 0);
  const silentMs = Math.round(s.nowMs - peer.heardMs);
  const level = how === 'dead' ? 'warn' : 'info';
  s.log(level, 'member-lost', { name, incarnation, silentMs, buckets, keeps: heartbeat.keeps, how });
  s.viewDirty = true;
  s.changed();
  hooks.ended(s, peer);
}

function candidateId(name: NodeName, incarnation: Incarnation): string {
  return `${name}/${incarnation}`;
}

/** True when the heartbeat can only have been made since our present incarnation began. */
function namesUs(s: State, { heard, dead }: Heartbeat): boolean {
  const named = [...heard, ...dead];
  return s.rules.isFresh(
    named.some(({ name, incarnation }) => name === s.settings.node && incarnation === s.incarnation),
  );
}

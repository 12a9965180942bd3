/**
 * The membership core: one node's part of the protocol of design.md section 5, as a value without I/O, clock or randomness.
 *
 * A step takes one event and runs, always in this order: is the lease over? the event; the view; the node's state; the lease;
 * acquisition and grants, if something changed; a heartbeat, if one is due. Nothing else decides, so any run can be replayed.
 */
import { acquire } from './acquire.js';
import type { Command, Core, CreateCore, Directive, Event, HoldReason, Random, Settings } from './contract.js';
import { deafnessDueMs, noteCapture, noticeDeafness } from './deafness.js';
import { endEndsWith, onEndDone, onEnded, onEndOffer, onEndReady, tendEnds } from './ends.js';
import { noticeLacks, passOn } from './gossip.js';
import { cutWhatIsFree, endGrantsTo, grantWhatIsPlanned, onOutcome, onReady, tendGrants } from './granter.js';
import { beat, heartbeatDueMs } from './heartbeat.js';
import { answerWanted, compareKept, dropKeeper, takeKeeps } from './keepers.js';
import { leaseIsOver, nextSilenceMs, renewLease } from './lease.js';
import { callDead, hear, hearObituary, type LifeHooks, nextDeathMs, resolveOverlap } from './liveness.js';
import type { Incarnation, LinkMessage, NodeName } from './messages.js';
import { forgetFormer, goUp, noticeIngress, onEvidence, rememberMac, tellReach } from './reach.js';
import { dropHeardOutcomes, endGrantsFrom, onDifference, onOffer, tendReceiving } from './receiver.js';
import { RULES, type Rules } from './rules.js';
import { State } from './state.js';
import { drain, evaluate, lapse, start, stop } from './states.js';
import { membersOf, statusOf } from './status.js';
import { forgetOld } from './tombstones.js';
import { refreshView } from './view.js';

export const createCore: CreateCore = (settings, incarnation, nowMs, random, predecessor = 0) =>
  createCoreWith(RULES, settings, incarnation, nowMs, random, predecessor);

/** A core with other rules than the right ones, for the simulation. */
export function createCoreWith(
  rules: Rules,
  settings: Settings,
  incarnation: Incarnation,
  nowMs: number,
  random: Random,
  predecessor: Incarnation,
): Core {
  const s = new State(settings, incarnation, nowMs, random, predecessor, rules);
  return {
    step: (now, event) => step(s, now, event),
    nextTickMs: () => s.tickDueMs,
    status: (now) => statusOf(s, now),
    members: () => membersOf(s),
    incarnationOf: (name) => s.peers.get(name)?.incarnation ?? null,
  };
}

function step(s: State, nowMs: number, event: Event): readonly Directive[] {
  s.nowMs = Math.max(nowMs, s.nowMs);
  s.out = [];
  if (s.nowMs - s.tickDueMs > s.settings.intervalMs / 2) s.lateSinceMs ??= s.tickDueMs;
  if (leaseIsOver(s)) lapse(s, 'lease ran out');
  take(s, event);
  if (s.state !== 'stopped') {
    refreshView(s);
    evaluate(s);
    refreshView(s);
    renewLease(s);
    if (leaseIsOver(s)) lapse(s, 'not heard by all');
    if (s.dirty) think(s);
    beat(s);
  }
  s.tickDueMs = nextTick(s);
  return s.out;
}

/** Looks at who should hold what. What has to wait is looked at again whenever someone speaks. */
function think(s: State): void {
  s.dirty = false;
  tellReach(s);
  const isComplete = acquire(s);
  s.hasUnfinished = !grantWhatIsPlanned(s) || !isComplete;
}

function nextTick(s: State): number {
  if (s.state === 'stopped') return s.nowMs + s.settings.intervalMs;
  const deathMs = nextDeathMs(s) + 1;
  const leaseMs = s.leasing ? Math.min(s.leaseDeadlineMs!, s.allowedMs) : Number.POSITIVE_INFINITY;
  const listenedMs = s.state === 'joining' ? s.joiningSinceMs + s.rules.listenMs(s.settings) : 0;
  const joinMs = listenedMs > s.nowMs ? listenedMs : Number.POSITIVE_INFINITY;
  const soonMs = s.deathsDeferred ? s.nowMs + s.settings.intervalMs / 4 : Number.POSITIVE_INFINITY;
  const dueMs = Math.min(
    heartbeatDueMs(s),
    Math.max(deathMs, s.deathsDeferred ? soonMs : 0),
    leaseMs,
    soonMs,
    joinMs,
    deafnessDueMs(s),
    nextSilenceMs(s),
  );
  return Math.max(s.nowMs + 1, dueMs);
}

function take(s: State, event: Event): void {
  if (event.type === 'settings') return applySettings(s, event.settings);
  if (event.type === 'command') return command(s, event.command);
  if (event.type === 'reach') return onEvidence(s, event.best, event.why);
  if (event.type === 'condition') return condition(s, event.reason, event.bad, event.detail);
  if (event.type === 'witness') return witnessed(s, event.askedMs);
  if (s.state === 'stopped') return;
  switch (event.type) {
    case 'tick':
      return tick(s);
    case 'heartbeat':
      return hear(s, event, hooks);
    case 'obituary':
      return hearObituary(s, event.obituary, hooks);
    case 'link':
      return link(s, event.from, event.incarnation, event.message);
    case 'link-down':
      for (const [request, fetch] of s.fetches) if (fetch.from === event.peer) s.fetches.delete(request);
      s.dirty = true;
      return;
    case 'applied': {
      const then = s.continuations.get(event.id);
      s.continuations.delete(event.id);
      return then?.(event.results);
    }
    case 'lapsed':
      if (s.leasing) lapse(s, 'the data plane stopped accepting');
      return;
    case 'dataplane':
      noticeIngress(s, event.ingressFrames ?? 0);
      return dataPlane(s, event);
  }
}

function tick(s: State): void {
  // Any event since may have moved the time when a tick is due, so what counts is since when we come late.
  const lateMs = s.nowMs - (s.lateSinceMs ?? s.tickDueMs);
  // On a machine where every tick is a little late, deaths and silences must be seen all the same: by the second one.
  const isSecond = s.deathsDeferred && s.nowMs - s.tickedMs < 2 * s.settings.intervalMs;
  s.tickedMs = s.nowMs;
  s.deathsDeferred = s.rules.tickIsLate(lateMs, s.settings) && !isSecond;
  if (!s.deathsDeferred) s.lateSinceMs = null;
  // First: those whom a deaf node does not hear are no reason to take itself for the last one left.
  noticeDeafness(s);
  if (!s.deathsDeferred) callDead(s, hooks);
  tendGrants(s);
  tendReceiving(s);
  tendEnds(s);
  forgetFormer(s);
  forgetOld(s);
  // Time alone ends back-offs and makes questions worth repeating.
  s.dirty = true;
}

const hooks: LifeHooks = {
  ended(s, peer) {
    rememberMac(s, peer.heartbeat.mac);
    endGrantsFrom(s, peer);
    endGrantsTo(s, peer);
    endEndsWith(s, peer);
    for (const [request, fetch] of s.fetches) if (fetch.from === peer.name) s.fetches.delete(request);
    dropKeeper(s, peer);
  },
  heard(s, peer, before) {
    const { heartbeat } = peer;
    for (const { id, confirmed } of heartbeat.outcomes) onOutcome(s, peer, id, confirmed);
    dropHeardOutcomes(s, peer);
    compareKept(s, peer, heartbeat);
    noticeLacks(s, peer);
    passOn(s, peer);
    resolveOverlap(s, peer);
    if (before?.viewDigest !== heartbeat.viewDigest) cutWhatIsFree(s);
    // Decoded once for as long as it stays the same.
    if (s.hasUnfinished || before === null || before.plans !== heartbeat.plans) s.dirty = true;
  },
};

function dataPlane(s: State, event: Extract<Event, { type: 'dataplane' }>): void {
  const { kept } = event;
  noteCapture(s, event.framesSeen, event.capture);
  s.kept = s.settings.plans.map((_, plan) => kept.kept[plan] ?? s.none());
  s.keptSince = s.settings.plans.map(() => s.none());
  s.keptCount = kept.count;
  condition(s, 'dataplane', !event.alive, 'its thread does not move');
}

function condition(s: State, reason: HoldReason, bad: boolean, detail: string): void {
  if (bad) s.conditions.set(reason, detail);
  else s.conditions.delete(reason);
}

function witnessed(s: State, askedMs: number): void {
  if (askedMs <= s.nowMs) s.witnessedMs = Math.max(s.witnessedMs, askedMs);
}

function command(s: State, order: Command): void {
  if (order.name === 'start') start(s);
  else if (order.name === 'stop') stop(s, 'stopped');
  else if (order.name === 'drain') drain(s, order.deadlineMs);
  else goUp(s);
}

function applySettings(s: State, settings: Settings): void {
  const extend = <T>(list: readonly T[], make: () => T): T[] => settings.plans.map((_, plan) => list[plan] ?? make());
  s.settings = settings;
  s.held = extend(s.held, () => s.none());
  s.granting = extend(s.granting, () => s.none());
  s.kept = extend(s.kept, () => s.none());
  s.keptSince = extend(s.keptSince, () => s.none());
  for (const record of s.keepers.values())
    while (record.arrived.length < settings.plans.length) record.arrived.push(s.none());
  s.reach.dirty = s.reach.urgent = true;
  s.viewDirty = true;
  s.changed();
}

/** A member with another config may know other plans, and one that errs other sets of buckets. */
function isApplicable(s: State, message: LinkMessage): boolean {
  if (!('buckets' in message)) return true;
  return s.isBucketSet(message.buckets) && message.plan < s.settings.plans.length;
}

/** Only living members of the named incarnation are listened to. */
function link(s: State, from: NodeName, incarnation: Incarnation, message: LinkMessage): void {
  const peer = s.peers.get(from);
  if (peer?.incarnation !== incarnation || !isApplicable(s, message)) return;
  peer.messageSequence = Math.max(peer.messageSequence, message.sequence);
  switch (message.type) {
    case 'offer':
      return onOffer(s, peer, message);
    case 'ready':
      return onReady(s, peer, message.id);
    case 'refuse':
      return onOutcome(s, peer, message.id, false);
    case 'difference':
      return onDifference(s, peer, message);
    case 'keeps-wanted':
      return answerWanted(s, peer.name, message);
    case 'keeps-are':
      return takeKeeps(s, peer, message);
    case 'end-offer':
      return onEndOffer(s, peer, message);
    case 'end-ready':
      return onEndReady(s, peer, message.number);
    case 'ended':
      return onEnded(s, peer, message);
    case 'end-done':
      return onEndDone(s, peer, message.number);
    // A heartbeat confirms a grant, since it shows the gain in the same breath; the rest is not for this room.
    case 'confirm':
    case 'opaque':
  }
}

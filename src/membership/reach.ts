/**
 * Reach (design.md section 6): which way of getting the frames the farm uses, and to whom a node passes on frames that came to its
 * own MAC though others are to take them.
 *
 * Every node offers the best it can do; the farm uses the lowest offer, and the view's digest names all offers. With `auto` an offer
 * follows the evidence down at once, and is pulled down with the farm's; it goes up only when told so ({@link goUp}). The switch
 * needs no barrier: whatever mode each node is in, the destination MAC of a frame alone decides who may take it.
 */
import {
  MAX_REACH_MEMBERS,
  MAX_RELAY_TARGETS,
  NOBODY,
  REACH_MODES,
  type ReachMember,
  type ReachMode,
  type ReachPlan,
} from '../buckets/contract.js';
import type { ReachStatus } from './contract.js';
import type { Heartbeat, NodeName } from './messages.js';
import type { State, View } from './state.js';

/** Frames go on being passed to those whom an earlier view planned for so long: they may have gained what no heartbeat has shown. */
const FORMER_PLAN_MS = 1000;
/** A member that is gone may be relaying still, or again under a new incarnation: its frames are not to be relayed once more. */
const FORMER_MEMBER_MS = 60_000;
/** Askers are steered within the first second after a node began to drain (dataplane: 0, 100, 300, 1000 ms). */
const STEERING_MS = 1200;
/** They have gone when none of their frames has come for so long. */
const QUIET_MS = 300;
/** Those that do not listen are not waited for any longer. */
const LONGEST_STEERING_MS = 5000;

export type Offer = ReachMode | 'none';

/** What a core remembers about reach. */
export interface ReachState {
  /** By this node's own evidence; null: none yet. */
  best: Offer | null;
  why: string;
  /** With `auto`. */
  offer: Offer;
  /** True once this node's farm has used `relay`: some asker may know real MACs from then on. */
  hasRelayed: boolean;
  /** Something that the data plane must know has changed. Until the next interval it may wait, unless it is `urgent`: whoever comes to
   *  hold or keep a bucket held it before, or was planned to, so only another view can make a frame miss its node. */
  dirty: boolean;
  urgent: boolean;
  toldMs: number;
  former: { readonly untilMs: number; readonly view: View }[];
  readonly formerMacs: Map<string, { readonly mac: Uint8Array; readonly untilMs: number }>;
  ingressFrames: number;
  ingressMovedMs: number;
}

export function newReachState(): ReachState {
  return {
    best: null,
    why: 'nothing is known yet',
    offer: 'none',
    hasRelayed: false,
    dirty: true,
    urgent: true,
    toldMs: Number.NEGATIVE_INFINITY,
    former: [],
    formerMacs: new Map(),
    ingressFrames: 0,
    ingressMovedMs: Number.NEGATIVE_INFINITY,
  };
}

function rank(offer: string): number {
  return (REACH_MODES as readonly string[]).indexOf(offer);
}

function lower<T extends Offer>(a: T, b: T): T {
  return rank(a) <= rank(b) ? a : b;
}

/** What our heartbeats offer. */
export function offeredReach(s: State): Offer {
  return s.settings.reach === 'auto' ? s.reach.offer : s.settings.reach;
}

/** The lowest of some offers; those that are none (yet) do not count. Null: nobody offers anything. */
export function lowestOffer(offers: readonly string[]): ReachMode | null {
  const ranks = offers.map(rank).filter((place) => place >= 0);
  return ranks.length === 0 ? null : REACH_MODES[Math.min(...ranks)]!;
}

/** The mode in use here. */
export function reachInUse(s: State): ReachMode {
  if (s.settings.reach !== 'auto') return s.settings.reach;
  return s.view.reach ?? 'flood';
}

/** Why a node with `reach: auto` cannot serve; null: it can. */
export function reachMissing(s: State): string | null {
  if (s.settings.reach !== 'auto') return null;
  return s.reach.best === null || s.reach.best === 'none' ? s.reach.why : null;
}

/** New evidence of our own. The first sets the offer, but never above what the farm uses. */
export function onEvidence(s: State, best: Offer, why: string): void {
  const { reach } = s;
  const before = reach.offer;
  reach.best = best;
  reach.why = why;
  if (best === 'none') reach.offer = 'none';
  else if (before === 'none') reach.offer = s.view.reach === null ? best : lower<Offer>(best, s.view.reach);
  else reach.offer = lower(before, best);
  if (reach.offer !== before) offerChanged(s, before, why);
}

/** Up again, as far as the evidence goes. The farm follows when nobody offers less. */
export function goUp(s: State): void {
  const { reach } = s;
  const before = reach.offer;
  if (s.settings.reach !== 'auto' || reach.best === null || rank(reach.best) <= rank(before)) return;
  reach.offer = reach.best;
  offerChanged(s, before, 'told to go up');
}

function offerChanged(s: State, from: Offer, why: string): void {
  s.log(rank(s.reach.offer) < rank(from) ? 'warn' : 'info', 'reach-offer', { from, to: s.reach.offer, why });
  s.viewDirty = true;
  s.changed();
}

/** The view changed. When the farm went down, our own offer goes with it: it must not jump up when the one that cannot leaves. */
export function followView(s: State, before: View): void {
  const { reach, view } = s;
  reach.dirty = reach.urgent = true;
  reach.former.push({ untilMs: s.nowMs + FORMER_PLAN_MS, view: before });
  if (reachInUse(s) === 'relay') reach.hasRelayed = true;
  if (before.reach !== view.reach && s.settings.reach === 'auto') {
    s.log('info', 'reach', { from: before.reach ?? 'none', to: view.reach ?? 'none', lowest: lowestMembers(s) });
  }
  if (view.reach === null || before.reach === null || rank(view.reach) >= rank(before.reach)) return;
  if (rank(reach.offer) <= rank(view.reach)) return;
  reach.offer = view.reach;
  s.viewDirty = true;
}

/** Who offers no more than what is in use. */
function lowestMembers(s: State): readonly NodeName[] {
  const { reach } = s.view;
  const names = [...s.peers.values()].filter(({ heartbeat }) => heartbeat.reach === reach).map(({ name }) => name);
  return offeredReach(s) === reach ? [s.settings.node, ...names].sort() : names.sort();
}

/** True when the data plane must learn something from this heartbeat that it did not from the one before. */
export function relaysOtherwise(before: Heartbeat, now: Heartbeat): boolean {
  if (!sameBytes(before.mac, now.mac)) return true;
  // Decoded once for as long as it stays the same.
  if (before.plans === now.plans) return false;
  if (before.plans.length !== now.plans.length) return true;
  return now.plans.some(({ held, granting, kept }, plan) => {
    const old = before.plans[plan]!;
    return !sameBytes(old.held, held) || !sameBytes(old.granting, granting) || !sameBytes(old.kept, kept);
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A member's incarnation is over. */
export function rememberMac(s: State, mac: Uint8Array): void {
  s.reach.formerMacs.set(mac.join(), { mac, untilMs: s.nowMs + FORMER_MEMBER_MS });
}

/** Each tick: what is former ends. */
export function forgetFormer(s: State): void {
  const { reach } = s;
  const former = reach.former.filter(({ untilMs }) => untilMs > s.nowMs);
  if (former.length < reach.former.length) reach.dirty = true;
  reach.former = former;
  for (const [text, { untilMs }] of reach.formerMacs) {
    if (untilMs > s.nowMs) continue;
    reach.formerMacs.delete(text);
    reach.dirty = true;
  }
}

/** Tells the data plane how to answer, and who relays to whom, where that has changed. */
export function tellReach(s: State): void {
  const { reach } = s;
  if (!s.leasing || !reach.dirty) return;
  if (!reach.urgent && s.nowMs - reach.toldMs < s.settings.intervalMs) return;
  reach.dirty = reach.urgent = false;
  reach.toldMs = s.nowMs;
  const { names, members } = reachMembers(s);
  const self = names.indexOf(s.settings.node);
  s.tables([
    {
      op: 'reach',
      mode: reachInUse(s),
      members,
      self: self < 0 ? NOBODY : self,
      plans: s.settings.plans.map((_, plan) => reachPlan(s, plan, names.slice(0, MAX_RELAY_TARGETS))),
    },
  ]);
}

function isKnown(mac: Uint8Array | undefined): mac is Uint8Array {
  return mac?.some((byte) => byte !== 0) ?? false;
}

/** Living members first, by name; then those of late. The order is the order of the indexes. */
function reachMembers(s: State): { readonly names: readonly NodeName[]; readonly members: readonly ReachMember[] } {
  const living = [...s.peers.values()].map(({ name, heartbeat }) => ({ name, mac: heartbeat.mac }));
  if (isKnown(s.settings.mac)) living.push({ name: s.settings.node, mac: s.settings.mac });
  const known = living.filter(({ mac }) => isKnown(mac)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const macs = new Set(known.map(({ mac }) => mac.join()));
  const former = [...s.reach.formerMacs].filter(([text]) => !macs.has(text)).map(([, { mac }]) => mac);
  const members = [
    ...known.map(({ name, mac }) => ({ mac, answers: s.view.planMembers.includes(name) })),
    ...former.map((mac) => ({ mac, answers: false })),
  ];
  return { names: known.map(({ name }) => name), members: members.slice(0, MAX_REACH_MEMBERS) };
}

function reachPlan(s: State, plan: number, names: readonly NodeName[]): ReachPlan {
  const { buckets } = s.settings;
  const targets = new Uint32Array(2 * buckets);
  const last = new Uint8Array(buckets).fill(NOBODY);
  const add = (bucket: number, index: number): void => {
    targets[2 * bucket + (index >>> 5)]! |= 1 << (index & 31);
  };
  names.forEach((name, index) => {
    const report = s.peers.get(name)?.heartbeat.plans[plan];
    if (report === undefined) return;
    for (let byte = 0; byte < report.held.length; byte++) {
      const bits = report.held[byte]! | report.granting[byte]! | report.kept[byte]!;
      for (let bit = 0; bits >>> bit !== 0; bit++) if (((bits >>> bit) & 1) === 1) add(8 * byte + bit, index);
    }
  });
  for (const { view } of s.reach.former) forPlanned(s, view, plan, names, add);
  forPlanned(s, s.view, plan, names, (bucket, index) => {
    add(bucket, index);
    last[bucket] = index;
  });
  return { targets, last };
}

/** Calls `visit` for each bucket that `view` gives to another living member. */
function forPlanned(
  s: State,
  view: View,
  plan: number,
  names: readonly NodeName[],
  visit: (bucket: number, index: number) => void,
): void {
  const indexes = view.planMembers.map((name) => (name === s.settings.node ? -1 : names.indexOf(name)));
  view.owners[plan]?.forEach((owner, bucket) => {
    const index = owner < 0 ? -1 : indexes[owner]!;
    if (index >= 0) visit(bucket, index);
  });
}

/**
 * True when every living member may be thought to pass on frames to whom our view plans for: then no frame of a bucket that we cut
 * misses its new owner.
 */
export function relaysKnow(s: State): boolean {
  if (!s.reach.hasRelayed || !s.rules.relaysMustKnow()) return true;
  for (const { heartbeat } of s.peers.values()) {
    const relays = heartbeat.state === 'up' || heartbeat.state === 'draining' || heartbeat.state === 'waiting';
    if (relays && heartbeat.viewDigest !== s.view.digest) return false;
  }
  return true;
}

/** What the data plane counted of frames that came to our own MAC. */
export function noticeIngress(s: State, frames: number): void {
  if (frames !== s.reach.ingressFrames) s.reach.ingressMovedMs = s.nowMs;
  s.reach.ingressFrames = frames;
}

/** True while a node that has given everything away must go on relaying: askers still point at it. */
export function isIngressStill(s: State): boolean {
  if (!s.reach.hasRelayed || !s.view.planMembers.some((name) => name !== s.settings.node)) return false;
  const drainedMs = s.nowMs - s.drainingSinceMs;
  if (drainedMs < STEERING_MS) return true;
  return drainedMs < LONGEST_STEERING_MS && s.nowMs - s.reach.ingressMovedMs < QUIET_MS;
}

export function reachStatus(s: State): ReachStatus {
  const { best, why } = s.reach;
  const mode = reachInUse(s);
  if (s.settings.reach !== 'auto') return { mode, best: s.settings.reach, why: 'set in the config' };
  const lowest = lowestMembers(s).filter((name) => name !== s.settings.node);
  const held = best !== null && rank(best) > rank(mode);
  const limit =
    rank(s.reach.offer) > rank(mode) ? `as ${lowest.join(', ')} can do no more` : 'it goes up only when told';
  return { mode, best: best ?? 'none', why: held ? `${why}; ${limit}` : why };
}

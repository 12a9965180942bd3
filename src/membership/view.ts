/**
 * The view: who lives, the digest that names it, the plan that follows from it, and whether all living members agree on it.
 */

import { emptyBitmap, isEmpty, setBit } from '../buckets/bitmap.js';
import type { Bitmap } from '../buckets/contract.js';
import { hash32 } from '../buckets/hash.js';
import { computePlan, planNames } from '../buckets/plan.js';
import type { NodeState, PlanSpec } from './contract.js';
import type { Incarnation, NodeName } from './messages.js';
import { followView, lowestOffer, offeredReach } from './reach.js';
import type { Peer, State, View } from './state.js';
import { configCountedAs, ownConfig } from './switches.js';

/** What the plan and the digest depend on, of one member. */
interface Entry {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
  readonly state: NodeState;
  readonly weight: number;
  readonly weightPercent: number;
  readonly configDigest: string;
  readonly reach: string;
}

interface PlanResult {
  readonly owners: Int16Array;
  readonly wanted: ReadonlyMap<NodeName, Bitmap>;
}

/** Plans computed lately. A pure function's memory: farms swing between few views, and 64 nodes x 4096 buckets take a while. */
const MEMORY_PLANS = 64;
const memory = new Map<string, PlanResult>();

/** Brings the view up to date after something of a member changed. */
export function refreshView(s: State): void {
  if (!s.viewDirty) return;
  s.viewDirty = false;
  const entries = [ownEntry(s), ...[...s.peers.values()].map((peer) => peerEntry(s, peer))].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const digest = digestOf(entries);
  if (digest === s.view.digest) return;
  const before = s.view;
  s.view = viewOf(s, entries, digest);
  followView(s, before);
  s.changed();
}

function ownEntry(s: State): Entry {
  const { node: name, weight, weightPercent = 100 } = s.settings;
  const { incarnation, state } = s;
  return { name, incarnation, state, weight, weightPercent, configDigest: ownConfig(s), reach: offeredReach(s) };
}

function peerEntry(s: State, { name, incarnation, heartbeat }: Peer): Entry {
  const { state, weight, weightPercent, reach } = heartbeat;
  const configDigest = configCountedAs(s, heartbeat.configDigest);
  return { name, incarnation, state, weight, weightPercent, configDigest, reach };
}

/** 64 bits as hex. Members are authenticated, so a digest need only tell views apart, not resist attack. */
function digestOf(entries: readonly Entry[]): string {
  const text = entries
    .map((e) => `${e.name} ${e.incarnation} ${e.state} ${e.weight} ${e.weightPercent} ${e.configDigest} ${e.reach}\n`)
    .join('');
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return [0x76696577, 0x64696773].map((seed) => hash32(seed, bytes).toString(16).padStart(8, '0')).join('');
}

function viewOf(s: State, entries: readonly Entry[], digest: string): View {
  const configDigest = farmConfig(entries);
  const sharing = entries.filter((entry) => entry.configDigest === configDigest);
  const up = sharing.filter((entry) => entry.state === 'up');
  const inPlan = up.length > 0 ? up : sharing.filter((entry) => entry.state === 'draining');
  const plans = s.settings.plans.map((spec) => planOf(inPlan, spec, s.settings.buckets));
  return {
    digest,
    members: entries.map(({ name, incarnation }) => ({ name, incarnation })),
    sinceSequence: s.sequence + 1,
    sinceMs: s.nowMs,
    configDigest,
    reach: lowestOffer(entries.filter((e) => e.configDigest === ownConfig(s)).map(({ reach }) => reach)),
    planMembers: planNames(inPlan),
    owners: plans.map((plan) => plan.owners),
    wanted: plans.map((plan) => plan.wanted),
  };
}

/** The config that most members have; among equal ones that of the lowest name. `entries` are sorted by name. */
export function farmConfig(entries: readonly { readonly configDigest: string }[]): string {
  const votes = new Map<string, number>();
  for (const { configDigest } of entries) votes.set(configDigest, (votes.get(configDigest) ?? 0) + 1);
  let winner = entries[0]!.configDigest;
  for (const [configDigest, count] of votes) if (count > votes.get(winner)!) winner = configDigest;
  return winner;
}

function planOf(members: readonly Entry[], spec: PlanSpec, buckets: number): PlanResult {
  const id = JSON.stringify([
    buckets,
    spec,
    members.map(({ name, weight, weightPercent }) => [name, weight, weightPercent]),
  ]);
  const known = memory.get(id);
  if (known !== undefined) return known;
  const names = planNames(members);
  const owners = computePlan(members, spec, buckets);
  const wanted = new Map(names.map((name) => [name, emptyBitmap(buckets)]));
  owners.forEach((owner, bucket) => {
    if (owner >= 0) setBit(wanted.get(names[owner]!)!, bucket);
  });
  if (memory.size >= MEMORY_PLANS) memory.delete(memory.keys().next().value!);
  memory.set(id, { owners, wanted });
  return { owners, wanted };
}

/** What `name` should hold of `plan` under our view. */
export function wantedBy(s: State, plan: number, name: NodeName): Bitmap {
  return s.view.wanted[plan]?.get(name) ?? s.none();
}

/**
 * A member that has nothing, waits, and has not heard us for a lease: one whose cable only sends, say. It can never agree, and the
 * farm must not stand still for it; before it acquires anything it comes up, and we, whom it does not hear, then end.
 */
function isOutOfPlay(s: State, { heartbeat, ackedMs }: Peer): boolean {
  if (heartbeat.state !== 'waiting' || ackedMs > s.nowMs - s.settings.leaseMs) return false;
  return heartbeat.plans.every((plan) => isEmpty(plan.held) && isEmpty(plan.granting) && isEmpty(plan.kept));
}

/** Why the living members do not agree on our view yet; null: they do. */
export function disagreement(s: State): string | null {
  for (const peer of s.peers.values()) {
    if (isOutOfPlay(s, peer)) continue;
    if (peer.heartbeat.viewDigest !== s.view.digest) return `${peer.name} has another view`;
    const echo = peer.heartbeat.heard.find((h) => h.name === s.settings.node && h.incarnation === s.incarnation);
    if (echo === undefined) return `${peer.name} does not hear us`;
    if (!s.rules.echoCounts(echo.viewDigest, echo.sequence, s.view.digest, s.view.sinceSequence)) {
      return `${peer.name} has not heard our view`;
    }
    for (const heard of peer.heartbeat.heard) {
      // A bucket may have passed from one to the other between the two heartbeats that we know: then neither shows it.
      const known = s.peers.get(heard.name);
      if (known?.incarnation !== heard.incarnation) continue;
      if (!s.rules.knowledgeIsCurrent(known.heartbeat.sequence, heard.gained)) {
        return `${peer.name} knows more of ${heard.name} than we do`;
      }
    }
  }
  return null;
}

/** True when `peer` shows our view. Enough to give it buckets; not enough to take any that have no owner. */
export function sharesView(s: State, peer: Peer): boolean {
  return peer.heartbeat.viewDigest === s.view.digest;
}

/**
 * Grants, the receiver's side.
 *
 * ```
 *   last part of the offer   held, honoured    difference complete          honoured            applied
 *   offered -----------> holding ----> pending ------------------> honouring ----> installing ----> confirmed
 *      |                    |             |                            |
 *      +--- time-out, not acceptable, no room, granter gone ---------- no room ---> refused: final, held frames discarded
 * ```
 * The bulk is honoured before we say that we are ready, so that a full table refuses while the granter still owns: nothing is lost then.
 */
import { intersects, isSubset, orInto } from '../buckets/bitmap.js';
import type { TableOp } from '../buckets/contract.js';
import { countKeeps, dropGone, endTenure, groupsOf, hasNoRoom, keeperId, markArrived, recordOf } from './keepers.js';
import type { GrantId, KeeperList, LinkMessage } from './messages.js';
import type { Outcome, Peer, Receiving, State } from './state.js';
import { wantedBy } from './view.js';

/** Held frames are clients waiting: a granter that stalls is not waited for longer. */
const PENDING_TIMEOUT_INTERVALS = 4;
const OFFER_TIMEOUT_INTERVALS = 10;

export function onOffer(s: State, from: Peer, message: Extract<LinkMessage, { type: 'offer' }>): void {
  const { id, plan, buckets, keeps, last } = message;
  if (!isFrom(id, from) || isFinal(s, id)) return;
  let receiving = s.receiving.get(from.name);
  if (receiving !== undefined && receiving.id.number !== id.number) {
    // The granter began anew, so it has withdrawn the older one. One that we are installing is ours, whatever it says.
    if (receiving.phase === 'installing' || id.number < receiving.id.number) return refuseId(s, from, id, 'busy');
    refuse(s, from, receiving, 'overtaken');
    receiving = undefined;
  }
  if (receiving === undefined) {
    const { nowMs } = s;
    receiving = {
      id,
      plan,
      buckets,
      keeps: [],
      honoured: new Map(),
      phase: 'offered',
      phaseSinceMs: nowMs,
      sinceMs: nowMs,
    };
    s.receiving.set(from.name, receiving);
  }
  if (receiving.phase !== 'offered') return;
  receiving.keeps.push(...keeps);
  if (last) hold(s, from, receiving);
}

function isFrom(id: GrantId, from: Peer): boolean {
  return id.granter === from.name && id.incarnation === from.incarnation;
}

/** A granter has one grant to us at a time, so an older number of it has ended whatever we remember. */
function isFinal(s: State, id: GrantId): boolean {
  return s.outcomes.some(({ id: final }) => isSameGranter(final, id) && final.number >= id.number);
}

function isSameGranter(a: GrantId, b: GrantId): boolean {
  return a.granter === b.granter && a.incarnation === b.incarnation;
}

/** One outcome a granter is remembered, the newest: so there are never more than members. */
function conclude(s: State, id: GrantId, confirmed: boolean, gained: Outcome['gained'] = null): void {
  const older = s.outcomes.findIndex((outcome) => outcome.id.granter === id.granter);
  if (older >= 0) s.outcomes.splice(older, 1);
  s.outcomes.push({ id, confirmed, sequence: 0, gained });
}

export function sameGrant(a: GrantId, b: GrantId): boolean {
  return a.number === b.number && a.granter === b.granter && a.incarnation === b.incarnation;
}

/** The bulk is here: from now the frames of these buckets wait. */
function hold(s: State, from: Peer, receiving: Receiving): void {
  const why = unacceptable(s, receiving);
  if (why !== null) return refuse(s, from, receiving, why);
  const { plan, buckets, id } = receiving;
  receiving.phase = 'holding';
  receiving.phaseSinceMs = s.nowMs;
  const groups = groupsOf(s, receiving.keeps, false) ?? [];
  for (const list of receiving.keeps) {
    const record = s.keepers.get(keeperId(list.keeper));
    if (record !== undefined) receiving.honoured.set(list, record);
  }
  s.tables(
    [
      { op: 'hold', plan, buckets },
      { op: 'honour', groups },
    ],
    ([, result]) => {
      if (s.receiving.get(from.name) !== receiving) return;
      if (hasNoRoom(s, result?.groups)) return refuse(s, from, receiving, 'table full');
      receiving.phase = 'pending';
      receiving.phaseSinceMs = s.nowMs;
      s.emit({ type: 'link', to: from.name, message: { type: 'ready', sequence: s.sequence, id } });
    },
  );
}

function unacceptable(s: State, receiving: Receiving): string | null {
  const { plan, buckets } = receiving;
  if (!s.leasing) return 'no lease';
  if (plan >= s.settings.plans.length) return 'unknown plan';
  if (!isSubset(buckets, wantedBy(s, plan, s.settings.node))) return 'not planned here';
  if (intersects(buckets, s.held[plan]!) || intersects(buckets, s.granting[plan]!)) return 'held already';
  for (const other of s.receiving.values()) {
    if (other !== receiving && other.plan === plan && intersects(other.buckets, buckets))
      return 'being granted by another';
  }
  if (groupsOf(s, receiving.keeps, false) === null) return 'unknown keeper';
  return null;
}

export function onDifference(s: State, from: Peer, message: Extract<LinkMessage, { type: 'difference' }>): void {
  const receiving = s.receiving.get(from.name);
  if (receiving?.phase !== 'pending' || !sameGrant(receiving.id, message.id)) return;
  receiving.keeps.push(...message.keeps);
  if (message.last) install(s, from, receiving, message.sequence);
}

/** All is here. The exceptions must find room before the buckets can be ours. */
function install(s: State, from: Peer, receiving: Receiving, sequence: number): void {
  const { plan, buckets } = receiving;
  const groups = groupsOf(s, missing(s, receiving), true);
  if (groups === null) return refuse(s, from, receiving, 'unknown keeper');
  receiving.phase = 'honouring';
  // The granter's own keeps are all here, even if there are none; its heartbeats from before the cut do not show them.
  const granter = recordOf(s, from);
  granter.sequence = Math.max(granter.sequence, sequence);
  endTenure(s, plan, buckets);
  if (groups.length === 0) return own(s, from, receiving);
  s.tables([{ op: 'honour', groups }], ([result]) => {
    if (s.receiving.get(from.name) !== receiving) return;
    if (hasNoRoom(s, result?.groups)) refuse(s, from, receiving, 'table full');
    else own(s, from, receiving);
  });
}

/** What the table lacks of the exceptions: the difference, and those of keepers that ended since the bulk was honoured. */
function missing(s: State, { keeps, honoured }: Receiving): readonly KeeperList[] {
  return keeps.filter((list) => {
    const record = honoured.get(list);
    return record === undefined || s.keepers.get(keeperId(list.keeper)) !== record;
  });
}

/** From the moment of this order the buckets count as ours; only a lapse undoes it. */
function own(s: State, from: Peer, receiving: Receiving): void {
  const { id, plan, buckets, keeps } = receiving;
  receiving.phase = 'installing';
  markArrived(s, keeps, plan, buckets);
  orInto(recordOf(s, from).arrived[plan]!, buckets);
  orInto(s.held[plan]!, buckets);
  s.gainUnreported = true;
  s.changed();
  s.tables([{ op: 'own', plan, buckets }], () => {
    if (s.receiving.get(from.name) === receiving) s.receiving.delete(from.name);
    conclude(s, id, true, { plan, buckets });
    const ms = Math.round(s.nowMs - receiving.sinceMs);
    s.log('info', 'gained', { from: from.name, plan, buckets, keeps: countKeeps(keeps), ms });
    s.emit({ type: 'link', to: from.name, message: { type: 'confirm', sequence: s.sequence, id } });
    s.changed();
  });
  dropGone(s, keeps);
}

function refuse(s: State, from: Peer, receiving: Receiving, why: string): void {
  discard(s, receiving);
  refuseId(s, from, receiving.id, why);
}

/** Said on the link, for speed, and in heartbeats until the granter has heard one. */
function refuseId(s: State, from: Peer, id: GrantId, why: string): void {
  conclude(s, id, false);
  s.emit({ type: 'link', to: from.name, message: { type: 'refuse', sequence: s.sequence, id, why } });
  s.log('info', 'grant-refused', { from: from.name, number: id.number, why });
  s.changed();
}

/** The frames that were held are the granter's business again. */
function discard(s: State, receiving: Receiving): void {
  const { id, plan, buckets, phase } = receiving;
  if (phase === 'installing') return;
  s.receiving.delete(id.granter);
  s.dirty = true;
  if (phase === 'offered' || !s.leasing) return;
  endTenure(s, plan, buckets);
  // Frames of entries that go are replayed, so what was held has to be gone before.
  const ops: TableOp[] = [
    { op: 'unhold', plan, buckets },
    { op: 'forget', plan, buckets },
  ];
  s.tables(ops);
}

/** Each tick: a granter that takes too long is refused. */
export function tendReceiving(s: State): void {
  for (const receiving of [...s.receiving.values()]) {
    const from = s.peers.get(receiving.id.granter);
    const intervals = receiving.phase === 'pending' ? PENDING_TIMEOUT_INTERVALS : OFFER_TIMEOUT_INTERVALS;
    const late = s.nowMs - receiving.phaseSinceMs > intervals * s.settings.intervalMs;
    if (late && from !== undefined && receiving.phase !== 'installing') refuse(s, from, receiving, 'time-out');
  }
}

/** The granter's incarnation is over: what it was granting is refused and discarded in the same step. */
export function endGrantsFrom(s: State, peer: Peer): void {
  if (!s.rules.pendingEndsWithGranter()) return;
  const receiving = s.receiving.get(peer.name);
  if (receiving !== undefined) discard(s, receiving);
  for (let i = s.outcomes.length - 1; i >= 0; i--) if (s.outcomes[i]!.id.granter === peer.name) s.outcomes.splice(i, 1);
}

/** Outcomes stay in our heartbeats until the granter has heard one that carried them. */
export function dropHeardOutcomes(s: State, granter: Peer): void {
  if (s.outcomes.length === 0) return;
  const heard = granter.heartbeat.heard.find((h) => h.name === s.settings.node && h.incarnation === s.incarnation);
  if (heard === undefined) return;
  for (let i = s.outcomes.length - 1; i >= 0; i--) {
    const { id, sequence } = s.outcomes[i]!;
    if (id.granter === granter.name && sequence > 0 && heard.sequence >= sequence) s.outcomes.splice(i, 1);
  }
}

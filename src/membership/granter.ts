/**
 * Grants, the owner's side: buckets that the plan gives to another living member are handed over without losing a frame.
 *
 * ```
 *            offer applied            ready              no ends in them       cut applied
 *   listing ---------------> offered -------> ready ------------------> cutting -----------> cut --- confirmed ---> over
 *      |                        |               |                          |                  |
 *      +---- refused, receiver gone, time-out --+                          +-- refused, receiver gone --> taken back
 *                    |
 *                    v  withdrawn: still owned
 * ```
 * From `cutting` on there is no time-out: only the receiver's word, or its death, says that it will not own them.
 */
import { and, andNotInto, intersects, isEmpty, orInto } from '../buckets/bitmap.js';
import type { Bitmap } from '../buckets/contract.js';
import { countKeeps, endTenure, lackingOf, listsOf, partsOf } from './keepers.js';
import type { GrantId, KeeperList, LinkMessage, NodeName } from './messages.js';
import { relaysKnow } from './reach.js';
import type { Granting, Peer, State } from './state.js';
import { sharesView, wantedBy } from './view.js';

const OFFER_TIMEOUT_INTERVALS = 10;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;

/** Starts the grants that the plan asks for: at most one for each receiver at a time. True when it asks for none. */
export function grantWhatIsPlanned(s: State): boolean {
  if (!s.leasing) return true;
  let isDone = s.grants.size === 0;
  for (const name of s.view.planMembers) {
    if (name === s.settings.node || !wantsOfUs(s, name)) continue;
    isDone = false;
    const peer = s.peers.get(name);
    if (peer === undefined || !sharesView(s, peer) || grantTo(s, name) !== undefined) continue;
    if ((s.backoffs.get(name)?.untilMs ?? 0) > s.nowMs) continue;
    for (let plan = 0; plan < s.settings.plans.length; plan++) {
      const buckets = grantable(s, plan, name);
      if (isEmpty(buckets)) continue;
      offer(s, peer, plan, buckets);
      break;
    }
  }
  return isDone;
}

function wantsOfUs(s: State, name: NodeName): boolean {
  return s.settings.plans.some((_, plan) => intersects(s.held[plan]!, wantedBy(s, plan, name)));
}

function grantTo(s: State, name: NodeName): Granting | undefined {
  for (const grant of s.grants.values()) if (grant.to === name) return grant;
  return undefined;
}

/**
 * Buckets of ours meant for `name`. Not those in which we lack a keeper's keeps: the receiver would lack them too. And not those in which
 * keeps are just ending: it would honour them until it hears of it.
 */
function grantable(s: State, plan: number, name: NodeName): Bitmap {
  const buckets = and(s.held[plan]!, wantedBy(s, plan, name));
  if (isEmpty(buckets)) return buckets;
  for (const grant of s.grants.values()) if (grant.plan === plan) andNotInto(buckets, grant.buckets);
  // What was granted to us may not go on before its granter has heard that it is ours: on our death it would take it back.
  for (const receiving of s.receiving.values()) if (receiving.plan === plan) andNotInto(buckets, receiving.buckets);
  for (const { gained } of s.outcomes) if (gained?.plan === plan) andNotInto(buckets, gained.buckets);
  for (const ending of s.heldEndings.values()) if (ending.plan === plan) andNotInto(buckets, ending.buckets);
  if (s.rules.fetchLacking()) {
    for (const peer of s.peers.values()) andNotInto(buckets, lackingOf(s, peer, plan, buckets));
  }
  return buckets;
}

function offer(s: State, peer: Peer, plan: number, buckets: Bitmap): void {
  const number = s.nextNumber++;
  const grant: Granting = {
    id: { granter: s.settings.node, incarnation: s.incarnation, number },
    to: peer.name,
    toIncarnation: peer.incarnation,
    plan,
    buckets,
    serial: ++s.serial,
    phase: 'listing',
    phaseSinceMs: s.nowMs,
    sinceMs: s.nowMs,
    keeps: 0,
    late: [],
  };
  s.grants.set(number, grant);
  s.tables([{ op: 'offer', plan, buckets, serial: grant.serial }], ([result]) => {
    if (s.grants.get(number) !== grant) return;
    enter(s, grant, 'offered');
    const lists = exceptions(s, listsOf(s, result?.groups ?? []));
    grant.keeps += countKeeps(lists);
    const parts = partsOf(lists);
    parts.forEach((keeps, index) => {
      say(s, grant, {
        type: 'offer',
        sequence: s.sequence,
        id: grant.id,
        plan,
        buckets,
        keeps,
        last: index === parts.length - 1,
      });
    });
  });
}

function exceptions(s: State, { ours, foreign }: { ours: KeeperList[]; foreign: KeeperList[] }): readonly KeeperList[] {
  return s.rules.grantedKeeps(ours, foreign);
}

function say(s: State, grant: Granting, message: LinkMessage): void {
  s.emit({ type: 'link', to: grant.to, message });
}

function enter(s: State, grant: Granting, phase: Granting['phase']): void {
  grant.phase = phase;
  grant.phaseSinceMs = s.nowMs;
}

export function onReady(s: State, from: Peer, id: GrantId): void {
  const grant = ownGrant(s, id, from);
  if (grant?.phase !== 'offered') return;
  enter(s, grant, 'ready');
  cutIfFree(s, grant);
}

/** Frames of ending keeps may be held in our ring: they are ours to replay, so the cut waits for these few milliseconds. */
function cutIfFree(s: State, grant: Granting): void {
  for (const ending of s.heldEndings.values()) {
    if (ending.plan === grant.plan && intersects(ending.buckets, grant.buckets)) return;
  }
  if (!relaysKnow(s)) return;
  const { plan, buckets, serial } = grant;
  enter(s, grant, 'cutting');
  andNotInto(s.held[plan]!, buckets);
  orInto(s.granting[plan]!, buckets);
  s.changed();
  const forget = s.rules.keepExceptionsUntilConfirmed() ? [] : [{ op: 'forget' as const, plan, buckets }];
  s.tables([{ op: 'cut', plan, buckets, serial }, ...forget], ([result]) => {
    if (s.grants.get(grant.id.number) !== grant) return;
    enter(s, grant, 'cut');
    orInto(s.keptSince[plan]!, buckets);
    const { ours } = listsOf(s, result?.groups ?? []);
    const lists = exceptions(s, { ours, foreign: grant.late });
    grant.keeps += countKeeps(lists);
    const parts = partsOf(lists);
    parts.forEach((keeps, index) => {
      say(s, grant, {
        type: 'difference',
        sequence: s.sequence,
        id: grant.id,
        keeps,
        last: index === parts.length - 1,
      });
    });
    s.changed();
  });
}

/** The receiver's heartbeat, or its word on the link, says how a grant ended. Only the heartbeat can confirm: it shows the gain. */
export function onOutcome(s: State, from: Peer, id: GrantId, confirmed: boolean): void {
  const grant = ownGrant(s, id, from);
  if (grant === undefined) return;
  if (confirmed) return finish(s, grant);
  end(s, grant);
  backOff(s, grant.to);
}

function ownGrant(s: State, id: GrantId, from: Peer): Granting | undefined {
  if (id.granter !== s.settings.node || id.incarnation !== s.incarnation) return undefined;
  const grant = s.grants.get(id.number);
  return grant?.to === from.name && grant.toIncarnation === from.incarnation ? grant : undefined;
}

function finish(s: State, grant: Granting): void {
  const { plan, buckets, id, to } = grant;
  s.grants.delete(id.number);
  s.backoffs.delete(to);
  andNotInto(s.granting[plan]!, buckets);
  endTenure(s, plan, buckets);
  s.tables([{ op: 'forget', plan, buckets }]);
  s.log('info', 'granted', { to, plan, buckets, keeps: grant.keeps, ms: Math.round(s.nowMs - grant.sinceMs) });
  s.changed();
}

/** Without the receiver's confirmation: before the cut the buckets are ours still, after it we take them back. */
function end(s: State, grant: Granting): void {
  const { plan, buckets, id, phase } = grant;
  s.grants.delete(id.number);
  if (phase !== 'cutting' && phase !== 'cut') return s.tables([{ op: 'withdraw', plan, buckets }]);
  andNotInto(s.granting[plan]!, buckets);
  orInto(s.held[plan]!, buckets);
  s.tables([{ op: 'own', plan, buckets }]);
  s.log('info', 'taken-back', { plan, to: grant.to, number: id.number });
  s.changed();
}

function backOff(s: State, name: NodeName): void {
  const failures = (s.backoffs.get(name)?.failures ?? 0) + 1;
  const waitMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
  s.backoffs.set(name, { failures, untilMs: s.nowMs + waitMs });
}

/** Cuts that waited: for keeps that end, or for others to relay by our view. */
export function cutWhatIsFree(s: State): void {
  for (const grant of [...s.grants.values()]) if (grant.phase === 'ready') cutIfFree(s, grant);
}

/** Each tick: cuts that waited, and time-outs before the cut. */
export function tendGrants(s: State): void {
  const timeoutMs = OFFER_TIMEOUT_INTERVALS * s.settings.intervalMs;
  cutWhatIsFree(s);
  for (const grant of [...s.grants.values()]) {
    const waitedMs = s.nowMs - grant.phaseSinceMs;
    const uncut = grant.phase !== 'cutting' && grant.phase !== 'cut';
    if (waitedMs <= (uncut ? timeoutMs : s.rules.takeBackAfterMs(s.settings))) continue;
    end(s, grant);
    backOff(s, grant.to);
  }
}

/** A member's incarnation is over: nothing granted to it will be owned by it. */
export function endGrantsTo(s: State, peer: Peer): void {
  s.backoffs.delete(peer.name);
  for (const grant of [...s.grants.values()]) if (grant.to === peer.name) end(s, grant);
}

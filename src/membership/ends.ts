/**
 * How keeps end: a small grant of keys, from the keeper back to the owner of their bucket.
 *
 * ```
 *   keeper                     owner                     everyone
 *   end-offer(n, keeps) -----> holds their frames
 *   drops        <-----------  end-ready(n)
 *   ended(n, dropped) -------> releases, replays ------>  forgets the entries
 *                <-----------  end-done(n)
 * ```
 * Only the keeper may give up: it says `ended` with nothing in it, and the owner discards the frames it held, which the keeper
 * took. `ended` is repeated to every living member until its `end-done`.
 */
import { and, intersects, isEmpty, isSubset } from '../buckets/bitmap.js';
import { type Bitmap, KEEP_BYTES, type Keeps, type TableOp } from '../buckets/contract.js';
import { entryText, keeperId, listsOf, picked, recordOf, rememberEnds } from './keepers.js';
import type { LinkMessage } from './messages.js';
import type { Ending, Peer, State } from './state.js';

const KEEPS_PER_BATCH = 1000;
/** Ended keeps are looked for this often; ending is not urgent, lingering is a second anyway. */
const LIST_INTERVALS = 3;
const GIVE_UP_INTERVALS = 5;
const REPEAT_INTERVALS = 3;
const NONE: Keeps = new Uint8Array();

/** Each tick, the keeper: looks for keeps that ended, gives up what got no answer, repeats what was not acknowledged. */
export function tendEnds(s: State): void {
  const { intervalMs } = s.settings;
  for (const ending of [...s.endings.values()]) {
    const unanswered = ending.phase === 'offered' && s.nowMs - ending.sinceMs > GIVE_UP_INTERVALS * intervalMs;
    if (unanswered) announce(s, ending, NONE, [ending.owner]);
    else if (ending.phase === 'ended' && s.nowMs - ending.saidMs > REPEAT_INTERVALS * intervalMs) repeat(s, ending);
  }
  if (!s.leasing || s.keptCount === 0 || s.nowMs - s.endsListedMs < LIST_INTERVALS * intervalMs) return;
  s.endsListedMs = s.nowMs;
  for (const peer of s.peers.values()) offerEnds(s, peer);
}

/** At most one batch is open with each owner. */
function offerEnds(s: State, owner: Peer): void {
  for (const { owner: name, phase } of s.endings.values()) if (name === owner.name && phase !== 'ended') return;
  for (let plan = 0; plan < s.settings.plans.length; plan++) {
    const held = owner.heartbeat.plans[plan]?.held;
    const buckets = held === undefined ? s.none() : and(held, s.kept[plan]!);
    if (isEmpty(buckets)) continue;
    s.tables([{ op: 'list-ended', limit: KEEPS_PER_BATCH, plan, buckets }], ([result]) => {
      const keeps = listsOf(s, result?.groups ?? []).ours[0]?.keeps ?? NONE;
      if (keeps.length === 0 || s.peers.get(owner.name)?.incarnation !== owner.incarnation) return;
      for (const { owner: name, phase } of s.endings.values()) if (name === owner.name && phase !== 'ended') return;
      const number = s.nextNumber++;
      const sinceMs = s.nowMs;
      s.endings.set(number, {
        number,
        owner: owner.name,
        phase: 'offered',
        keeps,
        untold: new Set(),
        saidMs: 0,
        sinceMs,
      });
      const message: LinkMessage = { type: 'end-offer', sequence: s.sequence, number, plan, buckets, keeps };
      s.emit({ type: 'link', to: owner.name, message });
    });
  }
}

/** The owner: holds the frames of these keys, if the buckets are its own and not about to be cut. */
export function onEndOffer(s: State, from: Peer, message: Extract<LinkMessage, { type: 'end-offer' }>): void {
  const { number, plan, buckets, keeps } = message;
  if (!s.leasing || number <= (s.endingsDone.get(keeperId(from)) ?? 0)) return;
  if (s.heldEndings.has(from.name) || plan >= s.settings.plans.length || !isSubset(buckets, s.held[plan]!)) return;
  if (isBeingListed(s, plan, buckets)) return;
  const { slot: keeper } = recordOf(s, from);
  const { name, incarnation } = from;
  s.heldEndings.set(name, { keeper: { name, incarnation }, number, plan, buckets, keeps });
  s.tables([{ op: 'hold-keys', groups: [{ keeper, keeps }] }], () => {
    if (s.heldEndings.get(name)?.number !== number) return;
    s.emit({ type: 'link', to: name, message: { type: 'end-ready', sequence: s.sequence, number, keeps } });
  });
}

/** What a grant's bulk lists must not end before its cut: the receiver would honour it until it hears of the end by itself. */
function isBeingListed(s: State, plan: number, buckets: Bitmap): boolean {
  for (const { plan: granted, buckets: offered, phase } of s.grants.values()) {
    const isCut = phase === 'cutting' || phase === 'cut';
    if (!isCut && granted === plan && intersects(offered, buckets)) return true;
  }
  return false;
}

/** The keeper: from the drop on, these keys are the owner's. */
export function onEndReady(s: State, from: Peer, number: number): void {
  const ending = s.endings.get(number);
  if (ending?.phase !== 'offered' || ending.owner !== from.name) return;
  ending.phase = 'dropping';
  s.tables([{ op: 'drop-keeps', keeps: ending.keeps }], ([result]) => {
    const dropped = listsOf(s, result?.groups ?? []).ours[0]?.keeps ?? NONE;
    announce(s, ending, dropped, [...s.peers.keys()]);
  });
}

function announce(s: State, ending: Ending, dropped: Keeps, to: readonly string[]): void {
  ending.phase = 'ended';
  ending.keeps = dropped;
  for (const name of to) ending.untold.add(name);
  repeat(s, ending);
}

function repeat(s: State, ending: Ending): void {
  ending.saidMs = s.nowMs;
  const { number, keeps, untold } = ending;
  for (const name of untold) {
    if (!s.peers.has(name)) untold.delete(name);
    else s.emit({ type: 'link', to: name, message: { type: 'ended', sequence: s.sequence, number, keeps } });
  }
  if (untold.size === 0) s.endings.delete(number);
}

export function onEndDone(s: State, from: Peer, number: number): void {
  const ending = s.endings.get(number);
  if (ending?.phase !== 'ended') return;
  ending.untold.delete(from.name);
  if (ending.untold.size === 0) s.endings.delete(number);
}

/** Everyone but the keeper: the entries go. The owner also replays the frames of these, and discards those of the others. */
export function onEnded(s: State, from: Peer, message: Extract<LinkMessage, { type: 'ended' }>): void {
  const { number, keeps } = message;
  // Remembered by one that still listens, too: it may own the bucket by the time an older list arrives.
  rememberEnds(s, from, keeps);
  if (s.leasing) {
    const { slot: keeper } = recordOf(s, from);
    const ops: TableOp[] = keeps.length > 0 ? [{ op: 'release', groups: [{ keeper, keeps }] }] : [];
    const held = s.heldEndings.get(from.name);
    if (held?.number === number) {
      s.heldEndings.delete(from.name);
      s.endingsDone.set(keeperId(from), number);
      const kept = without(held.keeps, keeps);
      if (kept.length > 0) ops.push({ op: 'unhold-keys', groups: [{ keeper, keeps: kept }] });
      s.dirty = true;
    }
    if (ops.length > 0) s.tables(ops);
  }
  s.emit({ type: 'link', to: from.name, message: { type: 'end-done', sequence: s.sequence, number } });
}

function without(keeps: Keeps, gone: Keeps): Keeps {
  const names = new Set<string>();
  for (let at = 0; at < gone.length; at += KEEP_BYTES) names.add(entryText(gone, at));
  const left: number[] = [];
  for (let at = 0; at < keeps.length; at += KEEP_BYTES) if (!names.has(entryText(keeps, at))) left.push(at);
  return picked(keeps, left);
}

/**
 * A member's incarnation is over. As a keeper it took the frames of its keys for as long as it lived, so what we held of them is
 * discarded, before its entries go; the few since its end are lost with it.
 */
export function endEndsWith(s: State, peer: Peer): void {
  const held = s.heldEndings.get(peer.name);
  s.heldEndings.delete(peer.name);
  if (held !== undefined && s.leasing) {
    const { slot: keeper } = recordOf(s, held.keeper);
    s.tables([{ op: 'unhold-keys', groups: [{ keeper, keeps: held.keeps }] }]);
  }
  s.endingsDone.delete(keeperId(peer));
  for (const ending of [...s.endings.values()]) {
    ending.untold.delete(peer.name);
    const over =
      ending.phase === 'ended' ? ending.untold.size === 0 : ending.phase === 'offered' && ending.owner === peer.name;
    if (over) s.endings.delete(ending.number);
  }
}

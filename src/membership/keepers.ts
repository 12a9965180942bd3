/** Other nodes' keeps that we honour: their slots, what has arrived, asking for what lacks, and forgetting what ended. */
import { and, andNot, andNotInto, isEmpty, orInto } from '../buckets/bitmap.js';
import { type Bitmap, KEEP_BYTES, KEY_BYTES, type KeeperKeeps, type Keeps } from '../buckets/contract.js';
import { MOST_KEEPERS_PER_MESSAGE } from './limits.js';
import type { Heartbeat, Keeper, KeeperList, LinkMessage, NodeName } from './messages.js';
import type { Fetch, KeeperRecord, Peer, State } from './state.js';

/** Keeps in one message of the link. */
const KEEPS_PER_MESSAGE = 2000;
const MOST_SLOTS = 65535;
/** An unanswered question is asked again after this many intervals. */
const ASK_AGAIN_INTERVALS = 1;
/** How long an end told to us keeps older lists from bringing the entry back. Grants and questions last far less. */
const REMEMBER_ENDS_MS = 10_000;
/** A table that stays full is asked ten times a second; people are told this often. */
const TELL_FULL_MS = 10_000;

export function keeperId({ name, incarnation }: Keeper): string {
  return `${name}/${incarnation}`;
}

export function recordOf(s: State, keeper: Keeper): KeeperRecord {
  const id = keeperId(keeper);
  const known = s.keepers.get(id);
  if (known !== undefined) return known;
  while (s.slots.has(s.nextSlot)) s.nextSlot = (s.nextSlot % MOST_SLOTS) + 1;
  const { name, incarnation } = keeper;
  const arrived = s.settings.plans.map(() => s.none());
  const record: KeeperRecord = { keeper: { name, incarnation }, slot: s.nextSlot, sequence: 0, arrived };
  s.nextSlot = (s.nextSlot % MOST_SLOTS) + 1;
  s.keepers.set(id, record);
  s.slots.set(record.slot, record);
  return record;
}

/** Result groups of the data plane as named lists; `ours` under our own name. */
export function listsOf(s: State, groups: readonly KeeperKeeps[]): { ours: KeeperList[]; foreign: KeeperList[] } {
  const ours: KeeperList[] = [];
  const foreign: KeeperList[] = [];
  for (const { keeper: slot, keeps } of groups) {
    if (keeps.length === 0) continue;
    if (slot === 0) {
      ours.push({ keeper: { name: s.settings.node, incarnation: s.incarnation }, sequence: s.sequence, keeps });
      continue;
    }
    const record = s.slots.get(slot);
    if (record !== undefined) foreign.push({ keeper: record.keeper, sequence: record.sequence, keeps });
  }
  return { ours, foreign };
}

/** Splits lists so that each part fits one message; at least one part. */
export function partsOf(lists: readonly KeeperList[]): KeeperList[][] {
  const parts: KeeperList[][] = [[]];
  let room = KEEPS_PER_MESSAGE;
  for (const { keeper, sequence, keeps } of lists) {
    for (let at = 0; at < keeps.length; ) {
      if (room === 0 || parts[parts.length - 1]!.length === MOST_KEEPERS_PER_MESSAGE) {
        parts.push([]);
        room = KEEPS_PER_MESSAGE;
      }
      const end = Math.min(keeps.length, at + room * KEEP_BYTES);
      parts[parts.length - 1]!.push({ keeper, sequence, keeps: keeps.subarray(at, end) });
      room -= (end - at) / KEEP_BYTES;
      at = end;
    }
  }
  return parts;
}

/**
 * Lists of a message as groups for the data plane; our own mean nothing to us. A keeper that we do not know at all gives null.
 * `gone`: keepers that are gone too. They took frames that we hold, so those must meet their entries when they are replayed.
 */
export function groupsOf(s: State, lists: readonly KeeperList[], gone: boolean): KeeperKeeps[] | null {
  const groups: KeeperKeeps[] = [];
  for (const { keeper, sequence, keeps } of lists) {
    if (keeper.name === s.settings.node) continue;
    const peer = s.peers.get(keeper.name);
    if (peer?.incarnation !== keeper.incarnation) {
      const buriedUpTo = s.tombstones.get(keeper.name)?.incarnation ?? 0;
      if (keeper.incarnation > Math.max(buriedUpTo, peer?.incarnation ?? 0)) return null;
      if (!gone) continue;
    }
    const record = recordOf(s, keeper);
    record.sequence = Math.max(record.sequence, sequence);
    groups.push({ keeper: record.slot, keeps: withoutEnded(s, record, keeps) });
  }
  return groups;
}

/** Forgets those keepers of `lists` that are gone. */
export function dropGone(s: State, lists: readonly KeeperList[]): void {
  for (const { keeper } of lists) {
    if (keeper.name === s.settings.node || s.peers.get(keeper.name)?.incarnation === keeper.incarnation) continue;
    dropKeeper(s, keeper);
  }
}

/** Keeps `buckets` of `plan` counted as arrived for the keepers of `lists`. */
export function markArrived(s: State, lists: readonly KeeperList[], plan: number, buckets: Bitmap): void {
  for (const { keeper } of lists) {
    const record = s.keepers.get(keeperId(keeper));
    if (record !== undefined) orInto(record.arrived[plan]!, buckets);
  }
}

/** Our tenure of `buckets` is over, or about to begin: nothing counts as arrived. */
export function endTenure(s: State, plan: number, buckets: Bitmap): void {
  if (!s.rules.arrivalsEndWithTenure()) return;
  for (const { arrived } of s.keepers.values()) andNotInto(arrived[plan]!, buckets);
}

/** Those of `buckets` in which `peer` keeps something that has not arrived here. */
export function lackingOf(s: State, peer: Peer, plan: number, buckets: Bitmap): Bitmap {
  const kept = keptBy(s, peer, plan);
  const lacking = and(kept, buckets);
  const record = s.keepers.get(keeperId(peer));
  if (record !== undefined) andNotInto(lacking, record.arrived[plan]!);
  return lacking;
}

export function keptBy(s: State, peer: Peer, plan: number): Bitmap {
  return peer.heartbeat.plans[plan]?.kept ?? s.none();
}

/** Asks `peer` for its keeps in `buckets`, unless that question is open already. */
export function ask(s: State, peer: Peer, plan: number, buckets: Bitmap, forAcquisition: boolean): void {
  const lacking = buckets.slice();
  for (const [request, fetch] of s.fetches) {
    if (fetch.from !== peer.name || fetch.plan !== plan) continue;
    const stale = s.nowMs - fetch.askedMs > ASK_AGAIN_INTERVALS * s.settings.intervalMs;
    if (stale || (fetch.forAcquisition && fetch.viewDigest !== s.view.digest)) s.fetches.delete(request);
    else andNotInto(lacking, fetch.buckets);
  }
  if (isEmpty(lacking)) return;
  const request = s.nextNumber++;
  const viewDigest = s.view.digest;
  s.fetches.set(request, {
    request,
    from: peer.name,
    plan,
    buckets: lacking,
    viewDigest,
    askedMs: s.nowMs,
    forAcquisition,
    refused: false,
  });
  const message: LinkMessage = {
    type: 'keeps-wanted',
    sequence: s.sequence,
    request,
    viewDigest,
    plan,
    buckets: lacking,
  };
  s.emit({ type: 'link', to: peer.name, message });
}

/** A keeper is asked for its keeps. */
export function answerWanted(s: State, to: NodeName, wanted: Extract<LinkMessage, { type: 'keeps-wanted' }>): void {
  const { request, viewDigest, plan, buckets } = wanted;
  const say = (keeps: Keeps, last: boolean): void => {
    const sequence = s.sequence;
    s.emit({
      type: 'link',
      to,
      message: { type: 'keeps-are', sequence, request, viewDigest, plan, buckets, keeps, last },
    });
  };
  if (!s.leasing) return say(new Uint8Array(), true);
  s.tables([{ op: 'list-ended', limit: 2 ** 31 - 1, all: true, plan, buckets }], ([result]) => {
    const parts = partsOf(listsOf(s, result?.groups ?? []).ours);
    parts.forEach((part, index) => {
      const last = index === parts.length - 1;
      for (const { keeps } of part) say(keeps, last);
      if (part.length === 0) say(new Uint8Array(), last);
    });
  });
}

/** Keeps that we asked for. They count as arrived only when the last has come, and the question still stands. */
export function takeKeeps(s: State, peer: Peer, are: Extract<LinkMessage, { type: 'keeps-are' }>): void {
  const fetch = s.fetches.get(are.request);
  if (fetch?.from !== peer.name) return;
  if (fetch.forAcquisition && fetch.viewDigest !== s.view.digest) {
    s.fetches.delete(are.request);
    return;
  }
  const record = recordOf(s, peer);
  record.sequence = Math.max(record.sequence, are.sequence);
  const keeps = withoutEnded(s, record, are.keeps);
  const took = (refused: boolean): void => {
    if (s.fetches.get(are.request) !== fetch) return;
    if (refused) fetch.refused = true;
    if (are.last) endFetch(s, fetch, record);
  };
  if (keeps.length === 0 || !s.leasing) return took(false);
  s.tables([{ op: 'honour', groups: [{ keeper: record.slot, keeps }] }], ([result]) =>
    took(hasNoRoom(s, result?.groups)),
  );
  // Buckets offered to others in the meantime: the receiver must get these too.
  for (const grant of s.grants.values()) grant.late.push({ keeper: record.keeper, sequence: record.sequence, keeps });
}

/** All has come. What the table has no room for is asked for again later: rather no owner than one that forgets keys. */
function endFetch(s: State, fetch: Fetch, record: KeeperRecord): void {
  if (fetch.refused) return disown(s, fetch, record);
  s.fetches.delete(fetch.request);
  orInto(record.arrived[fetch.plan]!, fetch.buckets);
  s.dirty = true;
}

/**
 * Buckets in which we cannot honour all that others keep are nobody's until there is room: the clients that we served there go on as
 * keeps of ours, new ones wait. Those being granted away already will be cut anyway; frames of ending keeps must leave our ring first.
 */
function disown(s: State, { plan, buckets: asked }: Fetch, { keeper }: KeeperRecord): void {
  const buckets = and(asked, s.held[plan]!);
  for (const grant of s.grants.values()) if (grant.plan === plan) andNotInto(buckets, grant.buckets);
  for (const ending of s.heldEndings.values()) if (ending.plan === plan) andNotInto(buckets, ending.buckets);
  if (s.nowMs - s.fullToldMs >= TELL_FULL_MS) {
    s.fullToldMs = s.nowMs;
    s.log('warn', 'table-full', { keeper: keeper.name, plan, buckets: asked });
  }
  if (isEmpty(buckets)) return;
  andNotInto(s.held[plan]!, buckets);
  orInto(s.keptSince[plan]!, buckets);
  endTenure(s, plan, buckets);
  s.tables([
    { op: 'cut', plan, buckets, serial: ++s.serial },
    { op: 'forget', plan, buckets },
  ]);
  s.changed();
}

/** True when the table had no room for some of what it was to honour. */
export function hasNoRoom(s: State, refused: readonly KeeperKeeps[] | undefined): boolean {
  return s.rules.heedRoom() && (refused?.some(({ keeps }) => keeps.length > 0) ?? false);
}

/** An owner asks whoever keeps something in its buckets that it lacks, and forgets what a newer heartbeat shows as ended. */
export function compareKept(s: State, peer: Peer, heartbeat: Heartbeat): void {
  if (!s.leasing) return;
  s.settings.plans.forEach((_, plan) => {
    const held = s.held[plan]!;
    const lacking = lackingOf(s, peer, plan, held);
    if (!isEmpty(lacking) && s.rules.fetchLacking()) ask(s, peer, plan, lacking, false);
    const record = s.keepers.get(keeperId(peer));
    if (record === undefined || !s.rules.mayErase(heartbeat.sequence, record.sequence)) return;
    const ended = andNot(and(record.arrived[plan]!, held), keptBy(s, peer, plan));
    if (isEmpty(ended)) return;
    andNotInto(record.arrived[plan]!, ended);
    s.tables([{ op: 'drop-keeper', keeper: record.slot, plan, buckets: ended }]);
  });
}

/** A keeper died, lapsed or finished. */
export function dropKeeper(s: State, keeper: Keeper): void {
  const id = keeperId(keeper);
  const record = s.keepers.get(id);
  s.recentEnds.delete(id);
  if (record === undefined) return;
  s.keepers.delete(id);
  s.slots.delete(record.slot);
  if (s.leasing) s.tables([{ op: 'drop-keeper', keeper: record.slot }]);
}

/** Remembers ends, so that a list on its way since before does not bring the entries back. */
export function rememberEnds(s: State, keeper: Keeper, keeps: Keeps): void {
  const id = keeperId(keeper);
  const ends = s.recentEnds.get(id) ?? new Map<string, { serial: number; atMs: number }>();
  for (const [key, end] of ends) if (s.nowMs - end.atMs > REMEMBER_ENDS_MS) ends.delete(key);
  for (let at = 0; at < keeps.length; at += KEEP_BYTES) {
    ends.set(keyText(keeps, at), { serial: serialAt(keeps, at), atMs: s.nowMs });
  }
  s.recentEnds.set(id, ends);
}

function withoutEnded(s: State, record: KeeperRecord, keeps: Keeps): Keeps {
  const ends = s.recentEnds.get(keeperId(record.keeper));
  if (ends === undefined || ends.size === 0) return keeps;
  const left: number[] = [];
  for (let at = 0; at < keeps.length; at += KEEP_BYTES) {
    const end = ends.get(keyText(keeps, at));
    if (end === undefined || end.serial < serialAt(keeps, at)) left.push(at);
  }
  return picked(keeps, left);
}

/** The keeps of `keeps` that lie at the byte offsets `at`. */
export function picked(keeps: Keeps, at: readonly number[]): Keeps {
  const result = new Uint8Array(at.length * KEEP_BYTES);
  for (const [index, offset] of at.entries())
    result.set(keeps.subarray(offset, offset + KEEP_BYTES), index * KEEP_BYTES);
  return result;
}

/** Key and serial as text, for sets of entries. */
export function entryText(keeps: Keeps, at: number): string {
  return `${keyText(keeps, at)}#${serialAt(keeps, at)}`;
}

function keyText(keeps: Keeps, at: number): string {
  return String.fromCharCode(...keeps.subarray(at, at + KEY_BYTES));
}

function serialAt(keeps: Keeps, at: number): number {
  return new DataView(keeps.buffer, keeps.byteOffset + at + KEY_BYTES, 4).getUint32(0);
}

/** Entries of these lists, for people to see what a grant carries. */
export function countKeeps(lists: readonly KeeperList[]): number {
  return lists.reduce((sum, { keeps }) => sum + keeps.length / KEEP_BYTES, 0);
}

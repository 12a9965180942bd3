/**
 * The tables of the in-memory data plane: buckets owned and pending, our own keys, foreign keeps; and what each table
 * command does to them. Frames are no business of this file: who calls it replays or discards held ones afterwards.
 *
 * Meaning and order of the commands: `TableOp` in src/buckets/contract.ts.
 */
import { and, andNotInto, emptyBitmap, hasBit, orInto, setBit } from '../buckets/bitmap.js';
import {
  type Bitmap,
  type KeeperKeeps,
  type KeeperSlot,
  type Keeps,
  type KeptState,
  MAX_PLANS,
} from '../buckets/contract.js';
import { bucketOfKey } from '../buckets/key.js';
import type { KeyFacts } from './classify.js';
import { Flow } from './memory-flow.js';
import { type ForeignKeep, foreignGroups, type ListedKeep, listedKeeps, ownGroup, packKeeps } from './memory-keeps.js';

/** Events that the counters tell; the owner of the tables bumps them. */
export type TableCounter = 'keysEvicted' | 'embryosEvicted' | 'tableFull';

/** How many of the oldest keys are looked at for one that may go. */
const EVICTION_SCAN = 64;

export class Tables implements KeyFacts {
  private readonly owned: Bitmap[];
  private readonly pending: Bitmap[];
  /** Owned and offered: what is taken there from now must be listed at the cut. */
  private readonly offered: Bitmap[];
  /** Ours, in order of their last use by {@link track}'s first packet. */
  private readonly flows = new Map<string, Flow>();
  private readonly foreign = new Map<string, ForeignKeep>();
  private keepCount = 0;
  private sweepAbove = 1024;

  constructor(
    private readonly buckets: number,
    private readonly maxKeys: number,
    private readonly count: (counter: TableCounter) => void,
  ) {
    this.owned = Array.from({ length: MAX_PLANS }, () => emptyBitmap(buckets));
    this.pending = Array.from({ length: MAX_PLANS }, () => emptyBitmap(buckets));
    this.offered = Array.from({ length: MAX_PLANS }, () => emptyBitmap(buckets));
  }

  get keyCount(): number {
    return this.flows.size;
  }

  get ownKeepCount(): number {
    return this.keepCount;
  }

  get foreignKeepCount(): number {
    return this.foreign.size;
  }

  isOwnKeep(text: string): boolean {
    return this.keepCount > 0 && this.flows.get(text)?.isKeep === true;
  }

  isPending(plan: number, bucket: number): boolean {
    return hasBit(this.pending[plan]!, bucket);
  }

  isOwned(plan: number, bucket: number): boolean {
    return hasBit(this.owned[plan]!, bucket);
  }

  foreignKeep(text: string): 'none' | 'honoured' | 'held' {
    if (this.foreign.size === 0) return 'none';
    const keep = this.foreign.get(text);
    return keep === undefined ? 'none' : keep.isHeld ? 'held' : 'honoured';
  }

  mustRefuse(text: string, plan: number, bucket: number): boolean {
    if (!hasBit(this.offered[plan]!, bucket) || this.flows.has(text)) return false;
    return this.isFull() && this.evictable() === null;
  }

  /**
   * The entry of an accepted key, made if there is none; null when the table is full of entries that must stay. Every accepted
   * frame leaves one, if only for a linger: a grant must be able to tell which keys this node took.
   */
  track(record: Uint8Array, text: string, plan: number, bucket: number, nowMs: number): Flow | null {
    const flow = this.flows.get(text) ?? this.begin(record, text, plan, bucket, nowMs);
    if (flow !== null && hasBit(this.offered[plan]!, bucket)) flow.isPinned = true;
    return flow;
  }

  own(plan: number, buckets: Bitmap): void {
    orInto(this.owned[plan]!, buckets);
    andNotInto(this.pending[plan]!, buckets);
    for (const flow of this.flowsIn(plan, buckets)) {
      if (flow.isKeep) this.keepCount -= 1;
      flow.isKeep = false;
    }
  }

  hold(plan: number, buckets: Bitmap): void {
    orInto(this.pending[plan]!, buckets);
  }

  unhold(plan: number, buckets: Bitmap): void {
    andNotInto(this.pending[plan]!, buckets);
  }

  offer(plan: number, buckets: Bitmap, serial: number, nowMs: number): KeeperKeeps[] {
    const owned = and(buckets, this.owned[plan]!);
    orInto(this.offered[plan]!, owned);
    const listed = this.flowsIn(plan, owned).filter((flow) => flow.isPinned || flow.isAlive(nowMs));
    for (const flow of listed) {
      flow.isPinned = true;
      flow.isListed = true;
    }
    return [...ownGroup(listed, serial), ...foreignGroups(this.foreignIn(plan, owned))];
  }

  withdraw(plan: number, buckets: Bitmap): void {
    andNotInto(this.offered[plan]!, buckets);
    for (const flow of this.flowsIn(plan, buckets)) {
      flow.isPinned = false;
      flow.isListed = false;
    }
  }

  cut(plan: number, buckets: Bitmap, serial: number, nowMs: number): KeeperKeeps[] {
    const owned = and(buckets, this.owned[plan]!);
    andNotInto(this.owned[plan]!, owned);
    andNotInto(this.offered[plan]!, owned);
    const unlisted: Flow[] = [];
    for (const flow of this.flowsIn(plan, owned)) {
      if (!flow.isPinned && !flow.isAlive(nowMs)) {
        this.flows.delete(flow.text);
        continue;
      }
      if (!flow.isListed) unlisted.push(flow);
      this.makeKeep(flow, serial);
    }
    return ownGroup(unlisted, serial);
  }

  /** Gives the keeps for which there was no room. A group of slot 0 says nothing new: our own keeps are in `flows`. */
  honour(groups: readonly KeeperKeeps[], seed: number, nowMs: number): KeeperKeeps[] {
    return groups.flatMap(({ keeper, keeps }) => {
      const refused =
        keeper === 0 ? [] : listedKeeps(keeps).filter((listed) => !this.honourOne(keeper, listed, seed, nowMs));
      return refused.length === 0 ? [] : [{ keeper, keeps: packKeeps(refused) }];
    });
  }

  /** Marks or unmarks foreign keeps as held; gives the texts of those that it found. */
  setHeld(groups: readonly KeeperKeeps[], isHeld: boolean): Set<string> {
    return this.forNamed(groups, (keep) => {
      keep.isHeld = isHeld;
    });
  }

  release(groups: readonly KeeperKeeps[]): Set<string> {
    return this.forNamed(groups, (_, text) => this.foreign.delete(text));
  }

  dropKeeper(keeper: KeeperSlot, plan: number | undefined, buckets: Bitmap | undefined): Set<string> {
    return this.forget(
      (keep) =>
        keep.keeper === keeper &&
        (plan === undefined || keep.plan === plan) &&
        (buckets === undefined || hasBit(buckets, keep.bucket)),
    );
  }

  /** Removes the foreign keeps that match; gives their texts. */
  forget(
    matches: (keep: { readonly plan: number; readonly bucket: number; readonly keeper: KeeperSlot }) => boolean,
  ): Set<string> {
    const gone = new Set<string>();
    for (const [text, keep] of this.foreign) {
      if (!matches(keep)) continue;
      this.foreign.delete(text);
      gone.add(text);
    }
    return gone;
  }

  dropKeeps(keeps: Keeps, nowMs: number): KeeperKeeps[] {
    const dropped = listedKeeps(keeps).filter(({ text, serial }) => {
      const flow = this.flows.get(text);
      if (flow === undefined || !flow.isKeep || flow.serial > serial || flow.isAlive(nowMs)) return false;
      this.flows.delete(text);
      this.keepCount -= 1;
      return true;
    });
    return dropped.length === 0 ? [] : [{ keeper: 0, keeps: packKeeps(dropped) }];
  }

  /** `where` narrows the list to some buckets of a plan; without it all keeps count. */
  listEnded(limit: number, all: boolean, where: (flow: Flow) => boolean, nowMs: number): KeeperKeeps[] {
    const listed: Flow[] = [];
    for (const flow of this.flows.values()) {
      if (listed.length >= limit) break;
      if (flow.isKeep && where(flow) && (all || !flow.isAlive(nowMs))) listed.push(flow);
    }
    return ownGroup(listed, null);
  }

  kept(): KeptState {
    const kept = Array.from({ length: MAX_PLANS }, () => emptyBitmap(this.buckets));
    for (const flow of this.flows.values()) if (flow.isKeep) setBit(kept[flow.plan]!, flow.bucket);
    return { kept, count: this.keepCount };
  }

  /** With another seed keys lie in other buckets; whose they are then is up to the commands that follow. */
  rehash(seed: number): void {
    for (const entry of [...this.flows.values(), ...this.foreign.values()]) {
      entry.bucket = bucketOfKey(seed, entry.record, 0, this.buckets);
    }
  }

  clear(): void {
    for (const bitmap of [...this.owned, ...this.pending, ...this.offered]) bitmap.fill(0);
    this.flows.clear();
    this.foreign.clear();
    this.keepCount = 0;
  }

  private makeKeep(flow: Flow, serial: number): void {
    flow.isKeep = true;
    flow.isPinned = false;
    flow.isListed = false;
    flow.serial = serial;
    this.keepCount += 1;
  }

  /** False when there is no room. */
  private honourOne(keeper: KeeperSlot, { record, text, serial }: ListedKeep, seed: number, nowMs: number): boolean {
    const known = this.foreign.get(text);
    if (known !== undefined && known.keeper === keeper && known.serial >= serial) return true;
    // One key has one keeper, so an entry of our own is replaced too: else it would become a second keep at the next cut.
    if (known === undefined && !this.dropFlow(text) && this.isFull() && !this.makeRoom(nowMs)) return false;
    const bucket = bucketOfKey(seed, record, 0, this.buckets);
    this.foreign.set(text, { record, plan: record[0]!, bucket, keeper, serial, isHeld: false });
    return true;
  }

  /** Calls `act` for the named foreign keeps whose keeper fits and whose serial is not newer than the name's. */
  private forNamed(groups: readonly KeeperKeeps[], act: (keep: ForeignKeep, text: string) => void): Set<string> {
    const found = new Set<string>();
    for (const { keeper, keeps } of groups) {
      for (const { text, serial } of listedKeeps(keeps)) {
        const keep = this.foreign.get(text);
        if (keep === undefined || keep.keeper !== keeper || keep.serial > serial) continue;
        act(keep, text);
        found.add(text);
      }
    }
    return found;
  }

  private flowsIn(plan: number, buckets: Bitmap): Flow[] {
    return [...this.flows.values()].filter((flow) => flow.plan === plan && hasBit(buckets, flow.bucket));
  }

  private foreignIn(plan: number, buckets: Bitmap): ForeignKeep[] {
    return [...this.foreign.values()].filter((keep) => keep.plan === plan && hasBit(buckets, keep.bucket));
  }

  /** Forgets ordinary entries whose time is over; the next sweep comes when the table has doubled, so the cost is spread. */
  private sweep(nowMs: number): void {
    for (const flow of this.flows.values()) if (isDisposable(flow, nowMs)) this.flows.delete(flow.text);
    this.sweepAbove = Math.max(1024, 2 * this.flows.size);
  }

  private isFull(): boolean {
    return this.flows.size + this.foreign.size >= this.maxKeys;
  }

  private begin(record: Uint8Array, text: string, plan: number, bucket: number, nowMs: number): Flow | null {
    if (this.flows.size >= this.sweepAbove) this.sweep(nowMs);
    if (this.isFull() && !this.makeRoom(nowMs)) return null;
    const flow = new Flow(record.slice(), text, plan, bucket, nowMs);
    this.flows.set(text, flow);
    return flow;
  }

  /** True when there was one. */
  private dropFlow(text: string): boolean {
    if (this.flows.get(text)?.isKeep === true) this.keepCount -= 1;
    return this.flows.delete(text);
  }

  /** Makes room for one key; false when all entries must stay. */
  private makeRoom(nowMs: number): boolean {
    const victim = this.evictable();
    if (victim === null) {
      this.count('tableFull');
      return false;
    }
    if (victim.isAlive(nowMs)) this.count(victim.isEmbryo ? 'embryosEvicted' : 'keysEvicted');
    this.flows.delete(victim.text);
    return true;
  }

  /** Of the oldest few entries an ended one, else an embryo, else the longest idle. Keeps and pinned keys must stay. */
  private evictable(): Flow | null {
    let victim: Flow | null = null;
    let looked = 0;
    for (const flow of this.flows.values()) {
      if (flow.isKeep || flow.isPinned) continue;
      if (victim === null || isWorthLess(flow, victim)) victim = flow;
      if (++looked >= EVICTION_SCAN) break;
    }
    return victim;
  }
}

function isDisposable(flow: Flow, nowMs: number): boolean {
  return !flow.isKeep && !flow.isPinned && !flow.isAlive(nowMs);
}

/** Whether `one` is to go before `other`. */
function isWorthLess(one: Flow, other: Flow): boolean {
  return one.worth === other.worth ? one.lastMs < other.lastMs : one.worth < other.worth;
}

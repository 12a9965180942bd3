/**
 * A lean data plane with the semantics of buckets/contract.ts: verdicts, hold ring, keeps with serials, lease latch. Written
 * apart from the real ones on purpose: the simulation judges the core by what this accepts.
 */
import { andNotInto, emptyBitmap, hasBit, orInto, setBit } from '../../src/buckets/bitmap.js';
import {
  type Bitmap,
  KEEP_BYTES,
  KEY_BYTES,
  type KeeperKeeps,
  type Keeps,
  type KeptState,
  type TableOp,
  type TableResult,
} from '../../src/buckets/contract.js';

type ReachOp = Extract<TableOp, { op: 'reach' }>;

/** A client's packet. `connection` tells a re-used key from its earlier use. */
export interface Packet {
  readonly id: number;
  readonly key: number;
  readonly plan: number;
  readonly kind: 'syn' | 'data' | 'fin';
  readonly connection: number;
  readonly sentMs: number;
}

interface Entry {
  readonly key: number;
  readonly plan: number;
  readonly bucket: number;
  /** 0: ours. */
  keeper: number;
  serial: number;
  lastMs: number;
  endedMs: number | null;
  /** Neither expires nor goes: offered, or taken in an offered bucket. */
  pinned: boolean;
  /** In the list that the last offer gave. */
  listed: boolean;
}

/** What mutations change of the data plane. */
export interface PlaneFlaws {
  readonly latchLease: boolean;
  readonly lingerMs: number;
  readonly replayDiscarded: boolean;
  readonly ignoreSerials: boolean;
}

export const SOUND: PlaneFlaws = { latchLease: true, lingerMs: 1000, replayDiscarded: false, ignoreSerials: false };

const IDLE_MS = 30_000;
const RING_FRAMES = 4096;

export function bucketOf(key: number, buckets: number): number {
  let h = Math.imul(key + 1, 0x9e3779b1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return (h ^ (h >>> 13)) & (buckets - 1);
}

export class Plane {
  readonly #plans: number;
  readonly #buckets: number;
  readonly #flaws: PlaneFlaws;
  readonly #accept: (packet: Packet) => void;
  deadlineMs: number | null = null;
  lapsed = false;
  framesSeen = 0;
  ingressFrames = 0;
  /** As last told; stays through a reset. */
  reach: ReachOp | null = null;
  /** Tells that another one is in force. */
  reached: (before: ReachOp | null, now: ReachOp) => void = () => {};
  /** Passes a packet on to the members with these MACs, in this order. */
  relay: (packet: Packet, macs: readonly Uint8Array[]) => void = () => {};
  lost = 0;
  owned: Bitmap[] = [];
  #pending: Bitmap[] = [];
  #offered: Bitmap[] = [];
  #entries = new Map<string, Entry>();
  #heldKeys = new Set<string>();
  #ring: Packet[] = [];
  nowMs = 0;
  /** Most entries; foreign keeps beyond it are refused. */
  room = Number.POSITIVE_INFINITY;
  /** Classifies what the capture received before now and the thread has not seen yet. */
  drain: () => void = () => {};

  constructor(plans: number, buckets: number, flaws: PlaneFlaws, accept: (packet: Packet) => void) {
    this.#plans = plans;
    this.#buckets = buckets;
    this.#flaws = flaws;
    this.#accept = accept;
    this.reset();
  }

  reset(): void {
    this.deadlineMs = null;
    this.lapsed = false;
    this.#empty();
  }

  #empty(): void {
    this.owned = Array.from({ length: this.#plans }, () => emptyBitmap(this.#buckets));
    this.#pending = Array.from({ length: this.#plans }, () => emptyBitmap(this.#buckets));
    this.#offered = Array.from({ length: this.#plans }, () => emptyBitmap(this.#buckets));
    this.#entries.clear();
    this.#heldKeys.clear();
    this.#ring = [];
  }

  renewLease(nowMs: number, deadlineMs: number): boolean {
    this.#look(nowMs);
    if (this.lapsed) return false;
    // Frames from before the lease were others' business.
    if (this.deadlineMs === null) this.drain();
    this.deadlineMs = Math.max(this.deadlineMs ?? deadlineMs, deadlineMs);
    return true;
  }

  leaseOpen(nowMs: number): boolean {
    this.#look(nowMs);
    return this.deadlineMs !== null && !this.lapsed && nowMs < this.deadlineMs;
  }

  hasLapsed(nowMs: number): boolean {
    this.#look(nowMs);
    return this.lapsed;
  }

  #look(nowMs: number): void {
    this.nowMs = nowMs;
    if (this.deadlineMs === null || this.lapsed || nowMs < this.deadlineMs || !this.#flaws.latchLease) return;
    this.lapsed = true;
    this.#empty();
  }

  /** A frame from the network; `direct`: to our own MAC, from a client. */
  receive(nowMs: number, packet: Packet, direct = false): void {
    this.framesSeen++;
    if (!this.leaseOpen(nowMs)) return;
    const outcome = this.#classify(packet);
    if (!direct) return;
    this.ingressFrames++;
    if (outcome !== 'accept') this.relay(packet, this.#targetsOf(packet));
  }

  /** MACs of those whom the frame may concern beside us; who gains the bucket comes last. */
  #targetsOf(packet: Packet): Uint8Array[] {
    const bucket = bucketOf(packet.key, this.#buckets);
    const { plans = [], members = [], self } = this.reach ?? {};
    const plan = plans[packet.plan];
    if (plan === undefined) return [];
    const meant = members.flatMap((_, index) => {
      const word = plan.targets[2 * bucket + (index >>> 5)]!;
      return index < 64 && index !== self && (word & (1 << (index & 31))) !== 0 ? [index] : [];
    });
    const last = plan.last[bucket]!;
    return meant.sort((a, b) => Number(a === last) - Number(b === last)).map((index) => members[index]!.mac);
  }

  #classify(packet: Packet): 'accept' | 'hold' | 'reject' {
    const bucket = bucketOf(packet.key, this.#buckets);
    const id = keyId(packet.plan, packet.key);
    const entry = this.#entries.get(id);
    const owned = hasBit(this.owned[packet.plan]!, bucket);
    if (entry?.keeper === 0 && !owned) return this.#take(packet, entry);
    if (hasBit(this.#pending[packet.plan]!, bucket)) return this.#hold(packet);
    if (!owned) return 'reject';
    if (this.#heldKeys.has(id)) return this.#hold(packet);
    if (entry !== undefined && entry.keeper !== 0) return 'reject';
    return this.#take(packet, entry);
  }

  #hold(packet: Packet): 'hold' {
    if (this.#ring.length >= RING_FRAMES) this.lost++;
    else this.#ring.push(packet);
    return 'hold';
  }

  #take(packet: Packet, known: Entry | undefined): 'accept' {
    const { key, plan } = packet;
    const entry = known ?? {
      key,
      plan,
      bucket: bucketOf(key, this.#buckets),
      keeper: 0,
      serial: 0,
      lastMs: this.nowMs,
      endedMs: null,
      pinned: false,
      listed: false,
    };
    // The new owner may hold this packet: so the cut must list its key, whatever becomes of it until then.
    if (hasBit(this.#offered[plan]!, entry.bucket)) entry.pinned = true;
    entry.lastMs = this.nowMs;
    entry.endedMs = packet.kind === 'fin' ? this.nowMs : packet.kind === 'syn' ? null : entry.endedMs;
    this.#entries.set(keyId(plan, key), entry);
    this.#accept(packet);
    return 'accept';
  }

  /** Null when the lease is not open: nothing was changed. */
  apply(nowMs: number, ops: readonly TableOp[]): readonly TableResult[] | null {
    this.drain();
    // Without a latch, tables live on while a lease is over.
    const isOver = !this.leaseOpen(nowMs) && (this.#flaws.latchLease || this.deadlineMs === null);
    return isOver ? null : ops.map((op) => ({ groups: this.#applyOne(op) }));
  }

  #applyOne(op: TableOp): KeeperKeeps[] {
    switch (op.op) {
      case 'own':
        orInto(this.owned[op.plan]!, op.buckets);
        andNotInto(this.#pending[op.plan]!, op.buckets);
        this.#unpin(op.plan, op.buckets);
        this.#replay((packet) => packet.plan === op.plan && hasBit(op.buckets, bucketOf(packet.key, this.#buckets)));
        return [];
      case 'reach': {
        const before = this.reach;
        this.reach = op;
        this.reached(before, op);
        return [];
      }
      case 'hold':
        orInto(this.#pending[op.plan]!, op.buckets);
        return [];
      case 'unhold': {
        andNotInto(this.#pending[op.plan]!, op.buckets);
        const concerned = (packet: Packet): boolean =>
          packet.plan === op.plan && hasBit(op.buckets, bucketOf(packet.key, this.#buckets));
        if (this.#flaws.replayDiscarded)
          for (const packet of this.#ring.filter(concerned)) this.#take(packet, undefined);
        this.#ring = this.#ring.filter((packet) => !concerned(packet));
        return [];
      }
      case 'offer': {
        const listed = [...this.#in(op.plan, op.buckets)].filter((entry) => entry.keeper !== 0 || this.#alive(entry));
        orInto(this.#offered[op.plan]!, op.buckets);
        for (const entry of listed) if (entry.keeper === 0) entry.pinned = entry.listed = true;
        return grouped(listed, op.serial);
      }
      case 'withdraw':
        this.#unpin(op.plan, op.buckets);
        return [];
      case 'cut': {
        andNotInto(this.owned[op.plan]!, op.buckets);
        const fresh: Entry[] = [];
        for (const entry of [...this.#in(op.plan, op.buckets)]) {
          if (entry.keeper !== 0) continue;
          if (!entry.pinned && !this.#alive(entry)) {
            this.#entries.delete(keyId(entry.plan, entry.key));
            continue;
          }
          if (!entry.listed) fresh.push(entry);
          entry.serial = op.serial;
        }
        this.#unpin(op.plan, op.buckets);
        return grouped(fresh, op.serial);
      }
      case 'honour':
        return op.groups.map(({ keeper, keeps }) => ({ keeper, keeps: this.#honour(keeper, keeps) }));
      case 'hold-keys':
        for (const { keeps } of op.groups)
          for (const { plan, key } of decode(keeps)) this.#heldKeys.add(keyId(plan, key));
        return [];
      case 'release':
        for (const { keeper, keeps } of op.groups) this.#release(keeper, keeps);
        return [];
      case 'unhold-keys': {
        const ids = new Set(
          op.groups.flatMap(({ keeps }) => [...decode(keeps)].map(({ plan, key }) => keyId(plan, key))),
        );
        for (const id of ids) this.#heldKeys.delete(id);
        this.#ring = this.#ring.filter((packet) => !ids.has(keyId(packet.plan, packet.key)) || this.#isPending(packet));
        return [];
      }
      case 'drop-keeper': {
        const ids = new Set<string>();
        for (const [id, entry] of this.#entries) {
          if (entry.keeper !== op.keeper || (op.plan !== undefined && entry.plan !== op.plan)) continue;
          if (op.buckets !== undefined && !hasBit(op.buckets, entry.bucket)) continue;
          this.#entries.delete(id);
          this.#heldKeys.delete(id);
          ids.add(id);
        }
        this.#replay((packet) => ids.has(keyId(packet.plan, packet.key)));
        return [];
      }
      case 'forget':
        for (const [id, entry] of this.#entries) {
          if (entry.keeper !== 0 && entry.plan === op.plan && hasBit(op.buckets, entry.bucket))
            this.#entries.delete(id);
        }
        return [];
      case 'drop-keeps': {
        const dropped: Entry[] = [];
        for (const { plan, key, serial } of decode(op.keeps)) {
          const entry = this.#entries.get(keyId(plan, key));
          if (entry?.keeper !== 0 || entry.serial !== serial || !this.#isKeep(entry) || this.#alive(entry)) continue;
          this.#entries.delete(keyId(plan, key));
          dropped.push(entry);
        }
        return grouped(dropped, 0);
      }
      case 'list-ended': {
        const listed: Entry[] = [];
        for (const entry of this.#entries.values()) {
          if (listed.length >= op.limit) break;
          if (entry.keeper !== 0 || !this.#isKeep(entry) || (op.all !== true && this.#alive(entry))) continue;
          if (op.plan !== undefined && op.plan !== entry.plan) continue;
          if (op.buckets !== undefined && !hasBit(op.buckets, entry.bucket)) continue;
          listed.push(entry);
        }
        return grouped(listed, 0);
      }
    }
  }

  /** Gives those for which there was no room. */
  #honour(keeper: number, keeps: Keeps): Keeps {
    const refused: Entry[] = [];
    for (const { plan, key, serial } of decode(keeps)) {
      const id = keyId(plan, key);
      const known = this.#entries.get(id);
      if (known?.keeper === keeper && known.serial > serial && !this.#flaws.ignoreSerials) continue;
      const bucket = bucketOf(key, this.#buckets);
      const life = { lastMs: this.nowMs, endedMs: null, pinned: false, listed: false };
      const entry: Entry = { key, plan, bucket, keeper, serial, ...life };
      if (known === undefined && this.#isFull()) refused.push(entry);
      else this.#entries.set(id, entry);
    }
    return grouped(refused, 0)[0]?.keeps ?? new Uint8Array();
  }

  /** Ended keys of ours in buckets that we own are nobody's business any more. */
  #isFull(): boolean {
    if (this.#entries.size < this.room) return false;
    for (const [id, entry] of this.#entries) {
      if (entry.keeper !== 0 || entry.pinned || this.#isKeep(entry) || this.#alive(entry)) continue;
      this.#entries.delete(id);
    }
    return this.#entries.size >= this.room;
  }

  #unpin(plan: number, buckets: Bitmap): void {
    andNotInto(this.#offered[plan]!, buckets);
    for (const entry of this.#in(plan, buckets)) entry.pinned = entry.listed = false;
  }

  #release(keeper: number, keeps: Keeps): void {
    const ids = new Set<string>();
    for (const { plan, key, serial } of decode(keeps)) {
      const id = keyId(plan, key);
      const known = this.#entries.get(id);
      const mine = known?.keeper === keeper || (this.#flaws.ignoreSerials && known !== undefined && known.keeper !== 0);
      if (known !== undefined && mine && known.serial > serial && !this.#flaws.ignoreSerials) continue;
      if (mine) this.#entries.delete(id);
      this.#heldKeys.delete(id);
      ids.add(id);
    }
    this.#replay((packet) => ids.has(keyId(packet.plan, packet.key)));
  }

  #replay(concerned: (packet: Packet) => boolean): void {
    const replayed = this.#ring.filter(concerned);
    if (replayed.length === 0) return;
    this.#ring = this.#ring.filter((packet) => !concerned(packet));
    for (const packet of replayed) this.#classify(packet);
  }

  #isPending(packet: Packet): boolean {
    return hasBit(this.#pending[packet.plan]!, bucketOf(packet.key, this.#buckets));
  }

  #isKeep(entry: Entry): boolean {
    return !hasBit(this.owned[entry.plan]!, entry.bucket);
  }

  #alive(entry: Entry): boolean {
    if (entry.endedMs !== null) return this.nowMs - entry.endedMs < this.#flaws.lingerMs;
    return this.nowMs - entry.lastMs < IDLE_MS;
  }

  *#in(plan: number, buckets: Bitmap): Iterable<Entry> {
    for (const entry of this.#entries.values()) if (entry.plan === plan && hasBit(buckets, entry.bucket)) yield entry;
  }

  kept(): KeptState {
    const kept = Array.from({ length: this.#plans }, () => emptyBitmap(this.#buckets));
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (entry.keeper !== 0 || !this.#isKeep(entry)) continue;
      setBit(kept[entry.plan]!, entry.bucket);
      count++;
    }
    return { kept, count };
  }

  /** What would happen to a packet of `key` now. */
  wouldDo(nowMs: number, plan: number, key: number): 'accept' | 'hold' | 'reject' {
    if (!this.leaseOpen(nowMs)) return 'reject';
    const bucket = bucketOf(key, this.#buckets);
    const id = keyId(plan, key);
    const entry = this.#entries.get(id);
    const owned = hasBit(this.owned[plan]!, bucket);
    if (entry?.keeper === 0 && !owned) return 'accept';
    if (hasBit(this.#pending[plan]!, bucket)) return 'hold';
    if (!owned) return 'reject';
    if (this.#heldKeys.has(id)) return 'hold';
    return entry !== undefined && entry.keeper !== 0 ? 'reject' : 'accept';
  }

  /** What is known of `key`, in words: for the messages of failed checks. */
  describe(plan: number, key: number): string {
    const entry = this.#entries.get(keyId(plan, key));
    const bucket = bucketOf(key, this.#buckets);
    const owned = hasBit(this.owned[plan]!, bucket);
    const pending = hasBit(this.#pending[plan]!, bucket);
    const who = entry === undefined ? 'no entry' : `keeper ${entry.keeper} serial ${entry.serial}`;
    return `bucket ${bucket}${owned ? ' owned' : ''}${pending ? ' pending' : ''}, ${who}`;
  }
}

function keyId(plan: number, key: number): string {
  return `${plan}:${key}`;
}

/** Key records as in buckets/contract.ts; the key's number is the last four bytes of the address. */
function grouped(entries: readonly Entry[], serial: number): KeeperKeeps[] {
  const byKeeper = new Map<number, Entry[]>();
  for (const entry of entries) {
    const list = byKeeper.get(entry.keeper);
    if (list === undefined) byKeeper.set(entry.keeper, [entry]);
    else list.push(entry);
  }
  return [...byKeeper].map(([keeper, list]) => {
    const keeps = new Uint8Array(list.length * KEEP_BYTES);
    const view = new DataView(keeps.buffer);
    list.forEach((entry, index) => {
      const at = index * KEEP_BYTES;
      keeps[at] = entry.plan;
      view.setUint32(at + KEY_BYTES - 4, entry.key);
      view.setUint32(at + KEY_BYTES, keeper === 0 && serial > 0 ? serial : entry.serial);
    });
    return { keeper, keeps };
  });
}

function* decode(keeps: Keeps): Iterable<{ plan: number; key: number; serial: number }> {
  const view = new DataView(keeps.buffer, keeps.byteOffset, keeps.byteLength);
  for (let at = 0; at < keeps.length; at += KEEP_BYTES) {
    yield { plan: keeps[at]!, key: view.getUint32(at + KEY_BYTES - 4), serial: view.getUint32(at + KEY_BYTES) };
  }
}

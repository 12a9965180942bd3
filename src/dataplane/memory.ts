/**
 * The root-free twin of the native data plane: the same contract, with frames handed in by a test and time by its clock.
 * Simulations run whole farms of these, packet by packet.
 */

import { hasBit } from '../buckets/bitmap.js';
import {
  type Bitmap,
  BUCKETS,
  type KeeperKeeps,
  type KeptState,
  type TableOp,
  type TableResult,
} from '../buckets/contract.js';
import {
  Finding,
  inspect,
  isIngress,
  judge,
  relayedReason,
  relayTargets,
  type Surroundings,
  verdictOf,
} from './classify.js';
import { type ControlFrame, type DataPlane, LeaseLapsedError, type Shape, type Verdict } from './contract.js';
import { COUNTER_NAMES, type CounterName } from './counters.js';
import { type Asker, AskerTable } from './memory-askers.js';
import { ControlQueue, controlFrame } from './memory-control.js';
import { MemoryCounters } from './memory-counters.js';
import { EarlyFragments, FragmentTable } from './memory-fragments.js';
import { Reach } from './memory-reach.js';
import { type HeldFrame, HoldRing } from './memory-ring.js';
import { Tables } from './memory-tables.js';
import { bytesAt, ETHERTYPE_ARP } from './packet.js';
import {
  type Answerer,
  arpAnswer,
  arpEnds,
  arpProbe,
  arpSenderMac,
  arpSteering,
  arpTarget,
  checkArp,
  ICMPV6_ADVERTISEMENT,
  isArpReply,
  solicitationAnswer,
  solicitationEnds,
  solicitationMac,
  solicitationSteering,
} from './packet-neighbour.js';

export interface MemoryOptions {
  /** The virtual clock, ms; never goes back. */
  readonly now: () => number;
  /** Our own MAC, 6 bytes. */
  readonly mac: Uint8Array;
  readonly holdFrames: number;
  readonly holdBytes: number;
  /** Most entries, our keys and foreign keeps together. */
  readonly maxKeys: number;
  /** As in OpenOptions. */
  readonly counters: BigUint64Array;
  /** A power of two; simulations may use fewer than 4096. */
  readonly buckets: number;
  /** Takes each accepted IP packet, also those replayed. A view on the frame: copy it to keep it. */
  readonly inject: (packet: Uint8Array) => void;
  /** Takes each Ethernet frame that goes out: answers and control frames. */
  readonly transmit: (frame: Uint8Array) => void;
}

/** What a data plane serves before its first shape: nothing. */
const NO_SHAPE: Shape = { vips: [], rules: [], hashSeed: 0, vmac: new Uint8Array(6), vlan: null };

const DEFAULTS: MemoryOptions = {
  now: () => 0,
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  holdFrames: 8192,
  holdBytes: 8 << 20,
  maxKeys: 262_144,
  counters: new BigUint64Array(0),
  buckets: BUCKETS,
  inject: () => {},
  transmit: () => {},
};

/**
 * `closed -> open -> lapsed`, and from each to `closed` by reset. `lapsed` is latched: only reset leads out of it. One function
 * each way: {@link MemoryDataPlane.renewLease} opens, `settleLease` lapses, `reset` closes.
 */
type LeaseState = 'closed' | 'open' | 'lapsed';

export class MemoryDataPlane implements DataPlane {
  readonly engine = 'memory';
  readonly noFastPath = 'there is no kernel below';
  readonly mac: Uint8Array;
  private readonly options: MemoryOptions;
  private readonly counters: MemoryCounters;
  private readonly tables: Tables;
  private readonly ring: HoldRing;
  private readonly fragments = new FragmentTable();
  private readonly reach: Reach;
  private readonly askers: AskerTable;
  private readonly early = new EarlyFragments();
  private readonly finding = new Finding();
  private readonly around: { -readonly [Field in keyof Surroundings]: Surroundings[Field] };
  private lease: LeaseState = 'closed';
  private deadlineMs = 0;
  private readonly control = new ControlQueue();
  private isClosed = false;

  constructor(options: Partial<MemoryOptions> = {}) {
    this.options = { ...DEFAULTS, counters: new BigUint64Array(COUNTER_NAMES.length), ...options };
    this.mac = this.options.mac;
    this.counters = new MemoryCounters(this.options.counters);
    this.tables = new Tables(this.options.buckets, this.options.maxKeys, (counter) => this.counters.bump(counter));
    this.ring = new HoldRing(this.options.holdFrames, this.options.holdBytes);
    this.reach = new Reach(this.mac, NO_SHAPE.vmac, NO_SHAPE.hashSeed);
    this.askers = new AskerTable(this.counters);
    this.around = {
      reach: this.reach,
      shape: NO_SHAPE,
      mac: this.mac,
      leaseOpen: false,
      buckets: this.options.buckets,
      announced: (frame, packet) => this.fragments.find(frame, packet, this.options.now()),
    };
  }

  nowMs(): number {
    return this.options.now();
  }

  setShape(shape: Shape): void {
    this.settleLease();
    const isRehash = shape.hashSeed !== this.around.shape.hashSeed;
    this.around.shape = shape;
    this.reach.setShape(shape.vmac, shape.hashSeed);
    // What first fragments announced were keys of the old rules.
    this.fragments.clear();
    if (!isRehash) return;
    this.tables.rehash(shape.hashSeed);
    this.ring.settle((held) => {
      this.decide(held.frame);
      if (this.finding.bucket !== -1) held.bucket = this.finding.bucket;
      return true;
    });
    this.writeGauges();
  }

  renewLease(deadlineMs: number): boolean {
    this.settleLease();
    if (this.lease === 'lapsed') return false;
    this.deadlineMs = this.lease === 'closed' ? deadlineMs : Math.max(this.deadlineMs, deadlineMs);
    this.lease = 'open';
    return this.settleLease();
  }

  reset(): void {
    this.assertOpen();
    this.empty();
    this.lease = 'closed';
  }

  leaseOpen(): boolean {
    return this.settleLease();
  }

  apply(ops: readonly TableOp[]): readonly TableResult[] {
    if (!this.settleLease())
      throw new LeaseLapsedError(`${ops.length} table operations refused: the lease is not open`);
    const results = ops.map((op) => this.applyOne(op));
    this.writeGauges();
    return results;
  }

  kept(): KeptState {
    this.settleLease();
    return this.tables.kept();
  }

  classify(frame: Uint8Array, asServing = false): Verdict {
    this.assertOpen();
    const reason = this.decide(frame, asServing);
    return verdictOf(this.finding, relayedReason(frame, reason, this.finding, this.reach));
  }

  takeAskers(all: boolean): Uint8Array {
    this.assertOpen();
    return this.askers.take(all, this.options.now());
  }

  learnAskers(records: Uint8Array): void {
    this.assertOpen();
    const nowMs = this.options.now();
    const fresh = this.askers.learn(records, nowMs);
    if (this.reach.mode === 'relay') for (const asker of fresh) if (this.isOurs(asker)) this.askers.steer(asker, nowMs);
    this.writeGauges();
  }

  /** What a thread would do by itself as time goes on: tells askers that are due. */
  tend(): void {
    if (!this.settleLease()) return;
    const answerer = this.answerer();
    for (const { address, vip, mac } of this.askers.due(this.options.now())) {
      const isIpv4 = isMapped(address);
      const ends = isIpv4 ? [address.subarray(12), vip.subarray(12)] : [address, vip];
      const build = isIpv4 ? arpSteering : solicitationSteering;
      this.options.transmit(build(ends[0]!, mac, ends[1]!, answerer));
    }
  }

  /** What the wire would bring: classifies, counts, tracks, then injects, answers, holds or queues the frame. */
  receive(frame: Uint8Array): Verdict {
    this.settleLease();
    this.counters.bump('fragmentsExpired', this.early.expire(this.options.now()));
    this.counters.bump('framesSeen');
    if (frame.length >= 14 && bytesAt(frame, 6, this.around.shape.vmac)) this.counters.bump('vmacAsSource');
    const reason = relayedReason(frame, this.decide(frame), this.finding, this.reach);
    const verdict = verdictOf(this.finding, reason);
    this.noticeNeighbour(frame, reason);
    this.meet(frame, reason);
    this.writeGauges();
    return verdict;
  }

  sendControl(payload: Uint8Array): void {
    this.assertOpen();
    const frame = controlFrame(this.mac, payload);
    this.counters.bump('controlSent');
    this.options.transmit(frame);
  }

  probeAddress(address: Uint8Array): void {
    this.assertOpen();
    this.options.transmit(arpProbe(this.mac, address));
  }

  readonly captureState = 'running';

  takeControl(): readonly ControlFrame[] {
    this.assertOpen();
    return this.control.take();
  }

  onControl(wake: () => void): void {
    this.assertOpen();
    this.control.wake = wake;
  }

  close(): void {
    this.isClosed = true;
    this.lease = 'closed';
    this.empty();
  }

  /** Frames in the hold ring now. */
  get heldFrames(): number {
    return this.ring.size;
  }

  /** Lapses the lease when its deadline has passed; says whether it is open. */
  private settleLease(): boolean {
    this.assertOpen();
    if (this.lease === 'open' && this.options.now() >= this.deadlineMs) {
      this.lease = 'lapsed';
      this.counters.bump('leaseLapses');
      this.empty();
    }
    return this.lease === 'open';
  }

  private empty(): void {
    this.counters.bump('heldLapsed', this.ring.clear());
    this.tables.clear();
    this.fragments.clear();
    this.counters.bump('fragmentsExpired', this.early.clear());
    this.writeGauges();
  }

  private assertOpen(): void {
    if (this.isClosed) throw new Error('the data plane is closed');
  }

  /** The reason for `frame` now; `finding` holds the rest. */
  private decide(frame: Uint8Array, asServing = false): CounterName {
    // `classify` promises to change nothing, so a deadline that has passed is respected here, and latched elsewhere.
    this.around.leaseOpen = asServing || (this.lease === 'open' && this.options.now() < this.deadlineMs);
    inspect(frame, this.around, this.finding);
    return judge(this.finding, this.tables);
  }

  /** A frame that nobody has dealt with yet: whom it may concern gets it, and we do what the verdict says. */
  private meet(frame: Uint8Array, reason: CounterName): void {
    if (isIngress(frame, this.finding, this.reach)) this.counters.bump('ingressFrames');
    if (reason === 'held' || reason === 'relayed') this.relay(frame);
    this.obey(frame, reason);
  }

  /** Does what the verdict says; behind a first fragment go those of its datagram that came before it. */
  private obey(frame: Uint8Array, reason: CounterName): void {
    const isFirst = this.announceFragment(frame);
    const followers = isFirst ? this.early.take(frame, this.finding.packet) : [];
    if (reason === 'held') this.holdFrame(frame);
    else if (reason === 'fragmentsHeld') this.holdEarly(frame);
    else if (reason === 'controlReceived') this.queueControl(frame);
    else this.act(frame, reason);
    for (const follower of followers) {
      this.counters.bump('fragmentsReplayed');
      this.meet(follower, relayedReason(follower, this.decide(follower), this.finding, this.reach));
    }
  }

  private holdEarly(frame: Uint8Array): void {
    this.counters.bump('fragmentsHeld');
    this.counters.bump('fragmentsOverflow', this.early.push(frame, this.finding.packet, this.options.now()));
  }

  /** A frame that waits here may be another's all the same: who grants it to us still takes it. */
  private relay(frame: Uint8Array): void {
    for (const target of relayTargets(frame, this.finding, this.reach)) {
      const copy = frame.slice();
      copy.set(target, 0);
      copy.set(this.mac, 6);
      this.counters.bump('relayCopies');
      this.options.transmit(copy);
    }
  }

  /** Who asks for a VIP is remembered; who answers our own question for it has understood where it is. */
  private noticeNeighbour(frame: Uint8Array, reason: CounterName): void {
    const { packet } = this.finding;
    const isAsked = reason === 'arpAnswered' || reason === 'ndAnswered' || reason === 'rejectedOtherAnswers';
    if (isAsked) {
      const isArp = packet.etherType === ETHERTYPE_ARP;
      const [asker, vip] = isArp ? arpEnds(frame, packet) : solicitationEnds(frame, packet);
      const mac = isArp ? arpSenderMac(frame, packet) : solicitationMac(frame, packet);
      const isProbe = asker.every((byte) => byte === 0);
      if (!isProbe && !this.reach.isFromMember(mac, 0)) this.askers.saw(asker, vip, mac, this.options.now());
    } else if (reason === 'rejectedOtherProtocol' && packet.etherType === ETHERTYPE_ARP) {
      this.noticeArpReply(frame);
    } else if (reason === 'rejectedIcmpType' && packet.isIpv6 && packet.icmpType === ICMPV6_ADVERTISEMENT) {
      const { source, destination } = packet;
      this.askers.confirm(frame.subarray(source, source + 16), frame.subarray(destination, destination + 16));
    }
  }

  private noticeArpReply(frame: Uint8Array): void {
    const { packet } = this.finding;
    if (checkArp(frame, packet) !== null || !isArpReply(frame, packet)) return;
    if (this.reach.kindOf(frame) === 'other') return;
    const [asker] = arpEnds(frame, packet);
    this.askers.confirm(asker, frame.subarray(arpTarget(packet), arpTarget(packet) + 4));
  }

  private act(frame: Uint8Array, reason: CounterName): void {
    this.counters.bump(reason);
    this.counters.bumpRule(this.finding.rule?.slot, reason);
    const { packet } = this.finding;
    const answerer = this.answerer();
    if (reason === 'accepted') {
      this.track(frame);
      this.counters.bump('injected');
      this.options.inject(frame.subarray(packet.l3, packet.end));
    } else if (reason === 'arpAnswered') this.options.transmit(arpAnswer(frame, packet, answerer));
    else if (reason === 'ndAnswered') this.options.transmit(solicitationAnswer(frame, packet, answerer));
  }

  private answerer(): Answerer {
    return { mac: this.mac, answer: this.reach.answerMac(), vlan: this.around.shape.vlan };
  }

  private track(frame: Uint8Array): void {
    const { packet, rule, key, keyText, plan, bucket } = this.finding;
    const nowMs = this.options.now();
    const last = packet.isIpv6 ? 15 : 3;
    const [vip, host] = [frame[packet.destination + last]!, frame[packet.source + last]!];
    this.tables.track(key, keyText, plan, bucket, nowMs)?.touch(packet, vip, host, rule?.holdMs ?? 0, nowMs);
  }

  /** True for a first fragment that has a key. */
  private announceFragment(frame: Uint8Array): boolean {
    const { packet, reason, rule, plan, key } = this.finding;
    if (reason !== null || packet.part !== 'first') return false;
    this.fragments.announce(frame, packet, { rule, plan, key }, this.options.now());
    return true;
  }

  private holdFrame(frame: Uint8Array): void {
    const { plan, bucket, keyText } = this.finding;
    this.counters.bump(this.ring.push({ frame, plan, bucket, keyText }) ? 'held' : 'heldOverflow');
  }

  private queueControl(frame: Uint8Array): void {
    const isQueued = this.control.push(frame, this.finding.packet.l3);
    this.counters.bump(isQueued ? 'controlReceived' : 'controlOverflow');
  }

  private applyOne(op: TableOp): TableResult {
    const nowMs = this.options.now();
    switch (op.op) {
      case 'own':
        this.tables.own(op.plan, op.buckets);
        this.replay(inBuckets(op.plan, op.buckets));
        return NOTHING;
      case 'hold':
        this.tables.hold(op.plan, op.buckets);
        return NOTHING;
      case 'unhold':
        this.tables.unhold(op.plan, op.buckets);
        this.discard(inBuckets(op.plan, op.buckets));
        return NOTHING;
      case 'offer':
        return { groups: this.tables.offer(op.plan, op.buckets, op.serial, nowMs) };
      case 'withdraw':
        this.tables.withdraw(op.plan, op.buckets);
        return NOTHING;
      case 'cut':
        return { groups: this.cut(op.plan, op.buckets, op.serial, nowMs) };
      case 'drop-keeps':
        return { groups: this.tables.dropKeeps(op.keeps, nowMs) };
      case 'list-ended': {
        const { limit, all = false, plan, buckets } = op;
        const isMeant = ({ plan: at, bucket }: { plan: number; bucket: number }) =>
          (plan === undefined || at === plan) && (buckets === undefined || hasBit(buckets, bucket));
        return { groups: this.tables.listEnded(limit, all, isMeant, nowMs) };
      }
      case 'reach':
        this.setReach(op, nowMs);
        return NOTHING;
      default:
        return this.applyToForeign(op, nowMs);
    }
  }

  /**
   * Askers are told what is new to them: that they are ours now, or that the answer is another one. When a member leaves, all that are
   * ours are told: whoever asked it directly may point at it, though the hash says us.
   */
  private setReach(op: Extract<TableOp, { op: 'reach' }>, nowMs: number): void {
    const modeBefore = this.reach.mode;
    const before = new Set([...this.askers].filter((asker) => this.isOurs(asker)));
    const isLeft = this.reach.isLeftBy(op.members);
    this.reach.set(op);
    for (const asker of this.askers) {
      const isNews = op.mode !== modeBefore || (op.mode === 'relay' && (isLeft || !before.has(asker)));
      if (!this.isOurs(asker)) this.askers.stop(asker);
      else if (isNews) this.askers.steer(asker, nowMs);
    }
    this.tend();
  }

  private isOurs({ address, vip }: Asker): boolean {
    return this.reach.isChosen(address, vip);
  }

  private applyToForeign(op: ForeignOp, nowMs: number): TableResult {
    switch (op.op) {
      case 'honour':
        return { groups: this.tables.honour(op.groups, this.around.shape.hashSeed, nowMs) };
      case 'hold-keys':
        this.tables.setHeld(op.groups, true);
        return NOTHING;
      case 'unhold-keys':
        this.discard(amongKeys(this.tables.setHeld(op.groups, false)));
        return NOTHING;
      case 'release':
        this.replay(amongKeys(this.tables.release(op.groups)));
        return NOTHING;
      case 'drop-keeper':
        this.replay(amongKeys(this.tables.dropKeeper(op.keeper, op.plan, op.buckets)));
        return NOTHING;
      case 'forget':
        this.replay(amongKeys(this.tables.forget(inBuckets(op.plan, op.buckets))));
        return NOTHING;
    }
  }

  /** Frames are handled the moment they come, so none that was received before this command is still waiting. */
  private cut(plan: number, buckets: Bitmap, serial: number, nowMs: number): readonly KeeperKeeps[] {
    const groups = this.tables.cut(plan, buckets, serial, nowMs);
    // Keys are held only by the owner of their bucket, so their frames get the verdict of the moment.
    this.replay(inBuckets(plan, buckets));
    return groups;
  }

  /** Held frames that match and have nothing left to wait for go through classify, in order of arrival. */
  private replay(matches: (held: HeldFrame) => boolean): void {
    this.ring.settle((held) => {
      if (!matches(held)) return true;
      const reason = this.decide(held.frame);
      if (reason === 'held') return true;
      this.counters.bump('replayed');
      this.obey(held.frame, reason);
      return false;
    });
  }

  /** Held frames that match and have nothing left to wait for are lost. One may have waited for its bucket, and now for its key. */
  private discard(matches: (held: HeldFrame) => boolean): void {
    this.ring.settle((held) => {
      if (!matches(held) || this.decide(held.frame) === 'held') return true;
      this.counters.bump('heldDiscarded');
      return false;
    });
  }

  private writeGauges(): void {
    this.counters.set('keys', this.tables.keyCount);
    this.counters.set('keepsOwn', this.tables.ownKeepCount);
    this.counters.set('keepsForeign', this.tables.foreignKeepCount);
    this.counters.set('askers', this.askers.size);
  }
}

/** Commands about the keeps of others. */
type ForeignOp = Extract<
  TableOp,
  { op: 'honour' | 'hold-keys' | 'unhold-keys' | 'release' | 'drop-keeper' | 'forget' }
>;

const NOTHING: TableResult = { groups: [] };

function inBuckets(plan: number, buckets: Bitmap): (at: { readonly plan: number; readonly bucket: number }) => boolean {
  return (at) => at.plan === plan && hasBit(buckets, at.bucket);
}

function isMapped(address: Uint8Array): boolean {
  return address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
}

function amongKeys(texts: ReadonlySet<string>): (held: HeldFrame) => boolean {
  return (held) => texts.has(held.keyText);
}

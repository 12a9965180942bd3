/** What a core remembers. Plain data and a list of directives; the pieces of the protocol are functions over it. */
import { emptyBitmap } from '../buckets/bitmap.js';
import type { Bitmap, KeeperSlot, Keeps, ReachMode, TableOp, TableResult } from '../buckets/contract.js';
import type { CaptureState, Directive, HoldReason, NodeState, Random, Settings } from './contract.js';
import type { GrantId, GrantOutcome, Heartbeat, Incarnation, Keeper, KeeperList, NodeName } from './messages.js';
import { newReachState, type ReachState } from './reach.js';
import type { Rules } from './rules.js';

/** How long our heartbeats name a member that we called dead, after it was last heard. */
export const TELL_MS = 3000;

/** A living member other than us. It has proved that its incarnation lives now. */
export interface Peer {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
  /** The newest that it said. */
  heartbeat: Heartbeat;
  /** When we last heard a heartbeat of its own, by any way. */
  heardMs: number;
  /** Newest sequence named in a message of its link: older heartbeats of it say less than we know. */
  messageSequence: number;
  /** When we last knew that it lives: heard, or reported by others with a growing sequence. */
  aliveMs: number;
  /** Newest sequence that anyone reported of it. */
  reportedSequence: number;
  /** Send time of our newest heartbeat that it reports; the time of (re)discovery when that is later. */
  ackedMs: number;
  readonly paths: Map<string, number>;
  sealed: readonly Uint8Array[];
  /** Someone lacks its heartbeats: we pass them on until then. */
  passUntilMs: number;
  passedMs: number;
}

/** Someone who says to be a member, not proved yet: it changes nothing. */
export interface Candidate {
  heartbeat: Heartbeat;
  heardMs: number;
  readonly sinceMs: number;
  reportedSequence: number;
}

/** `dead`: called dead on silence, so it may still be there and must be told. `gone`: it surely ended. `stopped`: as it said itself. */
export type Departure = 'dead' | 'gone' | 'stopped';

export interface Tombstone {
  readonly incarnation: Incarnation;
  readonly how: Departure;
  /** Why, in its own words where it had the time. */
  readonly reason: string;
  /** When we learned of it, and when the member was last heard. */
  readonly atMs: number;
  readonly heardMs: number;
  /** Since when it has been speaking again, without a pause, although we called it dead. */
  readonly speaksSinceMs: number;
  /** Our heartbeats name it until then. */
  readonly tellUntilMs: number;
}

/** What we know of the keeps of another node, honoured in our buckets. */
export interface KeeperRecord {
  readonly keeper: Keeper;
  readonly slot: KeeperSlot;
  /** Heartbeats of the keeper up to this sequence are older than its keeps here. */
  sequence: number;
  /** Per plan: buckets whose keeps of this keeper have all arrived, in our present tenure. */
  readonly arrived: Bitmap[];
}

/** A grant of ours to another. Drawing in granter.ts. */
export interface Granting {
  readonly id: GrantId;
  readonly to: NodeName;
  readonly toIncarnation: Incarnation;
  readonly plan: number;
  readonly buckets: Bitmap;
  readonly serial: number;
  phase: 'listing' | 'offered' | 'ready' | 'cutting' | 'cut';
  phaseSinceMs: number;
  /** Of its beginning. */
  readonly sinceMs: number;
  /** Keys that it has told of, ours and others'. */
  keeps: number;
  /** Foreign keeps that came since the offer. */
  late: KeeperList[];
}

/** A grant of another to us. Drawing in receiver.ts. */
export interface Receiving {
  readonly id: GrantId;
  readonly plan: number;
  readonly buckets: Bitmap;
  /** In order of arrival: a later list replaces an earlier one's entry of the same key. */
  readonly keeps: KeeperList[];
  /** Those honoured before we said that we are ready, under the record that their keeper had then. */
  readonly honoured: Map<KeeperList, KeeperRecord>;
  phase: 'offered' | 'holding' | 'pending' | 'honouring' | 'installing';
  phaseSinceMs: number;
  /** Of its beginning. */
  readonly sinceMs: number;
}

/** An outcome that the granter has not heard yet. */
export interface Outcome extends GrantOutcome {
  /** Sequence of the first heartbeat that carried it; 0: none yet. */
  sequence: number;
  /** What we own by it. The granter would take that back on our death, so it may not go on to a third node before this was heard. */
  readonly gained: { readonly plan: number; readonly buckets: Bitmap } | null;
}

/** A question for the keeps of one keeper. */
export interface Fetch {
  readonly request: number;
  readonly from: NodeName;
  readonly plan: number;
  readonly buckets: Bitmap;
  readonly viewDigest: string;
  readonly askedMs: number;
  /** Asked before acquiring orphans: counts only under the view that it names. */
  readonly forAcquisition: boolean;
  /** The table had no room for some of the answer. */
  refused: boolean;
}

/** A batch of our keeps that we ended or are ending. Drawing in ends.ts. */
export interface Ending {
  readonly number: number;
  readonly owner: NodeName;
  phase: 'offered' | 'dropping' | 'ended';
  keeps: Keeps;
  /** Who has not said `end-done` yet. */
  readonly untold: Set<NodeName>;
  saidMs: number;
  readonly sinceMs: number;
}

/** A batch of another's keeps in our buckets whose frames we hold. */
export interface HeldEnding {
  readonly keeper: Keeper;
  readonly number: number;
  readonly plan: number;
  readonly buckets: Bitmap;
  readonly keeps: Keeps;
}

/** Orphan buckets of one plan that we are about to acquire. */
export interface Attempt {
  readonly viewDigest: string;
  readonly sinceSequence: number;
  /** Whose keeps are being asked for. */
  readonly buckets: Bitmap;
}

/** Who shares the buckets, and who should hold what. Follows from the view alone. */
export interface View {
  readonly digest: string;
  readonly members: readonly { readonly name: NodeName; readonly incarnation: Incarnation }[];
  /** Sequence of our first heartbeat that carries this digest. */
  readonly sinceSequence: number;
  readonly sinceMs: number;
  /** The config of the farm's majority. */
  readonly configDigest: string;
  /** The lowest reach that a member with our config offers; null: nobody offers any. */
  readonly reach: ReachMode | null;
  /** Names in the plan, ascending. */
  readonly planMembers: readonly NodeName[];
  /** Per plan: bucket -> index in planMembers, -1: nobody. */
  readonly owners: readonly Int16Array[];
  /** Per plan: what each plan member should hold. */
  readonly wanted: readonly ReadonlyMap<NodeName, Bitmap>[];
}

export class State {
  readonly random: Random;
  readonly rules: Rules;
  settings: Settings;
  nowMs: number;
  out: Directive[] = [];

  state: NodeState = 'stopped';
  reason = 'not started';
  incarnation: Incarnation;
  gone: Incarnation;
  started = false;
  /** When joining began, and how long it may be extended. */
  joiningSinceMs = 0;
  /** When this incarnation became `up`. */
  upSinceMs = 0;
  /** When it began to wait. */
  waitingSinceMs = 0;
  drainDeadlineMs: number | null = null;
  drainingSinceMs = 0;
  readonly reach: ReachState = newReachState();
  readonly conditions = new Map<HoldReason, string>();
  /** The namesake on another host that was last heard, if any; infinite: none within lease and margin. */
  twinHeardMs = Number.NEGATIVE_INFINITY;
  twinIncarnation: Incarnation = 0;
  /** When an echo that a witness answered was sent; infinite: none yet. */
  witnessedMs = Number.NEGATIVE_INFINITY;
  /** Since when peers report frames on their interface while ours saw none; infinite: they do not. */
  othersMovedMs = Number.POSITIVE_INFINITY;
  framesSeen = 0;
  framesMovedMs: number;
  /** When the data plane was last asked, and whether a frame had come since the time before. */
  lookedMs: number;
  framesMoved = false;
  /** When a member, of whatever incarnation, was last heard on the VIP's interface; infinite: never. */
  rawHeardMs = Number.POSITIVE_INFINITY;
  /** False: none was ever captured. */
  sawFrame = false;
  dataPlaneSeen = false;
  capture: CaptureState = 'running';
  /** When the capture was last known to run. */
  captureRanMs: number;
  /** When neighbours were last asked. */
  askedMs = Number.NEGATIVE_INFINITY;
  /** Since when they have been asked and no frame has come; infinite: not asked since the last one. */
  unansweredMs = Number.POSITIVE_INFINITY;
  metPeers = false;
  /** When the last peer was called dead on silence; infinite: there are peers, or they went another way. */
  aloneSinceMs = Number.NEGATIVE_INFINITY;

  /** Deadline last given to the data plane; null: no lease in this incarnation. */
  leaseDeadlineMs: number | null = null;
  /** Deadline that acknowledgements allow at present; may be earlier. */
  allowedMs = Number.POSITIVE_INFINITY;
  sequence = 0;
  sentMs = Number.NEGATIVE_INFINITY;
  /** Heartbeats sent in quick succession up to the newest. */
  quickOnes = 0;
  readonly sendTimes = new Float64Array(256);
  gained = 0;
  gainUnreported = false;
  /** Something changed: others should know at once. */
  urgent = false;
  /** Tables or view changed: acquisition and grants are looked at again. */
  dirty = true;
  /** Buckets wait to be acquired or granted: each heartbeat may be the one that lets them. */
  hasUnfinished = true;
  viewDirty = true;
  tickDueMs: number;
  tickedMs = Number.NEGATIVE_INFINITY;
  deathsDeferred = false;
  /** We come late, after a stall perhaps: until the next tick heartbeats may wait unread. Since when; null: we are in time. */
  lateSinceMs: number | null = null;

  readonly peers = new Map<NodeName, Peer>();
  readonly candidates = new Map<string, Candidate>();
  readonly tombstones = new Map<NodeName, Tombstone>();
  view: View;

  held: Bitmap[] = [];
  granting: Bitmap[] = [];
  kept: Bitmap[] = [];
  /** Cut since the data plane last said what is kept. */
  keptSince: Bitmap[] = [];
  keptCount = 0;

  nextTablesId = 1;
  readonly continuations = new Map<number, (results: readonly TableResult[]) => void>();
  nextNumber = 1;
  serial = 0;
  readonly grants = new Map<number, Granting>();
  readonly receiving = new Map<NodeName, Receiving>();
  readonly outcomes: Outcome[] = [];
  readonly backoffs = new Map<NodeName, { failures: number; untilMs: number }>();
  readonly keepers = new Map<string, KeeperRecord>();
  readonly slots = new Map<KeeperSlot, KeeperRecord>();
  nextSlot = 1;
  readonly fetches = new Map<number, Fetch>();
  readonly endings = new Map<number, Ending>();
  readonly heldEndings = new Map<NodeName, HeldEnding>();
  /** Per keeper, the number of its last batch of ends that we have done with. */
  readonly endingsDone = new Map<NodeName, number>();
  /** Per plan. */
  readonly attempts = new Map<number, Attempt>();
  /** Ends lately told: `keeper/incarnation` -> key -> serial and time, so that a list sent earlier does not bring them back. */
  readonly recentEnds = new Map<string, Map<string, { readonly serial: number; readonly atMs: number }>>();
  endsListedMs = Number.NEGATIVE_INFINITY;
  /** When people were last told that the table of keys is full. */
  fullToldMs = Number.NEGATIVE_INFINITY;
  /** Names that did not fit the farm, told once each. */
  readonly surplus = new Set<NodeName>();

  constructor(
    settings: Settings,
    incarnation: Incarnation,
    nowMs: number,
    random: Random,
    gone: Incarnation,
    rules: Rules,
  ) {
    this.settings = settings;
    this.incarnation = incarnation;
    this.nowMs = nowMs;
    this.random = random;
    this.gone = gone;
    this.rules = rules;
    this.framesMovedMs = nowMs;
    this.lookedMs = nowMs;
    this.captureRanMs = nowMs;
    this.tickDueMs = nowMs;
    this.view = {
      digest: '',
      members: [],
      sinceSequence: 1,
      sinceMs: nowMs,
      configDigest: settings.configDigest,
      reach: null,
      planMembers: [],
      owners: [],
      wanted: [],
    };
    this.clearTables();
  }

  /** True for bytes that can be a set of this farm's buckets. */
  isBucketSet(bytes: Uint8Array): boolean {
    return bytes.length === (this.settings.buckets + 7) >> 3;
  }

  /** An empty set of buckets. */
  none(): Bitmap {
    return emptyBitmap(this.settings.buckets);
  }

  /** Forgets all that was held, kept, granted or asked: of a past incarnation. */
  clearTables(): void {
    const none = (): Bitmap[] => this.settings.plans.map(() => this.none());
    this.held = none();
    this.granting = none();
    this.kept = none();
    this.keptSince = none();
    this.keptCount = 0;
    this.continuations.clear();
    this.grants.clear();
    this.receiving.clear();
    this.outcomes.length = 0;
    this.keepers.clear();
    this.slots.clear();
    this.fetches.clear();
    this.endings.clear();
    this.heldEndings.clear();
    this.endingsDone.clear();
    this.attempts.clear();
    this.reach.dirty = this.reach.urgent = true;
    this.dirty = true;
  }

  /** True while the data plane may accept packets. */
  get leasing(): boolean {
    return this.leaseDeadlineMs !== null;
  }

  emit(directive: Directive): void {
    this.out.push(directive);
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.out.push({ type: 'log', level, event, fields });
  }

  /** Orders table ops; `then` runs when the data plane has applied them, unless the lease lapsed first. */
  tables(ops: readonly TableOp[], then: (results: readonly TableResult[]) => void = () => {}): void {
    const id = this.nextTablesId++;
    this.continuations.set(id, then);
    this.out.push({ type: 'tables', id, ops });
  }

  /** Our state as others see it changed: tell them now, and think again. */
  changed(): void {
    this.urgent = true;
    this.dirty = true;
  }
}

/**
 * The doors of the membership core. Types only; the core is a value that does no I/O: events in, directives out.
 * All times are ms on CLOCK_BOOTTIME of this node; no time of one node is ever compared with another's.
 */
import type { Bitmap, KeptState, ReachMode, TableOp, TableResult } from '../buckets/contract.js';
import type { Heartbeat, Incarnation, LinkMessage, NodeName, Obituary } from './messages.js';

/** Name of the path on the VIP's interface: heartbeats there share fate with the traffic. */
export const RAW_PATH = 'raw';
/** Name of the path by which nodes on isolated ports hear each other: the gateway echoes what they say. */
export const ECHO_PATH = 'echo';

export type NodeState = 'stopped' | 'joining' | 'up' | 'draining' | 'waiting';

/** How the buckets of one plan are shared out. Rules with equal settings share a plan. */
export interface PlanSpec {
  /** `balance`: by weight. `failover`: all buckets to the first living node of `order`. */
  readonly mode: 'balance' | 'failover';
  readonly order: readonly NodeName[];
  /** Weights of this plan's own; a node that is not in here has its general weight. */
  readonly weights: Readonly<Record<NodeName, number>>;
}

/** `auto`: by the evidence of `reach` events. Else the config says it, whatever the evidence. */
export type ReachSetting = 'auto' | ReachMode;

/**
 * The farm goes over from one config to another, such that nodes may share buckets while some have `base` and some `next`: as long as
 * every living member knows of it, `next` counts as `base`. See switches.ts.
 */
export interface ConfigSwitch {
  readonly base: string;
  readonly next: string;
}

export interface Settings {
  readonly node: NodeName;
  /** A node's own weight, 0..1000 (0: holds nothing). */
  readonly weight: number;
  /** Part of its weights, in every plan, that this node can bear now, 0..100. Absent: 100. */
  readonly weightPercent?: number;
  readonly plans: readonly PlanSpec[];
  /** Digest of the config; members with another one share no buckets. */
  readonly configDigest: string;
  /** Changes of the config that are under way in the farm, oldest first. Absent: none. */
  readonly switches?: readonly ConfigSwitch[];
  readonly reach: ReachSetting;
  /** MAC of the VIP's interface, 6 bytes. Absent: nobody can relay to this node. */
  readonly mac?: Uint8Array;
  readonly intervalMs: number;
  readonly leaseMs: number;
  /** Added to the lease before a peer is called dead. Covers scheduling and 1 % clock drift. */
  readonly marginMs: number;
  readonly quorum: 'none' | 'majority';
  /** Names of all nodes of the config, where known: what a majority is counted of. */
  readonly electorate: readonly NodeName[];
  /** True when `witness:` is configured: then `witness` events must say that it answers, about one an interval. */
  readonly witness: boolean;
  /** 4096; simulations may use fewer. */
  readonly buckets: number;
}

/** Whether frames can come in on the VIP's interface: as the data plane's contract has it. */
export type CaptureState = 'running' | 'no-carrier' | 'down' | 'gone';

/** Reasons to be `waiting`, each shown to people. The core adds its own (deaf, config mismatch, ...). */
export type HoldReason =
  | 'deaf'
  | 'config'
  | 'conflict'
  | 'witness'
  | 'quorum'
  | 'checker'
  | 'services'
  | 'dataplane'
  | 'interface'
  | 'host'
  /** With `reach: auto`: no way is known yet by which frames could come, or none works. */
  | 'reach'
  | 'twin';

export type Event =
  | { readonly type: 'tick' }
  /** Authenticated, decoded, fresh by the replay window. `path` as in status, e.g. `raw` or `udp:192.168.9.0/24`;
   *  `sealed` are its datagrams, to be passed on unchanged to members that do not hear the sender. `via` names the member
   *  that passed it on, if any. */
  | {
      readonly type: 'heartbeat';
      readonly heartbeat: Heartbeat;
      readonly path: string;
      readonly via: NodeName | null;
      readonly sealed: readonly Uint8Array[];
    }
  | { readonly type: 'obituary'; readonly obituary: Obituary }
  | { readonly type: 'link'; readonly from: NodeName; readonly incarnation: Incarnation; readonly message: LinkMessage }
  /** The link to a member broke; messages in flight may be lost. */
  | { readonly type: 'link-down'; readonly peer: NodeName }
  /** The data plane applied the ops of directive `id` (`results` as many as ops), or refused them: the lease had lapsed. */
  | { readonly type: 'applied'; readonly id: number; readonly results: readonly TableResult[] }
  | { readonly type: 'lapsed' }
  /** From the data plane, each tick at most: frames captured so far (any frame), what is kept, whether its thread moves. */
  | {
      readonly type: 'dataplane';
      readonly framesSeen: number;
      readonly kept: KeptState;
      readonly alive: boolean;
      /** Frames that came to our own MAC from outside the farm: askers still point at us. Absent: none. */
      readonly ingressFrames?: number;
      readonly capture: CaptureState;
    }
  /** The best reach that this node can do by all evidence, in its own judgement; `none`: no way works. Matters with `auto` only. */
  | { readonly type: 'reach'; readonly best: ReachMode | 'none'; readonly why: string }
  /** A witness answered the echo that this node sent it at `askedMs`. */
  | { readonly type: 'witness'; readonly askedMs: number }
  /** Something outside says wait (checker, conflict, ...) or no longer; `witness` says no more than why none answers. */
  | { readonly type: 'condition'; readonly reason: HoldReason; readonly bad: boolean; readonly detail: string }
  | { readonly type: 'command'; readonly command: Command }
  | { readonly type: 'settings'; readonly settings: Settings };

export type Command =
  | { readonly name: 'start' }
  | { readonly name: 'stop' }
  | { readonly name: 'drain'; readonly deadlineMs: number | null }
  /** With `reach: auto`: go up again to what the evidence allows. The farm follows when every member was told so. */
  | { readonly name: 'reach-up' };

export type Directive =
  /** Seal and broadcast on every path now. `routine`: it says nothing new, so its receivers may let it wait for others. */
  | { readonly type: 'broadcast'; readonly heartbeat: Heartbeat; readonly routine: boolean }
  /** Pass on another member's sealed heartbeat, on every path. */
  | { readonly type: 'pass-on'; readonly sealed: readonly Uint8Array[] }
  | { readonly type: 'link'; readonly to: NodeName; readonly message: LinkMessage }
  /** Make hosts on the VIP's interface answer, whichever are known there: do frames still come in? */
  | { readonly type: 'ask-neighbours' }
  /** Answered by an `applied` event with the same id, in order. */
  | { readonly type: 'tables'; readonly id: number; readonly ops: readonly TableOp[] }
  | { readonly type: 'renew-lease'; readonly deadlineMs: number }
  /** Empty the data plane and close its lease. */
  | { readonly type: 'reset' }
  /** We go on under this incarnation: persist it before the next broadcast, and renew the supervisor's obituary. */
  | { readonly type: 'incarnation'; readonly incarnation: Incarnation }
  | { readonly type: 'obituary'; readonly obituary: Obituary }
  | { readonly type: 'state'; readonly from: NodeState; readonly to: NodeState; readonly reason: string }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** The node has stopped: nothing held, nothing kept. */
  | { readonly type: 'stopped' };

/** What `status` shows of a member. */
export interface MemberStatus {
  readonly name: NodeName;
  readonly state: NodeState | 'dead';
  readonly reason: string;
  readonly incarnation: Incarnation;
  /** As configured. */
  readonly weight: number;
  /** What counts of it, 0..100: a checker may have lowered it. */
  readonly weightPercent: number;
  /** Part of the buckets of plan 0 held, 0..1. */
  readonly share: number;
  /** Buckets held, all plans. */
  readonly heldBuckets: number;
  readonly keeps: number;
  /** ms since last heard on any path; 0 for this node; null: never. */
  readonly lastHeardMs: number | null;
  /** Path -> ms since last heard on it. */
  readonly paths: Readonly<Record<string, number>>;
  /** The best reach that it offers to the farm; `none`: it does not know yet. */
  readonly reach: string;
  /** MAC of its VIP's interface, `02:00:00:00:00:01`; empty: not known. */
  readonly mac: string;
}

/** How frames come to the farm's nodes now. */
export interface ReachStatus {
  /** Agreed: the lowest that a member offers. */
  readonly mode: ReachMode;
  /** What this node's evidence would allow. */
  readonly best: ReachMode | 'none';
  readonly why: string;
}

export interface CoreStatus {
  readonly state: NodeState;
  readonly reason: string;
  readonly incarnation: Incarnation;
  readonly view: { readonly digest: string; readonly agreed: boolean; readonly members: readonly NodeName[] };
  readonly reach: ReachStatus;
  readonly members: readonly MemberStatus[];
  readonly leaseDeadlineMs: number | null;
  /** When a drain under way ends, whatever is left; null: no drain, or none with an end. */
  readonly drainDeadlineMs: number | null;
  /** Per plan: bucket -> name of the holder, as last heard; null: nobody known. */
  readonly owner: (plan: number, bucket: number) => NodeName | null;
  /** Per plan: bucket -> the node that the plan wants. */
  readonly planned: (plan: number, bucket: number) => NodeName | null;
  readonly grants: number;
}

export interface Core {
  /** Takes one event; `nowMs` never goes back. Gives what is to be done, in order. */
  step(nowMs: number, event: Event): readonly Directive[];
  /** When the next tick is due at the latest. */
  nextTickMs(): number;
  status(nowMs: number): CoreStatus;
  /** The members of `status`, with no more than who they are: cheap enough to be asked at any time. */
  members(): readonly Pick<MemberStatus, 'name' | 'incarnation' | 'state'>[];
  /** Under which incarnation `name` counts as a living member; null: it does not. */
  incarnationOf(name: NodeName): Incarnation | null;
}

/** Randomness is a parameter: gives a number in [0, 1). */
export type Random = () => number;

/**
 * A core in state `stopped`; the command `start` begins. `predecessor` is the incarnation that the run directory last held
 * (0: none known): it and all older ones of this node are surely gone.
 */
export type CreateCore = (
  settings: Settings,
  incarnation: Incarnation,
  nowMs: number,
  random: Random,
  predecessor?: Incarnation,
) => Core;

export type { Bitmap };

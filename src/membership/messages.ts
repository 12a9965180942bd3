/** What members say to each other, decoded. `src/wire` turns these into bytes and back. Types only. */
import type { Bitmap, KeeperSlot, Keeps } from '../buckets/contract.js';
import type { NodeState } from './contract.js';

export type NodeName = string;

/**
 * Grows at each start and lapse. 52 bits: the upper 32 count, the lower 20 are random, so that two hosts with one name or a
 * lost run directory never use one (node, incarnation), and so one cipher nonce, twice.
 */
export type Incarnation = number;

export interface Heard {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
  /** Sequence of the newest heartbeat heard from it. */
  readonly sequence: number;
  /** View digest of that heartbeat: the echo that agreement needs. */
  readonly viewDigest: string;
  /** Its `gained`: who has not heard the peer up to there may not conclude from its silence that it holds nothing. */
  readonly gained: number;
}

export interface ViewMember {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
}

/** Buckets of one plan that the sender reports. Absent bitmaps are empty. */
export interface PlanReport {
  readonly held: Bitmap;
  readonly granting: Bitmap;
  readonly kept: Bitmap;
}

/** Granter, its incarnation, and its number: final once confirmed or refused. */
export interface GrantId {
  readonly granter: NodeName;
  readonly incarnation: Incarnation;
  readonly number: number;
}

export interface GrantOutcome {
  readonly id: GrantId;
  readonly confirmed: boolean;
}

/** Where the sender's peer link listens: `address` as text, `port`. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Heartbeat {
  readonly from: NodeName;
  readonly incarnation: Incarnation;
  readonly sequence: number;
  /** This older incarnation of the sender and all before it are surely gone: said by the process that ended them or that
   *  holds their run directory. 0: it knows of none. A namesake on another host cannot say it. */
  readonly gone: Incarnation;
  /** Sequence of the first heartbeat that reported the sender's newest gain of a bucket; 0: none yet. */
  readonly gained: number;
  readonly state: NodeState;
  readonly reason: string;
  readonly weight: number;
  /** What counts of the sender's weights, in every plan, 0..100. */
  readonly weightPercent: number;
  readonly configDigest: string;
  /** Ids of the changes of the config that the sender was told of and that are under way; see switches.ts. */
  readonly switches: readonly number[];
  /** The best reach that the sender offers, by evidence or config: the farm uses the lowest. `none`: not known yet. */
  readonly reach: string;
  /** MAC of the VIP's interface, 6 bytes; zeros: not known. */
  readonly mac: Uint8Array;
  readonly viewDigest: string;
  readonly view: readonly ViewMember[];
  readonly plans: readonly PlanReport[];
  readonly outcomes: readonly GrantOutcome[];
  readonly heard: readonly Heard[];
  /** Members this node has called dead, with the incarnation: they must lapse when they hear it. */
  readonly dead: readonly ViewMember[];
  readonly framesSeen: number;
  readonly keeps: number;
  readonly endpoints: readonly Endpoint[];
  /** Ids of the farm keys that the sender can open: another member must not begin to seal with one that is missing here. */
  readonly keys: readonly number[];
}

/** Sealed by the node itself in advance (its supervisor sends it), or said by a newer incarnation of its older ones. */
export interface Obituary {
  readonly name: NodeName;
  /** This incarnation and all older ones are gone. */
  readonly incarnation: Incarnation;
}

/** A keeper as it is named between nodes. */
export interface Keeper {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
}

export interface KeeperList {
  readonly keeper: Keeper;
  /** The keeper's heartbeat sequence up to which the list is at least as new: its heartbeats up to there erase nothing of it. */
  readonly sequence: number;
  readonly keeps: Keeps;
}

/** Each carries `sequence`: the sender's newest heartbeat sequence when it was said; an older heartbeat changes nothing
 *  that a newer message said. */
export type LinkMessage = { readonly sequence: number } & (
  | {
      readonly type: 'offer';
      readonly id: GrantId;
      readonly plan: number;
      readonly buckets: Bitmap;
      readonly keeps: readonly KeeperList[];
      readonly last: boolean;
    }
  | { readonly type: 'ready'; readonly id: GrantId }
  | { readonly type: 'refuse'; readonly id: GrantId; readonly why: string }
  | { readonly type: 'difference'; readonly id: GrantId; readonly keeps: readonly KeeperList[]; readonly last: boolean }
  | { readonly type: 'confirm'; readonly id: GrantId }
  | {
      readonly type: 'keeps-wanted';
      readonly request: number;
      readonly viewDigest: string;
      readonly plan: number;
      readonly buckets: Bitmap;
    }
  | {
      readonly type: 'keeps-are';
      readonly request: number;
      readonly viewDigest: string;
      readonly plan: number;
      readonly buckets: Bitmap;
      readonly keeps: Keeps;
      readonly last: boolean;
    }
  /** Ended keeps, all in `buckets`, which the sender believes the receiver to own. */
  | {
      readonly type: 'end-offer';
      readonly number: number;
      readonly plan: number;
      readonly buckets: Bitmap;
      readonly keeps: Keeps;
    }
  | { readonly type: 'end-ready'; readonly number: number; readonly keeps: Keeps }
  /** The keeper has dropped `keeps`; what else it offered under `number` it goes on keeping. Repeated until `end-done`. */
  | { readonly type: 'ended'; readonly number: number; readonly keeps: Keeps }
  | { readonly type: 'end-done'; readonly number: number }
  /** For rooms above membership (config, remote commands): passed through unread. */
  | { readonly type: 'opaque'; readonly kind: string; readonly body: Uint8Array }
);

export type { KeeperSlot };

/** What happens to a farm, and when: data, so that a failing one can be printed, replayed and shrunk. */
import type { LinkMessage } from '../../src/membership/messages.js';
import { type Loss, NO_LOSS } from './network.js';

export const INTERVAL_MS = 100;
export const LEASE_MS = 500;
export const MARGIN_MS = 100;

/** Times in ms of virtual time; nodes and paths by index. */
export type Action = { readonly atMs: number } & (
  | { readonly kind: 'start'; readonly node: number }
  | { readonly kind: 'kill'; readonly node: number; readonly obituary: boolean }
  | { readonly kind: 'stall'; readonly node: number; readonly forMs: number }
  | {
      readonly kind: 'cut';
      readonly shape: CutShape;
      readonly paths: readonly (readonly [number, number])[];
      readonly forMs: number;
      /** Which way, where there are two; absent: both. */
      readonly way?: Way;
    }
  /** Nothing comes in or goes out by the interface of the VIP, no client either. */
  | { readonly kind: 'nic'; readonly node: number; readonly forMs: number }
  /** Nothing comes in by the interface of the VIP, no client either; what goes out is heard. */
  | { readonly kind: 'ingress'; readonly node: number; readonly forMs: number }
  /** The witness answers these nodes no more. */
  | { readonly kind: 'blind'; readonly nodes: readonly number[]; readonly forMs: number }
  /** `covey keys add|use|remove` on this node, from the farm's key number `from` to the next one. */
  | { readonly kind: 'keys'; readonly node: number; readonly step: 'add' | 'use' | 'remove'; readonly from: number }
  | { readonly kind: 'drain'; readonly node: number; readonly deadlineMs: number | null }
  | { readonly kind: 'weight'; readonly node: number; readonly weight: number }
  | { readonly kind: 'config'; readonly node: number; readonly digest: string }
  /** The node is told that the farm goes over from `base` to `next`, and counts them as one for so long. */
  | {
      readonly kind: 'expect';
      readonly node: number;
      readonly base: string;
      readonly next: string;
      readonly forMs: number;
    }
  | {
      readonly kind: 'condition';
      readonly node: number;
      readonly reason: 'checker' | 'conflict';
      readonly forMs: number;
    }
  /** A client sends on a key of its own accord; for lives without random traffic. */
  | { readonly kind: 'client'; readonly key: number; readonly send: 'syn' | 'data' | 'fin' }
  /** All that was broadcast since then comes again to this node, at the pace of old, as it was on the wire. */
  | { readonly kind: 'replay'; readonly node: number; readonly sinceMs: number }
);

/** `oneWay` and `pair`: between two nodes; `halves` and `bridge` (one node hears both sides); `deaf` and `mute`: of one node and all others. */
export type CutShape = 'oneWay' | 'pair' | 'halves' | 'bridge' | 'deaf' | 'mute';
/** The VIP's interface, and a further network for heartbeats. */
export type Way = 'raw' | 'udp';

/** A fault aimed at a message: it strikes `afterMs` after the `nth` message of the type `on` was sent. */
export interface Aim {
  readonly on: LinkMessage['type'];
  readonly nth: number;
  readonly afterMs: number;
  /** The sender or the receiver of the message, for `kill` and `stall`. */
  readonly side: 'from' | 'to';
  /** `mute` stops the pair's link alone, `sever` all between the two, `lose` breaks the link with all that it carries; `isolate`:
   *  nobody but the other of the pair hears the host; `reweigh` changes weights back and forth. */
  readonly strike: 'kill' | 'stall' | 'mute' | 'sever' | 'lose' | 'isolate' | 'reweigh';
  readonly forMs: number;
  readonly obituary: boolean;
}

export type ActionKind = Action['kind'];

/** Those that must break nothing. */
export const PEACEFUL: ReadonlySet<ActionKind> = new Set<ActionKind>([
  'start',
  'drain',
  'weight',
  'config',
  'expect',
  'replay',
  'client',
  'keys',
  // A node that never misses another needs no witness.
  'blind',
]);

export interface Schedule {
  readonly seed: number;
  readonly nodes: number;
  readonly plans: number;
  readonly buckets: number;
  /** Client keys in use; they are re-used. */
  readonly keys: number;
  /** Mean time between two packets; 0: only those of `client` actions. */
  readonly packetEveryMs: number;
  readonly quorum: 'none' | 'majority';
  readonly witness: boolean;
  /** Everything travels as the bytes that the real transport seals and opens, link messages as bytes too. */
  readonly sealed: boolean;
  /** A second way for heartbeats beside the VIP's interface. */
  readonly udp: boolean;
  /** Of each datagram at most, in ms; at least a tenth of it. */
  readonly delayMs: number;
  /** Clock drift of each node is drawn from +- this. */
  readonly drift: number;
  readonly loss: Loss;
  readonly duplicates: number;
  readonly late: number;
  /** How late those datagrams come at most. */
  readonly lateMs: number;
  readonly appliedDelayMs: number;
  /** On a busy machine each timer fires up to so late; how late is drawn each time. */
  readonly timersLateMs: number;
  /** Room in each data plane's table of keys; 0: plenty. */
  readonly tableRoom: number;
  /** Where hosts are not n1, n2, ...: two may have one name. */
  readonly names?: readonly string[];
  readonly actions: readonly Action[];
  readonly aims: readonly Aim[];
  /** From here on the network is whole and no action happens; the farm must come to rest. */
  readonly healMs: number;
  /** After a kill with obituary each key must be accepted by someone within this time, if nothing else happens; 0: not checked. */
  readonly obituaryBudgetMs: number;
  readonly endMs: number;
}

/** A life without anything special: what a schedule is unless it says otherwise. */
export const PLAIN = {
  plans: 1,
  buckets: 64,
  quorum: 'none',
  witness: false,
  sealed: false,
  udp: false,
  drift: 0,
  loss: NO_LOSS,
  duplicates: 0,
  delayMs: 1,
  late: 0,
  lateMs: 60,
  appliedDelayMs: 0,
  timersLateMs: 0,
  tableRoom: 0,
  aims: [],
  obituaryBudgetMs: 0,
} satisfies Partial<Schedule>;

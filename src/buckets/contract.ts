/**
 * The words that buckets, membership, wire and the data plane share. Types only.
 *
 * Time everywhere in Covey is `number` milliseconds (fractions allowed) on CLOCK_BOOTTIME, named `...Ms`.
 */

/** The number of buckets never changes: it is part of the wire protocol. Simulations may use fewer. */
export const BUCKETS = 4096;

/** At most this many plans, so that a plan fits the upper bits of a key record. */
export const MAX_PLANS = 8;

/**
 * A set of buckets: bit `b` is `bytes[b >> 3] & (1 << (b & 7))`. 512 bytes for 4096 buckets. C++ reads the same bytes.
 */
export type Bitmap = Uint8Array;

/** What identifies a client to a rule. */
export type Affinity = 'client' | 'connection' | 'network';

/** Wire numbers of {@link Affinity}; the C++ enum has the same values. */
export const AFFINITY_CODE: Readonly<Record<Affinity, number>> = { client: 0, connection: 1, network: 2 };

/**
 * An affinity key as 20 bytes, the same in TypeScript, C++ and on the wire (version 1):
 *
 * | offset | bytes | meaning |
 * |---|---|---|
 * | 0 | 1 | plan, 0..7 |
 * | 1 | 1 | bits 0-1 affinity code, bit 2 set for IPv6 |
 * | 2 | 2 | client port, big endian; 0 unless affinity is `connection` |
 * | 4 | 16 | address; IPv4 as ::ffff:a.b.c.d; `network` with the host part zeroed (/24, /64) |
 *
 * What is hashed is shorter: the 4 or 16 address bytes (`network`: the 3 or 8 bytes of the prefix), then, for
 * `connection`, the two port bytes. So a bucket does not depend on the plan or the protocol.
 */
export const KEY_BYTES = 20;

/**
 * A keep: a key record followed by a big-endian uint32 serial. The serial numbers the cut that made the keep, within
 * the keeper's incarnation; an end that names an older serial than the entry has is ignored.
 */
export const KEEP_BYTES = KEY_BYTES + 4;

/** Keeps, packed back to back ({@link KEEP_BYTES} each). */
export type Keeps = Uint8Array;

/**
 * A keeper as the data plane knows it: a small number that TypeScript gives to a (node, incarnation) pair.
 * 1..65535; 0 means this node itself.
 */
export type KeeperSlot = number;

/** A group of keeps of one keeper. */
export interface KeeperKeeps {
  readonly keeper: KeeperSlot;
  readonly keeps: Keeps;
}

/**
 * How frames for the VIPs come to the nodes, as ARP and ND are answered (design: reach). Worst first: `relay` needs nothing but plain
 * unicast, `multicast` a network that floods multicast, `flood` one that floods unknown unicast.
 */
export const REACH_MODES = ['relay', 'multicast', 'flood'] as const;
export type ReachMode = (typeof REACH_MODES)[number];

/** {@link ReachPlan.last} where nobody is to be last. */
export const NOBODY = 255;
/** At most so many {@link ReachMember}s; only the first 64 can be relayed to. */
export const MAX_REACH_MEMBERS = 128;
export const MAX_RELAY_TARGETS = 64;

/** A host of the farm as the data plane knows it. */
export interface ReachMember {
  /** Of the VIP's interface, 6 bytes. A frame that comes from it has been relayed already, and is never relayed again. */
  readonly mac: Uint8Array;
  /** With `relay`: counts among those of whom one answers each asker. Nodes that drain do not. */
  readonly answers: boolean;
}

/** To whom a frame goes that came to our own MAC, if we do not take it ourselves. */
export interface ReachPlan {
  /** Two words for each bucket, members 0-31 in the first. A bit: this member holds, grants or keeps something in the bucket, or may
   *  come to hold it. */
  readonly targets: Uint32Array;
  /** For each bucket the index of the member that gets its copy last, {@link NOBODY}: any order. It is the one that gains the bucket: who loses it must
   *  have seen each frame before, else a frame that is late could be too late for the one and too early for the other. */
  readonly last: Uint8Array;
}

/**
 * Commands to the data plane's tables, applied in the given order. A long one lets frames through while it works, and none of them
 * can tell: what it says of ownership holds from its first moment, and what it says of a key from some moment before its end.
 * `own`, `hold`, `cut`, `hold-keys` and `drop-keeps` first have every frame classified that the capture received before them: a thread
 * that lags must not take a frame that another node took. They are idempotent. Every one is refused (and changes nothing) once the lease has lapsed, until `reset`.
 */
export type TableOp =
  /** We own `buckets` from now: they leave `pending`, and their held frames are replayed through classify, in order of
   *  arrival. Our own keeps in them become ordinary entries. Foreign keeps in them go on being honoured. */
  | { readonly op: 'own'; readonly plan: number; readonly buckets: Bitmap }
  /** `buckets` are pending: being granted to us. Their frames go to the bounded ring. */
  | { readonly op: 'hold'; readonly plan: number; readonly buckets: Bitmap }
  /** No longer pending; frames held for them are discarded and counted (`heldDiscarded`). */
  | { readonly op: 'unhold'; readonly plan: number; readonly buckets: Bitmap }
  /** List all entries of owned `buckets`: our living keys and the foreign keeps. Our listed keys are pinned: until `cut` or
   *  `withdraw` they neither expire nor are evicted, so that a list sent in bulk stays true. So are keys taken there from now:
   *  `cut` must list every key whose frames the new owner may have held. */
  | { readonly op: 'offer'; readonly plan: number; readonly buckets: Bitmap; readonly serial: number }
  /** Undo the pins of `offer`. */
  | { readonly op: 'withdraw'; readonly plan: number; readonly buckets: Bitmap }
  /** First classify every frame that the capture received before this command; then stop owning `buckets`. Our living or
   *  pinned keys in them become our keeps with `serial`. The result lists those of our keeps that `offer` did not.
   *  Frames held for keys in them are replayed through classify. */
  | { readonly op: 'cut'; readonly plan: number; readonly buckets: Bitmap; readonly serial: number }
  /** Honour foreign keeps. An entry with a newer serial of the same keeper stays; another keeper's entry, ours too, is
   *  replaced. The result lists those for which the table has no room: a grant that they belong to must be refused. */
  | { readonly op: 'honour'; readonly groups: readonly KeeperKeeps[] }
  /** Frames of these foreign keeps are held in the ring from now (only where we own the bucket). */
  | { readonly op: 'hold-keys'; readonly groups: readonly KeeperKeeps[] }
  /** These foreign keeps end (unless the entry's serial is newer); frames held for them are replayed through classify. */
  | { readonly op: 'release'; readonly groups: readonly KeeperKeeps[] }
  /** Undo `hold-keys`: held frames of these keys are discarded, the foreign entries stay. */
  | { readonly op: 'unhold-keys'; readonly groups: readonly KeeperKeeps[] }
  /** A keeper died, lapsed or finished: all its entries go (in `buckets` of `plan` only, where given). Frames held for its keys
   *  are replayed. */
  | { readonly op: 'drop-keeper'; readonly keeper: KeeperSlot; readonly plan?: number; readonly buckets?: Bitmap }
  /** Forget all foreign keeps in `buckets` (we have handed them on, or never got to own them). Frames held for them are replayed. */
  | { readonly op: 'forget'; readonly plan: number; readonly buckets: Bitmap }
  /** Drop those of these own keeps that are still ended (an entry that came to life again stays). The result lists the dropped. */
  | { readonly op: 'drop-keeps'; readonly keeps: Keeps }
  /** List at most `limit` of our own keeps that have ended: FIN or RST seen >= 1 s ago, idle, or past `hold`. `all`: living ones too.
   *  `plan` and `buckets`, where given: only keeps in these (a keeper offers its ends to the owner of their buckets). */
  | {
      readonly op: 'list-ended';
      readonly limit: number;
      readonly all?: boolean;
      readonly plan?: number;
      readonly buckets?: Bitmap;
    }
  /** Replaces how ARP and ND are answered, and who relays what to whom. Stays through a `reset`. Known askers whose answering member
   *  becomes us by this command (see `chooseIngress` in ingress.ts) are told so: they are steered. All of ours are when one leaves. */
  | {
      readonly op: 'reach';
      readonly mode: ReachMode;
      /** Us among them, unless we have no MAC yet. */
      readonly members: readonly ReachMember[];
      /** Our own index in `members`; {@link NOBODY}: not in there. */
      readonly self: number;
      /** By plan; a plan without an entry has no targets. */
      readonly plans: readonly ReachPlan[];
    };

/** What one {@link TableOp} gave. `groups` is filled by offer, cut, honour, drop-keeps and list-ended. */
export interface TableResult {
  readonly groups: readonly KeeperKeeps[];
}

/** Facts about our own keeps that heartbeats report. */
export interface KeptState {
  /** Per plan: the buckets that we do not own and in which we have keeps. */
  readonly kept: readonly Bitmap[];
  /** Keeps in all. */
  readonly count: number;
}

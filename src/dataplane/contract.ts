/**
 * The contract of the data plane: all that TypeScript may ask of the native packet thread.
 *
 * Two implementations pass one conformance suite: `native.ts` (C++ addon, real packets) and `memory.ts` (root-free, frames are
 * handed in by the test). All calls are synchronous, and take effect between two frames.
 */
import type { Affinity, KeptState, TableOp, TableResult } from '../buckets/contract.js';

/** Raised when the layout of tables, counters or calls changes; the loader refuses an addon that says another number. */
export const DATAPLANE_ABI = 4;

export type Protocol = 'tcp' | 'udp';

/** An address that the farm answers on. */
export interface Vip {
  /** 4 or 16 bytes, network order. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

/** One port range of a rule. The first match in list order wins. */
export interface RuleEntry {
  /** Index of the rule in the config, for `explain`. */
  readonly rule: number;
  readonly protocol: Protocol;
  readonly firstPort: number;
  readonly lastPort: number;
  readonly affinity: Affinity;
  /** 0..7; ignored when `deny`. */
  readonly plan: number;
  readonly deny: boolean;
  /** Affinity over time: a key counts as alive this long after its last packet. 0 = only while its connections live. */
  readonly holdMs: number;
  /**
   * Where in the shared memory its packets are counted by rule, see {@link OpenOptions.counters}; the entries of one rule have one slot.
   * Absent, or beyond that memory: they are not.
   */
  readonly slot?: number;
}

/** What the farm serves. Replaced as a whole, between two frames. */
export interface Shape {
  readonly vips: readonly Vip[];
  readonly rules: readonly RuleEntry[];
  /** Seed of the FNV offset basis, uint32, from the farm key. */
  readonly hashSeed: number;
  /** The farm's shared MAC, 6 bytes, unicast, locally administered. With its group bit set it is the multicast vMAC. */
  readonly vmac: Uint8Array;
  /** VLAN id whose tagged frames are ours; null: untagged (and priority-tagged) frames only. */
  readonly vlan: number | null;
}

export interface OpenOptions {
  /** Interface to capture on, e.g. `eth0`. */
  readonly interface: string;
  /** Name of the TUN device that the data plane creates (not persistent: it goes with the process). */
  readonly tun: string;
  /** Capture engine: libpcap (where this is left out; `covey run` prefers the other), or an own AF_PACKET ring that also gets the kernel's word on checksums. */
  readonly engine?: 'pcap' | 'ring';
  /** Bytes of the capture ring. One slot takes 128 KiB with `pcap`, 2 KiB with `ring` (more for an MTU above 1900). */
  readonly ringBytes: number;
  /**
   * Frames of buckets that are other nodes' are held back in the kernel, where they cost next to nothing, and count as
   * `filteredInKernel` instead of `rejectedNotOwner`. Default false; `covey run` sets it.
   */
  readonly filtersBuckets?: boolean;
  /**
   * With `ring`: the kernel itself takes the packets of connections that are open (Linux 6.6). They count as `accepted`, `injected` and
   * `acceptedInKernel` up to some seconds later. Default false; `covey run` sets it.
   */
  readonly usesFastPath?: boolean;
  /** Bound of the hold ring, frames and bytes. */
  readonly holdFrames: number;
  readonly holdBytes: number;
  /** Most keys in the flow table, 1..4194304. Memory, taken at the start: `tableBytes` of src/config/table.ts. */
  readonly maxKeys: number;
  /** How long a control frame that may wait does, so that several are taken at one waking; ms. */
  readonly gatherMs: number;
  /**
   * Counters land here: a view on shared memory (see counters.ts), so any thread can read it. `COUNTER_NAMES.length` uint64, and behind
   * them `RULE_OUTCOMES.length` for each slot in which a rule is to be counted.
   */
  readonly counters: BigUint64Array;
}

/**
 * `no-carrier`: the interface is up, with the cable out (IFF_RUNNING, RFC 2863). `down`: it is set down. `gone`: it does not exist;
 * it is opened again when it is back. The same words as in membership's contract.
 */
export type CaptureState = 'running' | 'no-carrier' | 'down' | 'gone';

/** The outcome for one frame. `answer` is ARP or ND; `control` a peer's EtherType 0x88B5 frame. */
export type VerdictKind = 'accept' | 'reject' | 'hold' | 'relay' | 'answer' | 'control';

/** What `classify` says of a frame without acting on it. */
export interface Verdict {
  readonly kind: VerdictKind;
  /** The name of the counter that the verdict bumps; a reject's says why. */
  readonly reason: string;
  /** Index of the config's rule, -1 where none applies. */
  readonly rule: number;
  readonly plan: number;
  /** 0..4095, -1 where none applies. */
  readonly bucket: number;
}

/** A frame of EtherType 0x88B5 received on the interface, without its Ethernet header; or what an ICMP echo brought back, without its headers. */
export interface ControlFrame {
  /** It came by {@link EchoPort.listenEcho}. Absent: it did not. */
  readonly echoed?: boolean;
  readonly source: Uint8Array;
  readonly payload: Uint8Array;
}

export interface DataPlane {
  /** CLOCK_BOOTTIME in ms: goes on while the machine is suspended or the process stopped. */
  nowMs(): number;
  /** MAC of the interface, 6 bytes. */
  readonly mac: Uint8Array;
  /** Which capture engine runs, for `status`: e.g. `pcap`. */
  readonly engine: string;
  /**
   * Why the kernel takes no packets by itself at present, and what would change that, for `status`; empty: it does. It changes with
   * the interface, the shape, and what other programs do at the interface.
   */
  readonly noFastPath: string;

  /** Replaces VIPs, rules, seed and vMAC. Tables and flow entries stay. */
  setShape(shape: Shape): void;
  /**
   * Packets are accepted until `deadlineMs`. False when the lease has lapsed already: then it is latched, all tables are
   * empty, and only `reset` opens it again. The first renewal after open or reset starts the lease. Never shortens it.
   */
  renewLease(deadlineMs: number): boolean;
  /** Close the lease and empty every table: owned, pending, keeps, flow entries, ring. For a new incarnation. */
  reset(): void;
  /** True after a lease was started, until it lapsed or `reset`. */
  leaseOpen(): boolean;

  /**
   * Applies all, in order; one result per op. Waits until it is done, and frames do not wait meanwhile. Throws {@link LeaseLapsedError}
   * when the lease is not open, or lapses while it works.
   */
  apply(ops: readonly TableOp[]): readonly TableResult[];
  kept(): KeptState;

  /**
   * Who asked for a VIP, as records of {@link ASKER_BYTES}: those seen here since the last call, or (`all`) every one known. For the
   * other members: who takes over a relay must know whom to tell.
   */
  takeAskers(all: boolean): Uint8Array;
  /** Askers that another member knows. A trailing part of a record is ignored; what we saw ourselves lately stays. */
  learnAskers(records: Uint8Array): void;

  /**
   * The verdict that this Ethernet frame would get now. Changes nothing, counts nothing. `asServing`: as if the lease were open, so
   * that a node which serves nothing can still say to which rule and bucket a packet belongs.
   */
  classify(frame: Uint8Array, asServing?: boolean): Verdict;

  /** Broadcasts one Ethernet frame of EtherType 0x88B5 from the interface's own MAC. At most 1498 bytes (an MTU of 1500 less the
   *  length that goes before the payload, since Ethernet pads short frames). `mayWait`: receivers need not be woken for
   *  this one alone, see `gatherMs`. Throws on errno. */
  sendControl(payload: Uint8Array, mayWait?: boolean): void;
  /**
   * Broadcasts an ARP probe (RFC 5227) for an IPv4 address (4 bytes). It changes nobody's cache; who has the address answers to our
   * own MAC, which `framesSeen` counts. Throws nothing when it cannot be sent.
   */
  probeAddress(address: Uint8Array): void;
  /** Whether frames can come at all. */
  readonly captureState: CaptureState;
  /** Takes all control frames received so far; the queue is bounded (256), the rest counted as `controlOverflow`. */
  takeControl(): readonly ControlFrame[];
  /** `wake` is called, at most once per `takeControl`, when control frames wait. */
  onControl(wake: () => void): void;

  /** Stops the thread, closes capture and TUN. Idempotent; every other call throws afterwards. */
  close(): void;
}

/** The further way of control frames, by a gateway that echoes: only real data planes have it. */
export interface EchoPort {
  /** Sends a whole Ethernet frame; its source becomes the interface's own MAC (I5). Throws nothing when it cannot be sent. */
  sendFrame(frame: Uint8Array): void;
  /**
   * ICMP echo replies to `vip` (4 bytes) that carry a sealed datagram come by `takeControl` as well, 200 ms from now at the latest, whatever the
   * lease. They share its bounded queue. Null: no longer. To `classify` they are replies to the VIP like all others.
   */
  listenEcho(vip: Uint8Array | null): void;
}

/**
 * An asker (16 bytes, IPv4 as ::ffff:a.b.c.d), the VIP it asked for (16 bytes), the MAC that it asked from (6 bytes), and how many
 * seconds ago (uint16, big endian).
 */
export const ASKER_BYTES = 40;

/** The lease is not open: nothing was changed. */
export class LeaseLapsedError extends Error {
  override readonly name = 'LeaseLapsedError';
}

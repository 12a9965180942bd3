/** What `status` shows. Part of the contract of the agent's socket: see ../contract.ts. */
import type { Affinity } from '../../buckets/contract.js';
import type { CheckerReport } from '../../checkers/contract.js';
import type { MemberStatus, NodeState } from '../../membership/contract.js';
import type { Incarnation, NodeName } from '../../membership/messages.js';
import type { ServiceReport } from '../../services/contract.js';

export interface StatusReport {
  readonly version: 1;
  readonly farm: string;
  /** The node that answers. */
  readonly node: NodeName;
  readonly state: NodeState;
  /** Why it is in this state; empty where the state says it all. */
  readonly reason: string;
  readonly reach: { readonly mode: string; readonly reason: string };
  readonly view: { readonly digest: string; readonly agreed: boolean };
  /** All known members, this node among them. Shares of a healthy farm sum to 1. */
  readonly members: readonly MemberReport[];
  readonly rules: readonly RuleReport[];
  readonly counters: CountersReport;
  readonly vips: readonly string[];
  readonly interface: string;
  readonly incarnation: Incarnation;
  /** ms that the data plane may still accept packets; null: the lease is not open. */
  readonly lease: { readonly remainingMs: number | null; readonly durationMs: number };
  /** The ways by which heartbeats travel. */
  readonly paths: readonly PathReport[];
  readonly supervisor: SupervisorReport;
  /** Grants under way. */
  readonly grants: number;
  /** Null unless this node is draining. */
  readonly drain: DrainReport | null;
  /** In the order of the config. */
  readonly services: readonly ServiceReport[];
  readonly checkers: readonly CheckerReport[];
  /** What people should know, one line each, most important first. */
  readonly warnings: readonly string[];
  /** Of the software. */
  readonly software: {
    readonly version: string;
    /** What captures: `ring` or `pcap`; why that, and whether the kernel takes packets by itself now. */
    readonly engine: string;
    readonly engineReason: string;
  };
  /** Since the agent's start. */
  readonly uptimeMs: number;
}

export interface MemberReport extends MemberStatus {
  /** Of its interfaces, where others reach it; empty: not known. */
  readonly addresses?: readonly string[];
}

export interface RuleReport {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  /** As in the config, e.g. `80`, `8000-8100`. */
  readonly ports: readonly string[];
  readonly affinity: Affinity;
  readonly mode: 'balance' | 'failover' | 'deny';
  readonly plan: number;
  readonly holdMs: number;
  /** Absent: the agent does not count by rule, or has this rule since a moment only. */
  readonly packets?: RulePackets;
}

/**
 * Packets that a rule took, since the agent's start or since the config has a rule of this name. What the kernel's filter held back nobody
 * has looked at, so it is in none of them; nor is a packet while it is held.
 */
export interface RulePackets {
  readonly accepted: number;
  readonly relayed: number;
  /** Reason -> packets; a reason that never occurred is left out. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** Counts since the agent's start, by the names of `dataplane/counters.ts`. */
export interface CountersReport {
  readonly framesSeen: number;
  readonly accepted: number;
  /** Reason -> frames; a reason that never occurred may be left out. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly injected: number;
  readonly relayed: number;
  readonly held: number;
  readonly replayed: number;
  readonly captureDrops: number;
  readonly arpAnswered: number;
  readonly [name: string]: number | Readonly<Record<string, number>>;
}

export interface PathReport {
  /** `raw` or `udp:<network>`. */
  readonly path: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface SupervisorReport {
  /** Times that the agent was started again after it died. */
  readonly restarts: number;
  readonly lastReason: string;
  /** Wall clock, ISO 8601; null: never. */
  readonly lastAt: string | null;
  readonly backoffMs: number;
}

export interface DrainReport {
  /** Keys (clients or connections) that this node still serves for buckets that it has handed over. */
  readonly left: number;
  /** TCP connections to the VIPs that this host still has; null: it cannot say. */
  readonly connections: number | null;
  /** ms until the rest is cut off; null: no deadline. */
  readonly remainingMs: number | null;
}

/**
 * What probes are, what they tell, and what is decided by them. Types and tables only.
 *
 * Every node sends probe frames, to a MAC that is never the live one; every other node counts which kinds of them arrive. All decisions
 * are pure functions of these counts.
 */
import type { ReachMode } from '../buckets/contract.js';
import type { MemberStatus, NodeState, ReachStatus } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';

/** Whom a probe frame is addressed to: all; the probe vMAC, which no switch has learned; its group address; a peer's own MAC. */
export type ProbeAddress = 'everyone' | 'unknown' | 'group' | 'peer';

interface KindFacts {
  /** The number of the kind on the wire; never used for another one. */
  readonly code: number;
  readonly to: ProbeAddress;
  /** As text for people, e.g. "IPv4". */
  readonly what: string;
}

/**
 * - `carrier`: says that the sender probes at all, what it has sent in this round, and to whom. What is missing is counted by it.
 * - `answer-*`: an ARP reply to a peer that says "the VIP is at" the probe vMAC, its group address, or the sender's own MAC: guards in
 *   switches let such frames in, and drop such answers. `nd-*`: the same as a neighbour advertisement, for IPv6.
 * - `size`: fills the sender's MTU.
 */
export const PROBES = {
  carrier: { code: 1, to: 'everyone', what: 'broadcast' },
  'flood-raw': { code: 2, to: 'unknown', what: 'EtherType 88b6' },
  'flood-ipv4': { code: 3, to: 'unknown', what: 'IPv4' },
  'flood-ipv6': { code: 4, to: 'unknown', what: 'IPv6' },
  'multicast-raw': { code: 5, to: 'group', what: 'EtherType 88b6' },
  'multicast-ipv4': { code: 6, to: 'group', what: 'IPv4' },
  'multicast-ipv6': { code: 7, to: 'group', what: 'IPv6' },
  'unicast-raw': { code: 8, to: 'peer', what: 'EtherType 88b6' },
  'unicast-ipv4': { code: 9, to: 'peer', what: 'IPv4' },
  'unicast-ipv6': { code: 10, to: 'peer', what: 'IPv6' },
  'answer-flood': { code: 11, to: 'peer', what: 'ARP answers' },
  'answer-multicast': { code: 12, to: 'peer', what: 'ARP answers' },
  'answer-relay': { code: 13, to: 'peer', what: 'ARP answers' },
  size: { code: 14, to: 'peer', what: 'full size' },
  'nd-flood': { code: 15, to: 'peer', what: 'ND answers' },
  'nd-multicast': { code: 16, to: 'peer', what: 'ND answers' },
  'nd-relay': { code: 17, to: 'peer', what: 'ND answers' },
} as const satisfies Readonly<Record<string, KindFacts>>;

export type ProbeKind = keyof typeof PROBES;
export const PROBE_KINDS = Object.keys(PROBES) as readonly ProbeKind[];

/** What a mode needs to arrive. */
export type ReachNeeds = Readonly<Record<ReachMode, readonly ProbeKind[]>>;

/** `unknown`: too few rounds were heard to say. */
export type Delivered = 'yes' | 'no' | 'unknown';

/** What one node hears of another's probes. */
export interface SenderRow {
  readonly from: NodeName;
  /** `0a:77:00:00:00:01` */
  readonly mac: string;
  readonly kinds: Readonly<Partial<Record<ProbeKind, Delivered>>>;
  /** Rounds in a row without the kind; only those that are missing. */
  readonly missed: Readonly<Partial<Record<ProbeKind, number>>>;
  /** Longest payload of a frame that arrived, in bytes; 0: none of that kind did. */
  readonly largestBytes: number;
}

export type Capability = ReachMode | 'none';

/** The best mode by the evidence. `best` null: not known yet. */
export interface Judgement {
  readonly best: Capability | null;
  /** One sentence for people. */
  readonly why: string;
  /** What keeps better modes from working, one clause each. */
  readonly evidence: readonly string[];
  /** There was nobody to probe with. */
  readonly isAlone: boolean;
  /** Somebody is there whose probes are not heard, and nothing else tells of the way to it. */
  readonly isVague: boolean;
}

/** Another host that says it has a VIP. */
export interface Claim {
  /** `10.77.0.50` */
  readonly vip: string;
  readonly mac: string;
  /** Set when the MAC sends heartbeats of another farm: its id, 16 hex digits, and the node's name there. */
  readonly farm: { readonly id: string; readonly node: NodeName } | null;
}

/** What a node says of the host it runs on. */
export interface HostReport {
  readonly interface: string;
  readonly mac: string;
  /** As `ip -d link` tells it: ethernet, bridge, bond, vlan, veth, macvlan, wireless, ... */
  readonly kind: string;
  readonly mtu: number;
  /** The kernel holds the interface in promiscuous mode. */
  readonly promiscuous: boolean;
  /** Bridge or bond that owns the interface. */
  readonly master: string | null;
  /** rp_filter, arp_ignore and the like, effective values. */
  readonly settings: Readonly<Record<string, number>>;
  /** What is doubtful, one line each. */
  readonly warnings: readonly string[];
}

/** The host as it is now. */
export interface HostLook {
  readonly report: HostReport;
  /** 6 bytes. */
  readonly mac: Uint8Array;
  /** The interface's own IPv4 address in the first IPv4 VIP's network, 4 bytes; else any of its IPv4 addresses; else zeros. */
  readonly address: Uint8Array;
  /** VIPs in whose network the interface has no address of its own: `10.77.0.50/24`. */
  readonly foreignVips: readonly string[];
  /** Next hop of the IPv4 default route by this interface, 4 bytes; null: there is none. */
  readonly gateway: Uint8Array | null;
}

export interface GatewayReport {
  /** `10.77.0.254` */
  readonly address: string;
  /** Empty: it did not answer ARP. */
  readonly mac: string;
  /** An ICMP echo from the node's own address came back. */
  readonly answers: boolean;
  /** An ICMP echo from the VIP came back: it reaches the farm. Null: not asked, since the node does not serve. */
  readonly reachesVip: boolean | null;
}

/** How an echo goes by way of the gateway, and comes back to all nodes. Addresses have 4 bytes, MACs 6. */
export interface EchoRoute {
  readonly vip: Uint8Array;
  /** That the gateway is to answer to: the farm's shared one. */
  readonly vipMac: Uint8Array;
  readonly gateway: Uint8Array;
  readonly gatewayMac: Uint8Array;
}

/** One node's part of the matrix: its column, since each reports what it hears. */
export interface NodeRow {
  readonly node: NodeName;
  /** Empty: it probes. Else why it cannot, e.g. that the package cap is missing. */
  readonly trouble: string;
  readonly host: HostReport;
  /** Null: no default route by the interface. */
  readonly gateway: GatewayReport | null;
  readonly heard: readonly SenderRow[];
  readonly claims: readonly Claim[];
  readonly judgement: Judgement;
}

/** The answer to `covey probe`. */
export interface ProbeReport {
  readonly version: 1;
  readonly farm: string;
  /** The node that was asked. */
  readonly node: NodeName;
  /** In use now, agreed by the farm. */
  readonly reach: { readonly mode: string; readonly reason: string };
  readonly verdict: {
    /** The best mode that works between every two nodes. */
    readonly reach: Capability;
    readonly reason: string;
    readonly evidence: readonly string[];
    /** What a human could change so that a better one works; one line each. */
    readonly fixes: readonly string[];
  };
  /** From every node to every other. Null where the receiver cannot say. */
  readonly matrix: readonly {
    readonly from: NodeName;
    readonly to: NodeName;
    readonly unicast: boolean | null;
    readonly flood: boolean | null;
    readonly multicast: boolean | null;
    readonly kinds: Readonly<Partial<Record<ProbeKind, Delivered>>>;
    /** Longest payload that arrived, bytes; null: none did. */
    readonly mtu: number | null;
  }[];
  readonly nodes: readonly Omit<NodeRow, 'heard' | 'judgement'>[];
  /** Members that did not answer. */
  readonly silent: readonly NodeName[];
  /** `--apply`: the farm was told to go up to the verdict. */
  readonly applied: boolean;
  readonly tookMs: number;
}

/** The part of the membership thread's word that matters here. */
export interface FarmView {
  readonly state: NodeState;
  readonly reach: ReachStatus;
  readonly members: readonly MemberStatus[];
}

/** Kind of the opaque link messages between reach services. */
export const REACH_MESSAGE = 'reach';

/** The reach service as the agent sees it. */
export interface ReachDoor {
  /** Looks at the host, opens the capture, begins to probe. Without a capture it goes on, and {@link warnings} says so. */
  start(): Promise<void>;
  /** Asks who has the VIPs, which takes 350 ms. While another host has one, the core is told to wait, and it is asked again. */
  checkVips(): Promise<void>;
  /** Judges from now on. The membership thread must run. */
  watch(): void;
  /** @param apply lets the farm go up to what is found. */
  probe(apply: boolean): Promise<ProbeReport>;
  /** What another member's service said. */
  told(from: NodeName, body: Uint8Array): void;
  /** How frames come to the farm's nodes now (`none`: no node offers any way), and why by this one: one sentence. */
  reach(view: FarmView): { readonly mode: string; readonly reason: string };
  /** For `status`, one line each. */
  warnings(): readonly string[];
  /** Idempotent. */
  close(): void;
}

/**
 * The config as the rest of Covey sees it: parsed, defaults filled in, durations in ms, addresses as bytes. Types only.
 *
 * `config` is a pure room: it takes the file's text and gives a {@link Config} or every {@link Fault} in it. Reading the
 * file, its mode, and whether interfaces exist is the caller's business.
 */
import type { Affinity } from '../buckets/contract.js';

/** One thing wrong in the file. Lines and columns count from 1 and point at the key or value to change. */
export interface Fault {
  readonly line: number;
  readonly column: number;
  /** As in `rules[1].affinity`; empty where the fault is of the whole file. */
  readonly path: string;
  /** What is wrong and what to write instead, without path and place. */
  readonly message: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** An address with the length of its network: a VIP, or (host bits zero) a network of `heartbeat.udp`. */
export interface Cidr {
  /** 4 or 16 bytes, network order. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
  /** Canonical, e.g. `10.77.0.50/24` or `fd77::50/64` (RFC 5952). */
  readonly text: string;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface Rule {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly ports: readonly PortRange[];
  readonly affinity: Affinity;
  /** A client that comes back within this time of its last packet goes to the same node. 0: no memory. */
  readonly holdMs: number;
  readonly mode: 'balance' | 'failover' | 'deny';
  /** `failover` only: the first living node takes all. */
  readonly order: readonly string[];
  /** `balance` only: weights of this rule's own; other nodes have their general weight. */
  readonly weights: Readonly<Record<string, number>>;
}

export interface NodeOverride {
  /** 0..1000; absent: 1. */
  readonly weight?: number;
  /** Absent: the config's `interface`. */
  readonly interface?: string;
}

export interface Heartbeat {
  readonly intervalMs: number;
  /** At least 3 x interval; 5 x interval unless given. */
  readonly leaseMs: number;
  /** Added to the lease before a peer is called dead: lease x 0.1 + 50 ms, for scheduling and clock drift. */
  readonly marginMs: number;
  /** Further networks for heartbeats, beside the VIP's interface. */
  readonly udp: readonly Cidr[];
  /** UDP port of heartbeats and TCP port of the peer link. */
  readonly port: number;
}

/** A service that Covey starts and stops: by systemd, or by shell commands. */
export interface Service {
  readonly name: string;
  readonly systemd: string | null;
  readonly start: string | null;
  readonly stop: string | null;
  readonly restart: string | null;
  readonly timeoutMs: number;
  /** More restarts than this within the window, and the node waits. */
  readonly maxRestarts: number;
  readonly windowMs: number;
}

export type CheckerAction =
  | { readonly action: 'restart'; readonly service: string }
  | { readonly action: 'weight'; readonly percent: number }
  | { readonly action: 'wait' | 'stop' | 'notify' };

/** What a checker looks at. */
export type CheckerTarget =
  | {
      readonly type: 'http';
      readonly url: string;
      readonly status: readonly number[];
      readonly body: string | null;
      readonly tlsName: string | null;
    }
  | { readonly type: 'tcp'; readonly address: string }
  | { readonly type: 'udp'; readonly address: string; readonly payload: string; readonly expect: string | null }
  | { readonly type: 'ping'; readonly address: string }
  | { readonly type: 'process'; readonly process: string | null; readonly pidFile: string | null }
  | { readonly type: 'interface'; readonly interface: string; readonly address: string | null }
  | { readonly type: 'exec'; readonly command: string }
  | { readonly type: 'disk'; readonly path: string; readonly freePercent: number }
  | { readonly type: 'load'; readonly max: number }
  | { readonly type: 'custom' };

export type Checker = CheckerTarget & {
  readonly name: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row until it counts as failed, successes until it counts as well. */
  readonly fall: number;
  readonly rise: number;
  /** Failures this soon after the start do not count. */
  readonly graceMs: number;
  readonly onFail: CheckerAction;
};

/** Whom a notification goes to. Paths as in the file after `file:`, relative to the config file. */
export type NotifyTarget =
  | { readonly way: 'webhook'; readonly url: string; readonly secretFile: string | null }
  | { readonly way: 'exec'; readonly command: string }
  | {
      readonly way: 'email';
      readonly address: string;
      /** Host and port. */
      readonly smtp: string;
      readonly from: string;
      readonly user: string | null;
      readonly passwordFile: string | null;
    };

export type Notify = NotifyTarget & {
  /** Kinds of events; a trailing `*` stands for any rest, `default` for those that are told where none are named. */
  readonly events: readonly string[];
  /** Of one attempt. */
  readonly timeoutMs: number;
};

export type ReachSetting = 'auto' | 'flood' | 'multicast' | 'relay';

export interface Config {
  readonly farm: string;
  /** As in the file after `file:`, relative to the config file. */
  readonly keyFile: string;
  readonly interface: string;
  readonly vips: readonly Cidr[];
  readonly reach: ReachSetting;
  /** With `reach: auto`: a better way is taken again when it has worked for so long. Null: only by `covey probe --apply`. */
  readonly reachCalmMs: number | null;
  readonly heartbeat: Heartbeat;
  readonly quorum: 'none' | 'majority';
  /** Canonical addresses; one that answers an ICMP echo is enough. */
  readonly witness: readonly string[];
  readonly rules: readonly Rule[];
  readonly nodes: Readonly<Record<string, NodeOverride>>;
  readonly drain: { readonly deadlineMs: number };
  /** Most affinity keys that a node remembers, 1024..4194304; `tableBytes` says what that takes. */
  readonly table: { readonly keys: number };
  readonly capture: 'auto' | 'pcap' | 'ring';
  readonly services: readonly Service[];
  readonly checkers: readonly Checker[];
  /** `hosts`: further names by which browsers may ask for it. */
  readonly console: { readonly listen: string; readonly hosts: readonly string[] } | null;
  /** Where Prometheus may ask. */
  readonly metrics: { readonly listen: string } | null;
  readonly notify: readonly Notify[];
}

/** What the three parts of a running node say to each other: supervisor process, agent's main thread, membership thread. */

import type { ReachMode } from '../buckets/contract.js';
import type { RuleCounts } from '../dataplane/counters.js';
import type { Command, HoldReason, MemberStatus, NodeState, ReachStatus } from '../membership/contract.js';
import type { Incarnation, NodeName } from '../membership/messages.js';
import type { EchoRoute } from '../reach/contract.js';

export interface RunOptions {
  readonly configFile: string;
  readonly node: NodeName;
  readonly runDir: string;
  readonly version: string;
}

/**
 * Exit codes of the agent that its supervisor understands. The first three are those of the CLI (design.md section 9). `restart`: it has
 * left in good order, and a new one is to begin; covey.service knows the number, too.
 */
export const EXIT = { ok: 0, error: 1, badConfig: 3, retry: 75, restart: 76 } as const;

/** How the node's earlier lives ended, for `status` and `events`. */
export interface RestartRecord {
  readonly count: number;
  readonly lastReason: string;
  /** Wall clock, ISO 8601; null: never. */
  readonly lastAt: string | null;
  readonly backoffMs: number;
}

/** Bytes that say, already sealed, that an incarnation is gone, and where to send them. */
export interface SealedObituary {
  readonly interface: string;
  readonly datagrams: readonly Uint8Array[];
  readonly udp: readonly { readonly address: string; readonly port: number; readonly localAddress: string }[];
}

/** Supervisor -> agent, the first message. */
export interface AgentBegin {
  readonly type: 'begin';
  readonly options: RunOptions;
  readonly configText: string;
  /** What `file:` paths of the config are relative to. */
  readonly baseDir: string;
  readonly restarts: RestartRecord;
  /** How often to say `alive`; null: nobody wants to hear it. */
  readonly pulseMs: number | null;
}

/** Agent -> supervisor. */
export type AgentNotice =
  | { readonly type: 'ready' }
  /** All threads of the agent move. */
  | { readonly type: 'alive' }
  | { readonly type: 'state'; readonly state: NodeState; readonly reason: string }
  /** This config is in force now: what a restarted agent begins with. */
  | { readonly type: 'config'; readonly configText: string }
  /** The shutdown was taken back: the node was told to start again while it drained. */
  | { readonly type: 'staying' }
  | { readonly type: 'obituary'; readonly obituary: SealedObituary }
  /** The console that is to run beside the agent; null: the config wants none. */
  | { readonly type: 'console'; readonly settings: ConsoleSettings | null }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: number };

export interface ConsoleSettings {
  readonly listen: string;
  /** Names besides the host's own by which browsers may ask for it. */
  readonly hosts: readonly string[];
}

/** Supervisor -> agent. `drain`: leave without breaking anything; `now`: stop at once. `reload`: read the config file again. */
export type SupervisorOrder =
  | { readonly type: 'shutdown'; readonly how: 'drain' | 'now' }
  | { readonly type: 'reload' };

/** What the membership thread begins with. */
export interface MembershipBegin {
  readonly node: NodeName;
  /** Text of the config, already found right by the main thread. */
  readonly configText: string;
  readonly baseDir: string;
  readonly runDir: string;
  readonly tun: string;
  /** {@link COUNTER_NAMES}.length uint64. */
  readonly counters: SharedArrayBuffer;
}

/** Main thread -> membership thread. */
export type WorkerRequest =
  | { readonly type: 'start' }
  | { readonly type: 'command'; readonly command: Command }
  | { readonly type: 'condition'; readonly reason: HoldReason; readonly bad: boolean; readonly detail: string }
  /** What counts of this node's weights from now on, 0..100. */
  | { readonly type: 'weight'; readonly percent: number }
  /** See the `reach` event of the membership core. */
  | { readonly type: 'reach'; readonly best: ReachMode | 'none'; readonly why: string }
  /** See the echo path: the way that heartbeats take beside all others; null: none. */
  | { readonly type: 'echo'; readonly route: EchoRoute | null }
  /** A message for the same room on other members, by the peer link: to one, or (null) to every living one. May be lost. */
  | { readonly type: 'tell'; readonly to: NodeName | null; readonly kind: string; readonly body: Uint8Array }
  /** A witness answered what was asked at `askedMs` (CLOCK_BOOTTIME). */
  | { readonly type: 'witness'; readonly askedMs: number }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | { readonly type: 'close' };

export type Question =
  | { readonly kind: 'status' }
  /** Who is there, and no more. */
  | { readonly kind: 'members' }
  | { readonly kind: 'explain'; readonly frame: Uint8Array }
  /** Frames as they were captured: their verdicts now, as this node is. */
  | { readonly kind: 'trace'; readonly frames: readonly Uint8Array[] }
  | { readonly kind: 'reload-keys' }
  /** Who holds the buckets of a plan. */
  | { readonly kind: 'buckets'; readonly plan: number }
  /** The farm may go over to this config, already found right and fitting. Answered when the core knows. */
  | { readonly kind: 'expect-config'; readonly configText: string }
  /** Put this config, already found right and fitting, in force. */
  | { readonly kind: 'config'; readonly configText: string };

/** Membership thread -> main thread. */
export type WorkerNotice =
  | {
      readonly type: 'opened';
      readonly mac: Uint8Array;
      readonly engine: string;
      readonly tun: string;
    }
  | { readonly type: 'answer'; readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly ok: false; readonly message: string }
  | { readonly type: 'state'; readonly from: NodeState; readonly to: NodeState; readonly reason: string }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'obituary'; readonly obituary: SealedObituary }
  /** What another member's main thread said by `tell`. */
  | { readonly type: 'told'; readonly from: NodeName; readonly kind: string; readonly body: Uint8Array }
  | { readonly type: 'stopped' };

export interface KeysOfMember {
  readonly node: NodeName;
  /** Null: nothing was heard of it yet. */
  readonly sealsWith: number | null;
  readonly opens: readonly number[];
}

/** The membership thread's part of `status`. */
export interface MembershipSnapshot {
  readonly state: NodeState;
  readonly reason: string;
  readonly incarnation: Incarnation;
  readonly view: { readonly digest: string; readonly agreed: boolean; readonly members: readonly NodeName[] };
  readonly reach: ReachStatus;
  readonly members: readonly MemberStatus[];
  /** ms that the lease still runs; null: not open. */
  readonly leaseMs: number | null;
  readonly grants: number;
  /** ms until a drain under way ends, whatever is left; null: no drain, or none with an end. */
  readonly drainMs: number | null;
  /** Living members, this node among them: the key that each seals with, and those that it can open. */
  readonly keys: readonly KeysOfMember[];
  /** Addresses at which living members listen, this node among them. */
  readonly addresses: Readonly<Record<NodeName, readonly string[]>>;
  readonly wireCounters: Readonly<Record<string, number>>;
  /** By the name of the rule, those of the config in force. */
  readonly rulePackets: Readonly<Record<string, RuleCounts>>;
  readonly paths: readonly { readonly path: string; readonly ok: boolean; readonly detail: string }[];
  /** Why it is this capture engine, and whether the kernel takes packets by itself. */
  readonly engineReason: string;
}

/** The membership thread's answer to a `buckets` question: the holder of each bucket, and the node that the plan wants. */
export interface BucketsSnapshot {
  readonly owners: readonly (NodeName | null)[];
  readonly planned: readonly (NodeName | null)[];
}

/** The membership thread's answer to a `trace` question: one verdict for each frame. */
export interface TraceSnapshot {
  readonly serving: boolean;
  readonly verdicts: readonly FrameVerdict[];
}

/** The membership thread's answer to an `explain` question. */
export interface ExplainSnapshot extends FrameVerdict {
  /** Whether this node's lease is open; the verdict is told as if it were. */
  readonly serving: boolean;
}

/** What the data plane says of a frame, and whose its bucket is. */
export interface FrameVerdict {
  readonly kind: string;
  readonly reason: string;
  readonly rule: number;
  readonly plan: number;
  readonly bucket: number;
  readonly owner: NodeName | null;
  readonly planned: NodeName | null;
}

/**
 * What the agent's socket (`DIR/agent.sock`, HTTP with JSON bodies) understands and answers. CLI, console and lab speak this.
 *
 * | request | body | answer |
 * |---|---|---|
 * | GET /v1/status | | {@link StatusReport} |
 * | POST /v1/explain | {@link ExplainQuery} | {@link ExplainReport} |
 * | POST /v1/command | {@link CommandRequest} | {@link CommandReport} |
 * | GET /v1/events?since=TIME&limit=N | | {@link EventsReport} |
 * | GET /v1/events?after=SEQ | | {@link EventsReport} |
 * | POST /v1/trace | {@link TraceRequest} | {@link TraceReport} |
 * | GET /v1/metrics | | {@link MetricsReport} |
 * | POST /v1/reload | | {@link ReloadReport} |
 * | POST /v1/config/apply | {@link ApplyRequest} | {@link ApplyReport} |
 * | GET /v1/config?revision=N | | {@link ConfigReport} (without N: the one in force) |
 * | GET /v1/config/history | | {@link ConfigHistoryReport} |
 * | POST /v1/invite | {@link InviteRequest} | {@link InviteReport} |
 * | POST /v1/set | {@link SetRequest} | {@link SetReport} |
 * | POST /v1/probe | {@link ProbeRequest} | {@link ProbeReport} |
 * | GET /v1/keys | | {@link KeysReport} |
 * | POST /v1/keys/reload | | {@link KeysReport} |
 * | GET /v1/buckets?plan=N | | {@link BucketsReport} |
 * | GET /v1/peers | | {@link PeersReport} |
 * | POST /v1/console/door | | {@link DoorReport} |
 * | GET /v1/console/shared | | {@link SharedReport} |
 * | POST /v1/console/shared | {@link SharedDocument} | {@link SharedReport} |
 *
 * A refusal is {@link ErrorReport} with an HTTP status of 400 or more. Version 1 may gain fields, never lose or change one.
 */
import type { Affinity } from '../buckets/contract.js';
import type { CheckerReport } from '../checkers/contract.js';
import type { MemberStatus, NodeState } from '../membership/contract.js';
import type { Incarnation, NodeName } from '../membership/messages.js';
import type { ProbeReport } from '../reach/contract.js';
import type { ServiceReport } from '../services/contract.js';
import type {
  BucketsReport,
  ConsoleHandler,
  DoorReport,
  PeersReport,
  SharedDocument,
  SharedReport,
} from './console-contract.js';

export const CONTROL_VERSION = 1;
export const SOCKET_NAME = 'agent.sock';
export const DEFAULT_RUN_DIR = '/run/covey';

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
    /** What captures: `ring` or `pcap`, and why that. */
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

export interface ExplainQuery {
  /** The client's address, text. */
  readonly address: string;
  /** Null: not given; a rule by connection then has no single answer. */
  readonly port: number | null;
  /** Null: the first VIP of the address's family and the first rule that does not deny. */
  readonly to: ExplainTarget | null;
  /** Nodes to think away: who would serve the client if they died? Absent or empty: none. */
  readonly without?: readonly NodeName[];
}

export interface ExplainTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface ExplainReport {
  readonly version: 1;
  /** 0..4095; null where no rule matches, or it depends on the client's port, which was not given. */
  readonly bucket: number | null;
  /** Who holds the bucket now; null: nobody known, or no bucket. */
  readonly owner: NodeName | null;
  /** Name of the rule; null: none matches. */
  readonly rule: string | null;
  /** One sentence for people. */
  readonly why: string;
  /** What the asked node's data plane would do with the client's next packet, and under which counter; `depends`: on the port. */
  readonly verdict: string;
  readonly reason: string;
  readonly plan: number | null;
  /** Whom the plan wants; differs from the owner while a grant is under way. */
  readonly planned: NodeName | null;
  /** The node that was asked. */
  readonly node: NodeName;
  readonly client: string;
  readonly to: ExplainTarget;
  /** What would be if the nodes of the question died; absent: it named none. */
  readonly without?: WithoutReport;
}

export interface WithoutReport {
  readonly nodes: readonly NodeName[];
  /** Who would serve the client then; null: nobody, or the packet has no bucket. */
  readonly owner: NodeName | null;
  /** True when that is another node than now. */
  readonly moves: boolean;
  /** Buckets that those nodes hold now, all plans. */
  readonly movedBuckets: number;
  /** Clients that they still serve in buckets of others; nobody takes those over. */
  readonly keepsLost: number;
  /** Of the general plan, once all has moved. */
  readonly shares: readonly { readonly name: NodeName; readonly share: number }[];
  /** For people. */
  readonly why: string;
}

export interface TraceRequest {
  /** Ethernet frames, at most {@link TRACE_BATCH}. */
  readonly frames: readonly {
    /** The first bytes, base64: at least all headers, at most {@link TRACE_BYTES}. */
    readonly data: string;
    /** Of the whole frame, bytes. */
    readonly length: number;
  }[];
}
export const TRACE_BATCH = 64;
export const TRACE_BYTES = 384;

export interface TraceReport {
  readonly version: 1;
  /** The node that was asked: the verdicts are its own. */
  readonly node: NodeName;
  /** False: its lease is not open, so it rejects everything. */
  readonly serving: boolean;
  /** One for each frame, in order. */
  readonly verdicts: readonly TraceVerdict[];
}

export interface TraceVerdict {
  /** `accept`, `reject`, `hold`, `relay`, `answer` or `control`. */
  readonly verdict: string;
  /** The counter that the frame bumps. */
  readonly reason: string;
  readonly rule: string | null;
  readonly plan: number | null;
  readonly bucket: number | null;
  /** Who holds the bucket; null: nobody known, or no bucket. */
  readonly owner: NodeName | null;
  readonly planned: NodeName | null;
}

/** `restart`: drain, end the agent's process, start it anew. */
export type CommandName = 'drain' | 'stop' | 'start' | 'restart';

/** Who asks, as the kernel says (SO_PEERCRED of socket(7)). */
export interface Requester {
  /** Null: the kernel was not asked. */
  readonly uid: number | null;
  /** Null: the host knows no name for it. */
  readonly user: string | null;
  /** For whom root asks, as sudo told the command, which told us: claimed, not proven. */
  readonly claimed: string | null;
  /** By the console's socket: which of the console's users, as the console says; null: it does not say. Absent: by the common socket. */
  readonly consoleUser?: string | null;
}

export interface CommandRequest {
  readonly command: CommandName;
  /** Null: the node that is asked. Another one is reached through it. */
  readonly node: NodeName | null;
  /** Of a drain, and of a stop or restart that drains first; null: the config's. */
  readonly deadlineMs: number | null;
  /** Of a stop: at once, without draining first. Default false. */
  readonly now?: boolean;
}

export interface CommandReport {
  readonly version: 1;
  readonly command: CommandName;
  /** It has taken the command: one of another node has said so. */
  readonly node: NodeName;
  /** What happens now, in words. */
  readonly message: string;
}

/** The word of a script on a checker of type `custom`. */
export interface SetRequest {
  /** Without `custom.` before it. */
  readonly name: string;
  readonly isUp: boolean;
  /** For people; may be empty. */
  readonly reason: string;
}

export interface SetReport {
  readonly version: 1;
  readonly node: NodeName;
  readonly name: string;
  readonly message: string;
}

/** What became of the config file that was read again. */
export interface ReloadReport {
  readonly version: 1;
  /** What is in force now and was not before, one clause each; empty: nothing had changed. */
  readonly changed: readonly string[];
  /** What that means for clients, one sentence each. */
  readonly warnings: readonly string[];
  /** The node that was asked. */
  readonly node: NodeName;
}

/** Another config for the whole farm: a text, or one that was in force before. */
export interface ApplyRequest {
  /** Null: take the one with `revision`. */
  readonly text: string | null;
  readonly revision: number | null;
  /** Only say what it would change; no member is asked, and nothing changes. */
  readonly dryRun: boolean;
  /** Who wants it, for events and history: a user's name, say. */
  readonly by: string;
}

/** A config that is not right is refused, code `bad-config`; what members say to a right one is in `nodes`. */
export interface ApplyReport {
  readonly version: 1;
  /** The node that was asked. */
  readonly node: NodeName;
  readonly dryRun: boolean;
  /** It is in force. False: every node goes on with what it had. */
  readonly applied: boolean;
  /** Of the config in force after this; 0: no apply has brought it. */
  readonly revision: number;
  /** What is in force then and was not before, one clause each; of the node that was asked. */
  readonly changed: readonly string[];
  /** What that means for clients, one sentence each. */
  readonly warnings: readonly string[];
  /** The text's lines that differ, marked `-` and `+`, with a few around them. */
  readonly diff: readonly string[];
  /** What each member said, the asked one first; empty with `dryRun`. See `NodeOutcome` of src/agent/rollout/contract.ts. */
  readonly nodes: readonly {
    readonly node: NodeName;
    readonly outcome: 'switched' | 'told' | 'ready' | 'refused' | 'silent' | 'failed';
    readonly why: string;
  }[];
}

/** One config that is or was in force on the asked node. */
export interface ConfigRevision {
  /** 0: read from the file, not applied. */
  readonly revision: number;
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly by: string;
  /** Where it was applied. */
  readonly appliedOn: NodeName;
  /** 16 hex digits over the text. */
  readonly hash: string;
  readonly inForce: boolean;
}

export interface ConfigReport extends ConfigRevision {
  readonly version: 1;
  readonly node: NodeName;
  /** As it stands in the file. */
  readonly text: string;
  /** As the agent was started with, absolute. */
  readonly file: string;
  /** Files that the config in force names by `file:`, absolute: what is in them must be shown to nobody. */
  readonly secretFiles: readonly string[];
}

/** What is known of a config without any agent. */
export type ConfigText = Pick<ConfigReport, 'file' | 'text' | 'secretFiles'>;

export interface ConfigHistoryReport {
  readonly version: 1;
  readonly node: NodeName;
  /** Newest first, at most 20. */
  readonly revisions: readonly ConfigRevision[];
}

export interface InviteRequest {
  /** TCP port to listen on; null: the usual one, 7948. */
  readonly port: number | null;
}

export interface InviteReport {
  readonly version: 1;
  readonly node: NodeName;
  /** Lets one host get config and key. Show it to nobody else. */
  readonly code: string;
  readonly port: number;
  /** Addresses of this node, to be typed behind `covey join`. */
  readonly addresses: readonly string[];
  /** Wall clock, ISO 8601. */
  readonly until: string;
}

export interface ProbeRequest {
  /** Let the farm go up to what is found. With `reach: auto` it does so only when told. */
  readonly apply: boolean;
}

export interface EventsQuery {
  /** ISO 8601: only later ones; null: from the oldest kept. */
  readonly since: string | null;
  /** The newest so many. */
  readonly limit: number;
  /** Only those with a greater {@link EventReport.seq}: what a follower has not seen. */
  readonly after?: number;
}

export interface EventReport {
  /** Grows by one with each event of the node's run directory, also across restarts. */
  readonly seq: number;
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly node: NodeName;
  /** Kind, for machines: `state`, `member-dead`, `agent-restarted`, ... */
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface EventsReport {
  readonly version: 1;
  /** Oldest first. */
  readonly events: readonly EventReport[];
  /** Of the newest event there is; less than a follower has seen: the run directory was emptied. */
  readonly lastSeq: number;
}

export interface MetricsReport {
  readonly version: 1;
  /** In the text format of Prometheus. */
  readonly text: string;
}

/** Which keys the living members seal with: one that is in use must not be removed. */
export interface KeysReport {
  readonly version: 1;
  /** Absolute path of the key file that the asked agent reads; then `covey keys` needs no other word of it. */
  readonly keyFile: string;
  readonly inUse: readonly { readonly node: NodeName; readonly keyId: number }[];
  /** The keys that each living member can open: one that lacks a key hears nothing that is sealed with it. */
  readonly known: readonly { readonly node: NodeName; readonly keyIds: readonly number[] }[];
}

export interface ErrorReport {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string };
}

export type ErrorCode =
  | 'bad-request'
  | 'not-found'
  | 'no-such-node'
  | 'refused'
  /** The user may read, but not change anything. */
  | 'not-allowed'
  | 'bad-config'
  | 'unreachable'
  | 'internal';

/** What the agent does for those who ask. A refusal is a thrown `ControlError`; anything else thrown is answered as `internal`. */
export interface ControlHandler extends ConsoleHandler {
  status(): Promise<StatusReport>;
  explain(query: ExplainQuery): Promise<ExplainReport>;
  command(request: CommandRequest, by: Requester): Promise<CommandReport>;
  events(query: EventsQuery): Promise<EventsReport>;
  metrics(): Promise<MetricsReport>;
  trace(request: TraceRequest): Promise<TraceReport>;
  set(request: SetRequest, by: Requester): Promise<SetReport>;
  /** The config file has changed: read it again. A refusal, code `bad-config` or `refused`, leaves the old one in force. */
  reload(): Promise<ReloadReport>;
  /** Gives another config to every member, or to none; takes up to 9 s. */
  apply(request: ApplyRequest): Promise<ApplyReport>;
  /** Null: the one in force. */
  config(revision: number | null): Promise<ConfigReport>;
  configHistory(): Promise<ConfigHistoryReport>;
  /** Lets one more host join. An earlier invite ends. */
  invite(request: InviteRequest): Promise<InviteReport>;
  /** Probes the network from every member; takes 1 to 4 s. */
  probe(request: ProbeRequest): Promise<ProbeReport>;
  keys(): Promise<KeysReport>;
  /** The key file has changed: read it again. */
  reloadKeys(): Promise<KeysReport>;
}

export type {
  BucketsReport,
  CheckerReport,
  DoorReport,
  PeersReport,
  ProbeReport,
  ServiceReport,
  SharedDocument,
  SharedReport,
};

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
import type { ProbeReport } from '../reach/contract.js';
import type {
  BucketsReport,
  ConsoleHandler,
  DoorReport,
  PeersReport,
  SharedDocument,
  SharedReport,
} from './console-contract.js';
import type { CommandReport, CommandRequest, Requester, SetReport, SetRequest } from './contract/command.js';
import type {
  ApplyReport,
  ApplyRequest,
  ConfigHistoryReport,
  ConfigReport,
  InviteReport,
  InviteRequest,
  ReloadReport,
} from './contract/config.js';
import type { ExplainQuery, ExplainReport } from './contract/explain.js';
import type { EventsQuery, EventsReport, KeysReport, MetricsReport, ProbeRequest } from './contract/seeing.js';
import type { StatusReport } from './contract/status.js';
import type { TraceReport, TraceRequest } from './contract/trace.js';

export const CONTROL_VERSION = 1;
export const SOCKET_NAME = 'agent.sock';
export const DEFAULT_RUN_DIR = '/run/covey';

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

export type { CheckerReport } from '../checkers/contract.js';
export type { ServiceReport } from '../services/contract.js';
export * from './contract/command.js';
export * from './contract/config.js';
export * from './contract/explain.js';
export * from './contract/seeing.js';
export * from './contract/status.js';
export * from './contract/trace.js';
export type { BucketsReport, DoorReport, PeersReport, ProbeReport, SharedDocument, SharedReport };

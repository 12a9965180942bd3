/** What a node has seen and counted, and with which keys it speaks. Part of the contract of the agent's socket: see ../contract.ts. */
import type { NodeName } from '../../membership/messages.js';

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

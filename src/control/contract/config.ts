/** The farm's config: read again, applied, shown, given to one more host. Part of the contract of the agent's socket: see ../contract.ts. */
import type { NodeName } from '../../membership/messages.js';

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

/** What the console asks of the agent beyond what the command line does. Joined to the control contract by `contract.ts`. */
import type { NodeName } from '../membership/messages.js';
import type { CountersReport, DrainReport, RulePackets } from './contract.js';

/** Who holds each bucket of one plan, and whom the plan wants, as the asked node last heard. */
export interface BucketsReport {
  readonly version: 1;
  readonly plan: number;
  /** 4096. */
  readonly buckets: number;
  /** What the numbers in `owners` and `planned` stand for. */
  readonly nodes: readonly NodeName[];
  /** Base64 of one byte for each bucket: an index of `nodes`, or {@link NOBODY}. */
  readonly owners: string;
  readonly planned: string;
}

export const NOBODY = 255;

export interface CheckSummary {
  readonly kind: 'checker' | 'service';
  readonly name: string;
  readonly state: string;
  /** What was seen last, or why it is in this state; for people. */
  readonly detail: string;
  /** What follows from it; for people. */
  readonly note: string;
}

/** What one node says of itself: once a second while a console asks, and more often while somebody looks at it. */
export interface NodeSummary {
  readonly uptimeMs: number;
  readonly counters: CountersReport;
  /** TCP connections to the VIPs that the host has; null: it cannot say. */
  readonly connections: number | null;
  readonly drain: DrainReport | null;
  readonly warnings: readonly string[];
  /** `console.listen` of its config; null: it has no console. */
  readonly console: string | null;
  /** At most 64; absent: its agent is of a release that does not say. */
  readonly checks?: readonly CheckSummary[];
  /** By the name of the rule; absent: its agent is of a release that does not count by rule. */
  readonly rules?: Readonly<Record<string, RulePackets>>;
}

export interface PeersReport {
  readonly version: 1;
  readonly nodes: readonly (NodeSummary & {
    readonly node: NodeName;
    /** ms since it said so; 0 for the asked node. */
    readonly ageMs: number;
  })[];
}

/** The place that the agent has made for a console without privileges. */
export interface DoorReport {
  readonly version: 1;
  /** Absolute path; belongs to `uid`, mode 0700, and holds a socket that speaks the control contract. */
  readonly directory: string;
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/** Largest document that consoles tell each other through their agents, in bytes. */
export const MAX_SHARED_BYTES = 48 * 1024;

/** Told to the consoles of all other members; the agents do not read it. */
export interface SharedDocument {
  readonly document: string;
}

export interface SharedReport {
  readonly version: 1;
  /** The newest document of each other member. */
  readonly documents: readonly { readonly node: NodeName; readonly document: string }[];
}

/** The part of the agent's handler that consoles ask. */
export interface ConsoleHandler {
  buckets(plan: number): Promise<BucketsReport>;
  /** Also asks the other members for what the next call will show. */
  peers(): Promise<PeersReport>;
  /** Makes the console's directory and listens there. Idempotent. */
  openDoor(): Promise<DoorReport>;
  /** Tells the other members' consoles, and gives what they told. Null: only gives. */
  share(document: string | null): Promise<SharedReport>;
}

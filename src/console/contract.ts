/** What the console's server and its page say to each other. Types and constants only; the page is built from them, too. */

import type { BucketsReport, PeersReport } from '../control/console-contract.js';
import type { EventReport, StatusReport } from '../control/contract.js';

export const ROLES = ['viewer', 'operator', 'admin'] as const;
/** Each may do what those before it may: look; steer nodes and probe; change config and accounts. */
export type Role = (typeof ROLES)[number];

export const isAtLeast = (role: Role, needed: Role) => ROLES.indexOf(role) >= ROLES.indexOf(needed);

/** Header in which the page proves that it has read its session's token. */
export const TOKEN_HEADER = 'x-covey-token';

/** Says that an open page asks by itself, again: nobody did anything, so it keeps no session. */
export const BY_ITSELF_HEADER = 'x-covey-by-itself';

/** What is older than this is marked as stale. */
export const STALE_AFTER_MS = 2000;

export interface SessionReport {
  readonly name: string;
  readonly role: Role;
  /** For {@link TOKEN_HEADER}. */
  readonly token: string;
}

/** Another node's console. */
export interface ConsoleAddress {
  readonly node: string;
  readonly state: string;
  readonly url: string;
}

/** The newest of everything, sent as event `frame` at least once a second. */
export interface Frame {
  /** Grows by one; a gap says that frames were lost. */
  readonly sequence: number;
  /** Wall clock of the server, ms. */
  readonly atMs: number;
  /** Where this console runs and how it may be known. */
  readonly agent: { readonly ok: boolean; readonly trouble: string };
  readonly status: StatusReport | null;
  /** ms since the agent answered with it; null: never. */
  readonly statusAgeMs: number | null;
  readonly peers: PeersReport['nodes'];
  readonly peersAgeMs: number | null;
  /** Of the event `buckets`, which is sent only when something has changed. */
  readonly bucketsAgeMs: number | null;
  readonly eventsAgeMs: number | null;
  /** Of this console itself, e.g. that its disk is full. */
  readonly warnings: readonly string[];
  /** Consoles of other nodes, for when this one is gone. */
  readonly consoles: readonly ConsoleAddress[];
  /** By the config in force, this console ends now, and then one listens here instead, or (null) none. Absent: it stays. */
  readonly moved?: { readonly listen: string | null };
  readonly fingerprint: string;
  /** The newest second of {@link TrafficReport}, of each node that was heard in it or in the one before; null: none yet. */
  readonly traffic: TrafficSecond | null;
}

/** Packets a second; null where the node was not heard. */
export type Rate = number | null;

export interface NodeRates {
  readonly accepted: Rate;
  readonly rejected: Readonly<Record<string, number>>;
  readonly relayed: Rate;
  readonly held: Rate;
  readonly lost: Rate;
  /** Rule -> `accepted`, `relayed` or a reason of rejection -> packets a second; zeros are left out. */
  readonly rules: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface TrafficSecond {
  /** Wall clock, seconds. */
  readonly at: number;
  readonly nodes: Readonly<Record<string, NodeRates>>;
}

/** One value a second, oldest first. */
export interface TrafficReport {
  readonly times: readonly number[];
  readonly nodes: Readonly<
    Record<
      string,
      {
        readonly accepted: readonly Rate[];
        readonly relayed: readonly Rate[];
        readonly held: readonly Rate[];
        readonly lost: readonly Rate[];
        readonly rejected: Readonly<Record<string, readonly Rate[]>>;
        /** As {@link NodeRates.rules}; what never occurred in the hour is left out. */
        readonly rules: Readonly<Record<string, Readonly<Record<string, readonly Rate[]>>>>;
      }
    >
  >;
}

export interface AuditEntry {
  readonly at: string;
  readonly who: string;
  readonly from: string;
  /** What was asked, e.g. `drain n2`. */
  readonly what: string;
  /** `ok`, or why it was refused. */
  readonly outcome: string;
}

export interface UserReport {
  readonly name: string;
  readonly role: Role;
  readonly changedAt: string;
}

export interface TokenReport {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdBy: string;
  readonly createdAt: string;
}

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

export type { BucketsReport, EventReport, PeersReport, StatusReport };

/** What the rollout of a config needs of the rest of the agent, and what it tells. Types only. */
import type { Incarnation, NodeName } from '../../membership/messages.js';
import type { ConfigEntry } from './revision.js';

/** A config that this node is ready to switch to: whatever could be refused has been asked. */
export interface PreparedConfig {
  /** What is in force then and was not before, one clause each. */
  readonly changed: readonly string[];
  /** What that means for clients, one sentence each. */
  readonly warnings: readonly string[];
  /** Puts it in force, then into the config file. Throws when the node could not switch. */
  commit(): Promise<void>;
  /** Everything is as it was before. Idempotent; does nothing after `commit`. */
  abort(): Promise<void>;
}

/** A living member that can be asked. */
export interface Reachable {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
  /** It or this node does not serve: perhaps for want of the farm's config. */
  readonly isWaiting: boolean;
}

export interface RolloutParts {
  readonly node: NodeName;
  /** To one member, or (null) to every living one. May be lost. */
  readonly tell: (to: NodeName | null, body: Uint8Array) => void;
  /** Members that count, without this node and those that have stopped. */
  readonly living: () => Promise<readonly Reachable[]>;
  /** Judges `text` against this host and gets ready. Throws why it cannot be; then nothing has changed. */
  readonly prepare: (text: string) => Promise<PreparedConfig>;
  /** It cannot be switched to while the node runs, but is the farm's: into the file, for the next start. Throws when it cannot be written. */
  readonly keepForLater: (text: string) => Promise<void>;
  readonly history: {
    entries(): readonly ConfigEntry[];
    find(revision: number): ConfigEntry | null;
    withHash(hash: string): ConfigEntry | null;
    add(entry: ConfigEntry): void;
  };
  readonly record: (level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Any clock that does not jump, ms. */
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Within this time every member has heard from every other what that said last, ms. */
  readonly hearingMs: () => number;
  /** ISO 8601. */
  readonly wallTime: () => string;
}

export interface ApplyOutcome {
  readonly applied: boolean;
  /** Of the config that is in force now. */
  readonly revision: number;
  readonly changed: readonly string[];
  readonly warnings: readonly string[];
  /** One for each member that was asked, this node first. */
  readonly nodes: readonly NodeOutcome[];
}

/**
 * `switched`: it said so. `told`: it was ready and has not said yet that it switched; it takes the config when it can. `ready`: it could
 * have, but another could not. `refused`, `silent`: because of it nobody did. `failed`: it was ready, and could not switch then.
 */
export interface NodeOutcome {
  readonly node: NodeName;
  readonly outcome: 'switched' | 'told' | 'ready' | 'refused' | 'silent' | 'failed';
  /** Why; empty where the outcome says it all. */
  readonly why: string;
}

/** Commands to nodes, and who gives them. Part of the contract of the agent's socket: see ../contract.ts. */
import type { NodeName } from '../../membership/messages.js';

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

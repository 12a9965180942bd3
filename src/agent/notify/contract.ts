/** How events of this node are told to people and programs outside: by webhook, command or e-mail. */
import type { Notify } from '../../config/contract.js';
import type { TimelineEvent } from '../timeline.js';

/** What is sent. Version 1 may gain fields, never lose or change one. */
export interface Notification {
  readonly version: 1;
  readonly farm: string;
  /** The node whose word it is: each node tells what it saw itself. */
  readonly node: string;
  readonly event: string;
  /** Wall clock, ISO 8601. */
  readonly at: string;
  /** With `node` and `at`, the same for every attempt, so that a receiver can tell a repetition. */
  readonly seq: number;
  readonly fields: TimelineEvent['fields'];
  /** One line for people. */
  readonly text: string;
}

/** Sends once. Rejects with a message for people when it was not taken. */
export type Send = (target: Notify, notification: Notification) => Promise<void>;

/** How it goes with one target since the agent's start, for status and metrics. */
export interface NotifyReport {
  /** Without secrets: `webhook https://hooks.example.org`, `exec`, `email ops@example.org`. */
  readonly target: string;
  readonly way: Notify['way'];
  readonly sent: number;
  /** Attempts that went wrong. */
  readonly failedAttempts: number;
  /** Given up after many attempts, or pushed out of a full queue. */
  readonly lost: number;
  readonly waiting: number;
  /** Of the outage under way; empty: there is none. */
  readonly error: string;
}

/** What waits for one target: one at a time, in order, retried with growing pauses, never more than the bound. */
import type { Notify } from '../../config/contract.js';
import type { Notification, NotifyReport, Send } from './contract.js';

/** Waiting notifications; the oldest goes when one more comes. */
export const OUTBOX_LIMIT = 100;
/** Then it is given up: about a quarter of an hour after the first attempt. */
export const MOST_ATTEMPTS = 20;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** Doubles with every failure in a row. */
export function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 16));
}

export interface OutboxParts {
  readonly send: Send;
  /** Called when an outage begins (its error) and when it ends (null): once each. */
  readonly onOutage: (target: string, error: string | null) => void;
  /** @returns what cancels it. */
  readonly later: (ms: number, then: () => void) => () => void;
}

export class Outbox {
  readonly target: Notify;
  readonly #name: string;
  readonly #parts: OutboxParts;
  readonly #waiting: Notification[] = [];
  #isSending = false;
  #cancelPause: (() => void) | null = null;
  #isClosed = false;
  /** Of the first in the queue. */
  #attempts = 0;
  /** In a row, whatever was sent. */
  #failures = 0;
  #counts = { sent: 0, failedAttempts: 0, lost: 0 };
  #error = '';
  #onIdle: (() => void)[] = [];

  constructor(target: Notify, parts: OutboxParts) {
    this.target = target;
    this.#name = targetName(target);
    this.#parts = parts;
  }

  /** Never blocks, never throws. */
  put(notification: Notification): void {
    if (this.#isClosed) return;
    if (this.#waiting.length >= OUTBOX_LIMIT) {
      // The one that is under way stays: it may have arrived already.
      this.#waiting.splice(this.#isSending ? 1 : 0, 1);
      this.#counts.lost += 1;
    }
    this.#waiting.push(notification);
    void this.#pump();
  }

  report(): NotifyReport {
    const { way } = this.target;
    return { target: this.#name, way, ...this.#counts, waiting: this.#waiting.length, error: this.#error };
  }

  /** Resolves when nothing waits any more, or after a failure: then waiting longer is of no use. */
  settled(): Promise<void> {
    if (!this.#isSending) return Promise.resolve();
    return new Promise((done) => this.#onIdle.push(done));
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelPause?.();
    this.#idle();
  }

  async #pump(): Promise<void> {
    if (this.#isSending || this.#cancelPause !== null) return;
    this.#isSending = true;
    while (!this.#isClosed && this.#waiting.length > 0 && (await this.#sendFirst()));
    this.#isSending = false;
    this.#idle();
  }

  /** @returns whether to go on at once. */
  async #sendFirst(): Promise<boolean> {
    try {
      await this.#parts.send(this.target, this.#waiting[0]!);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
      return false;
    }
    this.#waiting.shift();
    this.#counts.sent += 1;
    this.#attempts = this.#failures = 0;
    if (this.#error !== '') this.#parts.onOutage(this.#name, null);
    this.#error = '';
    return true;
  }

  #failed(message: string): void {
    this.#counts.failedAttempts += 1;
    this.#attempts += 1;
    this.#failures += 1;
    if (this.#error === '') this.#parts.onOutage(this.#name, message);
    this.#error = message;
    if (this.#attempts >= MOST_ATTEMPTS) {
      this.#waiting.shift();
      this.#counts.lost += 1;
      this.#attempts = 0;
    }
    if (this.#isClosed) return;
    this.#cancelPause = this.#parts.later(pauseAfter(this.#failures), () => {
      this.#cancelPause = null;
      void this.#pump();
    });
  }

  #idle(): void {
    for (const done of this.#onIdle.splice(0)) done();
  }
}

/** A webhook's path and query often are its password. */
export function targetName(target: Notify): string {
  if (target.way === 'webhook') return `webhook ${new URL(target.url).origin}`;
  return target.way === 'email' ? `email ${target.address}` : 'exec';
}

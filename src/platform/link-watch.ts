/**
 * The watch of a connection on the other end's silence, and its own signs of life.
 *
 *   busy: a message went or came less than `restAfterMs` ago      a sign every `aliveMs`, silence bears `silentMs`
 *   at rest                                                       a sign every `restAliveMs`, silence bears `restSilentMs`
 *
 * What is in flight must not wait long for word that it is lost. At rest nothing is, and heartbeats tell who lives: two signs of life a
 * second on every connection of a farm would cost more than its heartbeats. A message makes both ends busy: one by sending it, the
 * other by receiving it.
 */
import type { LinkTimes } from './link-contract.js';

export interface WatchEvents {
  /** Tell the other end that we live. */
  sayAlive(): void;
  /** The other end has said nothing for too long. */
  onSilence(silentMs: number): void;
}

export class LinkWatch {
  readonly #times: LinkTimes;
  readonly #events: WatchEvents;
  #timer: NodeJS.Timeout | null = null;
  #dueMs = 0;
  #heardMs = 0;
  #usedMs = Number.NEGATIVE_INFINITY;
  /** When the present time of being busy began: silence before it was none of our concern. */
  #busySinceMs = 0;

  constructor(times: LinkTimes, events: WatchEvents) {
    this.#times = times;
    this.#events = events;
  }

  start(): void {
    this.#heardMs = performance.now();
    this.#arm(this.#heardMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Something came from the other end. */
  heard(): void {
    this.#heardMs = performance.now();
  }

  /** A message, or a piece of one, went or came. */
  used(): void {
    const nowMs = performance.now();
    const wasBusy = this.#isBusy(nowMs);
    this.#usedMs = nowMs;
    if (wasBusy) return;
    this.#busySinceMs = nowMs;
    if (this.#timer !== null) this.#arm(nowMs);
  }

  #isBusy(nowMs: number): boolean {
    return nowMs - this.#usedMs < this.#times.restAfterMs;
  }

  #arm(nowMs: number): void {
    this.stop();
    const waitMs = this.#isBusy(nowMs) ? this.#times.aliveMs : this.#times.restAliveMs;
    this.#dueMs = nowMs + waitMs;
    this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  /** A look that comes late was itself stalled: what the other end said meanwhile lies unread, so the silence starts anew. */
  #look(): void {
    const nowMs = performance.now();
    if (nowMs - this.#dueMs > this.#times.aliveMs) this.#heardMs = nowMs;
    const isBusy = this.#isBusy(nowMs);
    const silentMs = nowMs - (isBusy ? Math.max(this.#heardMs, this.#busySinceMs) : this.#heardMs);
    if (silentMs > (isBusy ? this.#times.silentMs : this.#times.restSilentMs)) return this.#events.onSilence(silentMs);
    this.#events.sayAlive();
    this.#arm(nowMs);
  }
}

/**
 * A service's life, as a pure state machine: events in, orders out. Time comes in as ms.
 *
 * ```
 *            wanted             not running            ok
 *  stopped ---------> looking -------------> starting ------> ready <--------------------+
 *     ^                  |  runs already         |              ^ ^  | failed             | ok
 *     |                  +-----------------------|--------------+ |  v                    |
 *     |                                          +---------> pausing --- due ----> restarting
 *     |                                  failed              ^  | ^      failed, may go on |
 *     |                                                      |  | +---------------------- |
 *     |             one restart has left the window, or told |  v  more than maxRestarts  v
 *     |                                                      +-- spent <------------------+
 *     |   ended                     not wanted (a command under way is called off first)
 *     +---------- stopping <--------------------- any other
 * ```
 * A restart counts when it begins; the first start does not. One that was stopped in good order begins anew with its restarts. `well`, said by a checker, leads from pausing and spent to ready.
 */
import type { Outcome, ServiceState } from './contract.js';

export interface LifeLimits {
  readonly maxRestarts: number;
  readonly windowMs: number;
}

export type LifeEvent =
  | { readonly type: 'wanted'; readonly isWanted: boolean }
  /** The command under way has ended. */
  | { readonly type: 'ended'; readonly outcome: Outcome }
  /** It does not do its work, says who looks at it. */
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'well' }
  /** The time of the last `call` has come. */
  | { readonly type: 'due' }
  /** An operator wants it to be tried again. */
  | { readonly type: 'try-again' };

export type LifeOrder =
  /** Answered by `ended`. `look`: does it run already? */
  | { readonly type: 'run'; readonly what: 'look' | 'start' | 'stop' | 'restart' }
  /** End the command under way; it is answered by `ended` all the same. */
  | { readonly type: 'abort' }
  /** Send `due` then; replaces an earlier call. */
  | { readonly type: 'call'; readonly atMs: number };

/** One that has run for so long begins anew with its pauses. */
export const CALM_MS = 60_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** The pause before the restart after `earlier` ones in a row: none, then 1 s, 2 s, 4 s ... 30 s. */
export function pauseMs(earlier: number): number {
  return earlier === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (earlier - 1));
}

const NOTHING: readonly LifeOrder[] = [];

export class Life {
  limits: LifeLimits;
  #state: ServiceState = 'stopped';
  #reason = '';
  #sinceMs: number;
  #isWanted = false;
  /** When each restart of the window began. */
  #restarts: readonly number[];
  #inARow = 0;

  /** @param restarts when it was restarted before this life, in the time of `nowMs` (they may be negative), oldest first. */
  constructor(limits: LifeLimits, nowMs: number, restarts: readonly number[] = []) {
    this.limits = limits;
    this.#sinceMs = nowMs;
    this.#restarts = restarts;
  }

  get state(): ServiceState {
    return this.#state;
  }

  get reason(): string {
    return this.#reason;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** When those of the window began, oldest first. */
  restarts(nowMs: number): readonly number[] {
    return this.#restarts.filter((atMs) => atMs > nowMs - this.limits.windowMs);
  }

  restartsWithin(nowMs: number): number {
    return this.restarts(nowMs).length;
  }

  step(nowMs: number, event: LifeEvent): readonly LifeOrder[] {
    switch (event.type) {
      case 'wanted':
        return this.#want(nowMs, event.isWanted);
      case 'ended':
        return this.#ended(nowMs, event.outcome);
      case 'failed':
        return this.#state === 'ready' ? this.#fail(nowMs, event.why) : NOTHING;
      case 'well':
        return this.#state === 'spent' || this.#state === 'pausing' ? this.#to(nowMs, 'ready', 'well again') : NOTHING;
      case 'due':
        return this.#due(nowMs);
      case 'try-again':
        return this.#tryAgain(nowMs);
    }
  }

  /** The one function that changes the state. */
  #to(
    nowMs: number,
    state: ServiceState,
    reason: string,
    orders: readonly LifeOrder[] = NOTHING,
  ): readonly LifeOrder[] {
    this.#state = state;
    this.#reason = reason;
    this.#sinceMs = nowMs;
    return orders;
  }

  #want(nowMs: number, isWanted: boolean): readonly LifeOrder[] {
    this.#isWanted = isWanted;
    if (isWanted) return this.#state === 'stopped' ? this.#look(nowMs) : NOTHING;
    switch (this.#state) {
      case 'looking':
      case 'starting':
      case 'restarting':
        return [{ type: 'abort' }];
      case 'ready':
      case 'pausing':
      case 'spent':
        return this.#stop(nowMs);
      case 'stopped':
      case 'stopping':
        return NOTHING;
    }
  }

  #look(nowMs: number): readonly LifeOrder[] {
    return this.#to(nowMs, 'looking', '', [{ type: 'run', what: 'look' }]);
  }

  #stop(nowMs: number): readonly LifeOrder[] {
    return this.#to(nowMs, 'stopping', '', [{ type: 'run', what: 'stop' }]);
  }

  #ended(nowMs: number, { ok, detail }: Outcome): readonly LifeOrder[] {
    switch (this.#state) {
      case 'looking':
        if (!this.#isWanted) return this.#stop(nowMs);
        if (ok) return this.#to(nowMs, 'ready', 'was running already');
        return this.#to(nowMs, 'starting', '', [{ type: 'run', what: 'start' }]);
      case 'starting':
      case 'restarting':
        if (!this.#isWanted) return this.#stop(nowMs);
        return ok ? this.#to(nowMs, 'ready', '') : this.#fail(nowMs, `${this.#state} failed: ${detail}`);
      case 'stopping':
        this.#forgetRestarts();
        this.#to(nowMs, 'stopped', ok ? '' : `stop failed: ${detail}`);
        return this.#isWanted ? this.#look(nowMs) : NOTHING;
      default:
        return NOTHING;
    }
  }

  #fail(nowMs: number, why: string): readonly LifeOrder[] {
    if (this.#state === 'ready' && nowMs - this.#sinceMs >= CALM_MS) this.#inARow = 0;
    if (this.restartsWithin(nowMs) >= this.limits.maxRestarts) return this.#spend(nowMs, why);
    const atMs = nowMs + pauseMs(this.#inARow);
    return this.#to(nowMs, 'pausing', why, [{ type: 'call', atMs }]);
  }

  /** Nothing is tried any more, until a restart has left the window or someone says so. */
  #spend(nowMs: number, why: string): readonly LifeOrder[] {
    const { maxRestarts, windowMs } = this.limits;
    const times =
      maxRestarts === 0 ? 'may not be restarted' : `restarted ${maxRestarts} times within ${text(windowMs)}`;
    const [oldest] = this.restarts(nowMs);
    const orders: LifeOrder[] = oldest === undefined ? [] : [{ type: 'call', atMs: oldest + windowMs }];
    return this.#to(nowMs, 'spent', `${times}, and failed again: ${why}`, orders);
  }

  #due(nowMs: number): readonly LifeOrder[] {
    if (this.#state !== 'pausing' && this.#state !== 'spent') return NOTHING;
    if (this.restartsWithin(nowMs) >= this.limits.maxRestarts) return NOTHING;
    this.#restarts = [...this.restarts(nowMs), nowMs];
    this.#inARow += 1;
    return this.#to(nowMs, 'restarting', this.#reason, [{ type: 'run', what: 'restart' }]);
  }

  #tryAgain(nowMs: number): readonly LifeOrder[] {
    if (this.#state !== 'spent') return NOTHING;
    this.#forgetRestarts();
    return this.#to(nowMs, 'pausing', this.#reason, [{ type: 'call', atMs: nowMs }]);
  }

  #forgetRestarts(): void {
    this.#restarts = [];
    this.#inARow = 0;
  }
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const;

/** `24 h`, `90 s`. */
function text(ms: number): string {
  const [size, unit] = UNITS.find(([size]) => ms >= size && ms % size === 0) ?? [1, 'ms'];
  return size === 86_400_000 && ms < 2 * size ? `${ms / 3_600_000} h` : `${ms / size} ${unit}`;
}

/**
 * The checkers of a node: when each check runs, and what became of it. At most {@link MOST_AT_ONCE} run at a time, and never two of
 * one checker: a check that does not even end when it is called off counts as a failure each interval, and is not begun again.
 */
import type { Checker } from '../config/contract.js';
import type { Timers } from '../platform/timers.js';
import {
  actionText,
  type CheckerChange,
  type CheckerReport,
  type CheckersDoor,
  type Probe,
  type Verdict,
} from './contract.js';
import { begun, type Health, IDLE, inGrace, observe } from './health.js';
import { Slots } from './slots.js';

export interface CheckersParts {
  readonly timers: Timers;
  /** Gives a number in [0, 1): nodes that start together must not check together for ever. */
  readonly random: () => number;
  readonly probeFor: (checker: Checker) => Probe;
  /** Each change of state. */
  readonly changed: (change: CheckerChange) => void;
}

export const MOST_AT_ONCE = 16;
/** The first check comes within this time, or within an interval where that is shorter. */
const FIRST_WITHIN_MS = 1000;
/** Within the grace the node waits for a success, so it is looked for this often at least. */
const WAITING_EVERY_MS = 1000;

interface Entry {
  readonly checker: Checker;
  readonly probe: Probe;
  health: Health;
  isAwaited: boolean;
  cancel: () => void;
  /** Counts begins and suspends: a check of an earlier life says nothing. */
  life: number;
  /** Ends with the check under way, or that was called off and has not ended; never rejects. */
  running: Promise<unknown>;
  calledOff: AbortController | null;
  endedMs: number | null;
  tookMs: number | null;
  /** `custom`: what was last said. */
  said: Verdict;
}

const LATE: Verdict = { ok: false, detail: 'the check before has not ended yet' };
const UNSAID: Verdict = { ok: true, detail: 'nothing was set yet, so it counts as up' };

export class Checkers implements CheckersDoor {
  readonly #parts: CheckersParts;
  readonly #slots = new Slots(MOST_AT_ONCE);
  #entries: Entry[];

  constructor(checkers: readonly Checker[], parts: CheckersParts) {
    this.#parts = parts;
    this.#entries = checkers.map((checker) => this.#entry(checker));
  }

  begin(name: string, isAwaited: boolean): void {
    const entry = this.#find(name);
    if (entry === undefined) return;
    this.#rest(entry);
    entry.isAwaited = isAwaited;
    this.#become(entry, begun(this.#parts.timers.nowMs()));
    if (entry.checker.type === 'custom') this.#note(entry, entry.said, 0);
    else this.#next(entry, this.#parts.random() * Math.min(entry.checker.intervalMs, FIRST_WITHIN_MS));
  }

  suspend(name: string): void {
    const entry = this.#find(name);
    if (entry === undefined || entry.health.state === 'idle') return;
    this.#rest(entry);
    this.#become(entry, IDLE);
  }

  update(checkers: readonly Checker[]): readonly string[] {
    const before = this.#entries;
    this.#entries = checkers.map((checker) => {
      const same = before.find((entry) => JSON.stringify(entry.checker) === JSON.stringify(checker));
      if (same !== undefined) return same;
      const said = before.find((entry) => entry.checker.name === checker.name)?.said ?? UNSAID;
      return { ...this.#entry(checker), said };
    });
    for (const entry of before) if (!this.#entries.includes(entry)) this.#rest(entry);
    return this.#entries.filter((entry) => !before.includes(entry)).map(({ checker }) => checker.name);
  }

  set(name: string, isUp: boolean, reason: string): void {
    const entry = this.#find(name);
    if (entry === undefined) return;
    entry.said = { ok: isUp, detail: reason === '' ? `set ${isUp ? 'up' : 'down'}` : reason };
    if (entry.health.state !== 'idle') this.#note(entry, entry.said, 0);
  }

  async ask(name: string): Promise<boolean> {
    const entry = this.#find(name);
    if (entry === undefined) return false;
    const { ok } = await this.#checked(entry, new AbortController());
    return ok === true;
  }

  reports(): readonly CheckerReport[] {
    const nowMs = this.#parts.timers.nowMs();
    return this.#entries.map(({ checker, health, endedMs, tookMs, isAwaited }) => ({
      name: checker.name,
      type: checker.type,
      state: health.state,
      detail: health.detail,
      onFail: actionText(checker),
      failures: health.failures,
      successes: health.successes,
      lastMs: endedMs === null ? null : nowMs - endedMs,
      tookMs,
      isAwaited: health.state === 'starting' && isAwaited,
    }));
  }

  close(): void {
    for (const entry of this.#entries) this.#rest(entry);
  }

  #entry(checker: Checker): Entry {
    return {
      checker,
      probe: this.#parts.probeFor(checker),
      health: IDLE,
      isAwaited: false,
      cancel: () => undefined,
      life: 0,
      running: Promise.resolve(),
      calledOff: null,
      endedMs: null,
      tookMs: null,
      said: UNSAID,
    };
  }

  #find(name: string): Entry | undefined {
    return this.#entries.find(({ checker }) => checker.name === name);
  }

  #rest(entry: Entry): void {
    entry.life += 1;
    entry.cancel();
    entry.calledOff?.abort();
  }

  #next(entry: Entry, afterMs: number): void {
    const { life } = entry;
    entry.cancel = this.#parts.timers.after(Math.max(0, afterMs), () => void this.#round(entry, life));
  }

  async #round(entry: Entry, life: number): Promise<void> {
    const { timers } = this.#parts;
    const startedMs = timers.nowMs();
    await this.#slots.enter();
    const beganMs = timers.nowMs();
    const calledOff = new AbortController();
    const verdict = entry.life === life ? await this.#checked(entry, calledOff) : null;
    this.#slots.leave();
    if (verdict === null || entry.life !== life) return;
    this.#note(entry, verdict, timers.nowMs() - beganMs);
    if (entry.life === life) this.#next(entry, startedMs + this.#interval(entry) - timers.nowMs());
  }

  #interval({ checker, health }: Entry): number {
    const isWaiting = health.state === 'starting' && inGrace(health, checker, this.#parts.timers.nowMs());
    return isWaiting ? Math.min(checker.intervalMs, WAITING_EVERY_MS) : checker.intervalMs;
  }

  /** Ends at the time-out at the latest, whatever the check does. */
  async #checked(entry: Entry, calledOff: AbortController): Promise<Verdict> {
    const { timeoutMs } = entry.checker;
    let hasBegun = false;
    const check = entry.running.then(() => {
      if (calledOff.signal.aborted) return LATE;
      hasBegun = true;
      entry.calledOff = calledOff;
      const probed = this.#probed(entry, calledOff.signal);
      entry.running = probed;
      return probed;
    });
    let cancel: () => void = () => undefined;
    const late = new Promise<Verdict>((end) => {
      cancel = this.#parts.timers.after(timeoutMs, () => {
        end(hasBegun ? { ok: false, detail: `no answer within ${timeoutMs} ms` } : LATE);
        calledOff.abort();
      });
    });
    const verdict = await Promise.race([check, late]);
    cancel();
    return verdict;
  }

  async #probed({ probe }: Entry, signal: AbortSignal): Promise<Verdict> {
    try {
      return await probe(signal);
    } catch (error) {
      return { ok: false, detail: (error as Error).message };
    }
  }

  #note(entry: Entry, verdict: Verdict, tookMs: number): void {
    const nowMs = this.#parts.timers.nowMs();
    entry.endedMs = nowMs;
    entry.tookMs = tookMs;
    const { checker } = entry;
    // A script has counted itself.
    const rules = checker.type === 'custom' ? { fall: 1, rise: 1, graceMs: 0 } : checker;
    this.#become(entry, observe(entry.health, rules, nowMs, verdict));
  }

  #become(entry: Entry, health: Health): void {
    const from = entry.health.state;
    entry.health = health;
    if (health.state === from) return;
    this.#parts.changed({ checker: entry.checker, from, to: health.state, detail: health.detail });
  }
}

/** Which changes of the config are under way in the farm, as far as this node was told: so that nobody waits while they last. */
import type { ConfigSwitch } from '../membership/contract.js';

/** A node that got ready and heard no more: longer than the farm takes to agree, and to switch. */
const EXPECTED_LASTS_MS = 10_000;
/**
 * After this node has switched, the others have: within milliseconds, as the same word tells them. One that has not by then keeps
 * apart, as with any other config.
 */
const SWITCHED_LASTS_MS = 2000;
/** Heartbeats name each. */
const MOST = 32;

export interface SwitchParts<Config> {
  readonly digestOf: (config: Config) => string;
  /** Whether nodes may share buckets while some have the one and some the other. */
  readonly mayShare: (one: Config, other: Config) => boolean;
}

interface Known<Config> {
  readonly base: Config;
  readonly next: Config;
  readonly untilMs: number;
}

export class ConfigSwitches<Config> {
  readonly #parts: SwitchParts<Config>;
  #known: readonly Known<Config>[] = [];

  constructor(parts: SwitchParts<Config>) {
    this.#parts = parts;
  }

  /**
   * The farm may go over from `base` to `next`. False: that is not among the changes under way, since some node may have a config, now
   * or of a change before it, with which a node that has `next` may not share.
   */
  expect(base: Config, next: Config, nowMs: number): boolean {
    const { digestOf, mayShare } = this.#parts;
    if (digestOf(base) === digestOf(next)) return false;
    const others = [base, ...this.#known.flatMap((known) => [known.base, known.next])];
    if (!others.every((other) => mayShare(other, next))) return false;
    this.#known = [...this.#known, { base, next, untilMs: nowMs + EXPECTED_LASTS_MS }].slice(-MOST);
    return true;
  }

  /** This node has gone over to `config`. */
  switched(config: Config, nowMs: number): void {
    const digest = this.#parts.digestOf(config);
    const untilMs = nowMs + SWITCHED_LASTS_MS;
    this.#known = this.#known.map((known) =>
      this.#parts.digestOf(known.next) === digest ? { ...known, untilMs } : known,
    );
  }

  /** True when some have ended since: {@link list} says what is left. */
  forgetOld(nowMs: number): boolean {
    const left = this.#known.filter(({ untilMs }) => untilMs > nowMs);
    const isLess = left.length < this.#known.length;
    this.#known = left;
    return isLess;
  }

  /** Oldest first. */
  list(): readonly ConfigSwitch[] {
    const { digestOf } = this.#parts;
    return this.#known.map(({ base, next }) => ({ base: digestOf(base), next: digestOf(next) }));
  }
}

/** Which changes of the config are under way in the farm, as far as this node was told: so that nobody waits while they last. */
import type { ConfigSwitch } from '../membership/contract.js';

/** A node that got ready and heard no more: longer than the farm takes to agree, and to switch. */
const EXPECTED_LASTS_MS = 10_000;
/**
 * After this node has switched, the others have: within milliseconds, as the same word tells them. One that has not by then keeps
 * apart, as with any other config; until then views with it do not agree, so this is kept short.
 */
const SWITCHED_LASTS_MS = 2000;

interface Known extends ConfigSwitch {
  untilMs: number;
}

export class ConfigSwitches {
  #known: readonly Known[] = [];

  /** The farm may go over from `base` to `next`, and nodes may share buckets while it does. */
  expect(base: string, next: string, nowMs: number): void {
    if (base === next) return;
    this.#known = [...this.#known, { base, next, untilMs: nowMs + EXPECTED_LASTS_MS }];
  }

  /** This node has gone over to `next`. */
  switched(next: string, nowMs: number): void {
    const untilMs = nowMs + SWITCHED_LASTS_MS;
    this.#known = this.#known.map((known) => (known.next === next ? { ...known, untilMs } : known));
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
    return this.#known.map(({ base, next }) => ({ base, next }));
  }
}

/**
 * Where in the shared memory the data plane counts the packets of each rule. A rule is known by its name: while the configs have one of that
 * name, its count goes on, whatever else they change. One that is new, or was away, begins at zero.
 */
import { MAX_RULES } from '../config/schema.js';
import { RULE_OUTCOMES, type RuleCounts, ruleWord } from '../dataplane/counters.js';

/** A rule never gets the slot of another one that the data plane may still count: so there are enough for two configs. */
export const RULE_SLOTS = 2 * MAX_RULES;

/** By the index of the rule; undefined: it is not counted. */
export type RuleSlotList = readonly (number | undefined)[];

export class RuleSlots {
  readonly #counters: BigUint64Array;
  #inForce: ReadonlyMap<string, number> = new Map();
  /** Those that some shape has which the data plane was given and may not have let go. */
  #taken: ReadonlySet<number> = new Set();

  constructor(counters: BigUint64Array) {
    this.#counters = counters;
  }

  /** Puts these rules in force by `adopt`; when that throws, those of before stay known, and no slot becomes free. */
  renew(names: readonly string[], adopt: (slots: RuleSlotList) => void): void {
    const next = this.#assign(names);
    this.#taken = new Set([...this.#taken, ...next.values()]);
    adopt(names.map((name) => next.get(name)));
    const kept = new Set(next.values());
    // Only now does nobody write there any more.
    for (const slot of this.#taken) if (!kept.has(slot)) this.#clear(slot);
    this.#taken = kept;
    this.#inForce = next;
  }

  counts(): Readonly<Record<string, RuleCounts>> {
    return Object.fromEntries([...this.#inForce].map(([name, slot]) => [name, this.#countsIn(slot)]));
  }

  #assign(names: readonly string[]): Map<string, number> {
    const free = Array.from({ length: RULE_SLOTS }, (_, slot) => slot).filter((slot) => !this.#taken.has(slot));
    const next = new Map<string, number>();
    for (const name of names) {
      const slot = this.#inForce.get(name) ?? free.shift();
      if (slot !== undefined) next.set(name, slot);
    }
    return next;
  }

  #countsIn(slot: number): RuleCounts {
    const count = (outcome: (typeof RULE_OUTCOMES)[number]) =>
      Number(Atomics.load(this.#counters, ruleWord(slot, outcome)));
    return Object.fromEntries(RULE_OUTCOMES.map((outcome) => [outcome, count(outcome)])) as RuleCounts;
  }

  #clear(slot: number): void {
    for (const outcome of RULE_OUTCOMES) Atomics.store(this.#counters, ruleWord(slot, outcome), 0n);
  }
}

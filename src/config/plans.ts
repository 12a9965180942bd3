/** From rules to what membership and data plane work with. */
import { type Affinity, MAX_PLANS } from '../buckets/contract.js';
import { hash32 } from '../buckets/hash.js';
import type { PlanSpec } from '../membership/contract.js';
import type { Config, Rule } from './contract.js';

/** One port range of a rule, as the data plane's `RuleEntry` has it. */
export interface PortRule {
  /** Index in the config's `rules`. */
  readonly rule: number;
  readonly protocol: 'tcp' | 'udp';
  readonly firstPort: number;
  readonly lastPort: number;
  readonly affinity: Affinity;
  /** Index in `planSpecs(config)`. */
  readonly plan: number;
  readonly deny: boolean;
  readonly holdMs: number;
}

/**
 * Rules with the same key share a plan; null: the general plan, number 0, in which each node has its own weight. It always
 * exists, whether a rule uses it or not: ICMP echo is answered by it, and `share` in status speaks of it. A rule that denies has
 * neither order nor weights (`checks.ts`), so it adds no plan.
 */
export function planKey(rule: Pick<Rule, 'mode' | 'order' | 'weights'>): string | null {
  if (rule.mode === 'failover') return JSON.stringify(['failover', ...rule.order]);
  const weights = Object.entries(rule.weights).sort(([a], [b]) => (a < b ? -1 : 1));
  return weights.length === 0 ? null : JSON.stringify(['balance', ...weights]);
}

const GENERAL: PlanSpec = { mode: 'balance', order: [], weights: {} };
/** Of a number that no rule has: nobody holds its buckets. */
const UNUSED: PlanSpec = { mode: 'failover', order: [], weights: {} };

/**
 * The number of each plan, by {@link planKey}; 0 is the general one.
 *
 * The number is part of every affinity key, so a reload that gave a plan another one would break its connections; and it must be
 * the same on every node, also on one that starts later and knows nothing of configs before. So it follows from the name of the
 * first rule that uses the plan: the name has an order of preference of its own among the numbers, by its hash, and takes the first
 * that no rule above it has taken. Then a plan keeps its number when its weights or order change, when rules are added below it, and
 * mostly when they are added above: another plan moves only if the new name wants its number, with a probability of 1/7 each, where
 * numbers in the order of the file would all move. (A hash of the settings would give another number to whoever changes a weight.)
 * Renaming that rule, or writing one with the same settings above it, does move the plan; `covey reload` says so.
 */
function planNumbers(
  rules: readonly Pick<Rule, 'name' | 'mode' | 'order' | 'weights'>[],
): ReadonlyMap<string | null, number> {
  const numbers = new Map<string | null, number>([[null, 0]]);
  const taken = new Set<number>([0]);
  for (const rule of rules) {
    const key = planKey(rule);
    if (rule.mode === 'deny' || numbers.has(key)) continue;
    const number = preferredNumbers(rule.name).find((wanted) => !taken.has(wanted));
    // A config with too many plans is refused (`checks.ts`).
    if (number === undefined) throw new RangeError(`more than ${MAX_PLANS} plans`);
    numbers.set(key, number);
    taken.add(number);
  }
  return numbers;
}

/** 1..7, best first. Names are ASCII. */
function preferredNumbers(name: string): number[] {
  const bytes = Uint8Array.from(name, (character) => character.charCodeAt(0));
  const score = (number: number) => hash32(number, bytes);
  return Array.from({ length: MAX_PLANS - 1 }, (_, i) => i + 1).sort((a, b) => score(b) - score(a) || a - b);
}

/** At most 8, by their numbers; the first is the general one, and there may be unused ones between others. The same on every node. */
export function planSpecs(config: Config): readonly PlanSpec[] {
  const numbers = planNumbers(config.rules);
  const specs: PlanSpec[] = Array.from({ length: Math.max(...numbers.values()) + 1 }, () => UNUSED);
  specs[0] = GENERAL;
  for (const { mode, order, weights } of config.rules) {
    if (mode === 'deny') continue;
    const number = numbers.get(planKey({ mode, order, weights }))!;
    if (number > 0) specs[number] = { mode, order, weights };
  }
  return specs;
}

/** One entry per port range, in the order of the file: the first match wins. */
export function ruleEntries(config: Config): readonly PortRule[] {
  const numbers = planNumbers(config.rules);
  return config.rules.flatMap((rule, index) =>
    rule.ports.map(({ first, last }) => ({
      rule: index,
      protocol: rule.protocol,
      firstPort: first,
      lastPort: last,
      affinity: rule.affinity,
      plan: rule.mode === 'deny' ? 0 : numbers.get(planKey(rule))!,
      deny: rule.mode === 'deny',
      holdMs: rule.holdMs,
    })),
  );
}

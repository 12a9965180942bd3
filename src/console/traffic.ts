/** The last hour, one value a second for each node, made of counters that only grow. */
import type { NodeSummary } from '../control/console-contract.js';
import type { NodeRates, Rate, TrafficReport, TrafficSecond } from './contract.js';

export const HISTORY_SECONDS = 3600;
/** A node's word covers the time since its last one, unless that was longer ago than this, in seconds: then it was silent. */
const LONGEST_COVERED = 5;

/** Frames that were meant for this node and did not come through. */
const LOSSES = ['captureDrops', 'injectErrors', 'relayErrors', 'heldOverflow', 'heldLapsed', 'fragmentsOverflow'];

interface Reading {
  readonly uptimeMs: number;
  readonly counters: NodeSummary['counters'];
  readonly rules?: NodeSummary['rules'];
}

export class TrafficHistory {
  readonly #seconds: TrafficSecond[] = [];
  readonly #last = new Map<string, Reading & { readonly at: number }>();
  readonly #changed = new Set<number>();

  /**
   * What the nodes said in this second (wall clock). Each node has one value for a second. A node that said nothing new has none until
   * its next word, which covers the time since the last one: the counters went on meanwhile, and their mean is what those seconds had.
   * @returns null: the second had begun already.
   */
  add(at: number, readings: Readonly<Record<string, Reading>>): TrafficSecond | null {
    const newest = this.newest?.at ?? 0;
    if (at < newest) return null;
    this.#openUntil(at);
    for (const [node, reading] of Object.entries(readings)) this.#hear(at, node, reading);
    return at === newest ? null : this.newest;
  }

  /** Also those in which nobody asked, since the timer was late. */
  #openUntil(at: number): void {
    const newest = this.newest?.at ?? 0;
    const first = at - newest > LONGEST_COVERED ? at : newest + 1;
    for (let second = first; second <= at; second++) {
      this.#seconds.push({ at: second, nodes: {} });
      this.#changed.add(second);
    }
    this.#seconds.splice(0, this.#seconds.length - HISTORY_SECONDS);
  }

  #hear(at: number, node: string, reading: Reading): void {
    const before = this.#last.get(node);
    if (before !== undefined && reading.uptimeMs === before.uptimeMs) return;
    if (this.newest?.nodes[node] !== undefined) return;
    this.#last.set(node, { ...reading, at });
    const rates = before === undefined ? null : ratesBetween(before, reading);
    if (before === undefined || rates === null) return;
    const from = at - before.at > LONGEST_COVERED ? at : before.at + 1;
    for (let index = this.#seconds.length - 1; index >= 0 && this.#seconds[index]!.at >= from; index--) {
      const second = this.#seconds[index]!;
      this.#seconds[index] = { at: second.at, nodes: { ...second.nodes, [node]: rates } };
      this.#changed.add(second.at);
    }
  }

  get newest(): TrafficSecond | null {
    return this.#seconds.at(-1) ?? null;
  }

  /** The newest second, with the one before it for a node whose word of this one is still to come. */
  get present(): TrafficSecond | null {
    const [before, newest] = [this.#seconds.at(-2), this.newest];
    if (newest === null || before === undefined || before.at < newest.at - 1) return newest;
    return { at: newest.at, nodes: { ...before.nodes, ...newest.nodes } };
  }

  /** The seconds that are new or have got more values since the last call, oldest first. */
  takeChanged(): readonly TrafficSecond[] {
    const changed = this.#seconds.slice(-2 * LONGEST_COVERED).filter(({ at }) => this.#changed.has(at));
    this.#changed.clear();
    return changed;
  }

  report(): TrafficReport {
    const seconds = this.#seconds;
    const names = [...new Set(seconds.flatMap(({ nodes }) => Object.keys(nodes)))].sort();
    const nodes = Object.fromEntries(
      names.map((name) => [name, seriesOf(seconds.map((second) => second.nodes[name]))]),
    );
    return { times: seconds.map(({ at }) => at), nodes };
  }
}

/** Null when the node began anew meanwhile: its counters did, too. */
export function ratesBetween(before: Reading, after: Reading): NodeRates | null {
  const seconds = (after.uptimeMs - before.uptimeMs) / 1000;
  if (seconds <= 0) return null;
  const rate = (name: string) => Math.max(0, Math.round((numberOf(after, name) - numberOf(before, name)) / seconds));
  const reasons = Object.entries(rejectedIn(after)).map(([reason, count]) => {
    const grown = count - (rejectedIn(before)[reason] ?? 0);
    return [reason, Math.max(0, Math.round(grown / seconds))] as const;
  });
  return {
    accepted: rate('accepted'),
    relayed: rate('relayed'),
    held: rate('held'),
    lost: LOSSES.reduce((sum, name) => sum + rate(name), 0),
    rejected: Object.fromEntries(reasons.filter(([, perSecond]) => perSecond > 0)),
    rules: ruleRates(before, after, seconds),
  };
}

function ruleRates(before: Reading, after: Reading, seconds: number): NodeRates['rules'] {
  const rules = Object.keys(after.rules ?? {}).map((rule) => {
    const counts = countsOf(before, rule);
    const rates = Object.entries(countsOf(after, rule)).map(([outcome, count]) => {
      const earlier = counts[outcome] ?? 0;
      // A rule that was away meanwhile began anew, at zero.
      return [outcome, Math.round((count < earlier ? count : count - earlier) / seconds)] as const;
    });
    return [rule, Object.fromEntries(rates.filter(([, perSecond]) => perSecond > 0))] as const;
  });
  return Object.fromEntries(rules.filter(([, rates]) => Object.keys(rates).length > 0));
}

function countsOf({ rules }: Reading, rule: string): Readonly<Record<string, number>> {
  const packets = rules?.[rule];
  return packets === undefined ? {} : { accepted: packets.accepted, relayed: packets.relayed, ...packets.rejected };
}

/** What the kernel's filter held back was rejected, too: it is where most of what other nodes serve ends. */
function rejectedIn(reading: Reading): Readonly<Record<string, number>> {
  return { ...reading.counters.rejected, filteredInKernel: numberOf(reading, 'filteredInKernel') };
}

function numberOf({ counters }: Reading, name: string): number {
  const value = counters[name];
  return typeof value === 'number' ? value : 0;
}

function seriesOf(rates: readonly (NodeRates | undefined)[]): TrafficReport['nodes'][string] {
  const of = (pick: (rate: NodeRates) => Rate) => rates.map((rate) => (rate === undefined ? null : pick(rate)));
  const reasons = [...new Set(rates.flatMap((rate) => Object.keys(rate?.rejected ?? {})))].sort();
  return {
    accepted: of(({ accepted }) => accepted),
    relayed: of(({ relayed }) => relayed),
    held: of(({ held }) => held),
    lost: of(({ lost }) => lost),
    rejected: Object.fromEntries(reasons.map((reason) => [reason, of(({ rejected }) => rejected[reason] ?? 0)])),
    rules: Object.fromEntries(
      [...outcomesByRule(rates)].map(([rule, outcomes]) => [
        rule,
        Object.fromEntries([...outcomes].map((outcome) => [outcome, of(({ rules }) => rules[rule]?.[outcome] ?? 0)])),
      ]),
    ),
  };
}

/** What occurred, in the order of names. */
function outcomesByRule(rates: readonly (NodeRates | undefined)[]): ReadonlyMap<string, ReadonlySet<string>> {
  const occurred = new Map<string, Set<string>>();
  for (const rate of rates)
    for (const [rule, outcomes] of Object.entries(rate?.rules ?? {})) {
      const names = occurred.get(rule) ?? new Set();
      occurred.set(rule, names);
      for (const outcome of Object.keys(outcomes)) names.add(outcome);
    }
  return new Map([...occurred].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The last hour by rule, as lines for the chart and rows for the table. Pure. */
import type { NodeRates, Rate, TrafficReport } from '../contract.js';
import { dashAt, looksOf } from './colours.js';
import { type Line, summed } from './series.js';

export type Verdict = 'accepted' | 'rejected';
type Outcomes = Readonly<Record<string, readonly Rate[]>>;

/** Lines that a chart can carry; the table has all rules. */
const MOST_LINES = 8;

/** Every outcome but these is a reason of rejection. */
const isRejection = (outcome: string) => outcome !== 'accepted' && outcome !== 'relayed';

/** The rules of the config, in its order, then those that it no longer has and the hour still knows. */
export function rulesOf(report: TrafficReport, configured: readonly string[]): readonly string[] {
  const seen = Object.values(report.nodes).flatMap(({ rules }) => Object.keys(rules));
  return [...new Set([...configured, ...seen.sort()])];
}

/** One line for each of the busiest rules, of these nodes together; a rule looks the same whichever others are shown. */
export function ruleLines(
  report: TrafficReport,
  nodes: readonly string[],
  rules: readonly string[],
  verdict: Verdict,
): readonly Line[] {
  const looks = looksOf(rules);
  const order = [...looks.keys()];
  const lines = rules.map((rule) => ({
    label: rule,
    colour: looks.get(rule)!.colour,
    dash: dashAt(order.indexOf(rule)),
    values: summed(
      nodes.map((node) => columnOf(report.nodes[node], rule, verdict)),
      report.times.length,
    ),
  }));
  const busiest = [...lines].sort((a, b) => totalOf(b) - totalOf(a)).slice(0, MOST_LINES);
  return lines.filter((line) => busiest.includes(line));
}

/** Nothing where the node was not heard, 0 where it was and the rule had no packet. */
function columnOf(series: TrafficReport['nodes'][string] | undefined, rule: string, verdict: Verdict): readonly Rate[] {
  if (series === undefined) return [];
  const outcomes: Outcomes = series.rules[rule] ?? {};
  const wanted = Object.keys(outcomes).filter((name) =>
    verdict === 'accepted' ? name === verdict : isRejection(name),
  );
  return series.accepted.map((heard, at) =>
    heard === null ? null : wanted.reduce((sum, name) => sum + (outcomes[name]![at] ?? 0), 0),
  );
}

const totalOf = ({ values }: Line) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

export interface RuleRow {
  readonly rule: string;
  readonly accepted: number;
  readonly relayed: number;
  /** Reason -> packets a second, the most frequent first. */
  readonly rejected: readonly (readonly [string, number])[];
}

/** The newest second of these nodes together; null: none of them was heard in it. */
export function ruleRows(
  newest: Readonly<Record<string, NodeRates>>,
  nodes: readonly string[],
  rules: readonly string[],
): readonly RuleRow[] | null {
  const heard = nodes.map((node) => newest[node]).filter((rates) => rates !== undefined);
  if (heard.length === 0) return null;
  return rules.map((rule) => {
    const sums = new Map<string, number>();
    for (const { rules: rates } of heard)
      for (const [outcome, rate] of Object.entries(rates[rule] ?? {}))
        sums.set(outcome, (sums.get(outcome) ?? 0) + rate);
    const rejected = [...sums].filter(([outcome]) => isRejection(outcome)).sort(([, a], [, b]) => b - a);
    return { rule, accepted: sums.get('accepted') ?? 0, relayed: sums.get('relayed') ?? 0, rejected };
  });
}

/** The last hour as columns for the charts. Pure. */
import type { NodeRates, Rate, TrafficReport, TrafficSecond } from '../contract.js';

/** Of a chart. */
export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly dash: readonly number[];
  readonly values: readonly Rate[];
}

const MOST_SECONDS = 3600;
type Series = TrafficReport['nodes'][string];
type Columns = Readonly<Record<string, readonly Rate[]>>;

/** With one second more. A second that is there already changes nothing. */
export function appended(report: TrafficReport, second: TrafficSecond): TrafficReport {
  const last = report.times.at(-1) ?? 0;
  if (second.at <= last) return report;
  const length = report.times.length;
  const names = new Set([...Object.keys(report.nodes), ...Object.keys(second.nodes)]);
  const nodes = Object.fromEntries(
    [...names].map((name) => [name, grown(report.nodes[name], length, second.nodes[name])]),
  );
  return { times: [...report.times, second.at].slice(-MOST_SECONDS), nodes };
}

function grown(series: Series | undefined, length: number, rates: NodeRates | undefined): Series {
  const nothing: readonly Rate[] = Array.from({ length }, () => null);
  const add = (before: readonly Rate[] | undefined, value: Rate) =>
    [...(before ?? nothing), value].slice(-MOST_SECONDS);
  // What is new occurred in no earlier second in which the node was heard.
  const never = (series?.accepted ?? nothing).map((value) => (value === null ? null : 0));
  const each = (before: Columns | undefined, now: Readonly<Record<string, number>> | undefined): Columns =>
    Object.fromEntries(
      namesIn(before, now).map((name) => [
        name,
        add(before?.[name] ?? never, rates === undefined ? null : (now?.[name] ?? 0)),
      ]),
    );
  return {
    accepted: add(series?.accepted, rates?.accepted ?? null),
    relayed: add(series?.relayed, rates?.relayed ?? null),
    held: add(series?.held, rates?.held ?? null),
    lost: add(series?.lost, rates?.lost ?? null),
    rejected: each(series?.rejected, rates?.rejected),
    rules: Object.fromEntries(
      namesIn(series?.rules, rates?.rules).map((rule) => [rule, each(series?.rules[rule], rates?.rules[rule])]),
    ),
  };
}

function namesIn(...records: readonly (object | undefined)[]): readonly string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record ?? {})))];
}

/** All reasons of rejection, the most frequent of the hour first. */
export function reasonsOf(report: TrafficReport): readonly string[] {
  const totals = new Map<string, number>();
  for (const { rejected } of Object.values(report.nodes))
    for (const [reason, values] of Object.entries(rejected))
      totals.set(reason, (totals.get(reason) ?? 0) + values.reduce<number>((sum, value) => sum + (value ?? 0), 0));
  return [...totals].sort(([, a], [, b]) => b - a).map(([reason]) => reason);
}

/** A node that is not heard for longer than this, in seconds, is taken for gone. */
const SHORT_GAP = 3;

/** The node was heard shortly before and shortly after: it was there, and only its word was late. */
function isShortGap(column: readonly Rate[], at: number): boolean {
  const isHeard = (second: number) => (column[second] ?? null) !== null;
  if (isHeard(at)) return false;
  let [first, last] = [at, at];
  // No further than it matters: an hour of silence is looked through for every second of it.
  while (first > 0 && at - first < SHORT_GAP && !isHeard(first - 1)) first--;
  while (last < column.length - 1 && last - at < SHORT_GAP && !isHeard(last + 1)) last++;
  return first > 0 && last < column.length - 1 && last - first < SHORT_GAP;
}

/** Of all nodes together; null where no node was heard, or one of them is merely missing: a sum without it would look like a slump. */
export function summed(columns: readonly (readonly Rate[])[], length: number): Rate[] {
  return Array.from({ length }, (_, at) => {
    if (columns.some((column) => isShortGap(column, at))) return null;
    const known = columns.map((column) => column[at] ?? null).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
  });
}

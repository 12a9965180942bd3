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

/** With one second more. One that is there already may bring what was not known of it when it was told first. */
export function appended(report: TrafficReport, second: TrafficSecond): TrafficReport {
  const last = report.times.at(-1) ?? 0;
  if (second.at <= last) return completed(report, second);
  const length = report.times.length;
  const names = new Set([...Object.keys(report.nodes), ...Object.keys(second.nodes)]);
  const nodes = Object.fromEntries(
    [...names].map((name) => [name, grown(report.nodes[name], length, second.nodes[name])]),
  );
  return { times: [...report.times, second.at].slice(-MOST_SECONDS), nodes };
}

/** What is known of a second stays; the nodes that were not heard in it are put in their place. */
function completed(report: TrafficReport, second: TrafficSecond): TrafficReport {
  const index = report.times.lastIndexOf(second.at);
  if (index < 0) return report;
  const late = Object.entries(second.nodes).filter(([name]) => (report.nodes[name]?.accepted[index] ?? null) === null);
  if (late.length === 0) return report;
  const nodes = late.map(([name, rates]) => [name, patched(report.nodes[name], index, report.times.length, rates)]);
  return { times: report.times, nodes: { ...report.nodes, ...Object.fromEntries(nodes) } };
}

/** The columns up to the second, with it, and what was there behind it. */
function patched(series: Series | undefined, index: number, length: number, rates: NodeRates): Series {
  const first = (values: readonly Rate[]) => values.slice(0, index);
  const start = grown(series === undefined ? undefined : mapped(series, first), index, rates);
  const behind = Array.from(
    { length: length - index - 1 },
    (_, at) => (series?.accepted[index + 1 + at] ?? null) === null,
  );
  const rest = (values: readonly Rate[] | undefined) =>
    behind.map((isSilent, at) => values?.[index + 1 + at] ?? (isSilent ? null : 0));
  const each = (before: Columns | undefined, now: Columns): Columns =>
    Object.fromEntries(Object.entries(now).map(([name, values]) => [name, [...values, ...rest(before?.[name])]]));
  return {
    accepted: [...start.accepted, ...rest(series?.accepted)],
    relayed: [...start.relayed, ...rest(series?.relayed)],
    held: [...start.held, ...rest(series?.held)],
    lost: [...start.lost, ...rest(series?.lost)],
    rejected: each(series?.rejected, start.rejected),
    rules: Object.fromEntries(
      Object.entries(start.rules).map(([rule, outcomes]) => [rule, each(series?.rules[rule], outcomes)]),
    ),
  };
}

function mapped(series: Series, change: (values: readonly Rate[]) => readonly Rate[]): Series {
  const each = (columns: Columns): Columns =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, change(values)]));
  return {
    accepted: change(series.accepted),
    relayed: change(series.relayed),
    held: change(series.held),
    lost: change(series.lost),
    rejected: each(series.rejected),
    rules: Object.fromEntries(Object.entries(series.rules).map(([rule, outcomes]) => [rule, each(outcomes)])),
  };
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

/** What the lines have in one second, for the pointer. Null: the second is not among those shown. */
export function valuesAt(
  times: readonly number[],
  lines: readonly Line[],
  second: number,
): readonly { readonly label: string; readonly value: Rate }[] | null {
  const index = times.lastIndexOf(second);
  return index < 0 ? null : lines.map(({ label, values }) => ({ label, value: values[index] ?? null }));
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

/** Whether the farm of the demonstration behaved. Pure. */
import type { Summary } from './tally.js';

/** A row of the load's table: what ended in this second. */
export interface DemoSecond {
  readonly second: number;
  readonly answered: Readonly<Record<string, number>>;
  readonly lost: number;
}

/** A node that serves nothing from the end of second `from` to the end of second `to`. */
export interface Absence {
  readonly node: string;
  readonly from: number;
  readonly to: number;
}

/** At the default heartbeat (100 ms) and lease (500 ms) a dead node's share is served again within this. */
const LONGEST_GAP_MS = 1000;
/** A lost request is counted when its 0.9 s are over, and the next row may be a moment late. */
const LOSSES_END_AFTER_SECONDS = 3;
/** From then on nothing that was sent before may still be answered. */
const SILENT_AFTER_SECONDS = 2;
/** How far a node's share may be off. */
const FAIR_TOLERANCE = 0.01;

/** The row that {@link tableRow} wrote; null for another line. */
export function readRow(nodes: readonly string[], line: string): DemoSecond | null {
  const cells = line.trim().split(/\s+/).map(Number);
  if (cells.length !== nodes.length + 2 || !cells.every(Number.isInteger)) return null;
  const answered = Object.fromEntries(nodes.map((node, index) => [node, cells[index + 1]!]));
  return { second: cells[0]!, answered, lost: cells.at(-1)! };
}

/** Faults, one line each; empty: it behaved. `shares` are those of the end, 0..1. */
export function judge(
  seconds: readonly DemoSecond[],
  absences: readonly Absence[],
  summary: Summary,
  shares: Readonly<Record<string, number>>,
): readonly string[] {
  const nodes = Object.keys(shares);
  return [
    ...lossFaults(seconds, absences, summary),
    ...silenceFaults(seconds, absences),
    ...shareFaults(nodes, summary, shares),
  ];
}

/** Only the beginning of an absence may cost requests. */
function lossFaults(seconds: readonly DemoSecond[], absences: readonly Absence[], summary: Summary): readonly string[] {
  const isExcused = (second: number) =>
    absences.some(({ from }) => second > from && second <= from + LOSSES_END_AFTER_SECONDS);
  const faults = seconds
    .filter(({ second, lost }) => lost > 0 && !isExcused(second))
    .map(
      ({ second, lost }) => `${lost} requests were lost in second ${second}; only the kill and the stall may cost any`,
    );
  if (summary.longestGapMs > LONGEST_GAP_MS)
    faults.push(`the longest gap was ${summary.longestGapMs} ms; it may be ${LONGEST_GAP_MS} ms`);
  return faults;
}

/** Who is dead or stands still must not answer. */
function silenceFaults(seconds: readonly DemoSecond[], absences: readonly Absence[]): readonly string[] {
  return absences.flatMap(({ node, from, to }) =>
    seconds
      .filter(({ second }) => second > from + SILENT_AFTER_SECONDS && second <= to)
      .filter(({ answered }) => (answered[node] ?? 0) > 0)
      .map(
        ({ second, answered }) =>
          `${node} answered ${answered[node]} requests in second ${second}, when it could not serve`,
      ),
  );
}

function shareFaults(
  nodes: readonly string[],
  summary: Summary,
  shares: Readonly<Record<string, number>>,
): readonly string[] {
  const fair = 1 / nodes.length;
  const silent = nodes
    .filter((node) => !((summary.answered[node] ?? 0) > 0))
    .map((node) => `${node} answered no request`);
  const unfair = nodes
    .filter((node) => Math.abs((shares[node] ?? 0) - fair) > FAIR_TOLERANCE)
    .map(
      (node) =>
        `at the end ${node} has ${((shares[node] ?? 0) * 100).toFixed(1)} % instead of ${(fair * 100).toFixed(1)} %`,
    );
  return [...silent, ...unfair];
}

/** From requests to the report of a live farm. Pure. */
import { gaps } from '../../lab/tally.js';
import { percentile } from '../statistics.js';
import type { Asked, Second, TargetReport } from './contract.js';
import { UNKNOWABLE } from './node-name.js';

export interface Observed {
  /** On kept connections. */
  readonly kept: readonly Asked[];
  /** Each on a connection of its own. */
  readonly fresh: readonly Asked[];
  /** How nodes were told apart; null: no answer said. */
  readonly by: string | null;
  readonly elapsedMs: number;
}

type Figures = Omit<TargetReport, 'version' | 'kind' | 'begun' | 'command' | 'target' | 'connections' | 'clientLoad'>;

export function targetFigures({ kept, fresh, by, elapsedMs }: Observed): Figures {
  const answered = kept.filter(({ error }) => error === null);
  const lost = fresh.filter(({ error }) => error !== null);
  return {
    tookSeconds: elapsedMs / 1000,
    requestsPerSecond: answered.length / (elapsedMs / 1000),
    requests: kept.length,
    failed: countBy([...kept, ...fresh].flatMap(({ error }) => (error === null ? [] : [error]))),
    latencyMs: latencies(answered.map(({ tookMs }) => tookMs)),
    shares: by === null ? null : sharesOf(fresh),
    sharesBy: by ?? UNKNOWABLE,
    newConnections: fresh.length,
    newConnectionsLost: lost.length,
    longestGapMs: Math.max(0, ...gaps(lost.map(({ atMs }) => atMs))),
    seconds: bySecond(kept, Math.max(1, Math.round(elapsedMs / 1000))),
  };
}

function latencies(times: readonly number[]): TargetReport['latencyMs'] {
  if (times.length === 0) return null;
  const at = (percent: number) => percentile(times, percent);
  return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100) };
}

function sharesOf(fresh: readonly Asked[]): Readonly<Record<string, number>> {
  const counts = countBy(fresh.flatMap(({ node }) => (node === null ? [] : [node])));
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(Object.entries(counts).map(([node, count]) => [node, count / total]));
}

function countBy(words: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** By the time at which a request ended: a second in which all waited is empty. */
function bySecond(asked: readonly Asked[], seconds: number): readonly Second[] {
  const lists = Array.from({ length: seconds }, (): Asked[] => []);
  for (const one of asked) lists[Math.floor((one.atMs + one.tookMs) / 1000)]?.push(one);
  return lists.map((list, second) => {
    const times = list.filter(({ error }) => error === null).map(({ tookMs }) => tookMs);
    const p99Ms = times.length === 0 ? null : percentile(times, 99);
    return { second: second + 1, answered: times.length, failed: list.length - times.length, p99Ms };
  });
}

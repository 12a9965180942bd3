/** Counting what became of requests. Pure. */

export interface Outcome {
  /** Any clock, ms. */
  readonly startMs: number;
  readonly endMs: number;
  /** Who answered; null: nobody. */
  readonly node: string | null;
  /** Why nobody answered, such as `timeout` or `ECONNRESET`. */
  readonly error: string | null;
}

export interface Totals {
  readonly byNode: Map<string, number>;
  readonly byError: Map<string, number>;
  /** When the lost requests were sent, ms. */
  readonly lostAtMs: number[];
  slowestMs: number;
}

export interface Summary {
  readonly version: 1;
  readonly requests: number;
  readonly answered: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly errors: Readonly<Record<string, number>>;
  /** The longest stretch in which requests were sent in vain: from the first to the last of one row of lost requests. */
  readonly longestGapMs: number;
  /** Each such stretch, in order. */
  readonly gapsMs: readonly number[];
  readonly slowestMs: number;
}

/** Lost requests this far apart belong to different outages. Others answer meanwhile, so the distance within one is small. */
const SAME_GAP_MS = 1000;

export function emptyTotals(): Totals {
  return { byNode: new Map(), byError: new Map(), lostAtMs: [], slowestMs: 0 };
}

export function take(totals: Totals, outcome: Outcome): void {
  if (outcome.node !== null) {
    count(totals.byNode, outcome.node);
    totals.slowestMs = Math.max(totals.slowestMs, outcome.endMs - outcome.startMs);
    return;
  }
  count(totals.byError, outcome.error ?? 'unknown');
  totals.lostAtMs.push(outcome.startMs);
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

function sum(map: ReadonlyMap<string, number>): number {
  return [...map.values()].reduce((total, value) => total + value, 0);
}

/** Lengths of the stretches of lost requests, ms. One lost request alone is a stretch of 0. */
export function gaps(lostAtMs: readonly number[], sameGapMs = SAME_GAP_MS): readonly number[] {
  const sorted = [...lostAtMs].sort((left, right) => left - right);
  const found: { from: number; to: number }[] = [];
  for (const at of sorted) {
    const last = found.at(-1);
    if (last !== undefined && at - last.to < sameGapMs) last.to = at;
    else found.push({ from: at, to: at });
  }
  return found.map(({ from, to }) => Math.round(to - from));
}

export function summarise(totals: Totals): Summary {
  const lost = sum(totals.byError);
  const gapsMs = gaps(totals.lostAtMs);
  return {
    version: 1,
    requests: sum(totals.byNode) + lost,
    answered: Object.fromEntries([...totals.byNode].sort()),
    lost,
    errors: Object.fromEntries(totals.byError),
    longestGapMs: Math.max(0, ...gapsMs),
    gapsMs,
    slowestMs: Math.round(totals.slowestMs),
  };
}

const WIDTH = 8;

export function tableHead(names: readonly string[]): string {
  return ['second', ...names, 'lost'].map((text) => text.padStart(WIDTH)).join('');
}

/** Requests per node that ended in this second. Nodes that `names` does not have are not shown, but counted. */
export function tableRow(names: readonly string[], second: Totals, index: number): string {
  const cells = [index + 1, ...names.map((name) => second.byNode.get(name) ?? 0), sum(second.byError)];
  return cells.map((value) => String(value).padStart(WIDTH)).join('');
}

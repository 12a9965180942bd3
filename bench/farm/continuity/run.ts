/**
 * Continuity: a farm of four under full load, to which something happens again and again; then a crash.
 *
 *     client --- switch --- n1, n2, n3 (up), n4 (not yet)     VIPs 10.77.0.50 and fd77::50
 *       wrk, curl, iperf3, redis-cli, redis-benchmark, socat      nginx, iperf3, redis, socat, dnsmasq on each node
 */
import { labKill, labUp, waitWhole } from '../../../src/lab/lab.js';
import { agentProcesses, eventually, signalAll } from '../../../src/lab/processes.js';
import { type ClientOptions, Clients, freshShares, homes, type Sample, tally } from './clients.js';
import { KnownFarm, seeded } from './events.js';
import { RULES, startServices } from './services.js';

export interface Options {
  readonly lab: string;
  readonly events: number;
  readonly seed: number;
  /** Calm before the first and after each event, in which clients only work: ms. */
  readonly calmMs: number;
  readonly clients?: Pick<ClientOptions, 'kinds' | 'freshPerSecond'>;
  readonly progress: (line: string) => void;
}

export interface EventRow {
  readonly text: string;
  /** Until all nodes saw the new shares. */
  readonly settledMs: number;
  readonly requests: number;
  readonly failures: readonly Sample[];
  readonly longestMs: number;
  /** The longest that a process of this machine, which sleeps 10 ms, slept more: what lies below says nothing of the farm. */
  readonly stallMs: number;
  /** The most that a node's part of the new connections was off, and of how many. */
  readonly shareError: number;
  readonly fresh: number;
}

export interface Report {
  readonly rows: readonly EventRow[];
  /** Everything before the crash. */
  readonly requests: Readonly<Record<string, number>>;
  readonly failures: readonly Sample[];
  readonly crash: CrashReport;
  /** Frames that the nodes' captures had no room for, since each node's start: to a client, packets lost on the way. */
  readonly captureDrops: number;
}

export interface CrashReport {
  readonly node: string;
  /** Long sessions on the node that died, and on others. */
  readonly sessionsThere: number;
  readonly sessionsElsewhere: number;
  readonly brokenThere: number;
  readonly brokenElsewhere: readonly Sample[];
  /** From the kill to the last new connection that failed or waited over half a second for its answer, ms. */
  readonly newConnectionsMs: number;
}

const CRASH_SECONDS = 5;
/** One event takes this long at most, besides its calm. */
const EVENT_SECONDS = 4;

/** The lab must not exist yet; the caller removes it. */
export async function continuity(options: Options): Promise<Report> {
  const { lab, progress } = options;
  const farm = await raise(lab, progress);
  const seconds = ((options.events + 1) * options.calmMs) / 1000 + options.events * EVENT_SECONDS + CRASH_SECONDS;
  const sha256 = await startServices(lab, farm.nodes);
  const clients = new Clients(lab, { ...options.clients, seconds: Math.ceil(seconds), sha256 });
  await eventually(() => homes(clients.samples).size > 0, 10_000);
  await pause(options.calmMs);
  const random = seeded(options.seed);
  const rows: EventRow[] = [];
  for (let number = 1; number <= options.events; number++) {
    const event = number === 1 ? farm.known.join('n4') : farm.known.next(random);
    rows.push(await happen(farm.known, clients, event, options.calmMs));
    progress(rowText(number, rows.at(-1)!));
  }
  const reports = await Promise.all(farm.known.up.map((node) => farm.known.status(node)));
  const captureDrops = reports.reduce((sum, report) => sum + (report?.counters.captureDrops ?? 0), 0);
  const crashAt = Date.now();
  const crash = await crashOne(lab, farm.known, clients, crashAt);
  await clients.ended;
  const before = clients.samples.filter(({ at }) => at < crashAt);
  return { rows, requests: byKind(before), failures: tally(before).failures, crash: crash(), captureDrops };
}

async function raise(lab: string, progress: Options['progress']) {
  const overrides = [RULES];
  const { nodes } = await labUp({ lab, nodes: 4, client: true, ipv6: true, overrides, agents: true }, (line) =>
    progress(`    ${line}`),
  );
  // The fourth has not joined yet: its agent is ended in good order.
  const fourth = nodes.at(-1)!;
  const processes = agentProcesses(lab, fourth);
  signalAll(processes.slice(0, 1), 'SIGTERM');
  if (!(await eventually(() => agentProcesses(lab, fourth).length === 0, 10_000))) throw new Error(`${fourth} stays`);
  const up = nodes.slice(0, -1);
  await waitWhole(lab, up, () => undefined);
  return { nodes, known: new KnownFarm(lab, nodes, up) };
}

async function happen(
  farm: KnownFarm,
  clients: Clients,
  event: ReturnType<KnownFarm['next']>,
  calmMs: number,
): Promise<EventRow> {
  const begun = Date.now();
  const stall = new StallWatch();
  await event.act();
  const settledMs = await farm.settle();
  const settledAt = Date.now();
  await pause(calmMs);
  const { requests, failures, longestMs } = tally(clients.between(begun, Date.now()));
  // What was asked for before all was settled may have gone by the old shares.
  const { of: fresh, shares } = freshShares(clients.between(settledAt + 200, Date.now()));
  const due = farm.shares();
  const shareError = Math.max(...Object.keys(due).map((node) => Math.abs((shares[node] ?? 0) - due[node]!)));
  return { text: event.text, settledMs, requests, failures, longestMs, shareError, fresh, stallMs: stall.end() };
}

class StallWatch {
  #longestMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => this.#look(), 10);

  #look(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs - 10);
    this.#lastMs = nowMs;
  }

  end(): number {
    clearInterval(this.#timer);
    return this.#longestMs;
  }
}

/** kill -9 of the node with the most long sessions. @returns the verdict, once the clients have ended. */
async function crashOne(lab: string, farm: KnownFarm, clients: Clients, crashAt: number): Promise<() => CrashReport> {
  const home = homes(clients.samples);
  const count = (node: string) => [...home.values()].filter((other) => other === node).length;
  const node = farm.up.reduce((best, other) => (count(other) > count(best) ? other : best));
  await labKill(lab, node);
  farm.lost(node);
  await farm.settle();
  return () => {
    const ends = clients.samples.filter(({ kind }) => /^long\d-end$/.test(kind));
    const broken = ends.filter(({ ok }) => !ok);
    const late = clients.samples.filter(
      ({ kind, at, ok, ms }) => at >= crashAt && kind.startsWith('fresh') && (!ok || ms > 500),
    );
    return {
      node,
      sessionsThere: count(node),
      sessionsElsewhere: home.size - count(node),
      brokenThere: broken.filter(({ session }) => home.get(session!) === node).length,
      brokenElsewhere: broken.filter(({ session }) => home.get(session!) !== node),
      // `at` is the time of the answer; what counts is when the last of them was asked.
      newConnectionsMs: Math.max(0, ...late.map(({ at, ms }) => at - ms - crashAt)),
    };
  };
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

function byKind(samples: readonly Sample[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind, count } of samples) if (count > 0) counts[kind] = (counts[kind] ?? 0) + count;
  return counts;
}

export const HEAD = [
  ' #',
  'event'.padEnd(28),
  'settled',
  'requests',
  'failed',
  'longest wait',
  'machine',
  'shares off by',
].join('  ');

export function rowText(number: number, row: EventRow): string {
  return [
    String(number).padStart(2),
    row.text.padEnd(28),
    `${row.settledMs.toFixed(0)} ms`.padStart(7),
    String(row.requests).padStart(8),
    String(row.failures.length).padStart(6),
    `${row.longestMs.toFixed(0)} ms`.padStart(12),
    `${row.stallMs.toFixed(0)} ms`.padStart(7),
    `${(row.shareError * 100).toFixed(1)} % of ${row.fresh}`.padStart(13),
  ].join('  ');
}

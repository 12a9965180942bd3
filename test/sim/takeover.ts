/** One node of a farm is cut off in one way or another: how long keys are without anyone, and whom it costs the lease. */
import { Farm } from './farm.js';
import type { Host } from './host.js';
import { Dice } from './random.js';
import { type Action, type CutShape, PLAIN, type Schedule } from './schedule.js';

export const CUT_MS = 3000;
/** How long the cut lasts. */
export const LASTS_MS = 3000;
/** The node that is cut off. */
export const VICTIM = 1;

/** How a node is cut off. `ingress`: no frame comes in; `nic`: none goes out either; the others concern heartbeats alone. */
export type Cut = 'ingress' | 'nic' | Extract<CutShape, 'deaf' | 'mute' | 'halves'>;

export interface Conditions {
  readonly nodes: number;
  readonly cut: Cut;
  /** A second network for heartbeats, which stays whole. */
  readonly udp: boolean;
  /** Timers are up to so late, and datagrams up to so long under way. */
  readonly timersLateMs: number;
  readonly delayMs: number;
  /** Mean time between two packets of clients; 0: the network is quiet, heartbeats are all that is ever captured. */
  readonly packetEveryMs: number;
}

export interface Outcome {
  /** From the cut until the others would accept or hold every key, for as long as it lasts; infinite: never. */
  readonly takenOverMs: number;
  /** The same for all of them, the victim too. */
  readonly servedMs: number;
  /** Leases lost by nodes that were not cut off. */
  readonly otherLapses: number;
  /** What the victim was at the end of the cut. */
  readonly victim: string;
  readonly violation: string | null;
}

function schedule(seed: number, { nodes, cut, ...network }: Conditions): Schedule {
  const dice = new Dice(seed);
  const starts = Array.from({ length: nodes }, (_, node) => ({
    atMs: dice.between(0, 200),
    kind: 'start' as const,
    node,
  }));
  return {
    ...PLAIN,
    ...network,
    seed,
    nodes,
    keys: 30,
    drift: 0.01,
    actions: [...starts, fault(CUT_MS + dice.between(0, 100), cut, nodes)],
    healMs: CUT_MS + LASTS_MS + 200,
    endMs: CUT_MS + LASTS_MS + 3500,
  };
}

function fault(atMs: number, cut: Cut, nodes: number): Action {
  if (cut === 'ingress' || cut === 'nic') return { atMs, kind: cut, node: VICTIM, forMs: LASTS_MS };
  const others = Array.from({ length: nodes }, (_, node) => node).filter((node) => node !== VICTIM);
  const there = others.map((other) => [VICTIM, other] as const);
  const back = others.map((other) => [other, VICTIM] as const);
  const paths = cut === 'mute' ? there : cut === 'deaf' ? back : [...there, ...back];
  return { atMs, kind: 'cut', shape: cut, paths, forMs: LASTS_MS, way: 'raw' };
}

export function takeover(seed: number, conditions: Conditions, noting = false): Outcome {
  const life = schedule(seed, conditions);
  const farm = new Farm(life);
  farm.noting = noting;
  const cutMs = life.actions.at(-1)!.atMs;
  const others = farm.hosts.filter(({ index }) => index !== VICTIM);
  const lostMs = { byOthers: cutMs, byAll: cutMs };
  let victim = '';
  const serve = (hosts: readonly Host[]): boolean =>
    farm.clients.keys.every(({ plan, key }) =>
      hosts.some((host) => host.plane.wouldDo(host.localMs(), plan, key) !== 'reject'),
    );
  const look = (): void => {
    const { nowMs } = farm.timeline;
    if (!serve(others)) lostMs.byOthers = nowMs;
    if (!serve(farm.hosts)) lostMs.byAll = nowMs;
    victim = `${farm.hosts[VICTIM]!.state} (${farm.hosts[VICTIM]!.reason})`;
    if (nowMs < cutMs + LASTS_MS - 10) farm.timeline.after(5, look);
  };
  farm.timeline.at(cutMs + 0.5, look);
  let otherLapses = 0;
  farm.lapsed = (host) => {
    if (host.index !== VICTIM && farm.timeline.nowMs < cutMs + LASTS_MS) otherLapses++;
  };
  const violation = farm.run();
  const after = (ms: number): number => (ms >= cutMs + LASTS_MS - 20 ? Number.POSITIVE_INFINITY : ms - cutMs);
  if (noting) console.log(farm.notes.join('\n'));
  return {
    takenOverMs: after(lostMs.byOthers),
    servedMs: after(lostMs.byAll),
    otherLapses,
    victim,
    violation: violation?.message ?? null,
  };
}

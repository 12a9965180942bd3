/** Scenario `growth`: what membership costs, and what moves, as a farm grows. Keys, rules and VIPs: scenario `micro`. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { countBits } from '../../buckets/bitmap.js';
import { BUCKETS } from '../../buckets/contract.js';
import { computePlan, type PlanMember, type PlanRule, planMoves, planNames } from '../../buckets/plan.js';
import { labDown } from '../../lab/lab.js';
import { nodeNames } from '../../lab/names.js';
import { agentProcesses } from '../../lab/processes.js';
import type { Bed, BedOptions, Figure, Peer, Sample, Scenario } from '../contract.js';
import { LabHosts } from '../lab-hosts.js';
import { usedSeconds } from '../machine.js';
import { median } from '../statistics.js';

const SIZES = [1, 2, 4, 8];
/** Start-up is not rest. V8 goes on compiling for a minute, which is in the figures. */
const SETTLE_MS = 5000;
const BALANCE: PlanRule = { mode: 'balance', order: [], weights: {} };

const FIGURES: readonly Figure[] = [
  { id: 'cpu', name: 'CPU of a node at rest (supervisor and agent)', unit: '% of a core', better: 'less', digits: 2 },
  { id: 'sent', name: 'bytes that a node sends at rest', unit: 'bytes/s', better: 'less', digits: 0 },
  { id: 'memory', name: 'memory of a node (proportional set size)', unit: 'MiB', better: 'less', digits: 0 },
  { id: 'moved', name: 'buckets that move when one more joins, of the ideal', unit: 'x', better: 'less', digits: 3 },
];

export const growth: Scenario = {
  id: 'growth',
  title: 'What does a farm cost as it grows?',
  about: `Farms of ${SIZES.join(', ')} nodes at rest, all on this machine, one farm after the other: medians of their nodes. Buckets that move are counted in the plans; the ideal is the newcomer's exact part.`,
  figures: FIGURES,
  base: nameOf(SIZES[0]!),
  peers: SIZES.map(peerOf),
  isOneByOne: true,
};

function nameOf(size: number): string {
  return size === 1 ? '1 node' : `${size} nodes`;
}

function peerOf(size: number): Peer {
  return { name: nameOf(size), about: `a farm of ${size}`, needs: [], setUp: (options) => setUp(size, options) };
}

async function setUp(size: number, { signal, say, overrides, seconds }: BedOptions): Promise<Bed> {
  const lab = `bench-growth-${size}`;
  try {
    const hosts = await LabHosts.up({ lab, nodes: size, agents: true, overrides }, { signal, say });
    await delay(SETTLE_MS);
    return { measure: () => atRest(hosts, size, seconds), close: () => hosts.down() };
  } catch (cause) {
    await labDown(lab);
    throw cause;
  }
}

async function atRest(hosts: LabHosts, size: number, seconds: number): Promise<Sample> {
  const nodes = nodeNames(size);
  const pids = nodes.map((node) => agentProcesses(hosts.lab, node).map(({ pid }) => pid));
  const look = async () => ({
    atMs: performance.now(),
    used: pids.map(usedSeconds),
    sent: await Promise.all(nodes.map((node) => sentBytes(hosts, node))),
  });
  const before = await look();
  await delay(seconds * 1000);
  const after = await look();
  const elapsed = (after.atMs - before.atMs) / 1000;
  const perSecond = (now: readonly number[], then: readonly number[]) =>
    median(now.map((value, index) => (value - then[index]!) / elapsed));
  return {
    cpu: perSecond(after.used, before.used) * 100,
    sent: perSecond(after.sent, before.sent),
    memory: median(pids.map(memoryMiB)),
    moved: movedByOneMore(size),
  };
}

async function sentBytes(hosts: LabHosts, node: string): Promise<number> {
  const text = await hosts.exec(node, ['ip', '-j', '-s', 'link', 'show', 'dev', 'eth0']);
  const [link] = JSON.parse(text) as readonly { readonly stats64: { readonly tx: { readonly bytes: number } } }[];
  return link!.stats64.tx.bytes;
}

/** Pages that several processes share count in parts: eight agents share one program. */
function memoryMiB(pids: readonly number[]): number {
  const kibibytes = pids.map((pid) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]),
  );
  return kibibytes.reduce((sum, value) => sum + value, 0) / 1024;
}

function movedByOneMore(size: number): number {
  const plan = (count: number) => {
    const members = nodeNames(count).map((name): PlanMember => ({ name, weight: 1 }));
    return { names: planNames(members), owners: computePlan(members, BALANCE) };
  };
  const moved = planMoves(plan(size), plan(size + 1)).reduce((sum, { buckets }) => sum + countBits(buckets), 0);
  return moved / (BUCKETS / (size + 1));
}

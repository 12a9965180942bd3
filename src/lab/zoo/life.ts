/** The whole life of a farm in one network: cold start, traffic, kill, return, drain, start; and what it cost. */
import { statSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LabOptions, labDown, labUp, startAgents, waitWhole } from '../lab.js';
import { labPaths, NEAR, nodeNames, nodePaths } from '../names.js';
import { subnetOf } from '../network/plan.js';
import { type ProfileName, profileOf } from '../network/profiles.js';
import { reportOrNull } from '../status.js';
import { Course } from './course.js';
import { judge } from './judge.js';
import { echoLog, startEcho, startTraffic } from './programs.js';
import { refusal } from './refusal.js';
import { scorePhases, servedTwice } from './score.js';
import type { Life } from './table.js';

export interface LifeOptions {
  readonly network: ProfileName;
  readonly lab: string;
  /** The config's `reach`. Default `auto`: then it must choose one that works there. */
  readonly reach?: string;
  /** YAML texts laid over the lab's config. */
  readonly overrides: readonly string[];
  readonly signal?: AbortSignal;
  /** A directory for the lab's logs and what became of each request; it gets one directory for each network. */
  readonly keepIn?: string;
}

export type Progress = (line: string) => void;

const NODES = nodeNames(3);
const UP_TIMEOUT_MS = 30_000;
/** A datagram's client is kept for a minute after the last one; the traffic's clients send one each, and need no waiting for. */
const SHORT_DRAIN = '{ drain: { deadline: 3s } }';
const UNBORN: Omit<Life, 'network' | 'found' | 'reach' | 'faults'> = {
  coldStartMs: null,
  phases: [],
  twice: 0,
  lapses: 0,
};

/** Lives it, and removes the lab. What goes wrong is a fault of the life; throws LabError when the lab cannot be built. */
export async function live(options: LifeOptions, progress: Progress): Promise<Life> {
  const { network, lab, signal } = options;
  const config = [`{ reach: ${options.reach ?? 'auto'} }`, SHORT_DRAIN, ...options.overrides];
  const ofLab: LabOptions = {
    lab,
    network,
    nodes: NODES.length,
    client: true,
    ipv6: true,
    overrides: config,
    agents: false,
  };
  await labDown(lab);
  await labUp({ ...ofLab, ...(signal && { signal }) }, progress);
  try {
    const begun = performance.now();
    await startAgents(ofLab, NODES);
    if (profileOf(network).choices.includes('none'))
      return { ...UNBORN, network, reach: 'none', ...(await refusal(lab, outside(network), signal)) };
    const fault = await faultOf(waitWhole(lab, NODES, progress, { timeoutMs: UP_TIMEOUT_MS, signal }));
    signal?.throwIfAborted();
    const coldStartMs = performance.now() - begun;
    const choice = await choiceOf(lab);
    progress(`reach ${choice.reach}: ${choice.found}`);
    if (fault !== null) return { ...UNBORN, network, ...choice, faults: [fault] };
    return await lifeOf(options, { ...choice, coldStartMs }, progress);
  } finally {
    if (options.keepIn !== undefined)
      await cp(labPaths(lab).directory, join(options.keepIn, network), { recursive: true, filter: isRecord });
    await labDown(lab);
  }
}

/** Directories, logs, and JSON; no keys and no sockets. */
function isRecord(path: string): boolean {
  return /\.(log|json)$/.test(path) || statSync(path).isDirectory();
}

/** Nodes that are not in the VIP's subnet. */
function outside(network: ProfileName): readonly string[] {
  return NODES.filter((node) => subnetOf(profileOf(network), node) !== NEAR);
}

async function lifeOf(
  { network, lab, reach = 'auto', signal }: LifeOptions,
  birth: Pick<Life, 'found' | 'reach' | 'coldStartMs'>,
  progress: Progress,
): Promise<Life> {
  await Promise.all(NODES.map((node) => startEcho(lab, node)));
  const lapsesBefore = await lapsesOf(lab);
  const traffic = await startTraffic(lab);
  const course = new Course(lab, network, NODES, progress);
  const fault = await faultOf(course.run(signal));
  const outcomes = await traffic.end();
  signal?.throwIfAborted();
  const phases = scorePhases(outcomes, course.phases, profileOf(network).lossPercent !== undefined);
  const choices = reach === 'auto' ? profileOf(network).choices : [reach];
  const served = await Promise.all(NODES.map((node) => servedIds(lab, node)));
  const twice = servedTwice(served.flat()).length;
  const lapses = (await lapsesOf(lab)) - lapsesBefore;
  const { reach: lastReach } = await choiceOf(lab);
  const changed =
    lastReach === birth.reach ? [] : [`reach was ${birth.reach} in the beginning and ${lastReach} in the end`];
  const life: Life = { network, ...birth, phases, twice, lapses, faults: [] };
  const judged = judge(life, choices, outcomes, course.phases, NODES);
  return { ...life, faults: [...(fault === null ? [] : [fault]), ...changed, ...judged] };
}

/** How often a lease has lapsed on any node. None may in a calm network; on a machine that stands still for a lease it must. */
async function lapsesOf(lab: string): Promise<number> {
  const logs = await Promise.all(NODES.map((node) => readFile(nodePaths(lab, node).agentLog, 'utf8').catch(() => '')));
  return logs.join('\n').split('"msg":"lapsed"').length - 1;
}

async function faultOf(work: Promise<unknown>): Promise<string | null> {
  return work.then(
    () => null,
    (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)),
  );
}

/** What the first node that answers says of the reach. */
async function choiceOf(lab: string): Promise<Pick<Life, 'found' | 'reach'>> {
  for (const node of NODES) {
    const report = await reportOrNull(lab, node);
    if (report !== null) return { found: report.reach.reason, reach: report.reach.mode };
  }
  return { found: 'no node answers', reach: 'none' };
}

/** Every id as often as the node's services have served it. */
async function servedIds(lab: string, node: string): Promise<readonly string[]> {
  const logs = [nodePaths(lab, node).accessLog, echoLog(lab, node)];
  const texts = await Promise.all(logs.map((log) => readFile(log, 'utf8').catch(() => '')));
  return texts.flatMap((text) => text.split('\n').flatMap((line) => line.split(' ')[0] || []));
}

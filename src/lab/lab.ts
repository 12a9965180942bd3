/** The lab's life: up, kill, stall, cut, drain, start, status, down. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, isAlive } from '../platform/host/process.js';
import { type LabConfigOptions, writeConfig } from './config.js';
import {
  CLI,
  checkLabName,
  LabError,
  labPaths,
  MAX_LAB_NODES,
  namespaceOf,
  nodeNames,
  nodePaths,
  SERVICE,
} from './names.js';
import { createHost, createSwitch } from './network/build.js';
import { type ProfileName, profileOf } from './network/profiles.js';
import { agentProcesses, eventually, type Health, healthOf, signalAll, startIn } from './processes.js';
import { covey, type NodeReport, notWhole, reportOrNull } from './status.js';
import { deleteHost, existingHosts, isCablePlugged, processesIn, setCable } from './topology.js';

export interface LabOptions {
  readonly lab: string;
  readonly nodes: number;
  readonly client: boolean;
  readonly ipv6: boolean;
  /** Which network it imitates. Default `switch`. */
  readonly network?: ProfileName;
  /** YAML texts laid over the default config. */
  readonly overrides: readonly string[];
  /** Starts no agents: topology and services only. For benchmarks of the bare kernel, and tests of the lab itself. */
  readonly agents: boolean;
  /** Aborting it ends `labUp`, which then removes what it has built; its reason becomes the error. */
  readonly signal?: AbortSignal;
}

export interface LabState {
  readonly version: 1;
  readonly lab: string;
  readonly nodes: readonly string[];
  readonly client: boolean;
  readonly network: ProfileName;
  /** False: a lab of network and services only. */
  readonly agents: boolean;
}

export type Progress = (line: string) => void;

const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 5000;
const LOG_TAIL_LINES = 15;

/** Builds and starts everything, and waits until every node is up with its share. On failure everything is removed again. */
export async function labUp(options: LabOptions, progress: Progress): Promise<LabState> {
  const { lab, nodes, network = 'switch' } = options;
  checkUp(options);
  const names = nodeNames(nodes);
  const paths = labPaths(lab);
  if ((await existingHosts(lab)).length > 0 || existsSync(paths.directory)) {
    throw new LabError(
      `lab ${lab} exists already; remove it (covey lab down --lab ${lab}) or name another (--lab NAME)`,
    );
  }
  const state: LabState = { version: 1, lab, nodes: names, client: options.client, agents: options.agents, network };
  const profile = profileOf(network);
  try {
    await mkdir(paths.directory, { recursive: true, mode: 0o700 });
    await writeFile(paths.state, `${JSON.stringify(state)}\n`);
    await writeCommand(lab);
    const hosts = [...names, ...(options.client ? ['client'] : []), ...(profile.gateway ? ['gateway'] : [])];
    progress(`network: ${profile.about}; ${hosts.join(', ')}`);
    await createSwitch(profile, lab);
    for (const host of hosts) {
      options.signal?.throwIfAborted();
      await createHost(profile, lab, host, hosts);
    }
    options.signal?.throwIfAborted();
    await Promise.all(names.map((node) => startService(lab, node)));
    options.signal?.throwIfAborted();
    if (options.agents) await startFarm(options, names, progress);
    return state;
  } catch (cause) {
    await labDown(lab);
    // Whatever failed because of the interruption, the interruption is what happened.
    options.signal?.throwIfAborted();
    throw cause;
  }
}

/** `covey` for the hosts of the lab: what {@link labEnvironment} puts into their PATH. */
async function writeCommand(lab: string): Promise<void> {
  const { bin } = labPaths(lab);
  await mkdir(bin);
  const quoted = [process.execPath, CLI].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  await writeFile(join(bin, 'covey'), `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 });
}

/** What a command on `host` finds in its environment, so that `covey status` there asks the agent of that host. */
export function labEnvironment(lab: string, host: string, inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { COVEY_RUN_DIR: _, PATH, ...rest } = inherited;
  const environment = { ...rest, PATH: `${labPaths(lab).bin}:${PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'}` };
  const isNode = host !== 'client' && host !== 'switch';
  return isNode ? { ...environment, COVEY_RUN_DIR: nodePaths(lab, host).runDir } : environment;
}

function checkUp({ lab, nodes, agents }: LabOptions): void {
  checkLabName(lab);
  if (process.getuid?.() !== 0) throw new LabError('a lab makes network namespaces: run it as root (sudo)');
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_LAB_NODES) {
    throw new LabError(`--nodes takes 1 to ${MAX_LAB_NODES}, not ${nodes}`);
  }
  if (agents && !existsSync(CLI)) throw new LabError(`${CLI} is missing; build it: npm run build`);
}

async function startFarm(options: LabOptions, names: readonly string[], progress: Progress): Promise<void> {
  await startAgents(options, names);
  if (profileOf(options.network ?? 'switch').choices.includes('none')) {
    progress('agents started; no farm can be whole in this network, and each node should say why: lab status');
    return;
  }
  progress(`agents started; waiting until ${names.length === 1 ? 'it is' : 'all are'} up`);
  await waitWhole(options.lab, names, progress, { signal: options.signal });
}

/** Writes the config and starts the agents; does not wait for them. */
export async function startAgents(options: LabConfigOptions, names: readonly string[]): Promise<void> {
  await writeConfig(labPaths(options.lab), options);
  for (const node of names) await startAgent(options.lab, node);
}

/** Starts the agent of `node` with the lab's config and its own name, or with another file or name. */
export async function startAgent(lab: string, node: string, config = labPaths(lab).config, name = node): Promise<void> {
  const paths = nodePaths(lab, node);
  await mkdir(paths.runDir, { recursive: true, mode: 0o700 });
  const command = [process.execPath, CLI, 'run', '--config', config, '--node', name, '--run-dir', paths.runDir];
  startIn(lab, node, 'agent', command, paths.agentLog);
}

export async function startService(lab: string, node: string): Promise<void> {
  const paths = nodePaths(lab, node);
  await mkdir(join(labPaths(lab).directory, node), { recursive: true });
  await rm(paths.serviceLog, { force: true });
  // One port of the rule with affinity `connection`, one of that with `client`.
  const words = ['--name', node, '--log', paths.accessLog, '--port', '80', '--port', '8000'];
  startIn(lab, node, 'service', [process.execPath, SERVICE, ...words], paths.serviceLog);
  const listening = async (): Promise<boolean> => (await readFile(paths.serviceLog, 'utf8')).includes('listening');
  if (await eventually(listening, START_TIMEOUT_MS)) return;
  throw new LabError(`the service of ${node} does not start: ${await readFile(paths.serviceLog, 'utf8')}`);
}

export interface WaitLimits {
  /** Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Waits until each of `nodes` reports a whole farm of exactly them. Throws LabError with the ends of the logs. */
export async function waitWhole(
  lab: string,
  nodes: readonly string[],
  progress: Progress,
  limits: WaitLimits = {},
): Promise<void> {
  const timeoutMs = limits.timeoutMs ?? START_TIMEOUT_MS;
  let said = '';
  const whole = async (): Promise<boolean> => {
    limits.signal?.throwIfAborted();
    const obstacle = await obstacleOf(lab, nodes);
    if (obstacle !== null && obstacle !== said) progress(obstacle);
    said = obstacle ?? said;
    return obstacle === null;
  };
  if (await eventually(whole, timeoutMs, 100)) return;
  const tails = await Promise.all(nodes.map(async (node) => `--- ${node}\n${await logTail(lab, node)}`));
  throw new LabError(`the farm is not whole after ${timeoutMs / 1000} s: ${said}\n${tails.join('\n')}`);
}

async function obstacleOf(lab: string, nodes: readonly string[]): Promise<string | null> {
  for (const node of nodes) {
    if (healthOf(lab, node, 'agent') === 'dead')
      throw new LabError(`the agent of ${node} ended:\n${await logTail(lab, node)}`);
    const report = await reportOrNull(lab, node);
    const obstacle = report === null ? `${node} does not answer yet` : notWhole(report, nodes);
    if (obstacle !== null) return obstacle;
  }
  return null;
}

async function logTail(lab: string, node: string): Promise<string> {
  const text = await readFile(nodePaths(lab, node).agentLog, 'utf8').catch(() => '(no log)');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

/** Throws LabError when there is no such lab. */
export async function labState(lab: string): Promise<LabState> {
  const text = await readFile(labPaths(lab).state, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw cause;
  });
  if (text === null)
    throw new LabError(`there is no lab ${lab}; start one: covey lab up --nodes 3 --client --lab ${lab}`);
  return JSON.parse(text) as LabState;
}

async function checkNode(lab: string, node: string): Promise<void> {
  const { nodes } = await labState(lab);
  if (!nodes.includes(node)) throw new LabError(`lab ${lab} has no node ${node}; it has ${nodes.join(', ')}`);
}

/** kill -9 of supervisor and agent at once; with `agentOnly` the supervisor stays. Returns when they have ended. */
export async function labKill(lab: string, node: string, agentOnly = false): Promise<void> {
  await checkNode(lab, node);
  const [supervisor, ...children] = agentProcesses(lab, node);
  const victims = supervisor === undefined ? [] : agentOnly ? children : [supervisor, ...children];
  if (victims.length === 0)
    throw new LabError(`no agent runs on ${node}; start it: covey lab start ${node} --lab ${lab}`);
  // "At once" needs an order: a supervisor that is stopped announces no death, and its agent does not see it gone.
  if (!agentOnly && supervisor !== undefined) signalAll([supervisor], 'SIGSTOP');
  signalAll([...victims].reverse(), 'SIGKILL');
  const gone = (): boolean => !victims.some(isAlive);
  if (!(await eventually(gone, END_TIMEOUT_MS, 5)))
    throw new LabError(`the agent of ${node} did not end within ${END_TIMEOUT_MS} ms`);
}

/** SIGSTOP to supervisor and agent: all of the node's Covey stands still, its kernel and service do not. */
export async function labStall(lab: string, node: string): Promise<void> {
  await checkNode(lab, node);
  const victims = agentProcesses(lab, node);
  if (victims.length === 0)
    throw new LabError(`no agent runs on ${node}; start it: covey lab start ${node} --lab ${lab}`);
  signalAll(victims, 'SIGSTOP');
}

export async function labCut(lab: string, node: string): Promise<void> {
  await checkNode(lab, node);
  await setCable(lab, node, 'down');
}

export async function labDrain(lab: string, node: string): Promise<string> {
  await checkNode(lab, node);
  const health = healthOf(lab, node, 'agent');
  if (health === 'running') return covey(lab, node, ['drain']);
  const what = health === 'dead' ? `no agent runs on ${node}` : `the agent of ${node} stands still`;
  throw new LabError(`${what}: there is nothing to drain; first: covey lab start ${node} --lab ${lab}`);
}

/** Undoes kill, stall, cut and drain, whichever it was. Gives what was done, one line each. */
export async function labStart(lab: string, node: string): Promise<readonly string[]> {
  await checkNode(lab, node);
  const done: string[] = [];
  if (!(await isCablePlugged(lab, node))) {
    await setCable(lab, node, 'up');
    done.push('cable plugged in');
  }
  if (healthOf(lab, node, 'service') === 'dead') {
    await startService(lab, node);
    done.push('service started');
  }
  const health = healthOf(lab, node, 'agent');
  if (health === 'dead') {
    signalAll(agentProcesses(lab, node), 'SIGKILL');
    await startAgent(lab, node);
    return [...done, 'agent started'];
  }
  if (health === 'stopped') {
    signalAll([...agentProcesses(lab, node)].reverse(), 'SIGCONT');
    return [...done, 'agent continued'];
  }
  const report = await reportOrNull(lab, node);
  if (report?.state === 'draining' || report?.state === 'stopped') {
    await covey(lab, node, ['start']);
    done.push('node started');
  }
  return done;
}

export interface LabNode {
  readonly name: string;
  readonly agent: Health;
  readonly service: Health;
  readonly cable: boolean;
  readonly report: NodeReport | null;
}

export async function labStatus(lab: string): Promise<readonly LabNode[]> {
  const { nodes } = await labState(lab);
  return Promise.all(
    nodes.map(async (name) => {
      const agent = healthOf(lab, name, 'agent');
      const report = agent === 'running' ? await reportOrNull(lab, name) : null;
      return { name, agent, service: healthOf(lab, name, 'service'), cable: await isCablePlugged(lab, name), report };
    }),
  );
}

/** Removes all there is of the lab, whatever state it is in. Idempotent. Gives the names of the namespaces removed. */
export async function labDown(lab: string): Promise<readonly string[]> {
  const hosts = await existingHosts(checkLabName(lab));
  await Promise.all(hosts.map((host) => endProcesses(lab, host)));
  for (const host of hosts) await deleteHost(lab, host);
  await rm(labPaths(lab).directory, { recursive: true, force: true });
  return hosts.map((host) => namespaceOf(lab, host));
}

/** SIGKILL to all in the namespace, again and again: a dying process may just have started another. */
async function endProcesses(lab: string, host: string): Promise<void> {
  const empty = (): boolean => {
    const pids = processesIn(lab, host).filter((pid) => pid !== process.pid);
    signalAll(
      pids.map(identify).filter((identity) => identity !== null),
      'SIGKILL',
    );
    return pids.length === 0;
  };
  if (!(await eventually(empty, END_TIMEOUT_MS))) {
    throw new LabError(`processes ${processesIn(lab, host).join(', ')} in ${namespaceOf(lab, host)} do not end`);
  }
}

/**
 * A node as covey.service runs it: a user of its own with CAP_NET_RAW and CAP_NET_ADMIN and nothing else of root's powers, and a service
 * manager that is told. Two nodes, so that commands travel; both by such a user.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReport } from '../../src/control/contract.js';
import { writeConfig } from '../../src/lab/config.js';
import { CLI, labPaths, VIP } from '../../src/lab/names.js';
import { CommandError } from '../../src/platform/run.js';
import { type Background, until, useFarm } from './farm.js';

/** A user and a group that no host has. */
const USER = 64_242;
const STRANGER = 64_243;
const CAPABILITIES = '-all,+net_raw,+net_admin';
/** What the fast path needs besides; n1 does not have it. */
const WITH_BPF = `${CAPABILITIES},+bpf`;
/** Prints each datagram on a line of its own, its lines joined by spaces. */
const MANAGER = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + sys.argv[1])
while True: print(s.recv(65536).decode().replace("\\n", " "), flush=True)`;

const OVERRIDES = ['{ heartbeat: { lease: 1500ms }, reach: flood, witness: [10.77.0.100] }'];
const farm = useFarm('unpriv', { nodes: 2, agents: false });
const directory = mkdtempSync(join(tmpdir(), 'covey-unprivileged-'));
const runDir = (node: string) => join(directory, `run-${node}`);
const agents = new Map<string, Background>();
let manager: Background;

/** On a host udev makes /dev/net/tun usable for all (50-udev-default.rules); here the test does, in a mount namespace of the agent's own. */
function startAgent(node: string): void {
  const tun = join(directory, 'tun');
  const run = `${process.execPath} ${CLI} run --config ${join(directory, 'covey.yaml')} --node ${node} --run-dir ${runDir(node)}`;
  const identity = `--reuid ${USER} --regid ${USER} --clear-groups --no-new-privs`;
  const capabilities = node === 'n1' ? CAPABILITIES : WITH_BPF;
  const limits = `--inh-caps ${capabilities} --ambient-caps ${capabilities} --bounding-set ${capabilities}`;
  const notify = node === 'n1' ? `NOTIFY_SOCKET=@covey-notify-${process.pid} WATCHDOG_USEC=3000000` : '';
  const script = `mount --bind ${tun} /dev/net/tun && exec env ${notify} setpriv ${identity} ${limits} ${run}`;
  agents.set(node, farm.background(node, ['unshare', '--mount', 'sh', '-c', script]));
}

beforeAll(async () => {
  chmodSync(directory, 0o755);
  const found = labPaths(farm.lab);
  await writeConfig(found, { lab: farm.lab, ipv6: false, overrides: OVERRIDES });
  for (const name of ['covey.yaml', 'farm.key']) {
    copyFileSync(join(found.directory, name), join(directory, name));
    chownSync(join(directory, name), USER, USER);
    chmodSync(join(directory, name), 0o600);
  }
  for (const node of farm.nodes) {
    mkdirSync(runDir(node), { mode: 0o750 });
    chownSync(runDir(node), USER, USER);
  }
  expect(spawnSync('mknod', ['-m', '666', join(directory, 'tun'), 'c', '10', '200']).status).toBe(0);
  manager = farm.background('n1', ['python3', '-c', MANAGER, `covey-notify-${process.pid}`]);
  for (const node of farm.nodes) startAgent(node);
  await until('both nodes are up', async () => isWhole(await status('n1')), 40_000).catch((error: Error) => {
    throw new Error(`${error.message}\n${agents.get('n1')!.stderr()}`);
  });
});

afterAll(async () => {
  for (const agent of agents.values()) agent.stop('SIGTERM');
  await Promise.all([...agents.values()].map(({ ended }) => ended));
  manager.stop();
  rmSync(directory, { recursive: true });
});

interface Answer {
  readonly code: number;
  readonly text: string;
}

async function covey(node: string, words: readonly string[], user = 0): Promise<Answer> {
  const identity = user === 0 ? [] : ['setpriv', '--reuid', `${user}`, '--regid', `${USER}`, '--clear-groups'];
  const command = [...identity, process.execPath, CLI, ...words, '--run-dir', runDir(node)];
  try {
    const { stdout, stderr } = await farm.exec(node, command, { timeoutMs: 50_000 });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { code: error.exitCode ?? -1, text: error.message + error.output.stdout };
  }
}

async function status(node: string): Promise<StatusReport | null> {
  const { code, text } = await covey(node, ['status', '--json']);
  return code === 0 || code === 4 ? (JSON.parse(text.slice(text.indexOf('{"version"'))) as StatusReport) : null;
}

const isWhole = (report: StatusReport | null) =>
  report !== null &&
  report.members.length === 2 &&
  report.members.every(({ state, share }) => state === 'up' && Math.abs(share - 0.5) < 0.1);

const get = () =>
  farm.exec('client', ['curl', '-s', '-o', '/dev/null', '-m', '3', '-w', '%{http_code}', `http://${VIP}/`]);

describe.sequential('nodes of a user with two capabilities', () => {
  it('serve: capture, TUN and guard work, and the packages that open raw sockets', async () => {
    for (let request = 0; request < 20; request++) expect((await get()).stdout).toBe('200');
    const report = (await status('n1'))!;
    expect(report.warnings.filter((line) => /permi|EPERM|EACCES|capab/i.test(line))).toEqual([]);
    expect(report.paths.every(({ ok }) => ok)).toBe(true);
    expect(statSync(join(runDir('n1'), 'agent.sock')).uid).toBe(USER);
    // By raw-socket, and by cap.
    expect((await covey('n1', ['events', '--json'])).text).toContain('witness 10.77.0.100 answers');
    const probed = await covey('n1', ['probe', '--json']);
    expect([0, 4], probed.text).toContain(probed.code);
    expect(probed.text).not.toMatch(/cannot be loaded|not permitted|EPERM/);
    expect(agents.get('n1')!.stderr()).not.toMatch(/EPERM|EACCES|not permitted/i);
  });

  it('have the fast path where they may, and say why elsewhere', async () => {
    expect((await status('n1'))!.software.engineReason).toMatch(/without fast path: .*CAP_BPF/);
    expect((await status('n2'))!.software.engineReason).toMatch(/with fast path$/);
  });

  it('tell the service manager: ready, alive, in which state', async () => {
    await until('two signs of life', () => (manager.stdout().match(/WATCHDOG=1/g) ?? []).length >= 2);
    expect(manager.stdout()).toMatch(/^READY=1$/m);
    expect(manager.stdout()).toMatch(/^STATUS=up/m);
  });

  it('are told who asks, by the kernel, on this node and on the other', async () => {
    const { code, text } = await covey('n1', ['drain', 'n2', '--deadline', '1s']);
    expect(code, text).toBe(0);
    const fields = async (node: string) => {
      const lines = (await covey(node, ['events', '--json'])).text.trim().split('\n');
      const events = lines.map((line) => JSON.parse(line) as { event: string; fields: Record<string, unknown> });
      return events.filter(({ event }) => event === 'command').at(-1)?.fields;
    };
    expect(await fields('n1')).toMatchObject({
      command: 'drain',
      node: 'n2',
      by: expect.stringMatching(/^root \(uid 0\)/),
      uid: 0,
    });
    expect(await fields('n2')).toMatchObject({
      command: 'drain',
      by: expect.stringMatching(/^root \(uid 0\).* on n1$/),
      from: 'n1',
    });
    await until('n2 has stopped', async () => (await status('n2'))?.state === 'stopped');
    expect((await covey('n1', ['start', 'n2'])).text).toContain('n2 starts');
    await until('both serve again', async () => isWhole(await status('n1')), 20_000);
  });

  it('answer strangers with the command to type', async () => {
    const { code, text } = await covey('n1', ['drain'], STRANGER);
    expect(code).toBe(1);
    expect(text).toContain(`type: sudo covey drain --run-dir ${runDir('n1')}`);
  });

  it('are restarted one by one, agents and all, and no request is lost', async () => {
    const before = (await status('n1'))!.members.map(({ incarnation }) => incarnation);
    const load = farm.load(40, 30);
    const { code, text } = await covey('n1', ['restart', '--all', '--rolling', '--deadline', '5s', '--wait', '20s']);
    load.child.stop('SIGINT');
    expect(code, text).toBe(0);
    expect(text).toMatch(
      /1 of 2: n2 takes no new clients[\s\S]*1 of 2: n2 is back[\s\S]*2 of 2: n1 takes[\s\S]*2 of 2: n1 is back/,
    );
    const after = (await status('n1'))!.members.map(({ incarnation }) => incarnation);
    expect(after.every((incarnation, index) => incarnation > before[index]!)).toBe(true);
    const summary = await load.summary;
    expect(summary.lost, JSON.stringify(summary)).toBe(0);
    expect((await status('n1'))!.supervisor.restarts).toBe(0);
    expect(manager.stdout().match(/READY=1/g)).toHaveLength(2);
  });

  it('say that they stop, and end with 0', async () => {
    const agent = agents.get('n2')!;
    agent.stop('SIGTERM');
    expect(await agent.ended).toBe(0);
    agents.get('n1')!.stop('SIGTERM');
    expect(await agents.get('n1')!.ended).toBe(0);
    expect(manager.stdout()).toMatch(/STOPPING=1/);
  });
});

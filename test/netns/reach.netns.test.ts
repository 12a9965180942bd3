/**
 * Reach in a real network: what a probe finds, a network that stops flooding under a running farm, other hosts that have the VIP, and
 * a leaked vMAC.
 *
 *     client 10.77.0.100 ---- switch ---- n1, n2, n3; VIP 10.77.0.50; reach: auto
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventReport, ProbeReport, StatusReport } from '../../src/control/contract.js';
import { labConfig } from '../../src/lab/config.js';
import { labKill, labStart, startAgent } from '../../src/lab/lab.js';
import { CLI, labPaths, macOf, nodePaths, portOf, VIP } from '../../src/lab/names.js';
import { CommandError, run } from '../../src/platform/run.js';
import { until, useFarm } from './farm.js';

/** What README promises. */
const LEAVES_WITHIN_MS = 10_000;
const farm = useFarm('reach', { overrides: ['{ reach: auto }'] });

interface CliResult {
  readonly code: number;
  readonly stdout: string;
}

/** The CLI on a node; its exit code is part of the contract. */
async function covey(node: string, words: readonly string[]): Promise<CliResult> {
  const command = ['node', CLI, ...words, '--run-dir', nodePaths(farm.lab, node).runDir];
  try {
    const { stdout } = await farm.exec(node, command, { timeoutMs: 30_000 });
    return { code: 0, stdout };
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === null) throw error;
    return { code: error.exitCode, stdout: error.output.stdout };
  }
}

async function probe(
  node: string,
  ...flags: readonly string[]
): Promise<{ readonly code: number; readonly report: ProbeReport }> {
  const { code, stdout } = await covey(node, ['probe', '--json', ...flags]);
  return { code, report: JSON.parse(stdout) as ProbeReport };
}

async function events(node: string, name: string): Promise<readonly EventReport[]> {
  const { stdout } = await covey(node, ['events', '--json', '--limit', '1000']);
  const all = stdout.split('\n').filter((line) => line !== '');
  return all.map((line) => JSON.parse(line) as EventReport).filter(({ event }) => event === name);
}

const status = async (node: string): Promise<StatusReport> => (await farm.report(node)) as unknown as StatusReport;
const modeOf = async (node: string) => (await farm.report(node)).reach.mode;
const allUse = async (mode: string) => (await Promise.all(farm.nodes.map(modeOf))).every((used) => used === mode);
const flooding = (node: string, state: 'on' | 'off') =>
  farm.exec('switch', ['bridge', 'link', 'set', 'dev', portOf(node), 'flood', state]);

describe.sequential('reach: auto', () => {
  it('a plain switch floods: the farm has found it out by itself', async () => {
    await until('all use flood', () => allUse('flood'), 30_000);
    const { code, report } = await probe('n1');
    expect(code).toBe(0);
    expect(report).toMatchObject({ version: 1, farm: farm.lab, node: 'n1', silent: [], applied: false });
    expect(report.verdict.reach).toBe('flood');
    expect(report.matrix).toHaveLength(6);
    expect(
      report.matrix.every(({ flood, multicast, unicast, mtu }) => flood && multicast && unicast && mtu === 1500),
    ).toBe(true);
    expect(report.nodes.map(({ node, host }) => [node, host.mac, host.kind, host.promiscuous])).toEqual(
      farm.nodes.map((node) => [node, macOf(node), 'veth', true]),
    );
  });

  it('a switch that stops flooding to one node takes the whole farm down to what still works, and no client is lost', async () => {
    await flooding('n2', 'off');
    await until(
      'all have left flood',
      async () => !(await Promise.all(farm.nodes.map(modeOf))).includes('flood'),
      LEAVES_WITHIN_MS,
    );
    await farm.whole();
    // The farm leaves as soon as n2 says so; n1 says why when it has heard of n2's probes itself.
    const report = await until(
      'n1 says why',
      async () => {
        const now = await farm.report('n1');
        return /n2.*to a MAC that no switch knows/.test(now.reach.reason) ? now : null;
      },
      LEAVES_WITHIN_MS,
    );
    expect((await events('n2', 'reach-evidence')).at(-1)?.fields.best).toBe(report.reach.mode);
    const outcomes = await farm.ids({ prefix: 'left', count: 90 });
    expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
    expect(new Set(outcomes.map(({ node }) => node)).size).toBe(3);
  });

  it('up again only when told', async () => {
    await flooding('n2', 'on');
    const { report } = await until(
      'flood works again',
      async () => {
        const found = await probe('n3');
        return found.report.verdict.reach === 'flood' ? found : null;
      },
      30_000,
    );
    expect(report.reach.mode).not.toBe('flood');
    expect((await probe('n3', '--apply')).report.applied).toBe(true);
    await until('all use flood', () => allUse('flood'), 30_000);
    const outcomes = await farm.ids({ prefix: 'again', count: 90 });
    expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
  });

  it('an interface that goes down and comes back ends the capture of probes, not the agent', async () => {
    const before = (await status('n3')).uptimeMs;
    await farm.exec('n3', ['ip', 'link', 'set', 'eth0', 'down']);
    await until('the capture has failed', async () => (await events('n3', 'probe-capture')).length > 0, 20_000);
    await farm.exec('n3', ['ip', 'link', 'set', 'eth0', 'up']);
    await farm.whole(farm.nodes, 40_000);
    expect((await status('n3')).uptimeMs).toBeGreaterThan(before);
    await until('n3 probes again', async () => (await probe('n3')).report.matrix.every(({ flood }) => flood), 40_000);
  });
});

describe.sequential('others with the same VIP', () => {
  const claim = (how: 'add' | 'del') => farm.exec('client', ['ip', 'address', how, `${VIP}/32`, 'dev', 'eth0']);

  it('a host that takes the VIP is reported by every node, with its MAC', async () => {
    await claim('add');
    for (const node of farm.nodes) {
      const found = await until(`${node} reports it`, async () => (await events(node, 'vip-conflict')).at(-1) ?? null);
      expect(found.fields).toMatchObject({ vip: VIP, mac: macOf('client'), farm: null });
    }
    const { warnings } = await status('n1');
    expect(warnings.join()).toContain(`conflict: ${VIP} belongs to the host with MAC ${macOf('client')}`);
    // ARP is not authenticated: who serves goes on.
    expect(await farm.sees('n1', farm.nodes)).toBe(true);
  });

  it('a node that starts meanwhile waits, says whose MAC it saw, and comes up when the VIP is free', async () => {
    await labKill(farm.lab, 'n3');
    await labStart(farm.lab, 'n3');
    const report = await until(
      'n3 waits',
      async () => {
        const now = await farm.report('n3').catch(() => null);
        return now?.state === 'waiting' && now.reason.startsWith('conflict') ? now : null;
      },
      30_000,
    );
    expect(report.reason).toContain(macOf('client'));
    await claim('del');
    await farm.whole(farm.nodes, 40_000);
  });

  it('two farms with one VIP know each other as farms: the second waits, and names a node of the first', async () => {
    const directory = labPaths(farm.lab).directory;
    await labKill(farm.lab, 'n3');
    await farm.whole(['n1', 'n2'], 30_000);
    await run('node', [CLI, 'keygen', join(directory, 'second.key')]);
    const config = join(directory, 'second.yaml');
    const override = '{ farm: second, key: "file:second.key", reach: flood, heartbeat: { port: 7948 } }';
    writeFileSync(config, labConfig({ lab: farm.lab, ipv6: false, overrides: [override] }));
    await startAgent(farm.lab, 'n3', config);
    const report = await until(
      'the second farm waits',
      async () => {
        const now = await farm.report('n3').catch(() => null);
        return now?.state === 'waiting' ? now : null;
      },
      30_000,
    );
    expect(report.reason).toMatch(
      /^conflict: 10\.77\.0\.50 is also served by node n[12] of another Covey farm \(id [0-9a-f]{16}\)/,
    );
    await labKill(farm.lab, 'n3');
    await labStart(farm.lab, 'n3');
    await farm.whole(farm.nodes, 40_000);
  });
});

describe.sequential('a leaked vMAC', () => {
  it('one frame from it is an alarm that says what it was, and the farm leaves flood', async () => {
    await covey('n1', ['probe', '--apply']);
    await until('all use flood', () => allUse('flood'), 30_000);
    await farm.exec('client', ['ping', '-c', '1', '-W', '1', VIP]).catch(() => undefined);
    const { stdout } = await farm.exec('client', ['ip', 'neigh', 'show', VIP]);
    const vmac = /lladdr ([0-9a-f:]{17})/.exec(stdout)![1]!;
    expect(vmac.startsWith('02:')).toBe(true);
    const hex = vmac.replaceAll(':', '');
    const frame = `ffffffffffff${hex}08060001080006040001${hex}0a4d0063${'00'.repeat(6)}0a4d0062`;
    await farm.exec('client', ['python3', join(import.meta.dirname, 'fixtures', 'send-frames.py'), 'eth0'], {
      input: `${frame}\n`,
    });
    const alarm = await until('the alarm', async () => (await events('n2', 'vmac-as-source')).at(-1) ?? null);
    expect(alarm.fields.evidence).toBe(`ARP to ff:ff:ff:ff:ff:ff, which says that 10.77.0.99 is at ${vmac}`);
    await until(
      'all have left flood',
      async () => !(await Promise.all(farm.nodes.map(modeOf))).includes('flood'),
      LEAVES_WITHIN_MS,
    );
    const outcomes = await farm.ids({ prefix: 'leaked', count: 60 });
    expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
  });
});

/**
 * `covey apply`: rules and VIPs change on all nodes at once, under load, without a failed request; one node that cannot, and nobody
 * does; a node that was away gets the farm's newer config when it is back; a new host joins with a code.
 *
 *     client 10.77.0.100 ---- switch ---- n1 10.77.0.1, n2 10.77.0.2, n3 10.77.0.3; VIPs 10.77.0.50 and, later, 10.77.0.60
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { labKill, labStart } from '../../src/lab/lab.js';
import { CLI, labPaths, nodePaths, VIP } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { stageFile } from '../../src/platform/staged-file.js';
import { until, useFarm } from './farm.js';

/** Two minutes of them; COVEY_TEST_APPLIES=N for more or fewer. */
const APPLIES = Number(process.env.COVEY_TEST_APPLIES ?? 200);
const NEW_VIP = '10.77.0.60';

const farm = useFarm('apply', { overrides: ['{ heartbeat: { lease: 1500ms } }'] });
const client = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir);
const configFile = () => labPaths(farm.lab).config;
const config = () => readFileSync(configFile(), 'utf8');
const apply = (node: string, text: string, dryRun = false) =>
  client(node).apply({ text, revision: null, dryRun, by: 'the test' });
const withVip = (text: string, vip: string) => text.replace(`- ${VIP}/24\n`, `- ${VIP}/24\n  - ${vip}/24\n`);
const withRule = (text: string, rule: string) => `${text.trimEnd()}\n`.replace('rules:\n', `rules:\n  - ${rule}\n`);
const revisions = () => Promise.all(farm.nodes.map(async (node) => (await client(node).config(null)).revision));
const fetched = async (url: string) => (await farm.exec('client', ['curl', '-sS', '--max-time', '3', url])).stdout;
const addresses = async (node: string) => (await farm.exec(node, ['ip', '-o', 'address'])).stdout;
const events = async (node: string) => (await client(node).events({ since: null, limit: 500 })).events;

describe('a full disk', () => {
  it('is found before anything changes: the old config stands, and nothing is left beside it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'covey-full-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', directory]);
    try {
      const file = join(directory, 'covey.yaml');
      writeFileSync(file, 'farm: web\n');
      expect(() => stageFile(file, 'x'.repeat(64 * 1024))).toThrow(/cannot write beside .*ENOSPC/);
      expect(readFileSync(file, 'utf8')).toBe('farm: web\n');
      expect(readdirSync(directory)).toEqual(['covey.yaml']);
    } finally {
      await run('umount', [directory]);
      rmSync(directory, { recursive: true });
    }
  });
});

describe.sequential('apply', () => {
  it('shows first what it would change, and changes nothing', async () => {
    const report = await apply('n1', withVip(config(), NEW_VIP), true);
    expect(report).toMatchObject({ applied: false, dryRun: true, changed: [`VIP ${NEW_VIP}/24 is new`], warnings: [] });
    expect(report.diff).toContain(`+   - ${NEW_VIP}/24`);
    expect(await addresses('n1')).not.toContain(NEW_VIP);
  });

  it('brings a VIP and a rule to all nodes, and takes them away, under load with no failed request', async () => {
    const before = config();
    const load = farm.load(8, 150);
    await until('the load runs', async () => /n\d/.test(await fetched(`http://${VIP}/`)));
    const after = withRule(withVip(before, NEW_VIP), '{ name: more, protocol: tcp, ports: [9090], affinity: client }');
    const report = await apply('n2', after);
    expect(report.nodes.map(({ node, outcome }) => [node, outcome])).toEqual([
      ['n2', 'switched'],
      ['n1', 'switched'],
      ['n3', 'switched'],
    ]);
    expect(report.changed).toEqual([`VIP ${NEW_VIP}/24 is new`, 'rule more is new']);
    await farm.whole();
    for (const node of farm.nodes) {
      expect(await addresses(node)).toContain(NEW_VIP);
      expect((await farm.exec(node, ['nft', 'list', 'ruleset'])).stdout).toContain(`ip daddr ${NEW_VIP} drop`);
    }
    for (let request = 0; request < 5; request++) expect(await fetched(`http://${NEW_VIP}/`)).toMatch(/n\d/);
    expect(config()).toBe(after);
    expect(readFileSync(`${configFile()}.previous`, 'utf8')).toMatch(/^farm: /);
    const back = await apply('n3', before);
    expect(back.warnings).toContain(`VIP ${NEW_VIP}/24 is no longer served: connections to it end`);
    for (const node of farm.nodes) {
      await until(`${node} has let go of it`, async () => !(await addresses(node)).includes(NEW_VIP));
      expect((await farm.exec(node, ['nft', 'list', 'ruleset'])).stdout).not.toContain(NEW_VIP);
    }
    const { lost, requests, errors } = await load.summary;
    expect(requests).toBeGreaterThan(300);
    expect(lost, JSON.stringify(errors)).toBe(0);
    expect(await revisions()).toEqual([2, 2, 2]);
  });

  it('changes nobody when one cannot take it, and names that node and why', async () => {
    const before = config();
    await farm.exec('n3', ['ip', 'address', 'add', '10.77.0.61/24', 'dev', 'eth0']);
    const report = await apply('n1', withVip(before, '10.77.0.61'));
    expect(report.applied).toBe(false);
    const refused = report.nodes.filter(({ outcome }) => outcome === 'refused');
    expect(refused).toEqual([
      { node: 'n3', outcome: 'refused', why: expect.stringContaining('already an address of eth0') },
    ]);
    await farm.exec('n3', ['ip', 'address', 'del', '10.77.0.61/24', 'dev', 'eth0']);
    for (const node of farm.nodes) await until('no trace', async () => !(await addresses(node)).includes('10.77.0.61'));
    expect(config()).toBe(before);
    expect(await revisions()).toEqual([2, 2, 2]);
    await expect(apply('n1', before.replace('protocol: tcp', 'protocol: tpc'))).rejects.toThrow(
      /config:\d+:\d+: rules\[0\]/,
    );
    await expect(apply('n1', before.replace('1500ms', '1600ms'))).rejects.toThrow(/heartbeat: this cannot change/);
    await farm.whole();
  });

  it('a node that was away gets the newer config on its return, and says so', async () => {
    const old = config();
    await labKill(farm.lab, 'n3');
    await farm.whole(['n1', 'n2']);
    const newer = withRule(old, '{ name: later, protocol: tcp, ports: [9091], affinity: client }');
    expect((await apply('n1', newer)).applied).toBe(true);
    // All nodes of a lab share one file; n3 is to find its old one.
    writeFileSync(configFile(), old);
    await labStart(farm.lab, 'n3');
    await farm.whole();
    await until('n3 has caught up', async () => (await client('n3').config(null)).revision === 3);
    expect(config()).toBe(newer);
    const [event] = (await events('n3')).filter((one) => one.event === 'config-caught-up');
    expect(event?.fields).toMatchObject({ revision: 3, changed: ['rule later is new'] });
  });

  const ruleOf = (name: string, turn: number) =>
    `{ name: ${name}, protocol: tcp, ports: [${9100 + turn}], affinity: client }`;

  it('ten applies in a row lose no packet: no connection needs a second SYN, no node waits, no bucket moves', async () => {
    const base = config();
    const unrest = async (node: string) =>
      (await events(node)).filter(({ event }) => ['state', 'granted', 'gained', 'acquired'].includes(event)).length;
    const before = await Promise.all(farm.nodes.map(unrest));
    // Answers count as lost after 900 ms; a SYN is repeated after 1000.
    const load = farm.load(8, 100);
    for (let turn = 0; turn < 10; turn++) {
      const report = await apply(farm.nodes[turn % 3]!, withRule(base, ruleOf('row', turn)));
      expect(report.applied, JSON.stringify(report.nodes)).toBe(true);
    }
    const { lost, requests, errors } = await load.summary;
    expect(requests).toBeGreaterThan(300);
    expect(lost, JSON.stringify(errors)).toBe(0);
    expect(await Promise.all(farm.nodes.map(unrest))).toEqual(before);
  });

  it(
    `a storm of ${APPLIES} applies under wrk costs no request`,
    async () => {
      const base = config();
      // wrk takes all the processor there is, so its own verdict counts: nothing refused, reset, or unanswered for 2 s.
      const load = farm.background('client', [
        'wrk',
        '-t1',
        '-c8',
        `-d${Math.ceil(APPLIES * 0.7) + 4}s`,
        `http://${VIP}/`,
      ]);
      for (let turn = 0; turn < APPLIES; turn++) {
        const report = await apply(farm.nodes[turn % 3]!, withRule(base, ruleOf('storm', turn)));
        expect(report.applied, JSON.stringify(report.nodes)).toBe(true);
      }
      expect(await load.ended).toBe(0);
      expect(load.stdout()).toMatch(/\d+ requests in/);
      expect(load.stdout()).not.toMatch(/Socket errors|Non-2xx/);
      await until('all have the last one', async () => new Set(await revisions()).size === 1);
      await farm.whole();
    },
    APPLIES * 2000 + 30_000,
  );

  it('a new host gets config and key with a code, once', async () => {
    const { code, port } = await client('n1').invite({ port: null });
    const dir = mkdtempSync(join(tmpdir(), 'covey-join-'));
    const words = [process.execPath, CLI, 'join', `10.77.0.1:${port}`, '--dir', dir, '--code', code];
    try {
      const { stdout } = await farm.exec('client', words);
      expect(stdout).toContain('sudo covey run --config');
      expect(readFileSync(join(dir, 'covey.yaml'), 'utf8')).toBe(config());
      expect(readFileSync(join(dir, 'farm.key'))).toEqual(readFileSync(labPaths(farm.lab).key));
      expect(statSync(join(dir, 'farm.key')).mode & 0o777).toBe(0o600);
      await expect(farm.exec('client', [...words, '--force'])).rejects.toThrow(/no invite is open/);
      expect(existsSync(join(dir, 'covey.yaml'))).toBe(true);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

import { describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { CLIENT_ADDRESS, nodePaths, VIP } from '../../src/lab/names.js';
import { useFarm } from './farm.js';

const farm = useFarm('smoke');

/** How often each node answered. */
function tally(nodes: readonly (string | null)[]): ReadonlyMap<string | null, number> {
  const counts = new Map<string | null, number>();
  for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}

describe('a farm of three', () => {
  it('is seen alike by every node: all up, shares of a third that sum to 1, one agreed view', async () => {
    const reports = await Promise.all(farm.nodes.map((node) => farm.report(node)));
    for (const report of reports) {
      expect(report.version).toBe(1);
      expect(report.state).toBe('up');
      expect(report.members.map((member) => [member.name, member.state])).toEqual(
        farm.nodes.map((name) => [name, 'up']),
      );
      expect(report.members.reduce((sum, member) => sum + member.share, 0)).toBeCloseTo(1, 9);
      for (const member of report.members) expect(Math.abs(member.share - 1 / 3)).toBeLessThan(1 / 4096);
      expect(report.view.agreed).toBe(true);
    }
    expect(new Set(reports.map((report) => report.view.digest)).size).toBe(1);
  });

  it('answers HTTP on the VIP', async () => {
    const { stdout } = await farm.exec('client', ['curl', '-sS', '--max-time', '3', `http://${VIP}/`]);
    expect(farm.nodes).toContain(stdout.trim());
  });

  it('answers each of 600 connections on exactly one node, a third each (affinity: connection)', async () => {
    const outcomes = await farm.ids({ prefix: 'once', count: 600 });
    expect(outcomes.filter((outcome) => outcome.error !== null)).toEqual([]);
    const seen = farm.nodes.flatMap((node) =>
      farm
        .answeredIds(node)
        .filter((id) => id.startsWith('once-'))
        .map((id) => [id, node]),
    );
    // As many log lines as requests, and each in the log of the node that the client heard.
    expect(seen.length).toBe(600);
    const log = new Map(seen.map(([id, node]) => [id, node]));
    for (const { id, node } of outcomes) expect(log.get(id)).toBe(node);
    // And it is the one that every node's `explain` names.
    for (const [index, { node, localPort }] of outcomes.slice(0, 30).entries()) {
      const asked = new ControlClient(nodePaths(farm.lab, farm.nodes[index % 3]!).runDir);
      const to = { address: VIP, port: 80, protocol: 'tcp' } as const;
      const { owner } = await asked.explain({ address: CLIENT_ADDRESS, port: localPort!, to });
      expect([localPort, owner]).toEqual([localPort, node]);
    }
    const counts = tally(outcomes.map((outcome) => outcome.node));
    for (const node of farm.nodes) {
      expect((counts.get(node) ?? 0) / 600).toBeGreaterThan(0.33 - 0.07);
      expect((counts.get(node) ?? 0) / 600).toBeLessThan(0.33 + 0.07);
    }
  });

  it('sends all connections of one address to one node, and addresses to several (affinity: client)', async () => {
    const addresses = Array.from({ length: 24 }, (_, index) => `10.77.0.${120 + index}`);
    const lines = addresses.map((address) => `address add ${address}/24 dev eth0\n`).join('');
    await farm.exec('client', ['ip', '-batch', '-'], { input: lines });
    const url = `http://${VIP}:8000/`;
    const homes = new Set<string>();
    for (const [index, from] of addresses.entries()) {
      const outcomes = await farm.ids({ prefix: `client-${index}`, count: 20, url, from });
      expect(outcomes.filter((outcome) => outcome.error !== null)).toEqual([]);
      const nodes = new Set(outcomes.map((outcome) => outcome.node));
      expect(nodes.size).toBe(1);
      const to = { address: VIP, port: 8000, protocol: 'tcp' } as const;
      const asked = new ControlClient(nodePaths(farm.lab, 'n1').runDir);
      expect((await asked.explain({ address: from, port: null, to })).owner).toBe([...nodes][0]);
      homes.add([...nodes][0]!);
    }
    expect(homes.size).toBe(3);
  });

  it('answers a ping to the VIP exactly once', async () => {
    const { stdout } = await farm.exec('client', ['ping', '-c', '5', '-i', '0.05', '-W', '1', VIP]);
    expect(stdout).toMatch(/5 packets transmitted, 5 received/);
    expect(stdout).not.toMatch(/DUP!/);
  });

  it('rejects what no rule covers, and says so by a counter', async () => {
    const before = await farm.report('n1');
    await farm.exec('client', ['curl', '-s', '--max-time', '0.3', `http://${VIP}:81/`]).catch(() => undefined);
    const rejected = (report: typeof before): number => {
      const counters = report.counters.rejected;
      return typeof counters === 'object' ? Object.values(counters).reduce((sum, value) => sum + value, 0) : 0;
    };
    expect(rejected(await farm.report('n1'))).toBeGreaterThan(rejected(before));
  });
});

/**
 * Packets by rule, as a real farm counts them: each rule its own, over a config that moves the rules about, in `status`, the metrics and
 * what the nodes tell each other's consoles.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import type { RulePackets } from '../../src/control/contract.js';
import { labPaths, nodePaths, VIP } from '../../src/lab/names.js';
import { until, useFarm } from './farm.js';

/** Nobody listens there: a host that gets a SYN answers with a reset, and that is all of the connection. */
const PORT = 9090;
const REQUESTS = 30;
/** SYN, ACK, request and FIN at least. */
const PACKETS_A_REQUEST = 4;

const farm = useFarm('rules', { nodes: 2 });
const control = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir);

async function packetsOf(node: string, rule: string): Promise<RulePackets> {
  const found = (await control(node).status()).rules.find(({ name }) => name === rule);
  return found!.packets!;
}

async function accepted(rule: string): Promise<number> {
  const counts = await Promise.all(farm.nodes.map((node) => packetsOf(node, rule)));
  return counts.reduce((sum, packets) => sum + packets.accepted, 0);
}

async function ask(): Promise<void> {
  const outcomes = await farm.ids({ prefix: 'rules', count: REQUESTS });
  expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
}

describe.sequential('packets by rule', () => {
  it('count for the rule that took them, and for no other', async () => {
    await ask();
    expect(await accepted('web')).toBeGreaterThanOrEqual(REQUESTS * PACKETS_A_REQUEST);
    expect([await accepted('app'), await accepted('bulk'), await accepted('dns')]).toEqual([0, 0, 0]);
  });

  it('go on over a config that puts another rule before, which begins at zero and counts its own', async () => {
    const before = await accepted('web');
    const text = readFileSync(labPaths(farm.lab).config, 'utf8');
    const rule = `{ name: quiet, protocol: tcp, ports: [${PORT}], affinity: connection }`;
    const next = text.replace('rules:\n', `rules:\n  - ${rule}\n`);
    await control('n1').apply({ text: next, revision: null, dryRun: false, by: 'the test' });
    await farm.whole();
    expect(await accepted('quiet')).toBe(0);
    expect(await accepted('web')).toBeGreaterThanOrEqual(before);
    const middle = await accepted('web');
    for (let connection = 0; connection < 3; connection++) {
      const asked = farm.exec('client', ['curl', '-s', '--max-time', '3', `http://${VIP}:${PORT}/`]);
      // Refused: the node's own host has answered.
      await expect(asked).rejects.toMatchObject({ exitCode: 7 });
    }
    expect(await accepted('quiet')).toBe(3);
    expect(await accepted('web')).toBe(middle);
    await ask();
    expect(await accepted('web')).toBeGreaterThanOrEqual(middle + REQUESTS * PACKETS_A_REQUEST);
    expect(await accepted('quiet')).toBe(3);
  });

  it('are in the metrics, and known to the console of another node', async () => {
    const quiet = await packetsOf('n2', 'quiet');
    const { text } = await control('n2').metrics();
    expect(text).toContain(`\ncovey_rule_packets_total{rule="quiet",outcome="accepted"} ${quiet.accepted}\n`);
    await until('n1 has heard of n2', async () => {
      const { nodes } = await control('n1').peers();
      return nodes.find(({ node }) => node === 'n2')?.rules?.quiet?.accepted === quiet.accepted;
    });
  });
});

/**
 * Nodes on isolated ports without a network for heartbeats, and with a gateway that answers ARP but no echo: they cannot hear each other,
 * and exactly one of them may serve. (A gateway that echoes carries their heartbeats: isolated-echo.netns.test.ts.)
 *
 *     client, gateway ---- switch ---- n1, n2 (isolated from each other)
 */
import { describe, expect, it } from 'vitest';
import { labKill, labStart, startAgents } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/names.js';
import { reportOrNull } from '../../src/lab/status.js';
import { until, useFarm } from './farm.js';

const CONFIG = { ipv6: true, network: 'isolated', overrides: ['{ heartbeat: { udp: [] } }'] } as const;
const farm = useFarm('isolated', { ...CONFIG, nodes: 2, agents: false });

const stateOf = async (node: string) => (await reportOrNull(farm.lab, node))?.state ?? null;

/** The one that serves, once the other one waits and says why. */
async function served(among: readonly string[]): Promise<string> {
  return until(
    'one serves, the others wait',
    async () => {
      const reports = await Promise.all(among.map((node) => reportOrNull(farm.lab, node)));
      const up = reports.filter((report) => report?.state === 'up');
      const waiting = reports.filter((report) => report?.state === 'waiting' && /isolated/.test(report.reason));
      return up.length === 1 && waiting.length === among.length - 1 ? up[0]!.node : null;
    },
    30_000,
  );
}

const answer = async (vip: string): Promise<string> => {
  const words = ['curl', '-sS', '-m', '2', `http://${vip}/`];
  return farm.exec('client', words).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
};

describe.sequential('isolated ports without a network for heartbeats', () => {
  it('one node serves, and the other says why it does not', async () => {
    await farm.exec('gateway', ['sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1']);
    await startAgents({ lab: farm.lab, ...CONFIG }, farm.nodes);
    const node = await served(farm.nodes);
    await until('the client is answered', async () => (await answer(VIP)) === node);
  });

  it('the other one takes over when it dies, clients follow, and the first one does not take it back', async () => {
    const first = await served(farm.nodes);
    const second = farm.nodes.find((node) => node !== first)!;
    await until('the client is answered by IPv6', async () => (await answer('[fd77::50]')) === first);
    await labKill(farm.lab, first);
    await until('the other one serves', async () => (await stateOf(second)) === 'up', 30_000);
    for (const vip of [VIP, '[fd77::50]'])
      await until(`the client is answered at ${vip}`, async () => (await answer(vip)) === second);
    await labStart(farm.lab, first);
    expect(await served(farm.nodes)).toBe(second);
  });
});

/**
 * Nodes on isolated ports that have nothing but the gateway in common: their heartbeats go by its echo. They have no way for a peer link, so
 * buckets change hands only when a node is gone.
 *
 *     client, gateway ---- switch ---- n1, n2, n3 (isolated from each other, no other network)
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { labKill, labStart, startAgents } from '../../src/lab/lab.js';
import { until, useFarm } from './farm.js';
import { expectOneOwner, MembershipBed } from './membership-bed.js';

const CONFIG = { ipv6: false, network: 'isolated', overrides: ['{ heartbeat: { udp: [], lease: 1500ms } }'] } as const;
const farm = useFarm('echo', { ...CONFIG, agents: false });
const bed = new MembershipBed(farm);
/** The lease, and what two busy cores may add. */
const FAILOVER_MS = 3000;

beforeAll(async () => {
  for (const node of farm.nodes) await farm.exec(node, ['ip', 'link', 'delete', 'dev', 'eth1']);
  await startAgents({ lab: farm.lab, ...CONFIG }, farm.nodes);
});

/** By which paths `node` hears each of the others; what others report of them is none. */
async function heardBy(node: string): Promise<readonly string[]> {
  const { members } = await bed.status(node);
  const others = members.filter(({ name, state }) => name !== node && state !== 'dead');
  return others.map(({ name, paths }) => `${name} ${Object.keys(paths).filter((path) => path !== 'reported')}`).sort();
}

describe.sequential('isolated ports and a gateway that echoes', () => {
  it('nodes find each other by it alone, and serve as one farm', async () => {
    await bed.whole(farm.nodes, 40_000);
    expect(await heardBy('n1')).toEqual(['n2 echo', 'n3 echo']);
    expect((await bed.status('n1')).reach.mode).toBe('flood');
    for (const node of farm.nodes) expect((await bed.status(node)).counters.vmacAsSource).toBe(0);
  });

  it('I1, I2: when the one that holds most dies, the others have its buckets within the budget', async () => {
    const { members } = await bed.status('n1');
    const [first] = [...members].sort((a, b) => b.share - a.share);
    const victim = first!.name;
    const others = farm.nodes.filter((node) => node !== victim);
    const witness = await bed.witness();
    await labKill(farm.lab, victim);
    await bed.whole(others, 5000);
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeGreaterThan(0);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
    await until('status says so', async () =>
      (await bed.status(others[0]!)).warnings.some((line) => line.includes('by way of the gateway only')),
    );
  });

  it('I3: its return takes nothing from anybody', async () => {
    const dead = await until('one is missing', async () => {
      const reports = await Promise.all(farm.nodes.map((node) => bed.statusOrNull(node)));
      return farm.nodes.find((_, index) => reports[index] === null) ?? null;
    });
    const witness = await bed.witness();
    await labStart(farm.lab, dead);
    await bed.whole(farm.nodes, 30_000);
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.datagrams.filter(({ answers }) => answers.length === 0)).toEqual([]);
  });
});

/** A farm whose frames come by a multicast vMAC, with real packets, over a switch that floods multicast. */
import { describe, expect, it } from 'vitest';
import { labKill, labStart } from '../../src/lab/lab.js';
import { VIP, VIP6 } from '../../src/lab/names.js';
import { useFarm } from './farm.js';
import { expectOneOwner, MembershipBed, pass } from './membership-bed.js';

const farm = useFarm('mcast', { ipv6: true, overrides: ['{ reach: multicast }'] });
const bed = new MembershipBed(farm);
const FAILOVER_MS = 1500;

describe.sequential('reach: multicast', () => {
  it.each([
    ['IPv4', VIP, `http://${VIP}/`],
    ['IPv6', VIP6, `http://[${VIP6}]/`],
  ])('the answer is a group MAC, and each node serves its part: %s', async (_, vip, url) => {
    const homes = new Set<string>();
    for (let i = 0; i < 40; i++) {
      homes.add((await farm.exec('client', ['curl', '-sS', '--max-time', '3', url])).stdout.trim());
    }
    expect([...homes].sort()).toEqual(farm.nodes);
    const { stdout } = await farm.exec('client', ['ip', 'neigh', 'show', vip, 'dev', 'eth0']);
    const first = /lladdr ([0-9a-f]{2}):/.exec(stdout)![1]!;
    expect(Number.parseInt(first, 16) & 3).toBe(3);
  });

  it('I1: every packet is taken by exactly one node, also when one dies', async () => {
    const witness = await bed.witness();
    await pass(1000);
    await labKill(farm.lab, 'n2');
    await bed.whole(['n1', 'n3'], 4000);
    await labStart(farm.lab, 'n2');
    await bed.whole();
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
    for (const node of farm.nodes) expect(testimony.taken.get(node)).toBeGreaterThan(20);
  });
});

/**
 * A farm whose frames come by relay, with real packets: ARP and ND for the VIP are answered with one node's real MAC, that node
 * (the ingress) passes on what others own.
 *
 *     client ---- switch ---- n1, n2, n3
 */
import { describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { labKill, labStall, labStart } from '../../src/lab/lab.js';
import { nodePaths, VIP, VIP6 } from '../../src/lab/names.js';
import { until, useFarm } from './farm.js';
import { expectOneOwner, MembershipBed, pass } from './membership-bed.js';

const farm = useFarm('relay', { ipv6: true, overrides: ['{ reach: relay }'] });
const bed = new MembershipBed(farm);
/** The failover budget, steering, and what two busy cores may add. */
const FAILOVER_MS = 1500;
const IPERF = Array.from({ length: 16 }, (_, index) => `10.77.0.${120 + index}`);

const client = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir);
const count = async (node: string, name: string) => bed.counters(node, [name]);
const others = (node: string) => farm.nodes.filter((name) => name !== node);

/** The node whose MAC the client's neighbour table has for `vip`: 0a:77:00:00:00:0N is nN. */
async function ingress(vip: string = VIP): Promise<string> {
  const { stdout } = await farm.exec('client', ['ip', 'neigh', 'show', vip, 'dev', 'eth0']);
  return /lladdr 0a:77:00:00:00:0(\d)/.exec(stdout)?.[1] === undefined
    ? `no node: ${stdout.trim()}`
    : `n${/lladdr 0a:77:00:00:00:0(\d)/.exec(stdout)![1]}`;
}

const curl = async (url: string) => (await farm.exec('client', ['curl', '-sS', '--max-time', '3', url])).stdout.trim();

describe.sequential('reach: relay', () => {
  it.each([
    ['IPv4', VIP, `http://${VIP}/`],
    ['IPv6', VIP6, `http://[${VIP6}]/`],
  ])('one node`s real MAC is the answer, and each node serves its part: %s', async (_, vip, url) => {
    const homes = new Set<string>();
    for (let i = 0; i < 40; i++) homes.add(await curl(url));
    expect([...homes].sort()).toEqual(farm.nodes);
    const node = await ingress(vip);
    expect(farm.nodes).toContain(node);
    expect(await count(node, 'relayCopies')).toBeGreaterThan(0);
    for (const name of farm.nodes) {
      const { reach, counters } = await bed.status(name);
      expect(reach.mode).toBe('relay');
      expect(counters.vmacAsSource).toBe(0);
    }
  });

  it('an ingress that drains is replaced before it stops, and nobody notices; nor when it is back', async () => {
    await bed.whole();
    const before = await ingress();
    // Connections only: the keeps of datagrams would outlast any patience.
    const load = farm.load(9, 150);
    await pass(500);
    await client(before).command({ command: 'drain', node: null, deadlineMs: null });
    await until('it has stopped', async () => (await bed.status(before)).state === 'stopped', 8000);
    expect(others(before)).toContain(await ingress());
    await client(before).command({ command: 'start', node: null, deadlineMs: null });
    await bed.whole();
    const summary = await load.summary;
    expect(summary.errors).toEqual({});
    expect(summary.lost).toBe(0);
    expect(summary.requests).toBeGreaterThan(500);
  });

  it('I1, I3: every packet is taken by exactly one node, and none is lost', async () => {
    const witness = await bed.witness();
    await pass(1500);
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.datagrams.filter(({ answers }) => answers.length === 0)).toEqual([]);
    for (const node of farm.nodes) expect(testimony.taken.get(node)).toBeGreaterThan(20);
  });

  it('echo is answered once', async () => {
    for (const vip of [VIP, VIP6]) {
      const { stdout } = await farm.exec('client', ['ping', '-c', '4', '-w', '5', '-i', '0.1', '-s', '4000', vip]);
      // With -w it waits for the fourth answer, however slow the machine.
      expect(stdout).toMatch(/, 4 received/);
      expect(stdout).not.toContain('DUP!');
    }
  });

  it('an ingress that dies is replaced: the client is told by the node that takes over', async () => {
    await bed.whole();
    const before = await ingress();
    const witness = await bed.witness();
    await labKill(farm.lab, before);
    await bed.whole(others(before), 4000);
    const after = await until('another ingress', async () => {
      const node = await ingress();
      return node !== before && farm.nodes.includes(node) ? node : null;
    });
    await until('the client has confirmed it', async () => (await count(after, 'steeringConfirmed')) > 0);
    await labStart(farm.lab, before);
    await bed.whole();
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('I6: an ingress that stood still past its lease relays nothing of what it captured meanwhile', async () => {
    await bed.whole();
    const before = await ingress();
    const [incarnation] = await bed.incarnations([before]);
    const witness = await bed.witness();
    const relayed = await count(before, 'relayCopies');
    expect(relayed).toBeGreaterThan(0);
    await labStall(farm.lab, before);
    await bed.whole(others(before), 4000);
    await labStart(farm.lab, before);
    await until('it begins anew', async () => (await bed.statusOrNull(before))?.incarnation !== incarnation);
    const { rejected } = (await bed.status(before)).counters;
    expect(rejected.leaseLapsed).toBeGreaterThan(0);
    await bed.whole();
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('a bulk transfer goes through a relay: super-frames and partial checksums survive', async () => {
    await bed.whole();
    const lines = IPERF.map((address) => `address add ${address}/24 dev eth0\n`).join('');
    await farm.exec('client', ['ip', '-batch', '-'], { input: lines });
    const relay = await ingress();
    const servers = farm.nodes.map((node) => farm.background(node, ['iperf3', '-s', '-p', '5201', '--forceflush']));
    for (const server of servers) await until('iperf3 listens', () => /listening/.test(server.stdout()));
    const from = await until('an address that another node owns', async () => {
      for (const address of IPERF) {
        const { owner } = await client(relay).explain({ address, port: null, to: BULK });
        if (owner !== null && owner !== relay) return address;
      }
      return null;
    });
    const before = await count(relay, 'relayCopies');
    const words = ['iperf3', '-c', VIP, '-B', from, '-p', '5201', '-t', '1', '-J'];
    const { stdout } = await farm.exec('client', words, { timeoutMs: 20_000 });
    const bits = (JSON.parse(stdout) as { end: { sum_received: { bytes: number } } }).end.sum_received.bytes * 8;
    // A stream whose every super-frame were lost would crawl by retransmissions of single segments.
    expect(bits).toBeGreaterThan(50e6);
    expect(await count(relay, 'relayCopies')).toBeGreaterThan(before);
    for (const server of servers) server.stop();
  });
});

const BULK = { address: VIP, port: 5201, protocol: 'tcp' } as const;

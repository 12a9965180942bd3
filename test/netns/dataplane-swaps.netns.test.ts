/**
 * The exact filter in the kernel follows the tables while frames come as fast as one core sends them:
 *
 *   covey-<lab>-client  ==== eth0 ====  covey-<lab>-node    the data plane, vip0 10.77.0.50, a sink that counts
 *
 * The node always owns the bucket of each port of MINE, never that of a port of OTHERS, and now and then those of all others. Of MINE nothing
 * may be lost, of OTHERS nothing taken, whatever is swapped meanwhile. COVEY_SWAPS=1000 is the long form (3 minutes).
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUCKETS } from '../../src/buckets/contract.js';
import type { Shape, Verdict } from '../../src/dataplane/contract.js';
import { COUNTER_NAMES } from '../../src/dataplane/counters.js';
import { Bed, Host, until, VIP, VMAC, whySkipped } from './fixtures/native-bed.js';

const skipped = whySkipped();
if (skipped) console.warn(`skipped: swaps of the kernel's filter: ${skipped}`);

const PACKETS_DIRECTORY = join(import.meta.dirname, '../../bench/farm/packets');
const PACKETS = join(PACKETS_DIRECTORY, 'build/packets');
const SWAPS = Number(process.env.COVEY_SWAPS ?? 60);
/** A swap of the filter comes a tenth of a second after the tables have changed. */
const SWAP_MS = 150;
const PORT = 9;
/** 64 ports of each kind, from different buckets. */
const PORTS = 64;
const FOREVER_MS = 600_000;
const SHAPE: Shape = {
  vips: [{ address: Uint8Array.of(10, 77, 0, 50), prefixLength: 24 }],
  rules: [
    {
      rule: 0,
      protocol: 'udp',
      firstPort: 1,
      lastPort: 65535,
      affinity: 'connection',
      plan: 0,
      deny: false,
      holdMs: 0,
    },
  ],
  hashSeed: 42,
  vmac: VMAC,
  vlan: null,
};

describe.skipIf(skipped).each(['pcap', 'ring'] as const)('swaps of the kernel filter, %s', (engine) => {
  let bed: Bed;
  let host: Host;

  beforeEach(async () => {
    execFileSync('make', ['--no-print-directory', '-C', PACKETS_DIRECTORY], { stdio: 'pipe' });
    bed = Bed.make(`swaps${process.pid}-${engine}`);
    host = await Host.start(bed.node, true);
  });
  afterEach(async () => {
    await host.end();
    bed.destroy();
  });

  const call = <T = unknown>(method: string, ...args: unknown[]) => host.call<T>('a', method, ...args);

  async function bucketOf(port: number): Promise<number> {
    return (await call<Verdict>('classify', udpFrame(port), true)).bucket;
  }

  /** Client ports by kind, and the buckets of those of MINE and OTHERS. */
  async function sortPorts() {
    const mine: number[] = [];
    const others: number[] = [];
    const owned = new Uint8Array(BUCKETS / 8);
    const fixed = new Uint8Array(BUCKETS / 8);
    for (let port = 20_000; others.length < PORTS; port++) {
      const bucket = await bucketOf(port);
      if (has(fixed, bucket)) continue;
      add(fixed, bucket);
      if (mine.length < PORTS) add(owned, bucket);
      (mine.length < PORTS ? mine : others).push(port);
    }
    const wavering = fixed.map((byte) => 0xff & ~byte);
    return { mine, others, owned, wavering };
  }

  it(`lose nothing and take nothing wrong in ${SWAPS} swaps at full load`, {
    timeout: SWAPS * 2 * SWAP_MS + 60_000,
  }, async () => {
    const options = { interface: 'eth0', tun: 'vip0', ringBytes: 64 << 20, holdFrames: 1024, holdBytes: 1 << 20 };
    await call('open', {
      ...options,
      gatherMs: 0,
      maxKeys: 65536,
      counters: COUNTER_NAMES.length,
      engine,
      filtersBuckets: true,
    });
    bed.carryVip();
    await call('setShape', SHAPE);
    await call('renewForever', FOREVER_MS);
    const { mine, others, owned, wavering } = await sortPorts();
    await call('apply', [{ op: 'own', plan: 0, buckets: owned }]);
    expect(await bed.ping(1)).toBeLessThanOrEqual(1);
    const seconds = Math.ceil((SWAPS * SWAP_MS) / 1000) + 5;
    // Paced, so that neither socket nor ring is too small, at a rate that keeps one core of two busy with the kernel's work.
    const flood = (ports: readonly number[], perSecond: number) =>
      bed.output(bed.client, PACKETS, 'flood', VIP, `${PORT}`, `${seconds}`, ports.join(','), `${perSecond}`);
    const sink = bed.output(bed.node, PACKETS, 'sink', VIP, `${PORT}`, `${seconds + 30}`);
    await until('the sink listens', () =>
      execFileSync('ip', ['netns', 'exec', bed.node, 'ss', '-Hlun']).includes(`:${PORT} `),
    );
    const sent = Promise.all([flood(mine, 15_000), flood(others, 15_000)]);
    let grown = 0;
    for (let swap = 0; swap < SWAPS; swap++) {
      const before = (await host.counters('a')).filteredInKernel;
      await call('apply', [{ op: swap % 2 === 0 ? 'own' : 'cut', plan: 0, buckets: wavering, serial: swap + 1 }]);
      await new Promise((resolve) => setTimeout(resolve, SWAP_MS));
      if ((await host.counters('a')).filteredInKernel > before) grown++;
    }
    const [ofMine] = (await sent).map(
      (text) => JSON.parse(text.trim().split('\n').at(-1)!) as { sent: number; errors: number },
    );
    const counted = JSON.parse((await sink).trim().split('\n').at(-1)!) as { received: number };
    const counters = await host.counters('a');
    expect(ofMine!.sent).toBeGreaterThan(10_000);
    expect(counters.captureDrops, 'frames that the ring had no room for say nothing of the filter').toBe(0);
    expect(counted.received, 'all of MINE, and none of OTHERS').toBe(ofMine!.sent);
    expect(counters.injected).toBe(counters.accepted);
    // Without the exact filter the others' frames would come here and be rejected.
    expect(grown).toBe(SWAPS);
    expect(counters.rejectedNotOwner).toBeLessThan(counters.filteredInKernel / 10);
  });
});

function has(bitmap: Uint8Array, bucket: number): boolean {
  return ((bitmap[bucket >> 3]! >> (bucket & 7)) & 1) === 1;
}

function add(bitmap: Uint8Array, bucket: number): void {
  bitmap[bucket >> 3]! |= 1 << (bucket & 7);
}

/** Ethernet, IPv4, UDP from the client's `port`; no payload. */
function udpFrame(port: number): Uint8Array {
  const ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 100, 10, 77, 0, 50];
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += (ip[i]! << 8) | ip[i + 1]!;
  const checksum = 0xffff - ((sum & 0xffff) + (sum >> 16));
  ip[10] = checksum >> 8;
  ip[11] = checksum & 0xff;
  return Uint8Array.of(...VMAC, 2, 0, 0, 0, 0, 9, 8, 0, ...ip, port >> 8, port & 0xff, 0, PORT, 0, 8, 0, 0);
}

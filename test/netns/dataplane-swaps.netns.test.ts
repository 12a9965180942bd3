/**
 * The exact filter in the kernel follows the tables while frames come:
 *
 *   covey-<lab>-client  ==== eth0 ====  covey-<lab>-node    the data plane, vip0 10.77.0.50, a sink that counts
 *
 * The node always owns the bucket of each port of MINE, never that of a port of OTHERS; all other buckets are pending now and then. Each time
 * they become so, the filter is widened, and each time that ends, it is narrowed when the tables have rested. Of MINE nothing may be lost,
 * of OTHERS nothing taken, whatever is swapped meanwhile. (Cut buckets would not do: their known clients are kept.) COVEY_SWAPS=1000 is the long form (4 minutes for each engine),
 * COVEY_SWAPS_PER_SECOND another rate of MINE and of OTHERS.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUCKETS } from '../../src/buckets/contract.js';
import type { Verdict } from '../../src/dataplane/contract.js';
import { COUNTER_NAMES } from '../../src/dataplane/counters.js';
import { Bed, Host, SHAPE, until, VIP, VMAC, whySkipped } from './fixtures/native-bed.js';

const skipped = whySkipped();
if (skipped) console.warn(`skipped: swaps of the kernel's filter: ${skipped}`);

const PACKETS_DIRECTORY = join(import.meta.dirname, '../../bench/farm/packets');
const PACKETS = join(PACKETS_DIRECTORY, 'build/packets');
const SWAPS = Number(process.env.COVEY_SWAPS ?? 40);
/** Two swaps take 0.2 s: tables must have rested for a tenth of a second before the filter is narrowed. On a busy machine three times that. */
const SECONDS = Math.ceil(SWAPS * 0.3) + 4;
const PORT = 9;
const WAVERING_PORT = 10;
/** Of each kind, from different buckets. */
const PORTS = 64;
/** Of MINE and of OTHERS each. Paced, so that neither socket nor ring is too small. */
const PER_SECOND = Number(process.env.COVEY_SWAPS_PER_SECOND ?? 15_000);
/** Often enough that some come between two looks. */
const WAVERING_PER_SECOND = 4000;
const LOOK_MS = 25;
const FOREVER_MS = 600_000;

describe.skipIf(skipped).each(['pcap', 'ring', 'ring with fast path'] as const)(
  'swaps of the kernel filter, %s',
  (plane) => {
    const engine = plane === 'pcap' ? 'pcap' : 'ring';
    const usesFastPath = plane === 'ring with fast path';
    let bed: Bed;
    let host: Host;

    beforeEach(async () => {
      execFileSync('make', ['--no-print-directory', '-C', PACKETS_DIRECTORY], { stdio: 'pipe' });
      bed = Bed.make(`swaps${process.pid}-${plane.replaceAll(' ', '')}`);
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
      const waveringPorts: number[] = [];
      for (let port = 40_000; waveringPorts.length < PORTS; port++) {
        if (has(wavering, await bucketOf(port))) waveringPorts.push(port);
      }
      return { mine, others, owned, wavering, waveringPorts };
    }

    async function open(): Promise<void> {
      // A slot of libpcap takes 64 times as much: in the usual memory it has too few for a machine that is busy for some milliseconds.
      const ringBytes = engine === 'pcap' ? 512 << 20 : 64 << 20;
      const ring = { interface: 'eth0', tun: 'vip0', ringBytes, holdFrames: 1024, holdBytes: 1 << 20 };
      const options = { ...ring, gatherMs: 0, maxKeys: 65536, counters: COUNTER_NAMES.length, engine };
      await call('open', { ...options, filtersBuckets: true, usesFastPath });
      bed.carryVip();
      await call('setShape', SHAPE);
      await call('renewForever', FOREVER_MS);
    }

    /** While frames of buckets come that are pending no longer, they are rejected here until the filter is narrowed: then the counter stands. */
    async function narrowed(): Promise<void> {
      let last = -1;
      await until('the filter is narrowed', async () => {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        const { rejectedNotOwner } = await host.counters('a');
        const stands = rejectedNotOwner === last;
        last = rejectedNotOwner;
        return stands;
      });
    }

    const flood = (port: number, ports: readonly number[], perSecond: number) =>
      bed
        .output(bed.client, PACKETS, 'flood', VIP, `${port}`, `${SECONDS}`, ports.join(','), `${perSecond}`)
        .then((text) => lastLine<{ readonly sent: number }>(text).sent);

    it(`lose nothing and take nothing wrong in ${SWAPS} swaps while ${2 * PER_SECOND + WAVERING_PER_SECOND} frames come a second`, {
      timeout: SECONDS * 1000 + 60_000,
    }, async () => {
      await open();
      const { mine, others, owned, wavering, waveringPorts } = await sortPorts();
      await call('apply', [{ op: 'own', plan: 0, buckets: owned }]);
      const sink = bed.output(bed.node, PACKETS, 'sink', VIP, `${PORT}`, `${SECONDS + 30}`);
      await until('the sink listens', () => bed.isBound(PORT));
      let isOver = false;
      const floods = [
        flood(PORT, mine, PER_SECOND),
        flood(PORT, others, PER_SECOND),
        flood(WAVERING_PORT, waveringPorts, WAVERING_PER_SECOND),
      ];
      const sent = Promise.all(floods).finally(() => {
        isOver = true;
      });
      sent.catch(() => undefined);
      let swaps = 0;
      while (swaps < SWAPS && !isOver) {
        const before = await host.counters('a');
        await call('apply', [{ op: 'hold', plan: 0, buckets: wavering }]);
        await until('what is pending is held', async () => (await host.counters('a')).held > before.held);
        await call('apply', [{ op: 'unhold', plan: 0, buckets: wavering }]);
        await narrowed();
        swaps += 2;
      }
      expect(isOver, 'the flood outlasts the swaps, or they would be swaps of an idle filter').toBe(false);
      const [ofMine, ofOthers] = await sent;
      const { received } = lastLine<{ readonly received: number }>(await sink);
      const counters = await host.counters('a');
      expect(swaps).toBeGreaterThanOrEqual(SWAPS);
      expect(counters.captureDrops, 'frames that the ring had no room for say nothing of the filter').toBe(0);
      expect(received, 'all of MINE, and none of OTHERS').toBe(ofMine);
      expect(counters.injected).toBe(counters.accepted);
      // Each swap closes all connections, which are opened again within some ms.
      if (usesFastPath) expect(counters.acceptedInKernel).toBeGreaterThan(ofMine! * 0.5);
      else expect(counters.acceptedInKernel).toBe(0);
      // Only as long as the filter goes by VIPs alone, at the start, do frames of OTHERS come as far as the tables.
      expect(counters.filteredInKernel).toBeGreaterThan(ofOthers! * 0.8);
    });
  },
);

/** The JSON that a program printed last, after what it had to say. */
function lastLine<T>(text: string): T {
  return JSON.parse(text.trim().split('\n').at(-1)!) as T;
}

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

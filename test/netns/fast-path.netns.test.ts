/**
 * Packets that the kernel takes by itself (addons/dataplane/src/filter/fast_path.h), on the bed of fixtures/native-bed.ts. What must
 * not be delivered is told by the time at which it was sent, which stands in each datagram: so no delay of a receiver matters.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { KEEP_BYTES, type TableResult } from '../../src/buckets/contract.js';
import type { Shape } from '../../src/dataplane/contract.js';
import { COUNTER_NAMES, type CounterName } from '../../src/dataplane/counters.js';
import { bootTimeMs } from '../../src/dataplane/native.js';
import { ALL_BUCKETS, Bed, Host, run, SHAPE, until, VIP, VIP6, VMAC, whySkipped } from './fixtures/native-bed.js';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const skipped = whySkipped() ?? (hasPython ? null : 'python3 is not installed');
if (skipped) console.warn(`skipped: fast path: ${skipped}`);
const hasIperf = spawnSync('iperf3', ['--version']).status === 0;
if (!hasIperf) console.warn('skipped: bulk TCP by the fast path: iperf3 is not installed');

/** Since Linux 6.8 each network namespace has its own. */
const hasOwnOptmem =
  skipped === null && spawnSync('unshare', ['-n', 'test', '-e', '/proc/sys/net/core/optmem_max']).status === 0;
if (!hasOwnOptmem)
  console.warn('skipped: no room for the program of the fast path: net.core.optmem_max is not by namespace');

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const NATIVE = pathToFileURL(join(import.meta.dirname, '../../dist/dataplane/native.js')).href;
const STREAM = ['env', `COVEY_NATIVE=${NATIVE}`, process.execPath, fixture('stream.mjs')];

const OPTIONS = {
  interface: 'eth0',
  tun: 'vip0',
  ringBytes: 64 << 20,
  holdFrames: 1024,
  holdBytes: 1 << 20,
  gatherMs: 0,
  maxKeys: 65536,
  counters: COUNTER_NAMES.length,
  filtersBuckets: true,
};
const FAST = { ...OPTIONS, engine: 'ring', usesFastPath: true };
const OWN_ALL = [{ op: 'own', plan: 0, buckets: ALL_BUCKETS }];
const FOREVER_MS = 600_000;
const PORT = 9;
const VIP6_BYTES = Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50);
const BOTH_FAMILIES = { ...SHAPE, vips: [...SHAPE.vips, { address: VIP6_BYTES, prefixLength: 64 }] };

interface Datagram {
  readonly from: number;
  readonly number: number;
  readonly sentMs: number;
}

let bed: Bed;
let host: Host;
let labs = 0;

const call = <T = unknown>(method: string, ...args: unknown[]) => host.call<T>('a', method, ...args);
const nowMs = () => call<number>('bootTimeMs');
const counted = async (name: CounterName) => (await host.counters('a'))[name];

async function serveAll(options: object = FAST, leaseMs = FOREVER_MS): Promise<void> {
  await call('open', options);
  bed.carryVip();
  await call('setShape', BOTH_FAMILIES);
  expect(await call('renewForever', leaseMs)).toBe(true);
  await call('apply', OWN_ALL);
}

async function carryVip6(): Promise<void> {
  bed.carryVip6();
  await until('duplicate address detection is over', () => !bed.hasTentativeAddress());
  expect(await bed.ping(1, VIP6)).toBe(1);
}

/** Everything that came so far. */
async function receive(address = VIP): Promise<() => readonly Datagram[]> {
  const child = bed.spawn(bed.node, ...STREAM, 'receive', address, `${PORT}`);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await until('the receiver listens', () => bed.isBound(PORT));
  return () =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [from, number, sentMs] = line.split(' ').map(Number);
        return { from: from!, number: number!, sentMs: sentMs! };
      });
}

/** Sends until `end`, which tells how many it were. */
function send(from: number, { address = VIP, intervalMs = 2 } = {}) {
  const child = bed.spawn(bed.client, ...STREAM, 'send', address, `${PORT}`, `${from}`, `${intervalMs}`);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return {
    async end(): Promise<number> {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await ended;
      return Number(text);
    },
  };
}

/** Waits until the kernel takes packets by itself that it had not taken when this was called. */
async function takenByKernel(packets = 50): Promise<void> {
  const before = await counted('acceptedInKernel');
  await until('the kernel takes packets', async () => (await counted('acceptedInKernel')) >= before + packets);
}

const since = (datagrams: readonly Datagram[], ms: number, from?: number) =>
  datagrams.filter((one) => one.sentMs > ms && (from === undefined || one.from === from));

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(skipped)('fast path', { timeout: 30_000 }, () => {
  beforeEach(async () => {
    bed = Bed.make(`fast${process.pid}-${labs++}`);
    host = await Host.start(bed.node, true);
  });
  afterEach(async () => {
    await host.end();
    bed.destroy();
  });

  describe.each([
    ['ring with fast path', FAST, true],
    ['ring without', { ...FAST, usesFastPath: false }, false],
    ['pcap, which has none', { ...FAST, engine: 'pcap' }, false],
  ] as const)('%s', (_, options, isFast) => {
    it.each(['IPv4', 'IPv6'])('takes datagrams: %s', async (family) => {
      await serveAll(options);
      expect((await call<string>('noFastPath')) === '').toBe(isFast);
      const address = family === 'IPv4' ? VIP : VIP6;
      if (family === 'IPv6') await carryVip6();
      const received = await receive(address);
      const before = await host.counters('a');
      const sender = send(5000, { address });
      await until('a thousand datagrams', () => received().length >= 1000);
      const sent = await sender.end();
      await until('all that was sent', () => received().length === sent);
      expect(
        received().map(({ number }) => number),
        'in order',
      ).toEqual(Array.from({ length: sent }, (_, i) => i));
      await until('all are counted', async () => (await counted('injected')) - before.injected >= sent);
      const after = await host.counters('a');
      expect(after.accepted - before.accepted, 'and once each').toBe(after.injected - before.injected);
      const taken = after.acceptedInKernel - before.acceptedInKernel;
      if (isFast) expect(taken).toBeGreaterThan(sent * 0.8);
      else expect(taken).toBe(0);
    });

    it.each(['IPv4', 'IPv6'])('takes requests on one TCP connection, and lets it end: %s', async (family) => {
      await serveAll(options);
      const address = family === 'IPv4' ? VIP : VIP6;
      if (family === 'IPv6') await carryVip6();
      const server = `require('node:http').createServer((q, r) => r.end('node ' + q.url)).listen(80, '${address}')`;
      bed.spawn(bed.node, process.execPath, '-e', server);
      await until('the HTTP service listens', () => bed.isListening(80));
      const before = await host.counters('a');
      const out = await bed.output(bed.client, process.execPath, '-e', askOften(address, 300));
      expect(JSON.parse(out)).toEqual({ good: 300, sockets: 1 });
      await until('the connection has ended', async () => (await counted('keys')) === 0);
      const after = await host.counters('a');
      expect(after.injected - before.injected).toBe(after.accepted - before.accepted);
      const taken = after.acceptedInKernel - before.acceptedInKernel;
      if (isFast) expect(taken).toBeGreaterThan(200);
      else expect(taken).toBe(0);
    });

    it.skipIf(!hasIperf)('takes bulk TCP', async () => {
      await serveAll(options);
      bed.spawn(bed.node, 'iperf3', '-s', '-1', '-B', VIP);
      await until('iperf3 listens', () => bed.isListening(5201));
      const report = JSON.parse(await bed.output(bed.client, 'iperf3', '-c', VIP, '-n', '200M', '-J'));
      expect(report.end.sum_received.bytes).toBeGreaterThan(190e6);
      await until('every accepted frame is injected', async () => {
        const { accepted, injected, acceptedInKernel } = await host.counters('a');
        return injected === accepted && (!isFast || acceptedInKernel > accepted * 0.5);
      });
      if (!isFast) expect(await counted('acceptedInKernel')).toBe(0);
    });
  });

  it('I6: takes nothing that was sent after the lease of a stopped process, and nothing later until reset', async () => {
    const leaseMs = 400;
    await serveAll(FAST, leaseMs);
    const received = await receive();
    send(5000);
    await takenByKernel();
    host.process.kill('SIGSTOP');
    const stoppedMs = bootTimeMs();
    await pause(leaseMs + 600);
    const beforeContMs = bootTimeMs();
    host.process.kill('SIGCONT');
    await until('the lapse is known', async () => !(await call('leaseOpen')));
    await until('packets are rejected', async () => (await counted('rejectedLeaseLapsed')) > 100);
    const gone = received();
    expect(since(gone, stoppedMs + 5).length, 'the kernel went on by itself while the lease ran').toBeGreaterThan(20);
    expect(since(gone, stoppedMs + leaseMs), 'sent after the end of the lease').toEqual([]);
    expect(beforeContMs - stoppedMs).toBeGreaterThan(leaseMs + 500);
    // Nor later, whatever renews it.
    expect(await call('renewLease', (await nowMs()) + FOREVER_MS)).toBe(false);
    await pause(300);
    expect(received().length).toBe(gone.length);
    await call('reset');
    expect(await call('renewForever', FOREVER_MS)).toBe(true);
    await pause(100);
    expect(received().length, 'the tables were emptied').toBe(gone.length);
    await call('apply', OWN_ALL);
    await takenByKernel();
    expect(received().length).toBeGreaterThan(gone.length);
  });

  it("after a cut: what was kept goes on without a loss, what is another's ends with the command, nothing new begins", async () => {
    await serveAll();
    const received = await receive();
    const [kept, foreign] = [5000, 5001];
    const senders = [kept, foreign].map((port) => send(port));
    await takenByKernel();
    await until('both streams', () => new Set(received().map(({ from }) => from)).size === 2);
    const results = await call<readonly TableResult[]>('apply', [
      { op: 'offer', plan: 0, buckets: ALL_BUCKETS, serial: 1 },
      { op: 'cut', plan: 0, buckets: ALL_BUCKETS, serial: 1 },
    ]);
    const late = send(5002);
    await takenByKernel();
    const keep = keepOf(results, foreign);
    expect(keepOf(results, kept)).toBeDefined();
    await call('apply', [{ op: 'honour', groups: [{ keeper: 7, keeps: keep! }] }]);
    const endMs = bootTimeMs();
    await takenByKernel();
    await pause(200);
    const sent = await Promise.all(senders.map((sender) => sender.end()));
    await late.end();
    await until('all of the kept one', () => since(received(), 0, kept).length === sent[0]);
    expect(since(received(), endMs, foreign), 'sent after the command').toEqual([]);
    expect(since(received(), 0, 5002), 'begun after the cut').toEqual([]);
    expect(await call('kept')).toMatchObject({ count: 1 });
  });

  it.each([
    ['a reset', async () => call('reset')],
    [
      'rules that deny it',
      async () => call('setShape', { ...SHAPE, rules: SHAPE.rules.map((r) => ({ ...r, deny: true })) }),
    ],
    ['a shape without its VIP', async () => call('setShape', { ...BOTH_FAMILIES, vips: BOTH_FAMILIES.vips.slice(1) })],
    ['another VLAN', async () => call('setShape', { ...SHAPE, vlan: 100 })],
  ])('takes nothing that was sent after %s', async (_, change) => {
    await serveAll();
    const received = await receive();
    const sender = send(5000, { intervalMs: 1 });
    await takenByKernel();
    await change();
    const changedMs = bootTimeMs();
    await pause(500);
    await sender.end();
    expect(since(received(), changedMs)).toEqual([]);
  });

  it('leaves to the tables what differs from its connection in more than content', async () => {
    await serveAll();
    const received = await receive();
    const sender = send(5000);
    await takenByKernel();
    const sent = await sender.end();
    await until('all that was sent', () => received().length === sent);
    await pause(100);
    const mac = await call<Uint8Array>('mac');
    const taken = async (frame: Uint8Array) => {
      const before = await host.counters('a');
      await bed.output(bed.client, 'sh', '-c', `echo ${hex(frame)} | python3 ${fixture('send-frames.py')} eth0`);
      await pause(100);
      const after = await host.counters('a');
      return {
        kernel: after.acceptedInKernel - before.acceptedInKernel,
        rejected: after.rejectedOtherVlan - before.rejectedOtherVlan,
        accepted: after.accepted - before.accepted,
      };
    };
    expect(await taken(udpFrame()), 'one more of the same').toEqual({ kernel: 1, rejected: 0, accepted: 1 });
    expect(await taken(udpFrame({ vlan: 100 }))).toEqual({ kernel: 0, rejected: 1, accepted: 0 });
    expect(await taken(udpFrame({ vlan: 0 })), 'priority-tagged').toMatchObject({ kernel: 0, accepted: 1 });
    expect(await taken(udpFrame({ to: mac })), 'to our own MAC').toMatchObject({ kernel: 0 });
    expect(await taken(udpFrame({ options: true }))).toMatchObject({ kernel: 0, accepted: 1 });
    expect(await taken(udpFrame({ fragment: 0x2000 }))).toMatchObject({ kernel: 0 });
    expect(await taken(udpFrame({ port: 5001 })), 'from another port').toMatchObject({ kernel: 0, accepted: 1 });
    expect(await taken(udpFrame()), 'and still one more of the same').toEqual({ kernel: 1, rejected: 0, accepted: 1 });
  });

  it('nothing is left at the interface when the process is killed, and the next one begins anew', async () => {
    await serveAll();
    const received = await receive();
    send(5000);
    await takenByKernel();
    expect(attached()).toBe(1);
    await host.end();
    const killedMs = bootTimeMs();
    expect(attached()).toBe(0);
    await pause(200);
    expect(since(received(), killedMs)).toEqual([]);
    run('ip', 'netns', 'exec', bed.node, 'nft', 'flush', 'ruleset');
    host = await Host.start(bed.node, true);
    await serveAll();
    const servedMs = bootTimeMs();
    await takenByKernel();
    expect(attached()).toBe(1);
    expect(since(received(), servedMs).length).toBeGreaterThan(0);
    await call('close');
    expect(attached()).toBe(0);
  });

  it('comes before the programs of others, which may let nobody look after them', async () => {
    const other = bed.spawn(bed.node, 'python3', '-u', fixture('tcx-pass.py'), 'eth0');
    await new Promise((resolve) => other.stdout?.once('data', resolve));
    await serveAll();
    expect(attached()).toBe(2);
    const received = await receive();
    const sender = send(5000);
    await takenByKernel();
    const sent = await sender.end();
    await until('all that was sent', () => received().length === sent);
  });

  it('notices a program that is put before its own, counts what that cost, and gives up where it happens again and again', async () => {
    await serveAll();
    const received = await receive();
    const sender = send(5000);
    for (let time = 1; time <= 4; time++) {
      await takenByKernel();
      expect(await call('noFastPath'), 'in use').toBe('');
      const { injectErrors } = await host.counters('a');
      bed.spawn(bed.node, 'python3', '-u', fixture('tcx-pass.py'), 'eth0', 'before');
      await until('the loss is counted', async () => (await host.counters('a')).injectErrors > injectErrors + 64);
    }
    await until('it says so', async () => (await call('noFastPath')) !== '');
    expect(await call('noFastPath')).toMatch(
      /another program was put before it.*packets were lost.*bpftool net show.*restart Covey/,
    );
    const before = received().length;
    await until('datagrams come by the packet thread', () => received().length > before + 200);
    const { acceptedInKernel } = await host.counters('a');
    const late = received().length;
    await until('more of them', () => received().length > late + 200);
    expect((await host.counters('a')).acceptedInKernel).toBe(acceptedInKernel);
    expect(attached()).toBe(4);
    const sent = await sender.end();
    const counters = await host.counters('a');
    await until('all but what was counted as lost', () => received().length === sent - counters.injectErrors);
  });

  it('goes on at an interface that is set down, or is another one by the same name', async () => {
    await serveAll();
    const received = await receive();
    send(5000);
    await takenByKernel();
    run('ip', '-n', bed.node, 'link', 'set', 'eth0', 'down');
    await until('it is down', async () => (await call('captureState')) === 'down');
    run('ip', '-n', bed.node, 'link', 'set', 'eth0', 'up');
    await takenByKernel();
    run('ip', '-n', bed.node, 'link', 'del', 'eth0');
    await until('it is gone', async () => (await call('captureState')) === 'gone');
    expect(await call('noFastPath')).toMatch(/the interface is gone/);
    bed.joinByVeth('eth0');
    bed.setUpNode();
    run('ip', '-n', bed.client, 'addr', 'add', '10.77.0.100/24', 'dev', 'eth0');
    await until('it is back', async () => (await call('captureState')) === 'running');
    const before = received().length;
    send(5003);
    await until('datagrams come again', () => received().length > before);
    await takenByKernel();
    expect(await call('noFastPath'), 'in use again').toBe('');
    expect(attached()).toBe(1);
  });

  it.skipIf(!hasOwnOptmem)('says so while the kernel has no room for its program, and works', async () => {
    run('ip', 'netns', 'exec', bed.node, 'sysctl', '-qw', 'net.core.optmem_max=20480');
    await serveAll();
    const received = await receive();
    send(5000);
    await takenByKernel();
    expect(await call('noFastPath'), 'in use').toBe('');
    await call('setShape', withManyRules(200));
    expect(await call('noFastPath')).toMatch(/Cannot allocate memory.*Raise net\.core\.optmem_max/);
    const before = received().length;
    await until('datagrams come by the packet thread', () => received().length > before + 200);
    await call('setShape', BOTH_FAMILIES);
    expect(await call('noFastPath')).toBe('');
    await takenByKernel();
  });

  it('without CAP_BPF it says so, and works', async () => {
    const weak = await Host.start(bed.node, true, [
      'setpriv',
      '--bounding-set=-bpf,-sys_admin',
      '--inh-caps=-bpf,-sys_admin',
    ]);
    await host.end();
    host = weak;
    await serveAll();
    expect(await call('noFastPath')).toMatch(/CAP_BPF/);
    const received = await receive();
    send(5000);
    await until('datagrams come', () => received().length > 200);
    expect(await counted('acceptedInKernel')).toBe(0);
    expect(attached()).toBe(0);
  });
});

/** Each of them for a port of its own, which makes the kernel's program longer. */
function withManyRules(count: number): Shape {
  const ports = Array.from({ length: count }, (_, i) => ({
    ...SHAPE.rules[0]!,
    firstPort: 1000 + 2 * i,
    lastPort: 1000 + 2 * i,
  }));
  return { ...BOTH_FAMILIES, rules: [...ports, ...SHAPE.rules] };
}

function attached(): number {
  return Number(run('ip', 'netns', 'exec', bed.node, 'python3', fixture('tcx-programs.py'), 'eth0'));
}

/** The keep of the client's `port` in what the commands listed: a key record with the port at its second byte. */
function keepOf(results: readonly TableResult[], port: number): Uint8Array | undefined {
  const keeps = results.flatMap(({ groups }) => groups.map((group) => Buffer.from(group.keeps)));
  for (const list of keeps) {
    for (let at = 0; at < list.length; at += KEEP_BYTES) {
      if (list.readUInt16BE(at + 2) === port) return Uint8Array.from(list.subarray(at, at + KEEP_BYTES));
    }
  }
  return undefined;
}

/** `count` requests one after the other on a connection that is kept, some ms apart; prints how many were answered, on how many sockets. */
function askOften(address: string, count: number): string {
  return `const { Agent, get } = require('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set();
    let good = 0;
    const next = (left) => {
      if (left === 0) { agent.destroy(); return console.log(JSON.stringify({ good, sockets: sockets.size })); }
      get({ agent, host: '${address}', port: 80, path: '/' + left }, (reply) => {
        sockets.add(reply.socket.localPort);
        let text = '';
        reply.on('data', (part) => { text += part; });
        reply.on('end', () => { if (text === 'node /' + left) good++; setTimeout(next, 2, left - 1); });
      });
    };
    next(${count});`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Ethernet, IPv4, UDP from port 5000 of the client; no payload. */
function udpFrame({ to = VMAC as Uint8Array, vlan = -1, options = false, fragment = 0, port = 5000 } = {}): Uint8Array {
  const words = options ? 6 : 5;
  const ip = [0x40 | words, 0, 0, words * 4 + 8, 0, 1, fragment >> 8, fragment & 0xff, 64, 17, 0, 0];
  ip.push(10, 77, 0, 100, 10, 77, 0, 50, ...(options ? [1, 1, 1, 0] : []));
  let sum = 0;
  for (let i = 0; i < ip.length; i += 2) sum += (ip[i]! << 8) | ip[i + 1]!;
  const checksum = 0xffff - ((sum & 0xffff) + (sum >> 16));
  ip[10] = checksum >> 8;
  ip[11] = checksum & 0xff;
  const tag = vlan < 0 ? [] : [0x81, 0, vlan >> 8, vlan & 0xff];
  const udp = [port >> 8, port & 0xff, 0, PORT, 0, 8, 0, 0];
  return Uint8Array.of(...to, 2, 0, 0, 0, 0, 9, ...tag, 8, 0, ...ip, ...udp);
}

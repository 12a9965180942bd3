/** The native data plane with real packets; the bed is drawn in fixtures/native-bed.ts. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlFrame, Verdict } from '../../src/dataplane/contract.js';
import { COUNTER_NAMES, type CounterName } from '../../src/dataplane/counters.js';
import { ALL_BUCKETS, Bed, Host, mac, run, SHAPE, until, VIP, VIP6, VMAC, whySkipped } from './fixtures/native-bed.js';

const skipped = whySkipped();
if (skipped) console.warn(`skipped: native data plane in namespaces: ${skipped}`);
const hasIperf = spawnSync('iperf3', ['--version']).status === 0;
if (!hasIperf) console.warn('skipped: bulk TCP through the native data plane: iperf3 is not installed');

const SEND_FRAMES = fileURLToPath(new URL('fixtures/send-frames.mjs', import.meta.url));
const canSendRaw = spawnSync(process.execPath, ['-e', "require('cap')"]).status === 0;
if (!canSendRaw) console.warn('skipped: raw frames to the native data plane: the package `cap` is not built');

const COMMON = {
  interface: 'eth0',
  tun: 'vip0',
  ringBytes: 64 << 20,
  holdFrames: 1024,
  holdBytes: 1 << 20,
  gatherMs: 0,
  maxKeys: 65536,
  counters: COUNTER_NAMES.length,
};
const OWN_ALL = [{ op: 'own', plan: 0, buckets: ALL_BUCKETS }];
const CUT_ALL = [{ op: 'cut', plan: 0, buckets: ALL_BUCKETS, serial: 1 }];
const FOREVER_MS = 600_000;

/** Each engine with a filter in the kernel for VIPs, and with the exact one; the last two are what `covey run` has. */
const PLANES = ['pcap', 'ring', 'pcap by buckets', 'ring by buckets', 'ring with fast path'] as const;

describe.skipIf(skipped).each(PLANES)('native data plane, %s', { timeout: 30_000 }, (plane) => {
  const usesFastPath = plane.endsWith('with fast path');
  const filtersBuckets = plane.endsWith('by buckets') || usesFastPath;
  const OPTIONS = { ...COMMON, engine: plane.split(' ')[0], filtersBuckets, usesFastPath };
  let bed: Bed;
  let host: Host;
  let labs = 0;

  beforeEach(async () => {
    bed = Bed.make(`dp${process.pid}-${labs++}`);
    host = await Host.start(bed.node, true);
  });
  afterEach(async () => {
    await host.end();
    bed.destroy();
  });

  const call = <T = unknown>(method: string, ...args: unknown[]) => host.call<T>('a', method, ...args);
  const nowMs = () => call<number>('bootTimeMs');

  /** Opens the data plane, carries the VIP, owns every bucket, and keeps the lease open for `leaseMs` at a time. */
  async function serveAll(leaseMs = FOREVER_MS): Promise<{ readonly mac: Uint8Array }> {
    const opened = await call<{ readonly mac: Uint8Array }>('open', OPTIONS);
    bed.carryVip();
    await call('setShape', SHAPE);
    expect(await call('renewForever', leaseMs)).toBe(true);
    await call('apply', OWN_ALL);
    return opened;
  }

  async function serveHttp(): Promise<void> {
    const script = `require('node:http').createServer((q, r) => r.end('node ' + q.url)).listen(80, '${VIP}')`;
    bed.spawn(bed.node, process.execPath, '-e', script);
    await until('the HTTP service listens', () => bed.isListening(80));
  }

  it('carries ping and HTTP', async () => {
    await serveAll();
    expect(await bed.ping(5)).toBe(5);
    await serveHttp();
    const script = `fetch('http://${VIP}/hello').then((r) => r.text()).then(console.log)`;
    expect(await bed.output(bed.client, process.execPath, '-e', script)).toContain('node /hello');
    const counters = await host.counters('a');
    expect(counters.injected).toBe(counters.accepted);
    expect(counters.injectErrors + counters.captureDrops + counters.truncatedCapture).toBe(0);
    expect(counters.framesSeen).toBeGreaterThanOrEqual(counters.accepted + counters.arpAnswered);
  });

  it.skipIf(!hasIperf)('carries bulk TCP: partial checksums and super-frames', async () => {
    await serveAll();
    bed.spawn(bed.node, 'iperf3', '-s', '-1', '-B', VIP);
    await until('iperf3 listens', () => bed.isListening(5201));
    const report = JSON.parse(await bed.output(bed.client, 'iperf3', '-c', VIP, '-n', '200M', '-J'));
    expect(report.end.sum_received.bytes).toBeGreaterThan(190e6);
    const [tun] = JSON.parse(run('ip', '-n', bed.node, '-j', '-s', 'link', 'show', 'vip0'));
    expect(tun.stats64.rx.bytes / tun.stats64.rx.packets, 'bytes per injected packet').toBeGreaterThan(3000);
    // The last frames of the connection may be on their way at any look.
    await until('every accepted frame is injected', async () => {
      const { accepted, injected } = await host.counters('a');
      return injected === accepted;
    });
  });

  it('I5: answers ARP with the vMAC in the payload and the real MAC as Ethernet source', async () => {
    const { mac: real } = await serveAll();
    const dump = bed.spawn(bed.client, 'tcpdump', '-i', 'eth0', '-n', '-e', '-c', '1', '-l', 'arp[6:2] == 2');
    let text = '';
    let ready = '';
    dump.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    dump.stderr?.on('data', (chunk: Buffer) => {
      ready += chunk.toString();
    });
    await until('tcpdump listens', () => ready.includes('listening on'));
    expect(await bed.ping(1)).toBe(1);
    await until('an ARP reply', () => text.includes('is-at'));
    expect(text).toMatch(new RegExp(`${mac(real)} > .*Reply ${VIP} is-at ${mac(VMAC)}`));
    expect((await host.counters('a')).arpAnswered).toBeGreaterThan(0);
  });

  it('I6: a lapsed lease accepts nothing, whatever renews it, until reset', async () => {
    await serveAll(400);
    expect(await bed.ping(2)).toBe(2);
    await call('stopRenewing');
    await until('the lease lapses', async () => !(await call('leaseOpen')));
    expect(await bed.ping(2)).toBe(0);
    expect(await call('renewLease', (await nowMs()) + FOREVER_MS)).toBe(false);
    await expect(call('apply', OWN_ALL)).rejects.toMatchObject({ name: 'LeaseLapsedError' });
    expect(await bed.ping(2)).toBe(0);
    const counters = await host.counters('a');
    expect(counters.leaseLapses).toBe(1);
    expect(counters.rejectedLeaseLapsed).toBeGreaterThanOrEqual(4);
    await call('reset');
    expect(await call('renewLease', (await nowMs()) + FOREVER_MS)).toBe(true);
    expect(await bed.ping(1), 'the tables were emptied').toBe(0);
    await call('apply', OWN_ALL);
    expect(await bed.ping(2)).toBe(2);
  });

  it('I6: a process that was stopped beyond its lease accepts nothing of what waited in the ring', async () => {
    await serveAll(300);
    expect(await bed.ping(1)).toBe(1);
    const before = await host.counters('a');
    const stoppedAtMs = await nowMs();
    host.process.kill('SIGSTOP');
    // The client's frames go into the ring meanwhile; ping itself takes longer than the lease.
    expect(await bed.ping(20)).toBe(0);
    host.process.kill('SIGCONT');
    expect((await nowMs()) - stoppedAtMs).toBeGreaterThan(300);
    await until('the waiting frames are rejected', async () => {
      return (await host.counters('a')).rejectedLeaseLapsed >= before.rejectedLeaseLapsed + 20;
    });
    const after = await host.counters('a');
    expect(after.injected).toBe(before.injected);
    expect(after.leaseLapses).toBe(1);
    expect(await call('leaseOpen')).toBe(false);
  });

  it('cut first takes every frame that was received before it', async () => {
    await serveAll();
    expect(await bed.ping(1)).toBe(1);
    const before = await host.counters('a');
    // The host's JavaScript is to cut at a time at which the whole process is stopped: both threads then go on at once, the
    // packet thread with a ring full of frames, the other one with the cut.
    const sends = 300;
    const dueMs = (await nowMs()) + 1000;
    const due = Date.now() + 1000;
    const ticks = cpuTicks(host.pid);
    const cut = call('spinThen', dueMs, 'apply', CUT_ALL);
    await until('the host spins', () => cpuTicks(host.pid) > ticks + 5);
    host.process.kill('SIGSTOP');
    await bed.output(bed.client, process.execPath, '-e', sendUdp(sends, sends));
    await until('the cut is due', () => Date.now() > due);
    host.process.kill('SIGCONT');
    await cut;
    const after = await host.counters('a');
    expect(after.injected - before.injected).toBe(sends);
    expect(after.rejectedNotOwner).toBe(before.rejectedNotOwner);
    const stranger = await call<Verdict>('classify', udpFrame(VIP_BYTES, [10, 77, 0, 101]));
    expect(stranger.reason, 'and nothing new after it').toBe('rejectedNotOwner');
  });

  it('obeys commands promptly while frames stream in, and loses none by them', async () => {
    await serveAll();
    await bed.ping(1);
    const before = await host.counters('a');
    const sends = 5000;
    const sent = bed.output(bed.client, process.execPath, '-e', sendUdp(sends, 1, 5));
    const tookMs: number[] = [];
    const isDone = sent.then(() => true);
    while (!(await Promise.race([isDone, nextTurn()]))) {
      tookMs.push(...(await call<number[]>('timeCommands', 'apply', [OWN_ALL], 20)));
      tookMs.push(...(await call<number[]>('timeCommands', 'setShape', [SHAPE], 5)));
      tookMs.push(...(await call<number[]>('timeCommands', 'kept', [], 20)));
    }
    await until('all frames are through', async () => {
      const { injected, captureDrops } = await host.counters('a');
      return injected - before.injected + captureDrops >= sends;
    });
    expect((await host.counters('a')).captureDrops).toBe(0);
    expect(tookMs.length).toBeGreaterThan(40);
    expect(Math.max(...tookMs)).toBeLessThan(200);
  });

  it('classify tells the verdict of a frame without acting on it', async () => {
    await serveAll();
    const before = await host.counters('a');
    expect(await call<Verdict>('classify', udpFrame(VIP_BYTES))).toMatchObject({
      kind: 'accept',
      reason: 'accepted',
      rule: 1,
    });
    expect(await call<Verdict>('classify', udpFrame([10, 77, 0, 51]))).toMatchObject({ reason: 'rejectedNotOurVip' });
    expect(await call<Verdict>('classify', Uint8Array.of(1, 2, 3))).toMatchObject({ reason: 'malformedEthernet' });
    expect((await host.counters('a')).accepted).toBe(before.accepted);
  });

  it('exchanges control frames, ignores its own, wakes once, bounds its queue', async () => {
    await call('open', OPTIONS);
    const peer = await Host.start(bed.client, false);
    try {
      await peer.call('b', 'open', OPTIONS);
      await peer.call('b', 'sendControl', Uint8Array.of(1, 2, 3));
      await until('a wake', async () => (await call<number>('wakes')) === 1);
      const peerMac = await peer.call<Uint8Array>('b', 'mac');
      await peer.call('b', 'sendControlOnce', 'eth0', new Uint8Array(1498).fill(7));
      await until('both frames', async () => (await host.counters('a')).controlReceived === 2);
      expect(await call('wakes'), 'one wake until the frames are taken').toBe(1);
      const frames = await call<ControlFrame[]>('takeControl');
      expect(frames.map(({ payload }) => payload.length)).toEqual([3, 1498]);
      expect(frames[0]).toEqual({ source: peerMac, payload: Uint8Array.of(1, 2, 3), echoed: false });
      expect(await peer.call('b', 'takeControl')).toEqual([]);
      for (let i = 0; i < 300; i++) await peer.call('b', 'sendControl', Uint8Array.of(i >> 8, i & 255));
      await until('the queue overflows', async () => (await host.counters('a')).controlOverflow === 300 - 256);
      expect((await call<ControlFrame[]>('takeControl')).length).toBe(256);
      expect((await peer.counters('b')).controlSent).toBe(301);
      await expect(call('sendControl', new Uint8Array(1499))).rejects.toMatchObject({ code: 'EMSGSIZE' });
    } finally {
      await peer.end();
    }
  });

  it('control frames that may wait do, until one comes that may not', async () => {
    await call('open', { ...OPTIONS, gatherMs: 60_000 });
    const peer = await Host.start(bed.client, false);
    try {
      await peer.call('b', 'open', OPTIONS);
      for (let i = 0; i < 3; i++) await peer.call('b', 'sendControl', Uint8Array.of(i), true);
      await until('three frames', async () => (await host.counters('a')).controlReceived === 3);
      expect(await call('wakes')).toBe(0);
      await peer.call('b', 'sendControl', Uint8Array.of(3), false);
      await until('a wake', async () => (await call<number>('wakes')) === 1);
      expect((await call<ControlFrame[]>('takeControl')).map(({ payload }) => [...payload])).toEqual([
        [0],
        [1],
        [2],
        [3],
      ]);
    } finally {
      await peer.end();
    }
  });

  it('answers and carries IPv6', async () => {
    await serveAll();
    bed.carryVip6();
    await call('setShape', { ...SHAPE, vips: [...SHAPE.vips, { address: VIP6_BYTES, prefixLength: 64 }] });
    await until('duplicate address detection is over', () => !bed.hasTentativeAddress());
    expect(await bed.ping(3, VIP6)).toBe(3);
    expect((await host.counters('a')).ndAnswered).toBeGreaterThan(0);
    const neighbours = run('ip', '-n', bed.client, '-6', 'neigh', 'show', VIP6);
    expect(neighbours).toContain(`lladdr ${mac(VMAC)}`);
  });

  it.skipIf(!canSendRaw)('names what is wrong with raw frames: VLAN, malformed, vMAC as source', async () => {
    const { mac: real } = await serveAll();
    const to = hex(real);
    const frame = hex(udpFrame(VIP_BYTES));
    const tagged = (vlan: string) => `${frame.slice(0, 24)}8100${vlan}${frame.slice(24)}`;
    const frames = [
      tagged('0000'),
      tagged('0064'),
      `${frame.slice(0, 28)}4f${frame.slice(30)}`,
      `${frame.slice(0, 12)}${hex(VMAC)}${frame.slice(24)}`,
      `${to}02000000000988b5ffff0000`,
      `${to}02000000000988b5000101`,
    ];
    const before = await host.counters('a');
    await bed.output(bed.client, process.execPath, SEND_FRAMES, 'eth0', ...frames);
    await until('the good control frame', async () => (await host.counters('a')).controlReceived === 1);
    await until('all of them', async () => (await host.counters('a')).vmacAsSource === 1);
    const after = await host.counters('a');
    const grown = (name: CounterName) => after[name] - before[name];
    expect(grown('accepted'), 'the priority-tagged one, and the one from the vMAC').toBe(2);
    expect(grown('rejectedOtherVlan')).toBe(1);
    expect(grown('malformedIpv4')).toBe(1);
    expect(grown('controlMalformed')).toBe(1);
    expect((await call<ControlFrame[]>('takeControl'))[0]?.payload).toEqual(Uint8Array.of(1));
    await call('setShape', { ...SHAPE, vlan: 100 });
    await bed.output(bed.client, process.execPath, SEND_FRAMES, 'eth0', tagged('0064'), frame);
    await until('only the tagged one', async () => (await host.counters('a')).accepted === after.accepted + 1);
    await until(
      'the untagged one',
      async () => (await host.counters('a')).rejectedOtherVlan === after.rejectedOtherVlan + 1,
    );
  });

  it('tells what is wrong: code, errno, syscall', async () => {
    const open = (options: object) => call('open', { ...OPTIONS, ...options });
    const noDevice = { code: 'ENODEV', errno: -19, syscall: 'ioctl(SIOCGIFINDEX)' };
    await expect(open({ interface: 'nowhere0' })).rejects.toMatchObject(noDevice);
    await open({});
    const busy = { code: 'EBUSY', errno: -16, syscall: 'ioctl(TUNSETIFF)' };
    await expect(host.call('b', 'open', OPTIONS)).rejects.toMatchObject(busy);
    for (const capability of ['net_raw', 'net_admin']) {
      const weak = await Host.start(bed.node, false, ['setpriv', `--bounding-set=-${capability}`]);
      const refusal = weak.call('c', 'open', { ...OPTIONS, tun: 'vip1' });
      await expect(refusal).rejects.toMatchObject({ code: 'EPERM', message: expect.stringMatching(/CAP_NET_/) });
      await weak.end();
    }
  });

  it('follows its interface: down, up, gone, back', async () => {
    await serveAll();
    const isState = (state: string) => until(`capture is ${state}`, async () => (await call('captureState')) === state);
    run('ip', '-n', bed.node, 'link', 'set', 'eth0', 'down');
    await isState('down');
    await expect(call('sendControl', Uint8Array.of(1))).rejects.toMatchObject({ code: 'ENETDOWN', syscall: 'send' });
    run('ip', '-n', bed.node, 'link', 'set', 'eth0', 'up');
    await isState('running');
    expect(await bed.ping(2)).toBe(2);
    run('ip', '-n', bed.node, 'link', 'del', 'eth0');
    await isState('gone');
    bed.joinByVeth('eth0');
    bed.setUpNode();
    run('ip', '-n', bed.client, 'addr', 'add', '10.77.0.100/24', 'dev', 'eth0');
    await isState('running');
    expect(await bed.ping(2)).toBe(2);
    await call('sendControl', Uint8Array.of(1));
  });

  it('closes: idempotent, two in one process, and with its worker', async () => {
    const tuns = () =>
      JSON.parse(run('ip', '-n', bed.node, '-j', 'link', 'show', 'type', 'tun')) as { ifname: string }[];
    const names = () => tuns().map(({ ifname }) => ifname);
    await call('open', OPTIONS);
    await host.call('b', 'open', { ...OPTIONS, tun: 'vip1' });
    expect(names()).toEqual(['vip0', 'vip1']);
    await call('close');
    await call('close');
    expect(names()).toEqual(['vip1']);
    await expect(call('kept')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect(await host.call('b', 'kept')).toMatchObject({ count: 0 });
    await call('terminateWorker');
    expect(names()).toEqual([]);
    expect(threadNames(host.pid)).not.toContain('covey-packets');
  });
});

const VIP6_BYTES = Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50);
const VIP_BYTES = [10, 77, 0, 50];

/**
 * A program that sends `count` datagrams to the VIP, `perMs` of them per millisecond or as fast as it can, in turn from
 * `sockets` ports: so many affinity keys.
 */
function sendUdp(count: number, sockets: number, perMs = Infinity): string {
  return `const { createSocket } = require('node:dgram');
    const sockets = Array.from({ length: ${sockets} }, () => createSocket('udp4'));
    const startMs = performance.now();
    let sent = 0;
    const next = () => {
      if (sent === ${count}) return sockets.forEach((socket) => socket.close());
      if (sent > (performance.now() - startMs) * ${perMs}) return setImmediate(next);
      sockets[sent++ % ${sockets}].send('x', 9, '${VIP}', next);
    };
    next();`;
}

/** Ethernet, IPv4, UDP to port 9; no payload. */
function udpFrame(to: readonly number[], from: readonly number[] = [10, 77, 0, 100]): Uint8Array {
  const ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, ...from, ...to];
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += ((ip[i] ?? 0) << 8) | (ip[i + 1] ?? 0);
  const checksum = 0xffff - ((sum & 0xffff) + (sum >> 16));
  ip[10] = checksum >> 8;
  ip[11] = checksum & 0xff;
  return Uint8Array.of(...VMAC, 2, 0, 0, 0, 0, 9, 8, 0, ...ip, 0x9c, 0x40, 0, 9, 0, 8, 0, 0);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function nextTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(resolve, false));
}

/** Time on a CPU so far, in ticks of 10 ms. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return Number(fields[13]) + Number(fields[14]);
}

function threadNames(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((task) => readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim());
}

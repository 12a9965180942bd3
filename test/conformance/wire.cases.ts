/** Packets in and out: injection, answers, control frames, counters of frames. */
import { describe, expect } from 'vitest';
import { fullBitmap } from '../../src/buckets/bitmap.js';
import {
  arpRequest,
  CLIENT_MAC,
  checksum,
  client4,
  client6,
  control,
  echo,
  ethernetOf,
  fragmentsOf,
  join,
  solicitation,
  tcp,
  tcpPacket,
  udp,
  uint16,
  VIP4,
  VIP6,
} from './frames.js';
import { Cases, PORTS, type RigFactory, SHAPE, VMAC } from './rig.js';

const ALL = fullBitmap();
const EVERY_PLAN = [0, 1, 2, 3].map((plan) => ({ op: 'own', plan, buckets: ALL }) as const);

export function wireCases(factory: RigFactory): void {
  describe('injection', () => {
    const cases = new Cases(factory);

    cases.case('an accepted packet is injected as it came, without Ethernet header and padding', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      const packet = tcpPacket(client4(100), 40000, PORTS.web, 2);
      await bench.deliver(join(ethernetOf(packet), new Uint8Array(6)));
      expect(bench.grown('framesSeen', 'accepted', 'injected', 'injectErrors')).toEqual([1, 1, 1, 0]);
      expect(bench.rig.injected() ?? [packet]).toEqual([packet]);
    });

    cases.case('every kind of packet that has a key is injected', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      await bench.deliver(tcp(client4(100), 40000, PORTS.web), udp(client4(100), 40000, PORTS.dns), echo(client4(100)));
      await bench.deliver(tcp(client6(100), 40000, PORTS.web), udp(client6(100), 40000, PORTS.dns), echo(client6(100)));
      expect(bench.grown('accepted', 'injected')).toEqual([6, 6]);
    });

    cases.case('rejected packets are counted by reason and not injected', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(tcp(client4(100), 40000, 81));
      await bench.deliver(tcp(client4(100), 40000, PORTS.denied));
      await bench.deliver(tcp(client4(100), 40000, PORTS.otherPlan));
      expect(bench.grown('rejectedNoRule', 'rejectedDenied', 'rejectedNotOwner')).toEqual([1, 1, 1]);
      expect(bench.grown('accepted', 'injected')).toEqual([0, 0]);
      expect(bench.rig.injected() ?? []).toEqual([]);
    });

    cases.case('the vMAC as Ethernet source is counted and does not change the verdict', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      await bench.deliver(ethernetOf(tcpPacket(client4(100), 40000, PORTS.web, 2), { source: VMAC }));
      expect(bench.grown('vmacAsSource', 'accepted')).toEqual([1, 1]);
    });

    cases.case('classify changes nothing and counts nothing', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      const before = bench.rig.counters();
      for (let port = 1; port < 50; port++) bench.plane.classify(tcp(client4(100), 40000 + port, PORTS.web));
      const after = bench.rig.counters();
      expect([after.framesSeen, after.accepted, after.keys]).toEqual([before.framesSeen, before.accepted, before.keys]);
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual([]);
    });

    cases.case('later fragments follow the first, and wait for it', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      const [first, later] = fragmentsOf(tcpPacket(client4(100), 40000, PORTS.web, 0x10, 'x'.repeat(40)));
      await bench.deliver(later!);
      expect(bench.grown('fragmentsHeld', 'accepted')).toEqual([1, 0]);
      await bench.deliver(first!);
      expect(bench.grown('fragmentsHeld', 'fragmentsReplayed', 'accepted')).toEqual([1, 1, 2]);
      await bench.deliver(later!);
      expect(bench.grown('fragmentsHeld', 'accepted')).toEqual([1, 3]);
    });

    cases.case('an early fragment of what another node serves is rejected with its first one', async (bench) => {
      const [first, later] = fragmentsOf(tcpPacket(client4(100), 40000, PORTS.web, 0x10, 'x'.repeat(40)));
      await bench.deliver(later!, first!);
      expect(bench.grown('fragmentsReplayed', 'rejectedNotOwner', 'accepted')).toEqual([1, 2, 0]);
    });

    cases.case('early fragments wait behind a first one that is held', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      const [first, later] = fragmentsOf(tcpPacket(client4(100), 40000, PORTS.web, 0x10, 'x'.repeat(40)));
      await bench.deliver(later!, first!);
      expect(bench.grown('fragmentsReplayed', 'held', 'accepted')).toEqual([1, 2, 0]);
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      expect(bench.grown('replayed', 'accepted')).toEqual([2, 2]);
      const injected = bench.rig.injected();
      if (injected !== null) expect(injected).toEqual([first, later].map((frame) => frame!.subarray(14)));
    });

    cases.case('an early fragment whose first one does not come is dropped after a second', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      const [first, later] = fragmentsOf(tcpPacket(client4(100), 40000, PORTS.web, 0x10, 'x'.repeat(40)));
      await bench.deliver(later!);
      await bench.rig.advance(1100);
      await bench.deliver(first!);
      expect(bench.grown('fragmentsExpired', 'fragmentsReplayed', 'accepted')).toEqual([1, 0, 1]);
    });

    cases.case('early fragments are bounded: the newest pushes out the oldest', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      const parts = (port: number) =>
        fragmentsOf(tcpPacket(client4(100 + port), 40000, PORTS.web, 0x10, 'x'.repeat(40)));
      for (let port = 0; port < 130; port++) await bench.deliver(parts(port)[1]!);
      expect(bench.grown('fragmentsHeld', 'fragmentsOverflow')).toEqual([130, 2]);
      await bench.deliver(parts(1)[0]!, parts(2)[0]!);
      expect(bench.grown('fragmentsReplayed', 'accepted')).toEqual([1, 3]);
      bench.plane.reset();
      expect(bench.grown('fragmentsExpired')).toEqual([127]);
    });
  });

  describe('what first fragments announced', () => {
    const cases = new Cases(factory);
    const [first, later] = fragmentsOf(tcpPacket(client4(100), 40000, PORTS.web, 0x10, 'x'.repeat(40))) as [
      Uint8Array,
      Uint8Array,
    ];

    cases.case('is forgotten with the rules that it followed', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      await bench.deliver(first);
      expect(bench.reason(later)).toBe('accepted');
      bench.plane.setShape(SHAPE);
      expect(bench.reason(later)).toBe('fragmentsHeld');
    });

    cases.case('is forgotten by reset', async (bench) => {
      bench.plane.apply(EVERY_PLAN);
      await bench.deliver(first);
      bench.plane.reset();
      bench.startLease();
      bench.plane.apply(EVERY_PLAN);
      expect(bench.reason(later)).toBe('fragmentsHeld');
    });
  });

  describe('answers', () => {
    const cases = new Cases(factory);

    cases.case('ARP for a VIP is answered with the vMAC, from our own MAC', async (bench) => {
      await bench.deliver(arpRequest(client4(100)));
      expect(bench.grown('arpAnswered', 'answerErrors')).toEqual([1, 0]);
      for (const frame of bench.rig.transmitted() ?? []) {
        expect(frame.subarray(0, 6)).toEqual(CLIENT_MAC);
        expect(frame.subarray(6, 12)).toEqual(Uint8Array.from(bench.plane.mac));
        const body = join(Uint8Array.of(8, 6, 0, 1, 8, 0, 6, 4, 0, 2), VMAC, VIP4, CLIENT_MAC, client4(100));
        expect(frame.subarray(12, 12 + body.length)).toEqual(body);
      }
    });

    cases.case('a neighbour solicitation for a VIP is answered with the vMAC, from our own MAC', async (bench) => {
      await bench.deliver(solicitation(client6(100)));
      expect(bench.grown('ndAnswered', 'answerErrors')).toEqual([1, 0]);
      for (const frame of bench.rig.transmitted() ?? []) {
        expect(frame.subarray(6, 12)).toEqual(Uint8Array.from(bench.plane.mac));
        const packet = frame.subarray(14, 14 + 40 + 32);
        expect(packet.subarray(8, 40)).toEqual(join(VIP6, client6(100)));
        expect([packet[7], packet[40], packet[41], packet[44]! & 0x40]).toEqual([255, 136, 0, 0x40]);
        expect(packet.subarray(48, 64)).toEqual(VIP6);
        expect(packet.subarray(64)).toEqual(join(Uint8Array.of(2, 1), VMAC));
        const pseudo = join(packet.subarray(8, 40), Uint8Array.of(0, 0, 0, 32, 0, 0, 0, 58));
        expect(checksum(join(pseudo, packet.subarray(40)))).toBe(0);
      }
    });
  });

  describe('control frames', () => {
    const cases = new Cases(factory);

    cases.case('come with their source, in order, once', async (bench) => {
      await bench.deliver(control(payload(1)), control(payload(2)));
      const frames = bench.plane.takeControl();
      expect(frames.map((frame) => frame.payload[0])).toEqual([1, 2]);
      expect(frames.map((frame) => Uint8Array.from(frame.source))).toEqual([CLIENT_MAC, CLIENT_MAC]);
      expect(bench.plane.takeControl()).toEqual([]);
      expect(bench.grown('controlReceived', 'controlOverflow')).toEqual([2, 0]);
    });

    cases.case('wake once until they are taken', async (bench) => {
      let wakes = 0;
      bench.plane.onControl(() => {
        wakes += 1;
      });
      await bench.deliver(control(payload(1)), control(payload(2)));
      await bench.rig.advance(50);
      expect(wakes).toBe(1);
      bench.plane.takeControl();
      await bench.deliver(control(payload(3)));
      await bench.rig.advance(50);
      expect(wakes).toBe(2);
    });

    cases.case('beyond 256 waiting ones are counted as lost', async (bench) => {
      for (let i = 0; i < 260; i++) await bench.deliver(control(payload(i & 0xff)));
      expect(bench.grown('controlOverflow')).toEqual([4]);
      expect(bench.plane.takeControl()).toHaveLength(256);
    });

    cases.case('are sent by broadcast from our own MAC, up to 1500 bytes', (bench) => {
      bench.plane.sendControl(payload(7));
      expect(bench.grown('controlSent')).toEqual([1]);
      for (const frame of bench.rig.transmitted() ?? []) {
        const head = join(new Uint8Array(6).fill(0xff), Uint8Array.from(bench.plane.mac), uint16(0x88b5));
        expect(frame.subarray(0, 14)).toEqual(head);
        expect(frame[14]).toBe(7);
      }
      expect(() => bench.plane.sendControl(new Uint8Array(1501))).toThrow();
      expect(bench.grown('controlSent')).toEqual([1]);
    });

    cases.case('an address is asked for by a broadcast ARP probe', (bench) => {
      bench.plane.probeAddress(Uint8Array.of(10, 77, 0, 100));
      const own = Uint8Array.from(bench.plane.mac);
      const head = join(new Uint8Array(6).fill(0xff), own, uint16(0x0806), Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1));
      const probe = join(head, own, new Uint8Array(10), Uint8Array.of(10, 77, 0, 100), new Uint8Array(18));
      for (const frame of bench.rig.transmitted() ?? [probe]) expect(frame).toEqual(probe);
    });
  });
}

/** Above Ethernet's minimum, so that no padding is added. */
function payload(first: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes[0] = first;
  return bytes;
}

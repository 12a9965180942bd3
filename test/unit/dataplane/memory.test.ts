/** What only the in-memory data plane has or lets see: fewer buckets, long times, its own counters. */
import { describe, expect, test } from 'vitest';
import { fullBitmap } from '../../../src/buckets/bitmap.js';
import { COUNTER_NAMES } from '../../../src/dataplane/counters.js';
import { MemoryDataPlane } from '../../../src/dataplane/memory.js';
import { MemoryCounters, readCounters } from '../../../src/dataplane/memory-counters.js';
import { EMBRYO_MS, TCP_IDLE_MS, UDP_IDLE_MS } from '../../../src/dataplane/memory-flow.js';
import { FRAGMENT_LIFE_MS, MAX_FRAGMENTS } from '../../../src/dataplane/memory-fragments.js';
import { checksum, client4, ethernetOf, FLAGS, join, tcp, tcpPacket, udp, uint16 } from '../../conformance/frames.js';
import { bucketOf, keyOf, PORTS, SHAPE } from '../../conformance/rig.js';

const ALL = fullBitmap();
const CLIENT = client4(100);

/** A data plane with a clock in the test's hand, owning all of plan 0 and 1. */
function planeAt(options: { readonly maxKeys?: number } = {}) {
  const clock = { nowMs: 0 };
  const counters = new BigUint64Array(COUNTER_NAMES.length);
  const plane = new MemoryDataPlane({ ...options, counters, now: () => clock.nowMs });
  plane.setShape(SHAPE);
  plane.renewLease(1e12);
  plane.apply([0, 1].map((plan) => ({ op: 'own', plan, buckets: ALL }) as const));
  const kept = () => {
    const [cut] = plane.apply([
      { op: 'cut', plan: 0, buckets: ALL, serial: 1 },
      { op: 'cut', plan: 1, buckets: ALL, serial: 1 },
    ]);
    return (cut!.groups[0]?.keeps.length ?? 0) / 24;
  };
  return { plane, clock, kept, counters: () => readCounters(counters) };
}

describe('the life of a key', () => {
  const cases: readonly [string, readonly Uint8Array[], number][] = [
    ['only a SYN', [tcp(CLIENT, 1, PORTS.web)], EMBRYO_MS],
    ['a SYN, repeated', [tcp(CLIENT, 1, PORTS.web), tcp(CLIENT, 1, PORTS.web)], EMBRYO_MS],
    ['SYN and ACK', [tcp(CLIENT, 1, PORTS.web), tcp(CLIENT, 1, PORTS.web, FLAGS.ack)], TCP_IDLE_MS],
    ['one packet from the middle of a connection', [tcp(CLIENT, 1, PORTS.web, FLAGS.ack)], EMBRYO_MS],
    ['two packets from the middle', [1, 2].map(() => tcp(CLIENT, 1, PORTS.web, FLAGS.ack)), TCP_IDLE_MS],
    ['FIN', [tcp(CLIENT, 1, PORTS.web), tcp(CLIENT, 1, PORTS.web, FLAGS.fin | FLAGS.ack)], 1000],
    ['RST', [tcp(CLIENT, 1, PORTS.web), tcp(CLIENT, 1, PORTS.web, FLAGS.rst)], 1000],
    ['a RST of nothing known', [tcp(CLIENT, 1, PORTS.web, FLAGS.rst)], 1000],
    [
      'a forged RST, then more of an established connection',
      [FLAGS.syn, FLAGS.ack, FLAGS.rst, FLAGS.ack, FLAGS.ack].map((flags) => tcp(CLIENT, 1, PORTS.web, flags)),
      TCP_IDLE_MS,
    ],
    [
      'a port used again after FIN',
      [FLAGS.syn, FLAGS.fin, FLAGS.syn].map((flags) => tcp(CLIENT, 1, PORTS.web, flags)),
      EMBRYO_MS,
    ],
    ['one datagram', [udp(CLIENT, 1, PORTS.dns)], EMBRYO_MS],
    ['two datagrams', [udp(CLIENT, 1, PORTS.dns), udp(CLIENT, 1, PORTS.dns)], UDP_IDLE_MS],
  ];

  test.each(cases)('%s', (_, frames, lifeMs) => {
    for (const [ageMs, expected] of [
      [lifeMs - 1, 1],
      [lifeMs, 0],
    ] as const) {
      const { plane, clock, kept } = planeAt();
      for (const frame of frames) plane.receive(frame);
      clock.nowMs += ageMs;
      expect(kept(), `after ${ageMs} ms`).toBe(expected);
    }
  });

  test('a client with thousands of short connections needs no memory of the ended ones', () => {
    const { plane, clock } = planeAt();
    for (let port = 1; port <= 5000; port++) {
      plane.receive(tcp(CLIENT, port, PORTS.client));
      plane.receive(tcp(CLIENT, port, PORTS.client, FLAGS.rst));
      clock.nowMs += 100;
    }
    clock.nowMs += 1000;
    plane.apply([{ op: 'cut', plan: 1, buckets: ALL, serial: 1 }]);
    expect(plane.kept().count).toBe(0);
  });
});

describe('bounds', () => {
  test('a SYN flood fills the table and leaves foreign keeps and pinned keys alone', () => {
    const { plane, counters } = planeAt({ maxKeys: 100 });
    plane.receive(tcp(CLIENT, 1, PORTS.web));
    plane.apply([{ op: 'offer', plan: 0, buckets: bucketSet(1), serial: 1 }]);
    for (let i = 0; i < 1000; i++) plane.receive(tcp(client4(1000 + i), 1, PORTS.web));
    expect(counters().keys).toBe(100);
    expect(counters()).toMatchObject({ embryosEvicted: 901, keysEvicted: 0 });
    expect(plane.apply([{ op: 'cut', plan: 0, buckets: bucketSet(1), serial: 1 }])[0]!.groups).toEqual([]);
    expect(plane.kept().count).toBeGreaterThanOrEqual(1);
    expect(plane.classify(tcp(CLIENT, 1, PORTS.web, FLAGS.ack)).kind).toBe('accept');
  });

  test('an offered bucket takes no key that a full table cannot list', () => {
    const { plane, counters } = planeAt({ maxKeys: 2 });
    plane.receive(tcp(CLIENT, 1, PORTS.web));
    plane.receive(tcp(CLIENT, 2, PORTS.web));
    plane.apply([{ op: 'offer', plan: 0, buckets: ALL, serial: 1 }]);
    expect(plane.receive(tcp(CLIENT, 3, PORTS.web))).toMatchObject({ kind: 'reject', reason: 'tableFull' });
    expect(plane.receive(tcp(CLIENT, 2, PORTS.web)).kind).toBe('accept');
    expect(counters().tableFull).toBe(1);
    plane.apply([{ op: 'withdraw', plan: 0, buckets: ALL }]);
    expect(plane.receive(tcp(CLIENT, 3, PORTS.web)).kind).toBe('accept');
  });

  test('first fragments are forgotten after a while, and the oldest beyond the bound', () => {
    const { plane, clock } = planeAt();
    const reasonOfLater = (id: number) => plane.classify(fragment(id, false)).reason;
    for (let id = 0; id <= MAX_FRAGMENTS; id++) plane.receive(fragment(id, true));
    expect([reasonOfLater(0), reasonOfLater(1), reasonOfLater(MAX_FRAGMENTS)]).toEqual([
      'fragmentsHeld',
      'accepted',
      'accepted',
    ]);
    clock.nowMs += FRAGMENT_LIFE_MS;
    expect(reasonOfLater(MAX_FRAGMENTS)).toBe('fragmentsHeld');
  });
});

describe('simulations', () => {
  test('may have fewer buckets', () => {
    const plane = new MemoryDataPlane({ buckets: 64 });
    plane.setShape(SHAPE);
    plane.renewLease(1);
    const bucket = bucketOf(keyOf(0, 'connection', CLIENT, 1)) % 64;
    const buckets = fullBitmap(64);
    buckets[bucket >> 3]! &= ~(1 << (bucket & 7));
    plane.apply([{ op: 'own', plan: 0, buckets }]);
    expect(plane.classify(tcp(CLIENT, 1, PORTS.web))).toMatchObject({ reason: 'rejectedNotOwner', bucket });
    expect(plane.kept().kept[0]!.length).toBe(8);
  });

  test('another seed moves keys to other buckets, held frames with them', () => {
    const { plane, counters } = planeAt();
    plane.apply([
      { op: 'cut', plan: 0, buckets: ALL, serial: 1 },
      { op: 'hold', plan: 0, buckets: ALL },
    ]);
    plane.receive(tcp(CLIENT, 1, PORTS.web));
    plane.setShape({ ...SHAPE, hashSeed: 99 });
    const { bucket } = plane.classify(tcp(CLIENT, 1, PORTS.web));
    expect(bucket).not.toBe(bucketOf(keyOf(0, 'connection', CLIENT, 1)));
    const buckets = new Uint8Array(512);
    buckets[bucket >> 3]! |= 1 << (bucket & 7);
    plane.apply([{ op: 'own', plan: 0, buckets }]);
    expect([counters().replayed, counters().accepted]).toEqual([1, 1]);
  });
});

describe('counters', () => {
  test('are uint64: they go on beyond 2^32', () => {
    const words = new BigUint64Array(COUNTER_NAMES.length);
    const counters = new MemoryCounters(words);
    words[COUNTER_NAMES.indexOf('accepted')] = 0xffff_ffffn;
    counters.bump('accepted');
    counters.bump('accepted', 5);
    expect(words[COUNTER_NAMES.indexOf('accepted')]).toBe(0x1_0000_0005n);
    expect(readCounters(words).accepted).toBe(2 ** 32 + 5);
  });

  test('need room for all of them, and may lie anywhere in shared memory', () => {
    expect(() => new MemoryCounters(new BigUint64Array(3))).toThrow(RangeError);
    const shared = new BigUint64Array(new SharedArrayBuffer(8 * (COUNTER_NAMES.length + 2)), 16);
    new MemoryCounters(shared).bump('framesSeen');
    expect(shared[0]).toBe(1n);
  });
});

function bucketSet(port: number): Uint8Array {
  const bitmap = new Uint8Array(512);
  const bucket = bucketOf(keyOf(0, 'connection', CLIENT, port));
  bitmap[bucket >> 3]! |= 1 << (bucket & 7);
  return bitmap;
}

/** The first or the second fragment of a segment to port `web`. */
function fragment(id: number, isFirst: boolean): Uint8Array {
  const packet = tcpPacket(CLIENT, 1, PORTS.web, FLAGS.ack, 'x'.repeat(20));
  const part = isFirst ? packet.subarray(20, 52) : packet.subarray(52);
  const header = packet.slice(0, 20);
  header.set(uint16(20 + part.length), 2);
  header.set(uint16(id), 4);
  header.set(isFirst ? [0x20, 0] : [0, 4], 6);
  header.set([0, 0], 10);
  header.set(uint16(checksum(header)), 10);
  return ethernetOf(join(header, part));
}

/** Buckets: own, hold, unhold; and the grant: offer, withdraw, cut. */
import { describe, expect } from 'vitest';
import { bitmapOf, bitsOf, fullBitmap } from '../../src/buckets/bitmap.js';
import { client4, ethernetOf, FLAGS, ip, tcp, tcpPacket, udp } from './frames.js';
import {
  type Bench,
  bucketOf,
  Cases,
  groupOf,
  HOLD_MS,
  keep,
  keyOf,
  listed,
  only,
  PORTS,
  type RigFactory,
} from './rig.js';

const ALL = fullBitmap();
const CLIENT = client4(100);
const RST = FLAGS.rst | FLAGS.ack;

function webKey(port: number): Uint8Array {
  return keyOf(0, 'connection', CLIENT, port);
}

function web(port: number, flags: number = FLAGS.syn): Uint8Array {
  return tcp(CLIENT, port, PORTS.web, flags);
}

/** `keeper:keep` as `Bench.apply` gives them. */
function entries(keeper: number, serial: number, ...keys: readonly Uint8Array[]): string[] {
  return listed([groupOf(keeper, ...keys.map((key) => keep(key, serial)))]);
}

/** Source ports of the injected TCP packets; null where this rig cannot read them. */
function injectedPorts(bench: Bench): number[] | null {
  return bench.rig.injected()?.map((packet) => (packet[20]! << 8) | packet[21]!) ?? null;
}

export function bucketCases(factory: RigFactory): void {
  describe('own, hold, unhold', () => {
    const cases = new Cases(factory);

    cases.case('only owned buckets of the right plan accept', (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: only(webKey(40000)) }]);
      expect(bench.plane.classify(web(40000))).toMatchObject({
        kind: 'accept',
        rule: 0,
        plan: 0,
        bucket: bucketOf(webKey(40000)),
      });
      const other = Array.from({ length: 50 }, (_, i) => 40001 + i).find(
        (port) => bucketOf(webKey(port)) !== bucketOf(webKey(40000)),
      )!;
      expect(bench.reason(web(other))).toBe('rejectedNotOwner');
      expect(bench.reason(tcp(CLIENT, 40000, PORTS.otherPlan))).toBe('rejectedNotOwner');
    });

    cases.case('own adds to what is owned, and twice is once', (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: only(webKey(40000)) },
        { op: 'own', plan: 0, buckets: only(webKey(40001)) },
        { op: 'own', plan: 0, buckets: only(webKey(40001)) },
      ]);
      expect([bench.reason(web(40000)), bench.reason(web(40001))]).toEqual(['accepted', 'accepted']);
    });

    cases.case('one result per op, in order', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      const results = bench.plane.apply([
        { op: 'hold', plan: 1, buckets: ALL },
        { op: 'cut', plan: 0, buckets: ALL, serial: 9 },
        { op: 'unhold', plan: 1, buckets: ALL },
      ]);
      expect(results.map(({ groups }) => listed(groups))).toEqual([[], entries(0, 9, webKey(40000)), []]);
    });

    cases.case('frames of pending buckets are held, and replayed in order of arrival once owned', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      const ports = [40005, 40001, 40009, 40002];
      await bench.deliver(...ports.map((port) => web(port)));
      expect(bench.grown('held', 'accepted', 'injected')).toEqual([4, 0, 0]);
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      expect(bench.grown('held', 'replayed', 'accepted', 'injected')).toEqual([4, 4, 4, 4]);
      expect(injectedPorts(bench) ?? ports).toEqual(ports);
      // A replayed frame makes an entry like any other.
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual(entries(0, 1, ...ports.map(webKey)));
    });

    cases.case('owning some pending buckets replays only their frames; the others keep their order', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40001), web(40002));
      bench.plane.apply([{ op: 'own', plan: 0, buckets: only(webKey(40001)) }]);
      expect(bench.grown('replayed', 'accepted')).toEqual([1, 1]);
      expect(bench.reason(web(40000))).toBe('held');
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      expect(bench.grown('replayed', 'accepted')).toEqual([3, 3]);
      expect(injectedPorts(bench) ?? [40001, 40000, 40002]).toEqual([40001, 40000, 40002]);
    });

    cases.case('replay goes through classify: what is no longer ours is rejected', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40001));
      bench.plane.apply([
        { op: 'honour', groups: [groupOf(3, keep(webKey(40000), 1))] },
        { op: 'own', plan: 0, buckets: ALL },
      ]);
      expect(bench.grown('replayed', 'accepted', 'rejectedForeignKeep')).toEqual([2, 1, 1]);
    });

    cases.case('unhold discards and counts the held frames', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40001));
      bench.plane.apply([{ op: 'unhold', plan: 0, buckets: only(webKey(40000)) }]);
      expect(bench.grown('heldDiscarded')).toEqual([1]);
      expect(bench.reason(web(40000))).toBe('rejectedNotOwner');
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      expect(bench.grown('heldDiscarded', 'replayed', 'accepted')).toEqual([1, 1, 1]);
    });

    cases.case('the ring is bounded; what does not fit is counted', async (bench) => {
      await bench.open(factory, { holdFrames: 4 });
      bench.startLease();
      bench.mark();
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      for (let i = 0; i < 6; i++) await bench.deliver(web(40000 + i));
      expect(bench.grown('held', 'heldOverflow')).toEqual([4, 2]);
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      expect(bench.grown('replayed', 'accepted')).toEqual([4, 4]);
      bench.plane.apply([{ op: 'hold', plan: 1, buckets: ALL }]);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.client));
      expect(bench.grown('held'), 'there is room again').toEqual([5]);
    });

    cases.case('the ring is bounded in bytes too', async (bench) => {
      await bench.open(factory, { holdBytes: 1000 });
      bench.startLease();
      bench.mark();
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      for (let i = 0; i < 3; i++) await bench.deliver(tcp(CLIENT, 40000 + i, PORTS.web, FLAGS.ack, 'x'.repeat(400)));
      expect(bench.grown('held', 'heldOverflow')).toEqual([2, 1]);
    });
  });

  describe('offer, withdraw, cut', () => {
    const cases = new Cases(factory);

    cases.case(
      'offer lists our living keys in owned buckets, and the foreign keeps, each with its keeper',
      async (bench) => {
        const foreign = webKey(41000);
        const foreignElsewhere = keyOf(1, 'client', client4(7));
        bench.plane.apply([
          { op: 'own', plan: 0, buckets: only(webKey(40000), webKey(40001), foreign) },
          { op: 'own', plan: 3, buckets: ALL },
          { op: 'honour', groups: [groupOf(7, keep(foreign, 44), keep(foreignElsewhere, 45))] },
        ]);
        await bench.deliver(web(40000), web(40001), tcp(CLIENT, 40000, PORTS.otherPlan));
        const offered = bench.apply({ op: 'offer', plan: 0, buckets: ALL, serial: 5 });
        expect(offered).toEqual([...entries(0, 5, webKey(40000), webKey(40001)), ...entries(7, 44, foreign)].sort());
        expect(bench.reason(web(40000)), 'still owned').toBe('accepted');
        expect(bench.apply({ op: 'offer', plan: 0, buckets: ALL, serial: 5 }), 'twice is once').toEqual(offered);
      },
    );

    cases.case('cut lists what offer did not, and all become keeps', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40001));
      bench.plane.apply([{ op: 'offer', plan: 0, buckets: ALL, serial: 5 }]);
      await bench.deliver(web(40002), web(40000, FLAGS.ack));
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 5 })).toEqual(entries(0, 5, webKey(40002)));
      await bench.deliver(web(40000, FLAGS.ack), web(40001, FLAGS.ack), web(40002, FLAGS.ack), web(40003));
      expect(bench.grown('accepted', 'rejectedNotOwner')).toEqual([7, 1]);
      expect(bench.plane.kept().count).toBe(3);
      const all = { op: 'list-ended', limit: 10, all: true } as const;
      expect(bench.apply(all)).toEqual(entries(0, 5, webKey(40000), webKey(40001), webKey(40002)));
    });

    cases.case('cut without offer lists all; a second cut lists nothing and renumbers nothing', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 5 })).toEqual(entries(0, 5, webKey(40000)));
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 6 })).toEqual([]);
      expect(bench.apply({ op: 'list-ended', limit: 10, all: true })).toEqual(entries(0, 5, webKey(40000)));
    });

    cases.case('cut takes only the named buckets', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40001));
      expect(bench.apply({ op: 'cut', plan: 0, buckets: only(webKey(40001)), serial: 1 })).toEqual(
        entries(0, 1, webKey(40001)),
      );
      expect(bench.reason(web(40000))).toBe('accepted');
      expect(bitsOf(bench.plane.kept().kept[0]!)).toEqual([bucketOf(webKey(40001))]);
    });

    cases.case('kept names buckets of keeps that we do not own', async (bench) => {
      bench.plane.apply([0, 1].map((plan) => ({ op: 'own', plan, buckets: ALL }) as const));
      await bench.deliver(web(40000), tcp(CLIENT, 40001, PORTS.client));
      expect(bench.plane.kept().count).toBe(0);
      bench.plane.apply([0, 1].map((plan) => ({ op: 'cut', plan, buckets: ALL, serial: 1 }) as const));
      const { kept, count } = bench.plane.kept();
      expect([count, kept.length, kept[0], kept[1]]).toEqual([
        2,
        8,
        only(webKey(40000)),
        bitmapOf([bucketOf(keyOf(1, 'client', CLIENT))]),
      ]);
      expect(bench.rig.counters().keepsOwn).toBe(2);
    });

    cases.case('own keeps become ordinary entries when the bucket comes back', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      bench.plane.apply([
        { op: 'cut', plan: 0, buckets: ALL, serial: 1 },
        { op: 'own', plan: 0, buckets: ALL },
      ]);
      expect(bench.plane.kept().count).toBe(0);
      expect(bench.apply({ op: 'list-ended', limit: 10, all: true })).toEqual([]);
      expect(bench.apply({ op: 'offer', plan: 0, buckets: ALL, serial: 2 })).toEqual(entries(0, 2, webKey(40000)));
    });

    cases.case('own keeps are served while the bucket is pending again', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      bench.plane.apply([
        { op: 'cut', plan: 0, buckets: ALL, serial: 1 },
        { op: 'hold', plan: 0, buckets: ALL },
      ]);
      await bench.deliver(web(40000, FLAGS.ack), web(40001));
      expect(bench.grown('accepted', 'held')).toEqual([2, 1]);
    });

    cases.case('ended keys are not kept', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40001), web(40000, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual(entries(0, 1, webKey(40001)));
    });

    cases.case('keys offered are pinned: one that ends before the cut is kept all the same', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      bench.plane.apply([{ op: 'offer', plan: 0, buckets: ALL, serial: 1 }]);
      await bench.deliver(web(40000, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual([]);
      expect(bench.plane.kept().count).toBe(1);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual(entries(0, 1, webKey(40000)));
    });

    cases.case('keys offered are pinned, also one that had ended already and still lingered', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40000, RST));
      expect(bench.apply({ op: 'offer', plan: 0, buckets: ALL, serial: 1 })).toEqual(entries(0, 1, webKey(40000)));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual([]);
      expect(bench.plane.kept().count).toBe(1);
    });

    cases.case('keys taken after the offer are listed at the cut, even if they ended before it', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'offer', plan: 0, buckets: ALL, serial: 1 },
      ]);
      await bench.deliver(web(40000), web(40000, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual(entries(0, 1, webKey(40000)));
    });

    cases.case('every accepted frame counts for the cut, also those that show no connection', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'offer', plan: 0, buckets: ALL, serial: 1 },
      ]);
      const quoted = ip(
        6,
        Uint8Array.of(10, 77, 0, 50),
        CLIENT,
        tcpPacket(CLIENT, PORTS.web, 40001, FLAGS.ack).subarray(20),
      );
      const error = Uint8Array.from([3, 4, 0, 0, 0, 0, 5, 0xdc, ...quoted]);
      await bench.deliver(web(40000, FLAGS.rst), ethernetOf(ip(1, CLIENT, Uint8Array.of(10, 77, 0, 50), error)));
      const cut = bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 });
      expect(cut).toEqual(entries(0, 1, webKey(40000), webKey(40001)));
    });

    cases.case('withdraw undoes the pins', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000), web(40001));
      bench.plane.apply([{ op: 'offer', plan: 0, buckets: ALL, serial: 1 }]);
      await bench.deliver(web(40000, RST));
      bench.plane.apply([{ op: 'withdraw', plan: 0, buckets: ALL }]);
      await bench.rig.advance(1100);
      // Neither pinned nor listed any longer: the ended one is gone, and the living one is listed again.
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 2 })).toEqual(entries(0, 2, webKey(40001)));
      expect(bench.plane.kept().count).toBe(1);
    });

    cases.case('UDP keys are kept like TCP ones', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(udp(CLIENT, 40000, PORTS.dns));
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual(entries(0, 1, webKey(40000)));
      expect(bench.reason(udp(CLIENT, 40000, PORTS.dns))).toBe('accepted');
    });

    cases.case('a key of affinity client lives while one of its connections does', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 1, buckets: ALL }]);
      const from = (port: number, flags: number) => tcp(CLIENT, port, PORTS.client, flags);
      await bench.deliver(from(1, FLAGS.syn), from(1, FLAGS.ack), from(2, FLAGS.syn), from(2, FLAGS.ack), from(2, RST));
      await bench.rig.advance(1100);
      const key = keyOf(1, 'client', CLIENT);
      expect(bench.apply({ op: 'cut', plan: 1, buckets: ALL, serial: 1 })).toEqual(entries(0, 1, key));
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual([]);
      await bench.deliver(from(1, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual(entries(0, 1, key));
    });

    cases.case('a rule with hold keeps a key alive that long after its last packet', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 2, buckets: ALL }]);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.held), tcp(CLIENT, 40000, PORTS.held, RST));
      bench.plane.apply([{ op: 'cut', plan: 2, buckets: ALL, serial: 1 }]);
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual([]);
      await bench.rig.advance(HOLD_MS - 1000);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual(
        entries(0, 1, keyOf(2, 'connection', CLIENT, 40000)),
      );
    });
  });
}

/** Keeps: those of others, and the end of our own. */
import { describe, expect } from 'vitest';
import { fullBitmap } from '../../src/buckets/bitmap.js';
import { client4, FLAGS, tcp } from './frames.js';
import { type Bench, Cases, groupOf, keep, keyOf, listed, only, PORTS, type RigFactory } from './rig.js';

const ALL = fullBitmap();
const CLIENT = client4(100);
const RST = FLAGS.rst | FLAGS.ack;

function webKey(port: number): Uint8Array {
  return keyOf(0, 'connection', CLIENT, port);
}

function web(port: number, flags: number = FLAGS.syn): Uint8Array {
  return tcp(CLIENT, port, PORTS.web, flags);
}

/** Groups of one keeper for the given ports, with one serial. */
function named(keeper: number, serial: number, ...ports: readonly number[]) {
  return [groupOf(keeper, ...ports.map((port) => keep(webKey(port), serial)))];
}

/** What the table honours now, by an offer that is withdrawn again. */
function honoured(bench: Bench): string[] {
  const [result] = bench.plane.apply([
    { op: 'offer', plan: 0, buckets: ALL, serial: 1 },
    { op: 'withdraw', plan: 0, buckets: ALL },
  ]);
  return listed(result!.groups.filter(({ keeper }) => keeper !== 0));
}

export function keepCases(factory: RigFactory): void {
  describe('foreign keeps', () => {
    const cases = new Cases(factory);

    cases.case('are honoured: the owner rejects their keys', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 40000) },
      ]);
      await bench.deliver(web(40000), web(40001));
      expect(bench.grown('rejectedForeignKeep', 'accepted')).toEqual([1, 1]);
      expect(bench.rig.counters().keepsForeign).toBe(1);
    });

    cases.case('serials: a newer one stays, an older one is replaced, another keeper replaces', (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      const honouredAfter = (keeper: number, serial: number) => {
        bench.plane.apply([{ op: 'honour', groups: named(keeper, serial, 40000) }]);
        return honoured(bench);
      };
      expect(honouredAfter(3, 5)).toEqual(listed(named(3, 5, 40000)));
      expect(honouredAfter(3, 4)).toEqual(listed(named(3, 5, 40000)));
      expect(honouredAfter(3, 6)).toEqual(listed(named(3, 6, 40000)));
      expect(honouredAfter(4, 1)).toEqual(listed(named(4, 1, 40000)));
      expect(honouredAfter(4, 1)).toEqual(listed(named(4, 1, 40000)));
    });

    cases.case('serials are unsigned 32 bits', (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 0xfffffff0, 40000) },
        { op: 'release', groups: named(3, 0x7fffffff, 40000) },
      ]);
      expect(honoured(bench)).toEqual(listed(named(3, 0xfffffff0, 40000)));
    });

    cases.case('one key has one keeper: an entry of ours is replaced', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      bench.plane.apply([{ op: 'honour', groups: named(3, 1, 40000) }]);
      expect(bench.reason(web(40000))).toBe('rejectedForeignKeep');
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual([]);
      expect(bench.plane.kept().count).toBe(0);
    });

    cases.case('own and cut leave them alone; forget takes them', (bench) => {
      bench.plane.apply([
        { op: 'honour', groups: named(3, 5, 40000, 40001) },
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'cut', plan: 0, buckets: ALL, serial: 1 },
        { op: 'own', plan: 0, buckets: ALL },
      ]);
      expect(honoured(bench)).toEqual(listed(named(3, 5, 40000, 40001)));
      bench.plane.apply([{ op: 'forget', plan: 0, buckets: only(webKey(40000)) }]);
      expect(honoured(bench)).toEqual(listed(named(3, 5, 40001)));
      bench.plane.apply([{ op: 'forget', plan: 1, buckets: ALL }]);
      expect(honoured(bench)).toEqual(listed(named(3, 5, 40001)));
    });

    cases.case('release ends them, and an older end is ignored', (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 40000, 40001, 40002) },
        { op: 'release', groups: [...named(3, 5, 40000), ...named(3, 4, 40001), ...named(4, 9, 40002)] },
      ]);
      expect(honoured(bench)).toEqual(listed(named(3, 5, 40001, 40002)));
      bench.plane.apply([{ op: 'release', groups: named(3, 9, 40000, 40001) }]);
      expect(honoured(bench)).toEqual(listed(named(3, 5, 40002)));
    });

    cases.case('hold-keys holds their frames, release replays them', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 40000, 40001) },
        { op: 'hold-keys', groups: named(3, 5, 40000) },
      ]);
      await bench.deliver(web(40000), web(40001), web(40000, FLAGS.ack));
      expect(bench.grown('held', 'rejectedForeignKeep', 'accepted')).toEqual([2, 1, 0]);
      bench.plane.apply([{ op: 'release', groups: named(3, 5, 40000) }]);
      expect(bench.grown('replayed', 'accepted')).toEqual([2, 2]);
      expect(bench.reason(web(40001))).toBe('rejectedForeignKeep');
    });

    cases.case('hold-keys ignores other keepers and newer serials', (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 40000) },
        { op: 'hold-keys', groups: [...named(3, 4, 40000), ...named(4, 9, 40000)] },
      ]);
      expect(bench.reason(web(40000))).toBe('rejectedForeignKeep');
    });

    cases.case('hold-keys holds nothing where the bucket is not ours', (bench) => {
      bench.plane.apply([
        { op: 'honour', groups: named(3, 5, 40000) },
        { op: 'hold-keys', groups: named(3, 5, 40000) },
      ]);
      expect(bench.reason(web(40000))).toBe('rejectedNotOwner');
    });

    cases.case('unhold-keys discards the frames and leaves the keeps', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 40000, 40001) },
        { op: 'hold-keys', groups: named(3, 5, 40000, 40001) },
      ]);
      await bench.deliver(web(40000), web(40001));
      bench.plane.apply([{ op: 'unhold-keys', groups: named(3, 5, 40000) }]);
      expect(bench.grown('held', 'heldDiscarded', 'replayed')).toEqual([2, 1, 0]);
      expect([bench.reason(web(40000)), bench.reason(web(40001))]).toEqual(['rejectedForeignKeep', 'held']);
    });

    cases.case('a frame held for its bucket waits on for its key, and is replayed by release', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      bench.plane.apply([
        { op: 'honour', groups: named(3, 5, 40000) },
        { op: 'hold-keys', groups: named(3, 5, 40000) },
        { op: 'own', plan: 0, buckets: ALL },
      ]);
      expect(bench.grown('held', 'replayed', 'accepted')).toEqual([1, 0, 0]);
      bench.plane.apply([{ op: 'release', groups: named(3, 5, 40000) }]);
      expect(bench.grown('held', 'replayed', 'accepted')).toEqual([1, 1, 1]);
    });

    cases.case('a frame that waits on for its key gets its verdict when its bucket is cut', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      await bench.deliver(web(40000));
      bench.plane.apply([
        { op: 'honour', groups: named(3, 5, 40000) },
        { op: 'hold-keys', groups: named(3, 5, 40000) },
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'cut', plan: 0, buckets: ALL, serial: 1 },
      ]);
      expect(bench.grown('held', 'replayed', 'rejectedNotOwner')).toEqual([1, 1, 1]);
    });

    cases.case('unhold leaves frames that are held for keys', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 40000) },
        { op: 'hold-keys', groups: named(3, 5, 40000) },
      ]);
      await bench.deliver(web(40000));
      bench.plane.apply([
        { op: 'unhold', plan: 0, buckets: ALL },
        { op: 'release', groups: named(3, 5, 40000) },
      ]);
      expect(bench.grown('heldDiscarded', 'replayed', 'accepted')).toEqual([0, 1, 1]);
    });

    cases.case(
      'frames held for keys get their verdict when their bucket is cut, or the keeps forgotten',
      async (bench) => {
        bench.plane.apply([
          { op: 'own', plan: 0, buckets: ALL },
          { op: 'honour', groups: named(3, 5, 40000) },
          { op: 'hold-keys', groups: named(3, 5, 40000) },
        ]);
        await bench.deliver(web(40000));
        bench.plane.apply([{ op: 'cut', plan: 0, buckets: ALL, serial: 1 }]);
        expect(bench.grown('held', 'replayed', 'rejectedNotOwner')).toEqual([1, 1, 1]);
        bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
        await bench.deliver(web(40000));
        bench.plane.apply([{ op: 'forget', plan: 0, buckets: ALL }]);
        expect(bench.grown('held', 'replayed', 'accepted')).toEqual([2, 2, 1]);
      },
    );

    cases.case('drop-keeper takes all of one keeper and replays what was held for it', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: [...named(3, 5, 40000, 40001), ...named(4, 5, 40002)] },
        { op: 'hold-keys', groups: named(3, 5, 40000) },
      ]);
      await bench.deliver(web(40000));
      bench.plane.apply([{ op: 'drop-keeper', keeper: 3 }]);
      expect(bench.grown('held', 'replayed', 'accepted')).toEqual([1, 1, 1]);
      expect(honoured(bench)).toEqual(listed(named(4, 5, 40002)));
    });

    cases.case('drop-keeper with buckets takes only those', (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 40000, 40001) },
        { op: 'drop-keeper', keeper: 3, plan: 1, buckets: ALL },
        { op: 'drop-keeper', keeper: 3, plan: 0, buckets: only(webKey(40001)) },
      ]);
      expect(honoured(bench)).toEqual(listed(named(3, 5, 40000)));
    });

    cases.case('beyond the room of the table they are refused and listed, never forgotten', async (bench) => {
      await bench.open(factory, { maxKeys: 4 });
      bench.startLease();
      bench.mark();
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      const ports = [1, 2, 3, 4, 5, 6];
      const refused = bench.apply({ op: 'honour', groups: named(3, 5, ...ports) });
      expect(refused).toHaveLength(2);
      expect(honoured(bench)).toEqual(listed(named(3, 5, ...ports)).filter((entry) => !refused.includes(entry)));
      expect(bench.grown('tableFull')).toEqual([2]);
    });

    cases.case('a full table evicts our idle entries for new keys, never keeps', async (bench) => {
      await bench.open(factory, { maxKeys: 4 });
      bench.startLease();
      bench.mark();
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: named(3, 5, 1, 2) },
      ]);
      await bench.deliver(web(3), web(4), web(5));
      expect(bench.grown('accepted', 'embryosEvicted', 'keysEvicted')).toEqual([3, 1, 0]);
      expect(honoured(bench)).toEqual(listed(named(3, 5, 1, 2)));
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toHaveLength(2);
    });
  });

  describe('the end of own keeps', () => {
    const cases = new Cases(factory);
    const ours = (serial: number, ...ports: readonly number[]) => listed(named(0, serial, ...ports));
    const keepsOf = async (bench: Bench, ...ports: readonly number[]) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(...ports.map((port) => web(port)), ...ports.map((port) => web(port, FLAGS.ack)));
      bench.plane.apply([{ op: 'cut', plan: 0, buckets: ALL, serial: 7 }]);
    };
    const bytes = (serial: number, ...ports: readonly number[]) => named(0, serial, ...ports)[0]!.keeps;

    cases.case('list-ended names them a second after FIN or RST, not before', async (bench) => {
      await keepsOf(bench, 1, 2, 3);
      await bench.deliver(web(1, RST), web(2, FLAGS.fin | FLAGS.ack));
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual([]);
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual(ours(7, 1, 2));
      expect(bench.reason(web(1, FLAGS.ack)), 'it is served until it is dropped').toBe('accepted');
    });

    cases.case('list-ended keeps to its limit, and `all` lists living ones too', async (bench) => {
      await keepsOf(bench, 1, 2, 3);
      await bench.deliver(web(1, RST), web(2, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'list-ended', limit: 1 })).toHaveLength(1);
      expect(bench.apply({ op: 'list-ended', limit: 10, all: true })).toEqual(ours(7, 1, 2, 3));
      expect(bench.apply({ op: 'list-ended', limit: 0, all: true })).toEqual([]);
    });

    cases.case('list-ended with plan and buckets names only keeps in these', async (bench) => {
      await keepsOf(bench, 1, 2);
      const within = (plan: number, ...keys: readonly Uint8Array[]) =>
        bench.apply({ op: 'list-ended', limit: 10, all: true, plan, buckets: only(...keys) });
      expect(within(0, webKey(2))).toEqual(ours(7, 2));
      expect(within(1, webKey(2))).toEqual([]);
    });

    cases.case('packets after the FIN prolong the linger: a half-closed connection goes on', async (bench) => {
      await keepsOf(bench, 1);
      await bench.deliver(web(1, FLAGS.fin | FLAGS.ack));
      await bench.rig.advance(700);
      await bench.deliver(web(1, FLAGS.ack));
      await bench.rig.advance(700);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual([]);
      await bench.rig.advance(400);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual(ours(7, 1));
    });

    cases.case('drop-keeps drops the ended ones and says which', async (bench) => {
      await keepsOf(bench, 1, 2);
      await bench.deliver(web(1, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'drop-keeps', keeps: bytes(7, 1, 2, 3) })).toEqual(ours(7, 1));
      expect(bench.plane.kept().count).toBe(1);
      expect(bench.reason(web(1))).toBe('rejectedNotOwner');
      expect(bench.reason(web(2))).toBe('accepted');
      expect(bench.apply({ op: 'drop-keeps', keeps: bytes(7, 1) }), 'twice is once').toEqual([]);
    });

    cases.case('drop-keeps leaves one that came to life again', async (bench) => {
      await keepsOf(bench, 1);
      await bench.deliver(web(1, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'list-ended', limit: 10 })).toEqual(ours(7, 1));
      await bench.deliver(web(1));
      expect(bench.apply({ op: 'drop-keeps', keeps: bytes(7, 1) })).toEqual([]);
      expect(bench.reason(web(1))).toBe('accepted');
    });

    cases.case('drop-keeps ignores an older serial than the entry has', async (bench) => {
      await keepsOf(bench, 1);
      await bench.deliver(web(1, RST));
      await bench.rig.advance(1100);
      expect(bench.apply({ op: 'drop-keeps', keeps: bytes(6, 1) })).toEqual([]);
      expect(bench.plane.kept().count).toBe(1);
    });

    cases.case('drop-keeps leaves entries of owned buckets', async (bench) => {
      await keepsOf(bench, 1);
      await bench.deliver(web(1, RST));
      await bench.rig.advance(1100);
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      expect(bench.apply({ op: 'drop-keeps', keeps: bytes(7, 1) })).toEqual([]);
    });
  });
}

/** Lease, shape, reset and close. */
import { describe, expect } from 'vitest';
import { fullBitmap, isEmpty } from '../../src/buckets/bitmap.js';
import { LeaseLapsedError } from '../../src/dataplane/contract.js';
import { COUNTER_NAMES } from '../../src/dataplane/counters.js';
import { arpRequest, client4, control, tcp } from './frames.js';
import { type Bench, Cases, PORTS, type RigFactory, SHAPE } from './rig.js';

const ALL = fullBitmap();
const SYN = tcp(client4(100), 40000, PORTS.web);

async function untilLapsed(bench: Bench): Promise<void> {
  bench.startLease(300);
  bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
  await bench.rig.advance(301);
}

export function leaseCases(factory: RigFactory): void {
  describe('lease', () => {
    const cases = new Cases(factory, false);

    cases.case('is closed at first', async (bench) => {
      expect(bench.plane.leaseOpen()).toBe(false);
      expect(() => bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }])).toThrow(LeaseLapsedError);
      expect(bench.reason(SYN)).toBe('rejectedLeaseLapsed');
      await bench.deliver(SYN);
      expect(bench.grown('rejectedLeaseLapsed', 'accepted')).toEqual([1, 0]);
    });

    cases.case('closed, can still say what a packet would be if it were open', async (bench) => {
      expect(bench.plane.classify(SYN, true)).toMatchObject({ kind: 'reject', reason: 'rejectedNotOwner', rule: 0 });
      expect(bench.plane.classify(SYN, true).bucket).toBeGreaterThanOrEqual(0);
      expect(bench.plane.leaseOpen()).toBe(false);
    });

    cases.case('opens with the first renewal', async (bench) => {
      expect(bench.startLease()).toBe(true);
      expect(bench.plane.leaseOpen()).toBe(true);
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(SYN);
      expect(bench.grown('accepted', 'rejectedLeaseLapsed')).toEqual([1, 0]);
    });

    cases.case('a lapse is latched: a later renewal opens nothing', async (bench) => {
      await untilLapsed(bench);
      expect(bench.reason(SYN)).toBe('rejectedLeaseLapsed');
      await bench.deliver(SYN);
      expect(bench.plane.leaseOpen()).toBe(false);
      expect(bench.startLease()).toBe(false);
      expect(bench.plane.leaseOpen()).toBe(false);
      expect(() => bench.plane.apply([])).toThrow(LeaseLapsedError);
      expect(bench.grown('accepted', 'leaseLapses')).toEqual([0, 1]);
    });

    cases.case('a lapse empties every table', async (bench) => {
      bench.startLease(300);
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'hold', plan: 1, buckets: ALL },
      ]);
      await bench.deliver(SYN, tcp(client4(100), 40000, PORTS.client));
      bench.plane.apply([{ op: 'cut', plan: 0, buckets: ALL, serial: 1 }]);
      expect(bench.plane.kept().count).toBe(1);
      await bench.rig.advance(301);
      expect(bench.plane.leaseOpen()).toBe(false);
      expect(bench.plane.kept().count).toBe(0);
      expect(bench.plane.kept().kept.every(isEmpty)).toBe(true);
      // The lease is over by the clock; that the tables were emptied is counted when the packet thread has turned.
      await expect.poll(() => bench.grown('held', 'heldLapsed', 'leaseLapses')).toEqual([1, 1, 1]);
      bench.plane.reset();
      expect(bench.startLease()).toBe(true);
      expect(bench.reason(SYN)).toBe('rejectedNotOwner');
      expect(bench.reason(tcp(client4(100), 40000, PORTS.client))).toBe('rejectedNotOwner');
    });

    cases.case('renewals prolong it and never shorten it', async (bench) => {
      bench.startLease(300);
      bench.startLease();
      bench.startLease(1);
      await bench.rig.advance(320);
      expect(bench.plane.leaseOpen()).toBe(true);
      expect(bench.grown('leaseLapses')).toEqual([0]);
    });

    cases.case('a refused apply changes nothing', async (bench) => {
      await untilLapsed(bench);
      expect(() => bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }])).toThrow(LeaseLapsedError);
      bench.plane.reset();
      bench.startLease();
      expect(bench.reason(SYN)).toBe('rejectedNotOwner');
    });

    cases.case('reset closes an open lease and empties every table', async (bench) => {
      bench.startLease();
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'hold', plan: 1, buckets: ALL },
      ]);
      await bench.deliver(SYN, tcp(client4(100), 40000, PORTS.client));
      bench.plane.reset();
      expect(bench.plane.leaseOpen()).toBe(false);
      expect(bench.startLease()).toBe(true);
      expect(bench.reason(SYN)).toBe('rejectedNotOwner');
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toEqual([]);
      expect(bench.grown('heldLapsed', 'leaseLapses')).toEqual([1, 0]);
      expect(bench.rig.counters().keys).toBe(0);
    });

    cases.case('ARP is answered only while it is open', async (bench) => {
      await bench.deliver(arpRequest(client4(100)));
      expect(bench.grown('arpAnswered', 'rejectedLeaseLapsed')).toEqual([0, 1]);
      bench.startLease();
      await bench.deliver(arpRequest(client4(100)));
      expect(bench.grown('arpAnswered')).toEqual([1]);
    });

    cases.case('control frames arrive while it is closed', async (bench) => {
      await bench.deliver(control(Uint8Array.of(1, 2, 3)));
      expect(bench.plane.takeControl().map(({ payload }) => [...payload.subarray(0, 3)])).toEqual([[1, 2, 3]]);
    });
  });

  describe('shape', () => {
    const cases = new Cases(factory);

    cases.case('is replaced as a whole; tables and entries stay', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      await bench.deliver(SYN);
      bench.plane.setShape({ ...SHAPE, rules: [] });
      expect(bench.reason(SYN)).toBe('rejectedNoRule');
      bench.plane.setShape({ ...SHAPE, vips: SHAPE.vips.slice(1) });
      expect(bench.reason(SYN)).toBe('rejectedNotOurVip');
      bench.plane.setShape(SHAPE);
      expect(bench.reason(SYN)).toBe('accepted');
      expect(bench.apply({ op: 'cut', plan: 0, buckets: ALL, serial: 1 })).toHaveLength(1);
    });

    cases.case('counters have the names of the contract, in its order', () => {
      expect(factory.counterNames).toEqual(COUNTER_NAMES);
    });
  });

  describe('close', () => {
    const cases = new Cases(factory);

    cases.case('is idempotent, and every other call throws afterwards', (bench) => {
      const { plane } = bench;
      plane.close();
      plane.close();
      expect(() => plane.leaseOpen()).toThrow();
      expect(() => plane.renewLease(1)).toThrow();
      expect(() => plane.apply([])).toThrow();
      expect(() => plane.classify(SYN)).toThrow();
      expect(() => plane.takeControl()).toThrow();
      expect(() => plane.kept()).toThrow();
    });
  });
}

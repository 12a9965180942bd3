/** Packets counted by rule: each once, in the slot of its rule, with the verdict that decides about it. */
import { describe, expect, test } from 'vitest';
import { fullBitmap } from '../../src/buckets/bitmap.js';
import { NOBODY, type ReachPlan, type TableOp } from '../../src/buckets/contract.js';
import type { RuleEntry, Shape } from '../../src/dataplane/contract.js';
import { RULE_OUTCOMES } from '../../src/dataplane/counters.js';
import { CLIENT_MAC, client4, client6, echo, ethernetOf, FLAGS, fragmentsOf, tcp, tcpPacket, udp } from './frames.js';
import { Cases, groupOf, keep, keyOf, PORTS, type RigFactory, SHAPE } from './rig.js';

const ALL = fullBitmap();
const CLIENT = client4(100);
const OWN: readonly TableOp[] = [0, 1, 2].map((plan) => ({ op: 'own', plan, buckets: ALL }));
const PEER = Uint8Array.of(2, 0x77, 0, 0, 0, 2);

/** All buckets are a peer's, to whom what comes to our own MAC is relayed. */
function relayAll(ownMac: Uint8Array): TableOp {
  const targets = new Uint32Array(8192);
  for (let bucket = 0; bucket < 4096; bucket++) targets[2 * bucket] = 2;
  const plan: ReachPlan = { targets, last: new Uint8Array(4096).fill(NOBODY) };
  const members = [ownMac, PEER].map((mac) => ({ mac, answers: true }));
  return { op: 'reach', mode: 'relay', members, self: 0, plans: [plan, plan, plan, plan] };
}

export function ruleCases(factory: RigFactory): void {
  describe('packets by rule', () => {
    const cases = new Cases(factory);

    test('the outcomes of both implementations are the same, in one order', () => {
      expect(factory.ruleOutcomes).toEqual(RULE_OUTCOMES);
    });

    cases.case('what is accepted counts for its rule and for no other', async (bench) => {
      bench.plane.apply(OWN);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.web), tcp(client6(1), 40000, PORTS.web), udp(CLIENT, 1, PORTS.dns));
      expect(bench.rig.ruleCounts()).toEqual({ '0 accepted': 2, '4 accepted': 1 });
    });

    cases.case('what is rejected counts by reason; what no rule takes, and echo, for no rule', async (bench) => {
      await bench.deliver(tcp(CLIENT, 40000, PORTS.web), tcp(CLIENT, 1, PORTS.denied));
      bench.plane.apply([...OWN, { op: 'honour', groups: [groupOf(3, keep(keyOf(1, 'client', CLIENT), 1))] }]);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.client), tcp(CLIENT, 40000, 81), echo(CLIENT));
      expect(bench.grown('rejectedNoRule', 'accepted')).toEqual([1, 1]);
      expect(bench.rig.ruleCounts()).toEqual({
        '0 rejectedNotOwner': 1,
        '1 rejectedForeignKeep': 1,
        '3 rejectedDenied': 1,
      });
    });

    cases.case('a full table counts against the rule whose packet it refuses', async (bench) => {
      await bench.open(factory, { maxKeys: 1 });
      bench.startLease();
      bench.plane.apply(OWN);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.web));
      bench.plane.apply([{ op: 'offer', plan: 0, buckets: ALL, serial: 1 }]);
      await bench.deliver(udp(CLIENT, 40001, PORTS.dns));
      expect(bench.rig.ruleCounts()).toEqual({ '0 accepted': 1, '4 tableFull': 1 });
    });

    cases.case('a held packet counts when it is decided about', async (bench) => {
      bench.plane.apply([{ op: 'hold', plan: 0, buckets: ALL }]);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.web));
      expect(bench.grown('held')).toEqual([1]);
      expect(bench.rig.ruleCounts()).toEqual({});
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }]);
      expect(bench.rig.ruleCounts()).toEqual({ '0 accepted': 1 });
    });

    cases.case('what is relayed counts for its rule', async (bench) => {
      const destination = Uint8Array.from(bench.plane.mac);
      bench.plane.apply([relayAll(destination)]);
      const packet = tcpPacket(CLIENT, 40000, PORTS.client, FLAGS.syn);
      await bench.deliver(ethernetOf(packet, { destination, source: CLIENT_MAC }));
      expect(bench.rig.ruleCounts()).toEqual({ '1 relayed': 1 });
    });

    cases.case('later fragments count for the rule of their first one', async (bench) => {
      const [first, later] = fragmentsOf(tcpPacket(CLIENT, 40000, PORTS.web, FLAGS.ack, 'x'.repeat(40)));
      bench.plane.apply(OWN);
      await bench.deliver(first!, later!);
      expect(bench.rig.ruleCounts()).toEqual({ '0 accepted': 2 });
    });

    cases.case('classify counts nothing', async (bench) => {
      bench.plane.apply(OWN);
      expect(bench.reason(tcp(CLIENT, 40000, PORTS.web))).toBe('accepted');
      expect(bench.rig.ruleCounts()).toEqual({});
    });

    cases.case('with other rules a count stays in its slot, whatever the index of the rule', async (bench) => {
      bench.plane.apply(OWN);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.web));
      const rules = [...SHAPE.rules].reverse().map((entry, rule) => ({ ...entry, rule }));
      bench.plane.setShape({ ...SHAPE, rules });
      await bench.deliver(tcp(CLIENT, 40000, PORTS.web));
      expect(bench.rig.ruleCounts()).toEqual({ '0 accepted': 2 });
    });

    cases.case('a rule without a slot, or with one that has no room, is served and not counted', async (bench) => {
      const slotless = ({ slot: _, ...entry }: RuleEntry) => (entry.rule === 0 ? entry : { ...entry, slot: 6 });
      const shape: Shape = { ...SHAPE, rules: SHAPE.rules.map(slotless) };
      bench.plane.setShape(shape);
      bench.plane.apply(OWN);
      await bench.deliver(tcp(CLIENT, 40000, PORTS.web), udp(CLIENT, 1, PORTS.dns));
      expect(bench.grown('accepted')).toEqual([2]);
      expect(bench.rig.ruleCounts()).toEqual({});
    });
  });
}

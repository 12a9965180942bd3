/** Reach: whose a frame is by its destination MAC, who answers, who relays what to whom, and steering. */
import { describe, expect } from 'vitest';
import { bitmapOf, fullBitmap } from '../../src/buckets/bitmap.js';
import { NOBODY, type ReachMember, type ReachMode, type ReachPlan, type TableOp } from '../../src/buckets/contract.js';
import { chooseIngress } from '../../src/buckets/ingress.js';
import { ASKER_BYTES } from '../../src/dataplane/contract.js';
import type { CounterName } from '../../src/dataplane/counters.js';
import {
  arpRequest,
  CLIENT_MAC,
  client4,
  client6,
  ethernet,
  ethernetOf,
  join,
  solicitation,
  tcpPacket,
  udpPacket,
  VIP4,
  VIP6,
} from './frames.js';
import { type Bench, bucketOf, Cases, groupOf, keep, keyOf, PORTS, type RigFactory, SEED, VMAC } from './rig.js';

const ALL = fullBitmap();
const PEERS = [2, 3, 4].map((last) => Uint8Array.of(2, 0x77, 0, 0, 0, last));
const [ALICE, BOB, CAROL] = PEERS as [Uint8Array, Uint8Array, Uint8Array];
const GROUP_VMAC = Uint8Array.of(VMAC[0]! | 1, ...VMAC.subarray(1));
const BROADCAST = new Uint8Array(6).fill(0xff);
const STRANGER = Uint8Array.of(2, 0x99, 0, 0, 0, 9);
/** Keys whose frames the cases send. */
const PORT = 40000;
const WEB = keyOf(0, 'connection', client4(100), PORT);

interface ReachOptions {
  readonly mode?: ReachMode;
  /** Members that answer; `self` is ours. */
  readonly answers?: readonly ('self' | 'alice' | 'bob' | 'carol')[];
  /** Indexes of members that frames of `bucket` (all, if null) go to: 0 is us, 1 to 3 are Alice, Bob and Carol. */
  readonly targets?: readonly number[];
  readonly bucket?: number | null;
  readonly last?: number;
}

function membersOf(bench: Bench, answers: ReachOptions['answers'] = ['self', 'alice', 'bob', 'carol']): ReachMember[] {
  const names = ['self', 'alice', 'bob', 'carol'] as const;
  return [Uint8Array.from(bench.plane.mac), ...PEERS].map((mac, i) => ({ mac, answers: answers.includes(names[i]!) }));
}

function reach(bench: Bench, options: ReachOptions = {}): TableOp {
  const { mode = 'relay', targets: indexes = [1], bucket = null, last = NOBODY } = options;
  const targets = new Uint32Array(8192);
  const word = indexes.reduce((sum, index) => sum | (1 << index), 0);
  for (let b = 0; b < 4096; b++) if (bucket === null || b === bucket) targets[2 * b] = word;
  const plan: ReachPlan = { targets, last: new Uint8Array(4096).fill(last) };
  return { op: 'reach', mode, members: membersOf(bench, options.answers), self: 0, plans: [plan, plan, plan, plan] };
}

/** A web request of the client to `destination`. */
function web(destination: Uint8Array, source: Uint8Array = CLIENT_MAC, port = PORT): Uint8Array {
  return ethernetOf(tcpPacket(client4(100), port, PORTS.web, 2), { destination, source });
}

function own(bench: Bench): Uint8Array {
  return Uint8Array.from(bench.plane.mac);
}

/** A frame as its relay sends it on. */
function copyFor(frame: Uint8Array, relay: Uint8Array, target: Uint8Array): Uint8Array {
  return join(target, relay, frame.subarray(12));
}

function to(frame: Uint8Array, destination: Uint8Array): Uint8Array {
  return join(destination, frame.subarray(6));
}

/** An address of a client for which member `index` answers. */
function askerOf(bench: Bench, index: number, vip = VIP4, answers?: ReachOptions['answers']): Uint8Array {
  const members = membersOf(bench, answers);
  for (let host = 1; host < 1000; host++) {
    const asker = vip.length === 4 ? client4(host) : client6(host);
    if (chooseIngress(asker, vip, members, SEED) === index) return asker;
  }
  throw new Error('no asker is ours');
}

export function reachCases(factory: RigFactory): void {
  describe('whose a frame is by its MAC', () => {
    const cases = new Cases(factory);

    for (const mode of ['flood', 'multicast', 'relay'] as const) {
      cases.case(`${mode}: the vMAC, the multicast vMAC and our own MAC are ours, others never`, async (bench) => {
        bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }, reach(bench, { mode })]);
        await bench.deliver(web(VMAC), web(GROUP_VMAC), web(own(bench)));
        expect(bench.grown('accepted', 'injected', 'relayed', 'relayCopies')).toEqual([3, 3, 0, 0]);
        await bench.deliver(web(ALICE), web(STRANGER), web(BROADCAST));
        expect(bench.grown('accepted', 'rejectedOtherMac')).toEqual([3, 3]);
      });

      cases.case(`${mode}: what came to a shared MAC is relayed by nobody`, async (bench) => {
        bench.plane.apply([reach(bench, { mode })]);
        await bench.deliver(web(VMAC), web(GROUP_VMAC));
        expect(bench.grown('rejectedNotOwner', 'relayed', 'relayCopies', 'ingressFrames')).toEqual([2, 0, 0, 0]);
      });
    }
  });

  describe('relaying', () => {
    const cases = new Cases(factory);

    cases.case('a frame for our own MAC that another owns goes there, with our MAC as its source', async (bench) => {
      bench.plane.apply([reach(bench)]);
      const frame = web(own(bench));
      expect(bench.plane.classify(frame)).toMatchObject({ kind: 'relay', reason: 'relayed', bucket: bucketOf(WEB) });
      await bench.deliver(frame);
      expect(bench.grown('relayed', 'relayCopies', 'accepted', 'ingressFrames')).toEqual([1, 1, 0, 1]);
      expect(bench.rig.transmitted() ?? [copyFor(frame, own(bench), ALICE)]).toEqual([
        copyFor(frame, own(bench), ALICE),
      ]);
    });

    cases.case('a copy goes to each target but us; the one that gains the bucket gets it last', async (bench) => {
      bench.plane.apply([reach(bench, { targets: [0, 1, 2, 3], last: 1 })]);
      const frame = web(own(bench));
      await bench.deliver(frame);
      expect(bench.grown('relayed', 'relayCopies')).toEqual([1, 3]);
      const copies = [BOB, CAROL, ALICE].map((target) => copyFor(frame, own(bench), target));
      expect(bench.rig.transmitted() ?? copies).toEqual(copies);
    });

    cases.case('by bucket: without a target the tables` reason stands', async (bench) => {
      bench.plane.apply([reach(bench, { bucket: bucketOf(WEB) })]);
      await bench.deliver(web(own(bench)), web(own(bench), CLIENT_MAC, PORT + 2));
      expect(bench.grown('relayed', 'rejectedNotOwner', 'ingressFrames')).toEqual([1, 1, 2]);
    });

    cases.case('what we own we take, and relay not', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }, reach(bench)]);
      await bench.deliver(web(own(bench)));
      expect(bench.grown('accepted', 'relayed', 'relayCopies', 'ingressFrames')).toEqual([1, 0, 0, 1]);
    });

    cases.case('a key that another keeps in our bucket is relayed', async (bench) => {
      bench.plane.apply([
        { op: 'own', plan: 0, buckets: ALL },
        { op: 'honour', groups: [groupOf(3, keep(WEB, 1))] },
        reach(bench),
      ]);
      await bench.deliver(web(own(bench)));
      expect(bench.grown('relayed', 'relayCopies', 'rejectedForeignKeep')).toEqual([1, 1, 0]);
    });

    cases.case('a frame from a member was relayed already: never again', async (bench) => {
      bench.plane.apply([reach(bench)]);
      await bench.deliver(web(own(bench), ALICE), web(own(bench), CAROL));
      expect(bench.grown('relayed', 'relayCopies', 'rejectedNotOwner', 'ingressFrames')).toEqual([0, 0, 2, 0]);
    });

    cases.case('what a member relays to us we take if it is ours', async (bench) => {
      bench.plane.apply([{ op: 'own', plan: 0, buckets: ALL }, reach(bench)]);
      await bench.deliver(web(own(bench), ALICE));
      expect(bench.grown('accepted', 'injected', 'relayed')).toEqual([1, 1, 0]);
    });

    cases.case('a frame that waits here is relayed too, once; its replay is not', async (bench) => {
      const buckets = bitmapOf([bucketOf(WEB)]);
      bench.plane.apply([{ op: 'hold', plan: 0, buckets }, reach(bench)]);
      await bench.deliver(web(own(bench)));
      expect(bench.grown('held', 'relayed', 'relayCopies')).toEqual([1, 0, 1]);
      bench.plane.apply([{ op: 'honour', groups: [groupOf(3, keep(WEB, 1))] }]);
      bench.plane.apply([{ op: 'own', plan: 0, buckets }]);
      expect(bench.grown('replayed', 'accepted', 'rejectedForeignKeep', 'relayCopies')).toEqual([1, 0, 1, 1]);
    });

    cases.case('UDP, IPv6 and later fragments are relayed as well', async (bench) => {
      bench.plane.apply([reach(bench)]);
      const destination = own(bench);
      await bench.deliver(ethernetOf(udpPacket(client4(100), PORT, PORTS.dns), { destination }));
      await bench.deliver(ethernetOf(tcpPacket(client6(100), PORT, PORTS.web, 2), { destination }));
      expect(bench.grown('relayed', 'relayCopies')).toEqual([2, 2]);
    });

    cases.case('frames that nobody may have are not relayed', async (bench) => {
      bench.plane.apply([reach(bench)]);
      const destination = own(bench);
      await bench.deliver(ethernetOf(tcpPacket(client4(100), PORT, PORTS.denied, 2), { destination }));
      await bench.deliver(ethernetOf(tcpPacket(client4(100), PORT, 81, 2), { destination }));
      expect(bench.grown('rejectedDenied', 'rejectedNoRule', 'relayed', 'relayCopies')).toEqual([1, 1, 0, 0]);
    });

    cases.case('who relays stays through a reset; until the lease is open again nothing is relayed', async (bench) => {
      bench.plane.apply([reach(bench)]);
      bench.plane.reset();
      await bench.deliver(web(own(bench)));
      expect(bench.grown('rejectedLeaseLapsed', 'relayed', 'relayCopies')).toEqual([1, 0, 0]);
      bench.startLease();
      await bench.deliver(web(own(bench)));
      expect(bench.grown('relayed', 'relayCopies')).toEqual([1, 1]);
    });
  });

  describe('I6: a relay whose lease is over', () => {
    const cases = new Cases(factory, false);
    cases.case('relays nothing, and answers nobody', async (bench) => {
      bench.startLease(300);
      bench.plane.apply([reach(bench, { answers: ['self'] })]);
      await bench.deliver(web(own(bench)), arpRequest(client4(7)));
      expect(bench.grown('relayed', 'relayCopies', 'arpAnswered')).toEqual([1, 1, 1]);
      await bench.rig.advance(301);
      await bench.deliver(web(own(bench)), arpRequest(client4(7)));
      expect(bench.grown('relayed', 'relayCopies', 'arpAnswered', 'rejectedLeaseLapsed')).toEqual([1, 1, 1, 2]);
    });
  });

  describe('answers by mode', () => {
    const cases = new Cases(factory);
    const payloadMac = (bench: Bench, frame: Uint8Array): Uint8Array | undefined => {
      const sent = bench.rig.transmitted()?.[0];
      const isArp = frame[12] === 8 && frame[13] === 6;
      return sent?.subarray(isArp ? 22 : 80, isArp ? 28 : 86);
    };

    for (const [name, asked] of [
      ['ARP', arpRequest(client4(100))],
      ['ND', solicitation(client6(100))],
    ] as const) {
      cases.case(`${name}: the vMAC with flood, its group with multicast`, async (bench) => {
        for (const [mode, mac] of [
          ['flood', VMAC],
          ['multicast', GROUP_VMAC],
        ] as const) {
          bench.plane.apply([reach(bench, { mode })]);
          await bench.deliver(asked);
          expect(payloadMac(bench, asked) ?? mac).toEqual(mac);
        }
        expect(bench.grown(name === 'ARP' ? 'arpAnswered' : 'ndAnswered')).toEqual([2]);
      });
    }

    cases.case('relay: the chosen member answers with its real MAC, the others leave it to that one', async (bench) => {
      bench.plane.apply([reach(bench)]);
      const ours = arpRequest(askerOf(bench, 0));
      await bench.deliver(ours);
      expect(bench.grown('arpAnswered', 'rejectedOtherAnswers')).toEqual([1, 0]);
      expect(payloadMac(bench, ours) ?? own(bench)).toEqual(own(bench));
      await bench.deliver(arpRequest(askerOf(bench, 1)), arpRequest(askerOf(bench, 2)));
      expect(bench.grown('arpAnswered', 'rejectedOtherAnswers')).toEqual([1, 2]);
      await bench.deliver(solicitation(askerOf(bench, 0, VIP6)), solicitation(askerOf(bench, 3, VIP6)));
      expect(bench.grown('ndAnswered', 'rejectedOtherAnswers')).toEqual([1, 3]);
    });

    cases.case('relay: who asks us directly is answered whatever the hash says', async (bench) => {
      bench.plane.apply([reach(bench)]);
      const direct = [arpRequest(askerOf(bench, 1)), solicitation(askerOf(bench, 2, VIP6))];
      await bench.deliver(...direct.map((frame) => to(frame, own(bench))));
      expect(bench.grown('arpAnswered', 'ndAnswered', 'rejectedOtherAnswers')).toEqual([1, 1, 0]);
    });

    cases.case(
      'relay: a node that does not answer any more is silent, also when it is asked directly',
      async (bench) => {
        bench.plane.apply([reach(bench, { answers: ['alice'] })]);
        await bench.deliver(arpRequest(client4(100)), to(arpRequest(client4(100)), own(bench)));
        expect(bench.grown('arpAnswered', 'rejectedOtherAnswers')).toEqual([0, 2]);
      },
    );

    cases.case('a question to another node`s MAC is not for us', async (bench) => {
      bench.plane.apply([reach(bench, { mode: 'flood' })]);
      await bench.deliver(to(arpRequest(client4(100)), ALICE), to(solicitation(client6(100)), ALICE));
      expect(bench.grown('arpAnswered', 'ndAnswered', 'rejectedOtherMac')).toEqual([0, 0, 2]);
    });
  });

  describe('askers and steering', () => {
    const cases = new Cases(factory);
    const EVERYONE = ['self', 'alice', 'bob', 'carol'] as const;
    const WITHOUT_ALICE = ['self', 'bob', 'carol'] as const;
    /** Of Alice, and ours once she is gone. */
    const movingAsker = (bench: Bench, vip = VIP4): Uint8Array => {
      for (let host = 1; host < 5000; host++) {
        const asker = vip.length === 4 ? client4(host) : client6(host);
        const before = chooseIngress(asker, vip, membersOf(bench, EVERYONE), SEED);
        if (before === 1 && chooseIngress(asker, vip, membersOf(bench, WITHOUT_ALICE), SEED) === 0) return asker;
      }
      throw new Error('no asker moves');
    };
    const arpReply = (bench: Bench, asker: Uint8Array): Uint8Array => {
      const body = join(Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 2), CLIENT_MAC, asker, own(bench), VIP4);
      return ethernet(0x0806, join(body, new Uint8Array(18)), { destination: own(bench) });
    };

    cases.case('askers are remembered, whoever answers them; probes are not', async (bench) => {
      bench.plane.apply([reach(bench)]);
      await bench.deliver(arpRequest(askerOf(bench, 0)), arpRequest(askerOf(bench, 1)), arpRequest(new Uint8Array(4)));
      await bench.deliver(solicitation(client6(100)), solicitation(new Uint8Array(16)));
      expect(bench.grown('askers')).toEqual([3]);
      expect(bench.plane.takeAskers(false).length).toBe(3 * ASKER_BYTES);
      expect(bench.plane.takeAskers(false).length).toBe(0);
      expect(bench.plane.takeAskers(true).length).toBe(3 * ASKER_BYTES);
    });

    cases.case('a record says who asked, for what, from which MAC', async (bench) => {
      bench.plane.apply([reach(bench)]);
      await bench.deliver(arpRequest(client4(100)));
      const mapped = (address: Uint8Array) => join(new Uint8Array(10), Uint8Array.of(0xff, 0xff), address);
      const record = bench.plane.takeAskers(false);
      expect(record.subarray(0, 38)).toEqual(join(mapped(client4(100)), mapped(VIP4), CLIENT_MAC));
    });

    cases.case('an asker that becomes ours is told, again and again, until its reply', async (bench) => {
      bench.plane.apply([reach(bench, { answers: EVERYONE })]);
      const asker = movingAsker(bench);
      await bench.deliver(arpRequest(asker));
      bench.rig.transmitted();
      bench.plane.apply([reach(bench, { answers: WITHOUT_ALICE })]);
      await tended(bench, 'steeringSent', 1);
      const head = join(CLIENT_MAC, own(bench), Uint8Array.of(8, 6, 0, 1, 8, 0, 6, 4, 0, 1));
      const frame = join(head, own(bench), VIP4, new Uint8Array(6), asker);
      expect((bench.rig.transmitted() ?? [frame])[0]!.subarray(0, frame.length)).toEqual(frame);
      await bench.rig.advance(100);
      await tended(bench, 'steeringSent', 2);
      await bench.deliver(arpReply(bench, asker));
      expect(bench.grown('steeringConfirmed')).toEqual([1]);
      const [sent] = bench.grown('steeringSent');
      await bench.rig.advance(1100);
      expect(bench.grown('steeringSent')).toEqual([sent]);
    });

    cases.case('one that never replies is given up after four tries', async (bench) => {
      bench.plane.apply([reach(bench, { answers: EVERYONE })]);
      await bench.deliver(arpRequest(movingAsker(bench)));
      bench.plane.apply([reach(bench, { answers: WITHOUT_ALICE })]);
      for (const ms of [100, 200, 700, 1000]) await bench.rig.advance(ms);
      await tended(bench, 'steeringUnanswered', 1);
      expect(bench.grown('steeringSent')).toEqual([4]);
    });

    cases.case('IPv6: a solicitation from the VIP; the advertisement in return is the receipt', async (bench) => {
      bench.plane.apply([reach(bench, { answers: EVERYONE })]);
      await bench.deliver(solicitation(movingAsker(bench, VIP6)));
      bench.rig.transmitted();
      bench.plane.apply([reach(bench, { answers: WITHOUT_ALICE })]);
      await tended(bench, 'steeringSent', 1);
      const sent = bench.rig.transmitted()?.[0];
      if (sent === undefined) return;
      expect(sent.subarray(0, 14)).toEqual(join(CLIENT_MAC, own(bench), Uint8Array.of(0x86, 0xdd)));
      expect([...sent.subarray(54, 55), ...sent.subarray(78, 86)]).toEqual([135, 1, 1, ...own(bench)]);
    });

    cases.case('when a member leaves, all that are ours are told: they may have asked it directly', async (bench) => {
      bench.plane.apply([reach(bench, { answers: EVERYONE })]);
      await bench.deliver(arpRequest(askerOf(bench, 0)), arpRequest(askerOf(bench, 2)));
      bench.plane.apply([reach(bench, { answers: WITHOUT_ALICE })]);
      await tended(bench, 'steeringSent', 1);
    });

    cases.case('when one joins, who stays with its member is left in peace', async (bench) => {
      bench.plane.apply([reach(bench, { answers: WITHOUT_ALICE })]);
      await bench.deliver(arpRequest(askerOf(bench, 0)), arpRequest(askerOf(bench, 2)));
      bench.plane.apply([reach(bench, { answers: EVERYONE, targets: [2] })]);
      await bench.rig.advance(100);
      await tended(bench, 'steeringSent', 0);
    });

    cases.case('another mode is news for all: each asker is told by its member', async (bench) => {
      bench.plane.apply([reach(bench, { mode: 'flood' })]);
      await bench.deliver(arpRequest(askerOf(bench, 0)), arpRequest(askerOf(bench, 2)));
      bench.rig.transmitted();
      bench.plane.apply([reach(bench)]);
      await tended(bench, 'steeringSent', 1);
      bench.rig.transmitted();
      bench.plane.apply([reach(bench, { mode: 'multicast' })]);
      await tended(bench, 'steeringSent', 2);
      expect((bench.rig.transmitted()?.[0] ?? join(new Uint8Array(22), GROUP_VMAC)).subarray(22, 28)).toEqual(
        GROUP_VMAC,
      );
    });

    cases.case('what another member learned is ours to steer, if it is new to us', async (bench) => {
      bench.plane.apply([reach(bench)]);
      const mapped = (address: Uint8Array) => join(new Uint8Array(10), Uint8Array.of(0xff, 0xff), address);
      const record = (asker: Uint8Array) => join(mapped(asker), mapped(VIP4), STRANGER, Uint8Array.of(0, 3));
      const ours = askerOf(bench, 0);
      bench.plane.learnAskers(join(record(ours), record(askerOf(bench, 1)), Uint8Array.of(1, 2, 3)));
      await tended(bench, 'steeringSent', 1);
      expect(bench.rig.counters().askers).toBe(2);
      bench.plane.learnAskers(record(ours));
      expect(bench.plane.takeAskers(false).length).toBe(0);
    });
  });
}

/**
 * Lets the data plane do what is due, and looks that the counter has grown so far. No further either, where time stands still
 * meanwhile; a data plane with a clock of its own may have gone on.
 */
async function tended(bench: Bench, name: CounterName, growth: number): Promise<void> {
  const isExact = bench.rig.injected() !== null || growth === 0;
  for (let turn = 0; turn < (growth === 0 ? 20 : 2000); turn++) {
    await bench.rig.advance(isExact && growth > 0 ? 0 : 1);
    if (growth > 0 && bench.grown(name)[0]! >= growth) break;
  }
  if (isExact) expect(bench.grown(name)).toEqual([growth]);
  else expect(bench.grown(name)[0]).toBeGreaterThanOrEqual(growth);
}

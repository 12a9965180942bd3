/** Two readings of one packet: the TypeScript classifier against another data plane, on 1e5 random frames. */
import { describe, expect, test } from 'vitest';
import { bitmapOf, fullBitmap } from '../../src/buckets/bitmap.js';
import { type Bitmap, NOBODY, type TableOp } from '../../src/buckets/contract.js';
import type { DataPlane, Shape } from '../../src/dataplane/contract.js';
import { MemoryDataPlane } from '../../src/dataplane/memory.js';
import { groupOf as groupOfVmac } from '../../src/dataplane/memory-reach.js';
import { client4, client6, FLAGS, tcp, udp } from './frames.js';
import { RandomFrames } from './random-frames.js';
import { readNamedPackets } from './records.js';
import { groupOf, keep, keyOf, LONG_LEASE_MS, RIG_DEFAULTS, type RigFactory } from './rig.js';

export const AGREEMENT_FRAMES = 100_000;
const FRAME_SEED = 20260101;

/** The rules of the named packets: ranges, every affinity, deny, a rule shadowed by an earlier one. */
export const AGREEMENT_SHAPE: Shape = { ...readNamedPackets()[0]!.shape, vlan: null };

/** Buckets `first, first + step, ...`: mixes owned and other ones among the few keys of the frames. */
function everyNth(step: number, first: number): Bitmap {
  return bitmapOf(Array.from({ length: Math.floor((4096 - first + step - 1) / step) }, (_, i) => first + i * step));
}

/** Frames that leave entries, some of which `CUT` makes keeps; and first fragments. */
export function agreementDeliveries(): Uint8Array[] {
  const clients = [100, 101, 102].flatMap((host) => [client4(host), client6(host)]);
  const flows = clients.flatMap((client) => [
    tcp(client, 40000, 80),
    tcp(client, 40001, 443, FLAGS.ack),
    tcp(client, 40002, 8000),
    udp(client, 40003, 53),
  ]);
  const fragments = readNamedPackets().filter(({ name }) =>
    /^later-fragment.*follows$|^later-fragment-of-echo$/.test(name),
  );
  return [
    ...flows,
    ...fragments.flatMap(({ steps }) => steps.flatMap((step) => (step.type === 'deliver' ? [step.frame] : []))),
  ];
}

export const AGREEMENT_OWN: readonly TableOp[] = [0, 1, 2].map((plan) => ({ op: 'own', plan, buckets: fullBitmap() }));

/** Afterwards each kind of bucket and of key exists: owned, pending, neither; own keeps, foreign ones, held ones. */
export const AGREEMENT_TABLES: readonly TableOp[] = [
  { op: 'cut', plan: 0, buckets: everyNth(3, 0), serial: 1 },
  { op: 'cut', plan: 1, buckets: everyNth(2, 0), serial: 2 },
  { op: 'hold', plan: 0, buckets: everyNth(6, 0) },
  { op: 'hold', plan: 1, buckets: everyNth(8, 2) },
  {
    op: 'honour',
    groups: [
      groupOf(
        3,
        keep(keyOf(0, 'connection', client4(0x0203), 40000), 1),
        keep(keyOf(0, 'connection', client6(0x4242), 40000), 1),
        keep(keyOf(1, 'client', client4(0x4242)), 1),
        keep(keyOf(0, 'connection', client4(0x4242), 40001), 1),
      ),
      groupOf(4, keep(keyOf(0, 'client', client4(0x4242)), 1), keep(keyOf(0, 'network', client4(0x4242)), 1)),
    ],
  },
  {
    op: 'hold-keys',
    groups: [
      groupOf(3, keep(keyOf(0, 'connection', client4(0x0203), 40000), 1), keep(keyOf(1, 'client', client4(0x4242)), 1)),
    ],
  },
];

const PEER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);

/** We relay most buckets to a peer. */
export function agreementReach(ownMac: Uint8Array): TableOp {
  const targets = new Uint32Array(8192);
  for (let bucket = 0; bucket < 4096; bucket++) if (bucket % 9 > 0) targets[2 * bucket] = 3;
  const plan = { targets, last: new Uint8Array(4096).fill(NOBODY) };
  const members = [
    { mac: ownMac, answers: true },
    { mac: PEER_MAC, answers: true },
  ];
  return { op: 'reach', mode: 'relay', members, self: 0, plans: [plan, plan, plan] };
}

export function agreementFrames(ownMac: Uint8Array, seed = FRAME_SEED): RandomFrames {
  return new RandomFrames(
    seed,
    [ownMac, AGREEMENT_SHAPE.vmac, PEER_MAC],
    [ownMac, AGREEMENT_SHAPE.vmac, groupOfVmac(AGREEMENT_SHAPE.vmac), PEER_MAC, new Uint8Array(6).fill(0xff)],
  );
}

/** Brings a data plane into the state that the frames are meant for. */
export async function prepareForAgreement(
  plane: DataPlane,
  deliver: (frame: Uint8Array) => Promise<void> | void,
): Promise<void> {
  plane.setShape(AGREEMENT_SHAPE);
  plane.renewLease(plane.nowMs() + LONG_LEASE_MS);
  plane.apply([...AGREEMENT_OWN, agreementReach(Uint8Array.from(plane.mac))]);
  for (const frame of agreementDeliveries()) await deliver(frame);
  plane.apply(AGREEMENT_TABLES);
}

function verdictText(plane: DataPlane, frame: Uint8Array): string {
  const { kind, reason, rule, plan, bucket } = plane.classify(frame);
  // Where there is no bucket, the plan means nothing.
  return `${kind} ${reason} ${rule} ${bucket === -1 ? -1 : plan} ${bucket}`;
}

/** The first differences of `count` random frames, ready to become named packets. */
function differences(ours: DataPlane, theirs: DataPlane, count: number): string[] {
  const frames = agreementFrames(Uint8Array.from(theirs.mac));
  const found: string[] = [];
  for (let i = 0; i < count && found.length < 10; i++) {
    const frame = frames.next();
    const [a, b] = [verdictText(ours, frame), verdictText(theirs, frame)];
    if (a !== b) found.push(`frame ${Buffer.from(frame).toString('hex')}\n  TypeScript: ${a}\n  other:      ${b}`);
  }
  return found;
}

/** Runs `factory`'s data plane against the in-memory one. */
export function dataPlaneAgreement(name: string, factory: RigFactory): void {
  describe(`agreement of TypeScript and ${name}`, () => {
    test(`on ${AGREEMENT_FRAMES} random frames`, async () => {
      const rig = await factory.open(RIG_DEFAULTS);
      try {
        const theirs = rig.plane;
        const ours = new MemoryDataPlane({ mac: Uint8Array.from(theirs.mac), now: () => theirs.nowMs() });
        await prepareForAgreement(theirs, (frame) => rig.deliver(frame));
        await prepareForAgreement(ours, (frame) => void ours.receive(frame));
        expect(differences(ours, theirs, AGREEMENT_FRAMES)).toEqual([]);
        for (const plane of [ours, theirs]) plane.setShape({ ...AGREEMENT_SHAPE, vlan: 5 });
        expect(differences(ours, theirs, AGREEMENT_FRAMES / 10), 'with a VLAN').toEqual([]);
      } finally {
        await rig.close();
      }
    }, 120_000);
  });
}

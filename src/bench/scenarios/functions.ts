/** Functions of membership, timed in this process. */
import { computePlan, type PlanMember, type PlanRule } from '../../buckets/plan.js';
import type { Heartbeat } from '../../membership/messages.js';
import { chaChaAead, FARM_KEY_BYTES, FarmKeyring, keyIdOf } from '../../platform/crypto.js';
import { Transport } from '../../wire/transport.js';
import { BenchError, type Sample } from '../contract.js';
import { median } from '../statistics.js';

const PLAN_RUNS = 21;
const SEAL_RUNS = 2000;
/** Heartbeats this far apart are no flood. */
const INTERVAL_MS = 100;
const BALANCE: PlanRule = { mode: 'balance', order: [], weights: {} };
const BITMAP_BYTES = 512;

export function planFigures(): Sample {
  return { 'plan-8': planMs(8), 'plan-64': planMs(64) };
}

function planMs(count: number): number {
  const members = Array.from({ length: count }, (_, index): PlanMember => ({ name: `n${index + 1}`, weight: 1 }));
  const times = Array.from({ length: PLAN_RUNS }, () => {
    const begun = performance.now();
    computePlan(members, BALANCE);
    return performance.now() - begun;
  });
  return median(times);
}

/** n1 seals for n2; of each the median. */
export function sealFigures(): Sample {
  const key = Uint8Array.from({ length: FARM_KEY_BYTES }, (_, index) => index);
  const farmId = Uint8Array.from({ length: 8 }, (_, index) => index);
  const party = (name: string) =>
    new Transport({ aead: chaChaAead, keyring: new FarmKeyring([key], keyIdOf(key)), farmId, name, incarnation: 1 });
  const sender = party('n1');
  const receiver = party('n2');
  const sealed: number[] = [];
  const opened: number[] = [];
  for (let run = 1; run <= SEAL_RUNS; run++) {
    const begun = performance.now();
    const datagrams = sender.sealHeartbeat({ ...HEARTBEAT, sequence: run });
    const between = performance.now();
    const found = datagrams.map((datagram) => receiver.open(datagram, 'bench', run * INTERVAL_MS));
    opened.push(performance.now() - between);
    sealed.push(between - begun);
    // A datagram that is thrown away at the first check would be fast.
    if (!found.some((one) => one?.kind === 'heartbeat')) throw new BenchError('a sealed heartbeat was not opened');
  }
  return { seal: median(sealed) * 1000, open: median(opened) * 1000 };
}

/** As of a farm of two at rest. */
const HEARTBEAT: Heartbeat = {
  from: 'n1',
  incarnation: 1,
  sequence: 1,
  gone: 0,
  gained: 0,
  state: 'up',
  reason: '',
  weight: 1,
  weightPercent: 100,
  configDigest: 'c0ffee00c0ffee00',
  switches: [],
  reach: 'flood',
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  viewDigest: '0123456789abcdef',
  view: [
    { name: 'n1', incarnation: 1 },
    { name: 'n2', incarnation: 1 },
  ],
  plans: [{ held: half(), granting: new Uint8Array(BITMAP_BYTES), kept: new Uint8Array(BITMAP_BYTES) }],
  outcomes: [],
  heard: [{ name: 'n2', incarnation: 1, sequence: 1, viewDigest: '0123456789abcdef', gained: 0 }],
  dead: [],
  framesSeen: 12_345,
  keeps: 0,
  endpoints: [{ address: '10.77.0.1', port: 7947 }],
  keys: [0xdecafbad],
};

/** Half of the buckets, in no order. */
function half(): Uint8Array {
  const plan = computePlan(
    [
      { name: 'n1', weight: 1 },
      { name: 'n2', weight: 1 },
    ],
    BALANCE,
  );
  const bitmap = new Uint8Array(BITMAP_BYTES);
  plan.forEach((owner, bucket) => {
    if (owner === 0) bitmap[bucket >> 3]! |= 1 << (bucket & 7);
  });
  return bitmap;
}

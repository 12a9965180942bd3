/** Random messages that keep the bounds of the wire format, for fast-check. */
import fc from 'fast-check';
import { KEEP_BYTES } from '../../../src/buckets/contract.js';
import type { NodeState } from '../../../src/membership/contract.js';
import type { GrantId, Heartbeat, KeeperList, LinkMessage } from '../../../src/membership/messages.js';

const NAME_CHARACTERS = [...'ABCXYZabcxyz0189_.-'];
export const name = fc.string({ unit: fc.constantFrom(...NAME_CHARACTERS), minLength: 1, maxLength: 63 });
export const incarnation = fc.integer({ min: 0, max: 2 ** 52 - 1 });
const count = fc.oneof(fc.nat({ max: 200 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const digest = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), maxLength: 64 });
const plan = fc.nat({ max: 7 });
const shortText = fc.string({ maxLength: 32 }).map((text) => text.replace(/[^ -~]/g, '?'));

/** Of 512 bytes: empty, full, and anything between, dense and sparse; and some of simulations, shorter. */
export const bitmap = fc.oneof(
  fc.constant(new Uint8Array(512)),
  fc.constant(new Uint8Array(512).fill(0xff)),
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ minLength: 512, maxLength: 512 }),
  fc.uint8Array({ minLength: 1, maxLength: 16 }),
  fc.tuple(fc.array(fc.nat({ max: 4095 }), { maxLength: 40 }), fc.constantFrom(0, 0xff)).map(([bits, fill]) => {
    const bytes = new Uint8Array(512).fill(fill);
    for (const bit of bits) bytes[bit >> 3]! ^= 1 << (bit & 7);
    return bytes;
  }),
);

const member = fc.record({ name, incarnation });
const grantId: fc.Arbitrary<GrantId> = fc.record({ granter: name, incarnation, number: count });
const keeps = fc
  .nat({ max: 5 })
  .chain((keys) => fc.uint8Array({ minLength: keys * KEEP_BYTES, maxLength: keys * KEEP_BYTES }));
const keepers: fc.Arbitrary<KeeperList[]> = fc.array(fc.record({ keeper: member, sequence: count, keeps }), {
  maxLength: 4,
});
const state = fc.constantFrom<NodeState>('stopped', 'joining', 'up', 'draining', 'waiting');

export const heartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  from: name,
  incarnation,
  sequence: count,
  gone: incarnation,
  gained: count,
  state,
  reason: fc.string({ maxLength: 60 }).map((text) => text.replace(/[^ -~äß→]/g, '?')),
  weight: fc.nat({ max: 1000 }),
  weightPercent: fc.nat({ max: 100 }),
  configDigest: digest,
  switches: fc.array(fc.nat({ max: 0xffffffff }), { maxLength: 64 }),
  reach: shortText,
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  viewDigest: digest,
  view: fc.array(member, { maxLength: 64 }),
  plans: fc.array(fc.record({ held: bitmap, granting: bitmap, kept: bitmap }), { maxLength: 8 }),
  outcomes: fc.array(fc.record({ id: grantId, confirmed: fc.boolean() }), { maxLength: 20 }),
  heard: fc.array(fc.record({ name, incarnation, sequence: count, viewDigest: digest, gained: count }), {
    maxLength: 64,
  }),
  dead: fc.array(member, { maxLength: 20 }),
  framesSeen: count,
  keeps: count,
  endpoints: fc.array(fc.record({ address: fc.ipV6(), port: fc.nat({ max: 65535 }) }), { maxLength: 8 }),
  keys: fc.array(fc.nat({ max: 0xffffffff }), { maxLength: 8 }),
});

const sequence = count;
export const linkMessage: fc.Arbitrary<LinkMessage> = fc.oneof(
  fc.record({
    type: fc.constant('offer' as const),
    sequence,
    id: grantId,
    plan,
    buckets: bitmap,
    keeps: keepers,
    last: fc.boolean(),
  }),
  fc.record({ type: fc.constant('ready' as const), sequence, id: grantId }),
  fc.record({ type: fc.constant('refuse' as const), sequence, id: grantId, why: shortText }),
  fc.record({ type: fc.constant('difference' as const), sequence, id: grantId, keeps: keepers, last: fc.boolean() }),
  fc.record({ type: fc.constant('confirm' as const), sequence, id: grantId }),
  fc.record({
    type: fc.constant('keeps-wanted' as const),
    sequence,
    request: count,
    viewDigest: digest,
    plan,
    buckets: bitmap,
  }),
  fc.record({
    type: fc.constant('keeps-are' as const),
    sequence,
    request: count,
    viewDigest: digest,
    plan,
    buckets: bitmap,
    keeps,
    last: fc.boolean(),
  }),
  fc.record({ type: fc.constant('end-offer' as const), sequence, number: count, plan, buckets: bitmap, keeps }),
  fc.record({ type: fc.constantFrom('end-ready' as const, 'ended' as const), sequence, number: count, keeps }),
  fc.record({ type: fc.constant('end-done' as const), sequence, number: count }),
  fc.record({
    type: fc.constant('opaque' as const),
    sequence,
    kind: shortText,
    body: fc.uint8Array({ maxLength: 300 }),
  }),
);

/** A small heartbeat, to be changed by tests. */
export const QUIET: Heartbeat = {
  from: 'n1',
  incarnation: 1000,
  sequence: 7,
  gone: 0,
  gained: 0,
  state: 'up',
  reason: '',
  weight: 1,
  weightPercent: 100,
  configDigest: 'c0ffee',
  switches: [],
  reach: 'flood',
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  viewDigest: 'abcd',
  view: [
    { name: 'n1', incarnation: 1000 },
    { name: 'n2', incarnation: 2000 },
  ],
  plans: [{ held: new Uint8Array(512), granting: new Uint8Array(512), kept: new Uint8Array(512) }],
  outcomes: [],
  heard: [{ name: 'n2', incarnation: 2000, sequence: 9, viewDigest: 'abcd', gained: 3 }],
  dead: [],
  framesSeen: 12345,
  keeps: 0,
  endpoints: [{ address: '10.77.0.1', port: 7947 }],
  keys: [0xdecafbad],
};

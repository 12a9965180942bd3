/** The greatest heartbeat that a core can make, in a farm of hosts with the longest names: it must fit. */
import { expect, it } from 'vitest';
import { MAX_PLANS } from '../../../src/buckets/contract.js';
import { MOST_CANDIDATES, MOST_MEMBERS, MOST_REMEMBERED, MOST_TOMBSTONES } from '../../../src/membership/limits.js';
import type { Heartbeat } from '../../../src/membership/messages.js';
import { chaChaAead, FarmKeyring, keyIdOf } from '../../../src/platform/crypto.js';
import {
  MAX_DATAGRAM_BYTES,
  MAX_DIGEST_BYTES,
  MAX_ENDPOINTS,
  MAX_KEYS,
  MAX_REACH_BYTES,
} from '../../../src/wire/bounds.js';
import { Transport } from '../../../src/wire/transport.js';
import { QUIET } from './arbitraries.js';

const LAST = 2 ** 52 - 1;
const MUCH = Number.MAX_SAFE_INTEGER;
const longName = (kind: string, number: number) => `${kind}${number}`.padEnd(63, 'x');
const each = <T>(count: number, make: (number: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Half of the buckets, at random: no way of writing them is shorter than the bytes. */
const dense = Uint8Array.from({ length: 512 }, (_, i) => (i * 0x9e3779b1) >>> 13);

function greatest(): Heartbeat {
  const members = each(MOST_MEMBERS, (i) => ({ name: longName('member', i), incarnation: LAST }));
  const newcomers = each(MOST_CANDIDATES, (i) => ({ name: longName('newcomer', i), incarnation: LAST }));
  const remembered = each(MOST_REMEMBERED, (i) => ({ name: longName('dead', i), incarnation: LAST }));
  const heard = [...members.slice(1), ...newcomers, ...remembered].map((who, i) => ({
    ...who,
    sequence: MUCH,
    viewDigest: `${i}`.padEnd(MAX_DIGEST_BYTES, 'd'),
    gained: MUCH,
  }));
  return {
    ...QUIET,
    from: members[0]!.name,
    incarnation: LAST,
    sequence: MUCH,
    gone: LAST,
    gained: MUCH,
    reason: 'r'.repeat(1000),
    reach: 'r'.repeat(MAX_REACH_BYTES),
    view: members,
    plans: each(MAX_PLANS, () => ({ held: dense, granting: dense, kept: dense })),
    outcomes: members.map(({ name }) => ({ id: { granter: name, incarnation: LAST, number: MUCH }, confirmed: true })),
    heard,
    dead: each(MOST_TOMBSTONES, (i) => ({ name: longName('dead', i), incarnation: LAST })),
    framesSeen: MUCH,
    keeps: MUCH,
    endpoints: each(MAX_ENDPOINTS, () => ({ address: 'f'.repeat(64), port: 65_535 })),
    keys: each(MAX_KEYS, (i) => i),
  };
}

it('the greatest heartbeat of a core fits its datagrams, and comes out as it went in', () => {
  const secret = new Uint8Array(32).fill(3);
  const keyring = new FarmKeyring([secret], keyIdOf(secret));
  const heartbeat = greatest();
  const options = { aead: chaChaAead, keyring, farmId: new Uint8Array(8), incarnation: LAST };
  const datagrams = new Transport({ ...options, name: heartbeat.from }).sealHeartbeat(heartbeat);
  const receiver = new Transport({ ...options, name: 'n1', incarnation: 1 });
  for (const datagram of datagrams) expect(datagram.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
  const opened = datagrams.map((datagram, i) => receiver.open(datagram, 'x', i)).pop();
  expect(opened).toMatchObject({ kind: 'heartbeat' });
  if (opened?.kind === 'heartbeat') expect(opened.heartbeat.heard).toEqual(heartbeat.heard);
});

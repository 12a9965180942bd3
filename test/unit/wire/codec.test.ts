import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinkMessage } from '../../../src/membership/messages.js';
import { Reader, shorten, Writer } from '../../../src/wire/cursor.js';
import { DecodeError, EncodeError } from '../../../src/wire/errors.js';
import { decodeHeartbeat, encodeHeartbeat, HeartbeatDecoder } from '../../../src/wire/heartbeat.js';
import { decodeHello } from '../../../src/wire/hello.js';
import { decodeLinkMessage, encodeLinkMessage } from '../../../src/wire/link-message.js';
import { decodeObituary, encodeObituary } from '../../../src/wire/obituary.js';
import { decodePart } from '../../../src/wire/parts.js';
import { decodeHeader } from '../../../src/wire/seal.js';
import * as arbitrary from './arbitraries.js';
import { QUIET } from './arbitraries.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const plain = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  heartbeat: decodeHeartbeat,
  obituary: decodeObituary,
  link: decodeLinkMessage,
  part: decodePart,
  header: decodeHeader,
  hello: decodeHello,
};

/** Decodes; anything but a DecodeError fails the test. */
function decodesOrRefuses(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return false;
  }
}

describe('round trips', () => {
  it('heartbeats', () => {
    fc.assert(
      fc.property(arbitrary.heartbeat, (value) => void expect(decodeHeartbeat(encodeHeartbeat(value))).toEqual(value)),
    );
  });

  it('link messages', () => {
    fc.assert(
      fc.property(
        arbitrary.linkMessage,
        (value) => void expect(decodeLinkMessage(encodeLinkMessage(value))).toEqual(value),
      ),
      { numRuns: 400 },
    );
  });

  it('obituaries', () => {
    fc.assert(
      fc.property(
        fc.record({ name: arbitrary.name, incarnation: arbitrary.incarnation }),
        (value) => void expect(decodeObituary(encodeObituary(value))).toEqual(value),
      ),
    );
  });

  it('numbers of every size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
        const reader = new Reader(new Writer(0).varuint(value).u64(value).finish());
        expect([reader.varuint(), reader.u64(), reader.remaining]).toEqual([value, value, 0]);
      }),
    );
  });
});

describe('golden vectors: the bytes of a version never change', () => {
  it('heartbeat', () => {
    expect(hex(encodeHeartbeat(QUIET))).toBe(
      hex(
        plain(`6a 04 04 02 6e31 06 633066666565 04 61626364 02 6e32
          00 00000000000003e8 0000000000000000 00 02 00 01 64 01 00 05 666c6f6f64 020000000001 02
          02 00 00000000000003e8 03 00000000000007d0
          01 008004 008004 008004
          00
          00
          01 09 31302e37372e302e31 1f0b
          01 decafbad
          07
          01 03 00000000000007d0 09 02 03
          b960 00`),
      ),
    );
  });

  it('obituary', () => {
    expect(hex(encodeObituary({ name: 'n1', incarnation: 2 ** 52 - 1 }))).toBe('01026e31000fffffffffffff');
  });

  const id = { granter: 'n1', incarnation: 5, number: 300 };
  const ID = '026e31 0000000000000005 ac02';
  const keeps = Uint8Array.from({ length: 24 }, (_, i) => i);
  const KEEPS = `01 ${hex(keeps)}`;
  const buckets = Uint8Array.of(0b10, 0, 0x80, 0);
  const BUCKETS = '01 04 02 01 15';
  const keepers = [{ keeper: { name: 'n2', incarnation: 6 }, sequence: 9, keeps }];
  const KEEPERS = `01 026e32 0000000000000006 09 ${KEEPS}`;
  const VECTORS: readonly (readonly [LinkMessage, string])[] = [
    [
      { type: 'offer', sequence: 4, id, plan: 2, buckets, keeps: keepers, last: true },
      `01 01 04 ${ID} 02 ${BUCKETS} ${KEEPERS} 01`,
    ],
    [{ type: 'ready', sequence: 4, id }, `01 02 04 ${ID}`],
    [{ type: 'refuse', sequence: 4, id, why: 'no' }, `01 03 04 ${ID} 02 6e6f`],
    [{ type: 'difference', sequence: 4, id, keeps: keepers, last: false }, `01 04 04 ${ID} ${KEEPERS} 00`],
    [{ type: 'confirm', sequence: 4, id }, `01 05 04 ${ID}`],
    [
      { type: 'keeps-wanted', sequence: 4, request: 1, viewDigest: 'ab', plan: 0, buckets },
      `01 06 04 01 02 6162 00 ${BUCKETS}`,
    ],
    [
      { type: 'keeps-are', sequence: 4, request: 1, viewDigest: 'ab', plan: 0, buckets, keeps, last: true },
      `01 07 04 01 02 6162 00 ${BUCKETS} ${KEEPS} 01`,
    ],
    [{ type: 'end-offer', sequence: 4, number: 7, plan: 1, buckets, keeps }, `01 08 04 07 01 ${BUCKETS} ${KEEPS}`],
    [{ type: 'end-ready', sequence: 4, number: 7, keeps }, `01 09 04 07 ${KEEPS}`],
    [{ type: 'ended', sequence: 4, number: 7, keeps }, `01 0a 04 07 ${KEEPS}`],
    [{ type: 'end-done', sequence: 4, number: 7 }, '01 0b 04 07'],
    [{ type: 'opaque', sequence: 4, kind: 'k', body: Uint8Array.of(1, 2) }, '01 0c 04 01 6b 02 0102'],
  ];

  it.each(VECTORS.map(([message, bytes]) => ({ type: message.type, message, bytes })))(
    '$type',
    ({ message, bytes }) => {
      expect(hex(encodeLinkMessage(message))).toBe(hex(plain(bytes)));
      expect(decodeLinkMessage(plain(bytes))).toEqual(message);
    },
  );
});

describe.each(Object.entries(DECODERS))('I7: the decoder of a %s', (_, decode) => {
  it('throws nothing but a DecodeError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void decodesOrRefuses(decode, bytes)),
      { numRuns: 2000 },
    );
  });

  it('nor for a message with bytes changed', () => {
    const messages = fc.oneof(arbitrary.heartbeat.map(encodeHeartbeat), arbitrary.linkMessage.map(encodeLinkMessage));
    const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(messages, fc.array(change, { minLength: 1, maxLength: 5 }), (bytes, changes) => {
        for (const [place, value] of changes) bytes[place % bytes.length] = value;
        decodesOrRefuses(decode, bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe('truncation and growth', () => {
  const samples: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
    [
      'heartbeat',
      encodeHeartbeat({ ...QUIET, plans: [{ ...QUIET.plans[0]!, held: new Uint8Array(512).fill(5) }] }),
      decodeHeartbeat,
    ],
    ['obituary', encodeObituary({ name: 'n1', incarnation: 3 }), decodeObituary],
    ['end-done', encodeLinkMessage({ type: 'end-done', sequence: 1, number: 7 }), decodeLinkMessage],
    [
      'opaque',
      encodeLinkMessage({ type: 'opaque', sequence: 1, kind: 'x', body: new Uint8Array(20) }),
      decodeLinkMessage,
    ],
  ];
  it.each(samples)('%s: every shorter beginning and a longer one is refused', (_, bytes, decode) => {
    expect(decodesOrRefuses(decode, bytes)).toBe(true);
    for (let end = 0; end < bytes.length; end++) expect(decodesOrRefuses(decode, bytes.subarray(0, end))).toBe(false);
    expect(decodesOrRefuses(decode, Uint8Array.of(...bytes, 0))).toBe(false);
  });
});

describe('bounds', () => {
  const members = Array.from({ length: 65 }, (_, i) => ({ name: `n${i}`, incarnation: i }));
  const faults: Readonly<Record<string, object>> = {
    'members in the view': { view: members },
    'members heard': {
      heard: Array.from({ length: 257 }, () => members[0]).map((member) => ({
        ...member,
        sequence: 1,
        viewDigest: '',
        gained: 0,
      })),
    },
    plans: { plans: Array.from({ length: 9 }, () => QUIET.plans[0]) },
    endpoints: { endpoints: Array.from({ length: 9 }, () => ({ address: '::1', port: 1 })) },
    'a name of 64 bytes': { from: 'x'.repeat(64) },
    'a name with a space': { from: 'a b' },
    'an empty name': { from: '' },
    'a negative number': { sequence: -1 },
    'a fraction': { weight: 0.5 },
    'an incarnation of 53 bits': { incarnation: 2 ** 52 },
    'a port': { endpoints: [{ address: '::1', port: 65536 }] },
    'a bitmap of 513 bytes': { plans: [{ ...QUIET.plans[0], held: new Uint8Array(513) }] },
  };
  it.each(Object.entries(faults))('the writer refuses %s', (_, change) => {
    expect(() => encodeHeartbeat({ ...QUIET, ...change })).toThrow(EncodeError);
  });

  it('a reason is shortened, between characters', () => {
    const reason = decodeHeartbeat(encodeHeartbeat({ ...QUIET, reason: `a${'ä'.repeat(500)}` })).reason;
    expect(reason).toBe(`a${'ä'.repeat(99)}`);
    expect(shorten('→→', 5)).toBe('→');
    expect(shorten('abc', 3)).toBe('abc');
  });

  it('the reader refuses 65 members, a ninth plan, unknown states and kinds', () => {
    const bytes = encodeHeartbeat(QUIET);
    const at = (find: string) => hex(bytes).indexOf(find) / 2;
    const changed = (place: number, value: number) => {
      const copy = bytes.slice();
      copy[place] = value;
      return copy;
    };
    const view = at('020000000000000003e803');
    const plans = at('01008004');
    for (const wrong of [changed(view, 65), changed(plans, 9), changed(1, 1), changed(plans + 1, 4), changed(0, 99)]) {
      expect(() => decodeHeartbeat(wrong)).toThrow(DecodeError);
    }
  });

  it('what a sender says again is not decoded again, and what it changes is', () => {
    const decoder = new HeartbeatDecoder();
    const first = decoder.decode(encodeHeartbeat(QUIET));
    const second = decoder.decode(encodeHeartbeat({ ...QUIET, sequence: 8, heard: [] }));
    expect(second).toEqual({ ...QUIET, sequence: 8, heard: [] });
    expect(second.plans).toBe(first.plans);
    const third = decoder.decode(encodeHeartbeat({ ...QUIET, sequence: 9, state: 'draining' }));
    expect(third).toEqual({ ...QUIET, sequence: 9, state: 'draining' });
    expect(() => decoder.decode(encodeHeartbeat(QUIET).slice(0, -1))).toThrow(DecodeError);
    expect(decoder.decode(encodeHeartbeat({ ...QUIET, sequence: 10 }))).toEqual({ ...QUIET, sequence: 10 });
  });

  it('a node that hears 64 members and 128 replayed incarnations can still speak', () => {
    const heard = Array.from({ length: 192 }, (_, i) => ({
      name: `node-${i % 64}`,
      incarnation: 2 ** 51 + i,
      sequence: 2 ** 40,
      viewDigest: `${i}`.padEnd(16, 'd'),
      gained: 2 ** 40,
    }));
    expect(decodeHeartbeat(encodeHeartbeat({ ...QUIET, heard })).heard).toEqual(heard);
  });

  it('a farm of 64 with 8 full plans still fits 32 parts', () => {
    const names = members
      .slice(0, 64)
      .map(({ incarnation }) => ({ name: `${'n'.repeat(60)}-${incarnation}`, incarnation }));
    const dense = Uint8Array.from({ length: 512 }, (_, i) => (i * 37) & 0xff);
    const bytes = encodeHeartbeat({
      ...QUIET,
      reason: 'r'.repeat(200),
      view: names,
      heard: names.map((member, i) => ({
        ...member,
        sequence: 2 ** 40,
        viewDigest: `${i}`.padEnd(64, 'd'),
        gained: 2 ** 40,
      })),
      dead: names,
      plans: Array.from({ length: 8 }, () => ({ held: dense, granting: dense, kept: dense })),
      outcomes: Array.from({ length: 256 }, (_, i) => ({
        id: { granter: names[i % 64]!.name, incarnation: i, number: 2 ** 40 },
        confirmed: true,
      })),
    });
    expect(bytes.length).toBeLessThan(32 * 1000);
  });
});

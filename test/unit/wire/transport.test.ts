/** The ladder of checks, with the real cipher behind a counter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Heartbeat } from '../../../src/membership/messages.js';
import { chaChaAead, FarmKeyring, keyIdOf } from '../../../src/platform/crypto.js';
import { MAX_DATAGRAM_BYTES } from '../../../src/wire/bounds.js';
import type { WireCounter } from '../../../src/wire/counters.js';
import { WIRE_COUNTERS } from '../../../src/wire/counters.js';
import type { Aead } from '../../../src/wire/seal.js';
import { DATAGRAM, decodeHeader, encodeHeader, nonceOf, sealDatagram } from '../../../src/wire/seal.js';
import { Transport, type TransportOptions } from '../../../src/wire/transport.js';
import { heartbeat as anyHeartbeat, QUIET } from './arbitraries.js';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const OTHER_KEY = new Uint8Array(32).fill(99);
const FARM = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
const ring = (...keys: Uint8Array[]) => new FarmKeyring(keys, keyIdOf(keys[0]!));

class CountingAead implements Aead {
  opened = 0;
  seal = chaChaAead.seal;
  open: Aead['open'] = (...parts) => {
    this.opened += 1;
    return chaChaAead.open(...parts);
  };
}

function transport(name: string, change: Partial<TransportOptions> = {}): Transport {
  return new Transport({ aead: chaChaAead, keyring: ring(KEY), farmId: FARM, name, incarnation: 1000, ...change });
}

function receiver(change: Partial<TransportOptions> = {}) {
  const aead = new CountingAead();
  return { aead, transport: transport('n2', { aead, incarnation: 2000, ...change }) };
}

/** A heartbeat of n1 that takes about 12 parts. */
const LARGE: Heartbeat = {
  ...QUIET,
  plans: Array.from({ length: 8 }, (_, plan) => ({
    held: Uint8Array.from({ length: 512 }, (_, i) => (i * 37 + plan) & 0xff),
    granting: Uint8Array.from({ length: 512 }, (_, i) => (i * 91 + plan) & 0xff),
    kept: Uint8Array.from({ length: 512 }, (_, i) => (i * 53 + plan) & 0xff),
  })),
};

const isRaised = (of: Transport, name: WireCounter, by = 1) => expect(of.counters()[name], name).toBe(by);

describe('heartbeats', () => {
  it('come out as they went in', () => {
    const b = receiver().transport;
    const [datagram] = transport('n1').sealHeartbeat(QUIET);
    const opened = b.open(datagram!, 'x', 0);
    expect(opened).toEqual({ kind: 'heartbeat', heartbeat: QUIET, via: null, sealed: [datagram], copy: false });
    isRaised(b, 'heartbeats');
  });

  it('of any content, in parts in any order, over a receive buffer that is used again', () => {
    fc.assert(
      fc.property(anyHeartbeat, fc.infiniteStream(fc.nat()), (value, order) => {
        const heartbeat = { ...value, from: 'n1', incarnation: 1000 };
        const parts = transport('n1').sealHeartbeat(heartbeat);
        const shuffled = parts.map((part) => ({ part, at: order.next().value })).sort((x, y) => x.at - y.at);
        const b = receiver().transport;
        const buffer = Buffer.alloc(1500);
        const opened = shuffled.map(({ part }) => {
          buffer.fill(0xee);
          buffer.set(part);
          return b.open(buffer.subarray(0, part.length), 'x', 0);
        });
        expect(opened.slice(0, -1).every((result) => result === null)).toBe(true);
        expect(opened.at(-1)).toEqual({ kind: 'heartbeat', heartbeat, via: null, sealed: parts, copy: false });
      }),
    );
  });

  it('keep every datagram within its bound, with the longest name too, and passed on too', () => {
    const name = 'n'.repeat(63);
    const parts = transport(name).sealHeartbeat({ ...LARGE, from: name });
    expect(parts.length).toBeGreaterThan(8);
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    const passer = transport('p'.repeat(63));
    const b = receiver().transport;
    const wrapped = passer.sealPassedOn(parts);
    for (const part of wrapped) expect(part.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    expect(wrapped.map((part) => b.open(part, 'x', 0)).at(-1)).toMatchObject({
      kind: 'heartbeat',
      via: 'p'.repeat(63),
    });
  });

  it('with a lost part are given up when newer ones come, and hold up none of them', () => {
    const [a, { transport: b }] = [transport('n1'), receiver()];
    for (let i = 0; i < 50; i++)
      for (const part of a.sealHeartbeat(LARGE).slice(1)) expect(b.open(part, 'x', 0)).toBeNull();
    isRaised(b, 'partsAbandoned', 48);
    const parts = a.sealHeartbeat(LARGE).map((part) => b.open(part, 'x', 0));
    expect(parts.at(-1)).toMatchObject({ kind: 'heartbeat' });
  });

  it('under the name of another member are refused, though authentic', () => {
    const { transport: b } = receiver();
    const [datagram] = transport('n3').sealHeartbeat(QUIET);
    expect(b.open(datagram!, 'x', 0)).toBeNull();
    isRaised(b, 'otherSender');
    const [older] = transport('n1').sealHeartbeat({ ...QUIET, incarnation: 999 });
    expect(b.open(older!, 'x', 0)).toBeNull();
    isRaised(b, 'otherSender', 2);
  });

  it('of our own that come back are dropped; a namesake of another incarnation is heard', () => {
    const b = transport('n1');
    const [own] = b.sealHeartbeat(QUIET);
    expect(b.open(own!, 'x', 0)).toBeNull();
    isRaised(b, 'own');
    const [twin] = transport('n1', { incarnation: 1001 }).sealHeartbeat({ ...QUIET, incarnation: 1001 });
    expect(b.open(twin!, 'x', 0)).toMatchObject({ kind: 'heartbeat' });
  });

  it('seen on a second path are copies, and replays on the same one nothing', () => {
    const { transport: b } = receiver();
    const [datagram] = transport('n1').sealHeartbeat(QUIET);
    expect(b.open(datagram!, 'mac', 0)).toMatchObject({ copy: false });
    expect(b.open(datagram!, 'udp', 0)).toMatchObject({ copy: true, heartbeat: QUIET });
    for (const source of ['mac', 'udp']) expect(b.open(datagram!, source, 0)).toBeNull();
    isRaised(b, 'replayed', 2);
    isRaised(b, 'copies');
  });
});

describe('passed on', () => {
  it('says by whom; known ones and a second wrapping say nothing', () => {
    const { transport: b } = receiver();
    const [passer, second] = [transport('n3'), transport('n4')];
    const sealed = transport('n1').sealHeartbeat(QUIET);
    const [wrapped] = passer.sealPassedOn(sealed);
    expect(b.open(wrapped!, 'x', 0)).toMatchObject({ kind: 'heartbeat', via: 'n3', sealed });
    expect(b.open(sealed[0]!, 'y', 0)).toMatchObject({ copy: true, via: null });
    expect(b.open(second.sealPassedOn(sealed)[0]!, 'z', 0)).toBeNull();
    expect(b.open(second.sealPassedOn(passer.sealPassedOn(sealed))[0]!, 'z', 0)).toBeNull();
    isRaised(b, 'malformed');
  });

  it('of another farm or flipped inside is refused', () => {
    const [passer, { transport: b }] = [transport('n3'), receiver()];
    const [sealed] = transport('n1').sealHeartbeat(QUIET);
    sealed![sealed!.length - 1]! ^= 1;
    expect(b.open(passer.sealPassedOn([sealed!])[0]!, 'x', 0)).toBeNull();
    isRaised(b, 'badSeal');
    const [foreign] = transport('n1', { farmId: new Uint8Array(8) }).sealHeartbeat(QUIET);
    expect(b.open(passer.sealPassedOn([foreign!])[0]!, 'x', 0)).toBeNull();
    isRaised(b, 'otherFarm');
  });
});

describe('obituaries', () => {
  it('sealed at the start and sent after everything else are believed, once', () => {
    const [a, { transport: b }] = [transport('n1'), receiver()];
    const [inAdvance] = a.sealObituary({ name: 'n1', incarnation: 1000 });
    for (let i = 0; i < 5000; i++) b.open(a.sealHeartbeat(QUIET)[0]!, 'x', i);
    const [ofOlder] = a.sealObituary({ name: 'n1', incarnation: 900 });
    expect(b.open(ofOlder!, 'x', 5000)).toEqual({ kind: 'obituary', obituary: { name: 'n1', incarnation: 900 } });
    expect(b.open(inAdvance!, 'x', 5000)).toEqual({ kind: 'obituary', obituary: { name: 'n1', incarnation: 1000 } });
    expect(b.open(inAdvance!, 'x', 5000)).toBeNull();
    isRaised(b, 'obituaryRepeated');
  });

  it('of an older incarnation are refused once three newer ones were heard', () => {
    const { transport: b } = receiver();
    const [old] = transport('n1').sealObituary({ name: 'n1', incarnation: 1000 });
    for (const incarnation of [1001, 1002, 1003])
      b.open(transport('n1', { incarnation }).sealHeartbeat({ ...QUIET, incarnation })[0]!, 'x', 0);
    expect(b.open(old!, 'x', 0)).toBeNull();
    isRaised(b, 'olderIncarnation');
  });

  it.each([
    ['another member', { name: 'n3', incarnation: 1000 }],
    ['an incarnation yet to come', { name: 'n1', incarnation: 1001 }],
  ])('of %s are refused', (_, obituary) => {
    const { transport: b } = receiver();
    expect(b.open(transport('n1').sealObituary(obituary)[0]!, 'x', 0)).toBeNull();
    isRaised(b, 'otherSender');
  });
});

describe('I7: no unauthenticated byte changes state', () => {
  const [datagram] = transport('n1').sealHeartbeat(QUIET);

  it('every truncation is refused', () => {
    const { transport: b } = receiver();
    for (let end = 0; end < datagram!.length; end++) expect(b.open(datagram!.subarray(0, end), 'x', end)).toBeNull();
    expect(b.counters().parts).toBe(0);
    expect(b.open(datagram!, 'x', 1e6)).not.toBeNull();
  });

  it('every flipped bit is refused, and the true one taken afterwards', () => {
    const { transport: b } = receiver();
    for (let bit = 0; bit < datagram!.length * 8; bit++) {
      const flipped = datagram!.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(b.open(flipped, 'x', bit * 10)).toBeNull();
    }
    expect(b.counters().parts).toBe(0);
    expect(b.open(datagram!, 'x', 1e6)).not.toBeNull();
  });

  it('any bytes at all are refused without an exception', () => {
    const { transport: b } = receiver();
    const prefix = [...datagram!.subarray(0, 14)];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isPlausible) => {
        expect(b.open(isPlausible ? Uint8Array.from([...prefix, ...bytes]) : bytes, 'x', 0)).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it('any authentic plain text is parsed without an exception', () => {
    const { transport: b } = receiver();
    const keyring = ring(KEY);
    let counter = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...Object.values(DATAGRAM)), (plain, type) => {
        const header = {
          type,
          farmId: FARM,
          keyId: keyring.activeId,
          sender: 'n1',
          incarnation: 1000,
          counter: counter++,
        };
        const sealed = sealDatagram(chaChaAead, keyring.senderKey(keyring.activeId, 'n1')!, header, plain);
        expect(b.open(sealed, 'x', counter * 10)).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it('replayed captures of an hour change nothing', () => {
    const [a, { transport: b }] = [transport('n1'), receiver()];
    const captured = Array.from({ length: 5000 }, () => a.sealHeartbeat(QUIET)[0]!);
    captured.forEach((datagram, i) => void b.open(datagram, 'x', i * 100));
    isRaised(b, 'heartbeats', 5000);
    captured.forEach((datagram, i) => void expect(b.open(datagram, 'x', 1e6 + i * 100)).toBeNull());
    expect(b.counters().replayed + b.counters().tooOld).toBe(5000);
  });
});

describe('the order of the checks', () => {
  const [good] = transport('n1').sealHeartbeat(QUIET);
  const changed = (place: number) => {
    const copy = good!.slice();
    copy[place]! ^= 1;
    return copy;
  };
  const [ofOtherFarm] = transport('n1', { farmId: new Uint8Array(8) }).sealHeartbeat(QUIET);

  it.each([
    ['tooShort', good!.subarray(0, 20)],
    ['tooLong', new Uint8Array(1401)],
    ['badMagic', changed(0)],
    ['badVersion', changed(4)],
    ['otherFarm', ofOtherFarm!],
  ] as const)('%s comes before rate limit and cipher', (counter, bytes) => {
    const { aead, transport: b } = receiver({ limits: { perSource: 4, strangers: 1000, total: 1000 } });
    for (let i = 0; i < 10; i++) expect(b.open(bytes, 'x', 0)).toBeNull();
    isRaised(b, counter, 10);
    expect(aead.opened).toBe(0);
    expect(b.open(good!, 'x', 0)).not.toBeNull();
  });

  it('a flood is stopped before the cipher', () => {
    const { aead, transport: b } = receiver({ limits: { perSource: 100, strangers: 200, total: 1000 } });
    for (let i = 0; i < 10_000; i++) b.open(changed(good!.length - 1), 'one', 0);
    expect(aead.opened).toBe(50);
    isRaised(b, 'limitedSource', 9950);
    for (let i = 0; i < 10_000; i++) b.open(changed(good!.length - 1), `many ${i}`, 0);
    expect(aead.opened).toBe(100);
    expect(b.open(good!, 'new', 10)).not.toBeNull();
  });

  it('a member goes on being heard while strangers flood from made-up sources', () => {
    const [a, { transport: b }] = [
      transport('n1'),
      receiver({ limits: { perSource: 100, strangers: 200, total: 1000 } }),
    ];
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 1000; i++) b.open(changed(good!.length - 1), `${second} ${i}`, second * 1000);
      if (second > 0) expect(b.open(a.sealHeartbeat(QUIET)[0]!, 'member', second * 1000)).not.toBeNull();
      else b.open(a.sealHeartbeat(QUIET)[0]!, 'member', 999);
    }
  });

  it('the cipher comes before replay: a forged counter does not burn it', () => {
    const [a, { aead, transport: b }] = [transport('n1'), receiver()];
    const [first] = a.sealHeartbeat(QUIET);
    const forged = first!.slice();
    forged[31] = 200; // counter
    expect(b.open(forged, 'x', 0)).toBeNull();
    isRaised(b, 'badSeal');
    expect(b.open(first!, 'x', 0)).not.toBeNull();
    expect(b.open(first!, 'x', 0)).toBeNull();
    isRaised(b, 'replayed');
    expect(aead.opened).toBe(3);
  });

  it('names a counter for every end', () => {
    expect(Object.keys(receiver().transport.counters())).toEqual([...WIRE_COUNTERS]);
  });
});

describe('keys', () => {
  it('a wrong key is told from an unknown one', () => {
    const { aead, transport: b } = receiver();
    const [unknown] = transport('n1', { keyring: ring(OTHER_KEY) }).sealHeartbeat(QUIET);
    expect(b.open(unknown!, 'x', 0)).toBeNull();
    isRaised(b, 'unknownKey');
    expect(aead.opened).toBe(0);
    const lies = { activeId: keyIdOf(KEY), ids: [keyIdOf(KEY)], senderKey: () => OTHER_KEY };
    expect(b.open(transport('n1', { keyring: lies }).sealHeartbeat(QUIET)[0]!, 'x', 0)).toBeNull();
    isRaised(b, 'badSeal');
  });

  it('one member cannot speak for another with its own key', () => {
    const { transport: b } = receiver();
    const keyring = ring(KEY);
    const asN3 = {
      activeId: keyring.activeId,
      ids: keyring.ids,
      senderKey: () => keyring.senderKey(keyring.activeId, 'n3'),
    };
    expect(b.open(transport('n1', { keyring: asN3 }).sealHeartbeat(QUIET)[0]!, 'x', 0)).toBeNull();
    isRaised(b, 'badSeal');
  });

  it('rotate: both valid, then the new one alone', () => {
    const [a, { transport: b }] = [transport('n1'), receiver()];
    const say = () => b.open(a.sealHeartbeat(QUIET)[0]!, 'x', 0) !== null;
    expect(say()).toBe(true);
    b.setKeyring(ring(KEY, OTHER_KEY));
    expect(say()).toBe(true);
    a.setKeyring(ring(OTHER_KEY, KEY));
    expect(b.keysInUse()).toEqual([{ node: 'n1', keyId: keyIdOf(KEY) }]);
    expect(say()).toBe(true);
    expect(b.keysInUse()).toEqual([{ node: 'n1', keyId: keyIdOf(OTHER_KEY) }]);
    b.setKeyring(ring(OTHER_KEY));
    expect(say()).toBe(true);
    a.setKeyring(ring(KEY));
    expect(say()).toBe(false);
  });
});

describe('nonces', () => {
  it('never repeat: over heartbeats, parts, obituaries, passing on, and incarnations', () => {
    const nonces: string[] = [];
    const aead: Aead = {
      ...chaChaAead,
      seal: (key, nonce, ...rest) => {
        nonces.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(nonce).toString('hex')}`);
        return chaChaAead.seal(key, nonce, ...rest);
      },
    };
    const a = transport('n1', { aead });
    for (let incarnation = 1000; incarnation < 1010; incarnation++) {
      a.setIncarnation(incarnation);
      for (let i = 0; i < 20; i++) {
        a.sealPassedOn(a.sealHeartbeat(LARGE));
        a.sealObituary({ name: 'n1', incarnation });
      }
    }
    expect(new Set(nonces).size).toBe(nonces.length);
    expect(nonces.length).toBeGreaterThan(4000);
  });

  it('hold incarnation, series and counter apart', () => {
    const hex = (incarnation: number, type: 1 | 2 | 3, counter: number) =>
      Buffer.from(nonceOf({ incarnation, type, counter })).toString('hex');
    expect(hex(0x123456789abcd, 1, 0x1122334455)).toBe('123456789abcd01122334455');
    expect(hex(2 ** 52 - 1, 2, 2 ** 40 - 1)).toBe('fffffffffffff1ffffffffff');
    expect(hex(0, 3, 1)).toBe('000000000000000000000001');
  });

  it('an older incarnation is refused: its nonces are used', () => {
    expect(() => transport('n1').setIncarnation(999)).toThrow(RangeError);
  });
});

describe('golden vector', () => {
  it('a sealed obituary', () => {
    const [datagram] = transport('n1').sealObituary({ name: 'n1', incarnation: 1000 });
    const header = encodeHeader({ ...decodeHeader(datagram!).header });
    expect(Buffer.from(datagram!.subarray(0, header.length)).toString('hex')).toBe(Buffer.from(header).toString('hex'));
    expect(Buffer.from(datagram!).toString('hex')).toMatchInlineSnapshot(
      `"434f565901020102030405060708c8370d3a00000000000003e8000000000000026e314f985affceb42e72ab34f77127f3a74477ac0ca305a72062b6690cec"`,
    );
  });
});

/** Whatever members, namesakes and crowds of newcomers say: the core never throws, and all that it says can be encoded and applied. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Directive, Event } from '../../../src/membership/contract.js';
import { MOST_CANDIDATES, MOST_MEMBERS, MOST_REMEMBERED, MOST_TOMBSTONES } from '../../../src/membership/limits.js';
import { chaChaAead, FarmKeyring, keyIdOf } from '../../../src/platform/crypto.js';
import { MAX_DEAD, MAX_HEARD, MAX_KEEPERS, MAX_MEMBERS, MAX_OUTCOMES } from '../../../src/wire/bounds.js';
import { decodeHeartbeat, encodeHeartbeat } from '../../../src/wire/heartbeat.js';
import { decodeLinkMessage, encodeLinkMessage } from '../../../src/wire/link-message.js';
import { Transport } from '../../../src/wire/transport.js';
import { heartbeat, linkMessage } from '../wire/arbitraries.js';
import { Bench, BUCKETS } from './bench.js';

const SECRET = new Uint8Array(32).fill(9);

/** Encodes all that goes out, and seals heartbeats: any bound that is broken throws. */
function say(directives: readonly Directive[], transport: Transport): void {
  for (const directive of directives) {
    if (directive.type === 'broadcast') {
      decodeHeartbeat(encodeHeartbeat(directive.heartbeat));
      transport.sealHeartbeat(directive.heartbeat);
    }
    if (directive.type === 'link') decodeLinkMessage(encodeLinkMessage(directive.message));
    if (directive.type === 'incarnation') transport.setIncarnation(directive.incarnation);
    if (directive.type !== 'tables') continue;
    for (const op of directive.ops) {
      if ('buckets' in op && op.buckets !== undefined) expect(op.buckets.length).toBe(BUCKETS / 8);
      if ('plan' in op && op.plan !== undefined) expect(op.plan).toBeLessThan(1);
    }
  }
}

function transportOf(bench: Bench): Transport {
  const keyring = new FarmKeyring([SECRET], keyIdOf(SECRET));
  const { incarnation } = bench.core.status(bench.nowMs);
  return new Transport({ aead: chaChaAead, keyring, farmId: new Uint8Array(8), name: 'n1', incarnation });
}

/** A bench that says everything aloud. */
class LoudBench extends Bench {
  readonly transport = transportOf(this);

  override step(event: Event): readonly Directive[] {
    const directives = super.step(event);
    // The first step comes from the constructor, before there is a transport.
    if (this.transport !== undefined) say(directives, this.transport);
    return directives;
  }
}

describe('the bounds of the core', () => {
  it('lie within those of the wire', () => {
    expect(MOST_MEMBERS).toBeLessThanOrEqual(MAX_MEMBERS);
    expect(MOST_MEMBERS - 1 + MOST_CANDIDATES + MOST_REMEMBERED).toBeLessThanOrEqual(MAX_HEARD);
    expect(MOST_TOMBSTONES).toBeLessThanOrEqual(MAX_DEAD);
    expect(MOST_MEMBERS).toBeLessThanOrEqual(MAX_OUTCOMES);
    expect(MOST_MEMBERS).toBeLessThanOrEqual(MAX_KEEPERS);
  });
});

describe('a crowd', () => {
  it('of 300 proved newcomers: 63 become members, the others are left out and told of once', () => {
    const bench = new LoudBench();
    bench.run(700);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 300; i++) bench.hear(`crowd-${i}`);
      bench.run(20);
    }
    const { members } = bench.core.status(bench.nowMs);
    expect(members.filter(({ state }) => state === 'up')).toHaveLength(MOST_MEMBERS);
    const told = bench.out.filter((d) => d.type === 'log' && d.event === 'farm-full').length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(MOST_CANDIDATES);
  });

  it('that comes, is proved and falls silent, for a while: what is remembered stays bounded', {
    timeout: 60_000,
  }, () => {
    const bench = new LoudBench();
    bench.run(700);
    for (let generation = 0; generation < 15; generation++) {
      for (let i = 0; i < 60; i++) bench.hear(`g${generation}-${i}`);
      bench.run(1000);
    }
    const { members } = bench.core.status(bench.nowMs);
    expect(members.length).toBeLessThanOrEqual(1 + MOST_TOMBSTONES);
    expect(bench.state).toBe('up');
  });

  it('a granter that offers thousands of times in vain leaves one outcome', () => {
    const bench = new LoudBench();
    bench.run(700);
    bench.hear('n2');
    const incarnation = 2 ** 20 + 7;
    for (let number = 1; number <= 3000; number++) {
      const id = { granter: 'n2', incarnation, number };
      const buckets = new Uint8Array(BUCKETS / 8).fill(255);
      const message = { type: 'offer', sequence: 1, id, plan: 0, buckets, keeps: [], last: true } as const;
      bench.step({ type: 'link', from: 'n2', incarnation, message });
    }
    bench.run(50);
    const { outcomes } = bench.newest();
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]).toMatchObject({ id: { number: 3000 }, confirmed: false });
  });

  it('a claim to have heard us under the last incarnation there is does not bring us to the end of the numbers', () => {
    const bench = new LoudBench();
    const remembered = { name: 'n1', incarnation: 2 ** 52 - 1, sequence: 5, viewDigest: '', gained: 0 };
    bench.hear('n2', { heard: [remembered] });
    bench.run(700);
    expect(bench.core.status(bench.nowMs).incarnation).toBeLessThan(2 ** 51);
  });

  it('sets of buckets of another size are not listened to', () => {
    const bench = new LoudBench();
    bench.run(700);
    const short = new Uint8Array(1);
    bench.hear('n2', { plans: [{ held: short, granting: short, kept: short }] });
    expect(bench.core.status(bench.nowMs).view.members).toEqual(['n1']);
  });
});

describe('members that say anything at all', () => {
  const us = { name: 'n1', incarnation: 2 ** 20, sequence: 1, viewDigest: '', gained: 0 };
  const names = fc.constantFrom('n1', 'n2', 'n3', 'n4');
  const incarnations = fc.constantFrom(2 ** 20 + 7, 2 ** 20 + 8, 2 ** 52 - 1);
  const set = fc.oneof(fc.uint8Array({ minLength: 2, maxLength: 2 }), fc.uint8Array({ maxLength: 3 }));
  const plans = fc.array(fc.record({ held: set, granting: set, kept: set }), { maxLength: 3 });
  const beats = fc
    .record({ base: heartbeat, from: names, incarnation: incarnations, plans, namesUs: fc.boolean() })
    .map(({ base, from, incarnation, plans: reports, namesUs }): Event => {
      const heard = namesUs ? [...base.heard.slice(0, 60), us] : base.heard;
      const said = { ...base, from, incarnation, heard, plans: reports };
      return { type: 'heartbeat', heartbeat: said, path: 'raw', via: null, sealed: [] };
    });
  const messages = fc
    .record({ message: linkMessage, from: names, incarnation: incarnations, buckets: set, plan: fc.nat({ max: 2 }) })
    .map(({ message, from, incarnation, buckets, plan }): Event => {
      const changed = 'buckets' in message ? { ...message, buckets, plan } : message;
      const id = 'id' in changed ? { id: { ...changed.id, granter: from, incarnation } } : {};
      return { type: 'link', from, incarnation, message: { ...changed, ...id } as typeof message };
    });
  const obituaries = fc
    .record({ name: names, incarnation: incarnations })
    .map((obituary): Event => ({ type: 'obituary', obituary }));
  const ticks = fc.constant<Event>({ type: 'tick' });

  it('bring about nothing that cannot be said', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(beats, beats, messages, messages, obituaries, ticks), { maxLength: 60 }),
        (events) => {
          const bench = new LoudBench();
          bench.run(610);
          for (const event of events) {
            bench.nowMs += 7;
            bench.step(event);
          }
          bench.run(300);
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** With a full table of keys: rather no buckets than forgotten clients. */
import { describe, expect, it } from 'vitest';
import { bitmapOf, fullBitmap } from '../../../src/buckets/bitmap.js';
import { KEEP_BYTES } from '../../../src/buckets/contract.js';
import type { LinkMessage } from '../../../src/membership/messages.js';
import type { Rules } from '../../../src/membership/rules.js';
import { Bench, BUCKETS } from './bench.js';

const INCARNATION = 2 ** 20 + 7;
const FROM_N2 = { granter: 'n2', incarnation: INCARNATION, number: 1 };
const ALL = fullBitmap(BUCKETS);
const NONE = bitmapOf([], BUCKETS);
const ONE_KEEP = new Uint8Array(KEEP_BYTES).fill(5);

function messages(bench: Bench, type: LinkMessage['type']): LinkMessage[] {
  return bench.out.flatMap((d) => (d.type === 'link' && d.message.type === type ? [d.message] : []));
}

function ops(bench: Bench): string[] {
  return bench.out.flatMap((d) => (d.type === 'tables' ? d.ops.map(({ op }) => op) : []));
}

/** n2 draining and holding everything, so that all is planned for us. */
function heir(rules: Partial<Rules> = {}): Bench {
  const bench = new Bench({}, rules);
  const hold = { state: 'draining' as const, plans: [{ held: ALL, granting: NONE, kept: NONE }] };
  bench.run(900, () => bench.hear('n2', hold));
  expect(bench.held).toBe(0);
  return bench;
}

function offer(bench: Bench): void {
  const keeps = [{ keeper: { name: 'n2', incarnation: INCARNATION }, sequence: 1, keeps: ONE_KEEP }];
  const message = { type: 'offer', sequence: 90, id: FROM_N2, plan: 0, buckets: ALL, keeps, last: true } as const;
  bench.step({ type: 'link', from: 'n2', incarnation: INCARNATION, message });
}

function differ(bench: Bench): void {
  const keeps = [{ keeper: { name: 'n2', incarnation: INCARNATION }, sequence: 1, keeps: ONE_KEEP }];
  const message = { type: 'difference', sequence: 91, id: FROM_N2, keeps, last: true } as const;
  bench.step({ type: 'link', from: 'n2', incarnation: INCARNATION, message });
}

describe('a grant', () => {
  it('is refused before the granter cuts, when its bulk finds no room', () => {
    const bench = heir();
    bench.isFull = true;
    offer(bench);
    expect(messages(bench, 'ready')).toEqual([]);
    expect(messages(bench, 'refuse')).toMatchObject([{ id: FROM_N2, why: 'table full' }]);
    expect(ops(bench).slice(-4)).toEqual(['hold', 'honour', 'unhold', 'forget']);
    expect(bench.newest().outcomes).toMatchObject([{ id: FROM_N2, confirmed: false }]);
  });

  it('is refused after the cut too, when the difference finds no room', () => {
    const bench = heir();
    offer(bench);
    expect(messages(bench, 'ready')).toHaveLength(1);
    bench.isFull = true;
    differ(bench);
    expect(messages(bench, 'confirm')).toEqual([]);
    expect(messages(bench, 'refuse')).toMatchObject([{ id: FROM_N2, why: 'table full' }]);
    expect(bench.held).toBe(0);
  });

  it('that finds room is taken, and the bulk is not honoured twice', () => {
    const bench = heir();
    offer(bench);
    const before = bench.out.length;
    differ(bench);
    expect(messages(bench, 'confirm')).toHaveLength(1);
    expect(bench.held).toBe(BUCKETS);
    const honoured = bench.out.slice(before).flatMap((d) => (d.type === 'tables' ? d.ops : []));
    const groups = honoured.flatMap((op) => (op.op === 'honour' ? op.groups : []));
    expect(groups.map(({ keeps }) => keeps.length)).toEqual([KEEP_BYTES]);
  });

  it('would be taken without room by a core that does not heed it', () => {
    const bench = heir({ heedRoom: () => false });
    bench.isFull = true;
    offer(bench);
    differ(bench);
    expect(bench.held).toBe(BUCKETS);
  });
});

describe('keeps that were asked for', () => {
  const kept = bitmapOf([3, 4], BUCKETS);
  const keeping = { state: 'waiting' as const, plans: [{ held: NONE, granting: NONE, kept }] };

  function answer(bench: Bench): void {
    const wanted = messages(bench, 'keeps-wanted').at(-1) as Extract<LinkMessage, { type: 'keeps-wanted' }>;
    const { request, viewDigest, buckets } = wanted;
    const are = { type: 'keeps-are', sequence: 95, request, viewDigest, plan: 0, buckets, keeps: ONE_KEEP, last: true };
    bench.step({ type: 'link', from: 'n2', incarnation: INCARNATION, message: are as LinkMessage });
  }

  it('without room: their buckets are given up, our clients there go on as keeps, and we ask again', () => {
    const bench = new Bench();
    bench.run(700);
    expect(bench.held).toBe(BUCKETS);
    bench.isFull = true;
    bench.hear('n2', keeping);
    answer(bench);
    expect(bench.held).toBe(BUCKETS - 2);
    const cut = bench.out.flatMap((d) => (d.type === 'tables' ? d.ops : [])).find(({ op }) => op === 'cut');
    expect(cut).toMatchObject({ op: 'cut', plan: 0, buckets: kept });
    bench.run(20);
    expect(bench.newest().plans[0]).toMatchObject({ kept });
    const asked = messages(bench, 'keeps-wanted').length;
    bench.run(300, () => bench.hear('n2', keeping));
    expect(messages(bench, 'keeps-wanted').length).toBeGreaterThan(asked);
    expect(bench.held).toBe(BUCKETS - 2);
  });

  it('as soon as there is room they are ours again', () => {
    const bench = new Bench();
    bench.run(700);
    bench.isFull = true;
    bench.hear('n2', keeping);
    answer(bench);
    bench.isFull = false;
    bench.run(400, () => {
      bench.hear('n2', keeping);
      if (messages(bench, 'keeps-wanted').length > 1) answer(bench);
    });
    expect(bench.held).toBe(BUCKETS);
  });

  it('people are told once in a while, not at each attempt', () => {
    const bench = new Bench();
    bench.run(700);
    bench.isFull = true;
    bench.run(3000, () => {
      bench.hear('n2', keeping);
      if (messages(bench, 'keeps-wanted').length > 0) answer(bench);
    });
    expect(bench.out.filter((d) => d.type === 'log' && d.event === 'table-full')).toHaveLength(1);
  });
});

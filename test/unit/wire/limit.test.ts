import { describe, expect, it } from 'vitest';
import { RateLimiter, TokenBucket } from '../../../src/wire/limit.js';

/** How many of `count` datagrams pass, all at `nowMs`. */
const passing = (limiter: RateLimiter, source: (i: number) => string, count: number, nowMs: number) =>
  Array.from({ length: count }, (_, i) => limiter.check(source(i), nowMs)).filter((limited) => limited === null).length;

describe('the rate limit', () => {
  it('a bucket gives its burst, then its rate', () => {
    const bucket = new TokenBucket(1000, 10);
    const take = (nowMs: number) => {
      let taken = 0;
      for (; bucket.ready(nowMs); taken++) bucket.take();
      return taken;
    };
    expect([take(0), take(0), take(5), take(5.5), take(6), take(1000)]).toEqual([10, 0, 5, 0, 1, 10]);
    expect(take(999)).toBe(0);
  });

  it('bounds one source', () => {
    const limiter = new RateLimiter({ perSource: 100, strangers: 1000, total: 10_000 });
    expect(passing(limiter, () => 'a', 1000, 0)).toBe(50);
    expect(limiter.check('a', 0)).toBe('limitedSource');
    expect(passing(limiter, () => 'a', 1000, 1000)).toBe(50);
    expect(passing(limiter, () => 'b', 1000, 1000)).toBe(50);
  });

  it('a flood from made-up sources starves strangers, not members', () => {
    const limiter = new RateLimiter({ perSource: 100, strangers: 200, total: 10_000 });
    limiter.check('member', 0);
    limiter.trust('member');
    expect(passing(limiter, (i) => `made-up ${i}`, 5000, 0)).toBe(99);
    expect(limiter.check('another', 0)).toBe('limitedStrangers');
    expect(passing(limiter, () => 'member', 20, 0)).toBe(20);
  });

  it('remembers a bounded number of sources, members longest', () => {
    const limiter = new RateLimiter();
    limiter.check('member', 0);
    limiter.trust('member');
    for (let i = 0; i < 5000; i++) limiter.check(`made-up ${i}`, i);
    expect(limiter.sources).toBe(513);
  });

  it('bounds the whole', () => {
    const limiter = new RateLimiter({ perSource: 100, strangers: 1000, total: 60 });
    expect(passing(limiter, (i) => `s${i % 10}`, 200, 0)).toBe(30);
    expect(limiter.check('s1', 0)).toBe('limitedTotal');
  });
});

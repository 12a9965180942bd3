import { describe, expect, it } from 'vitest';
import { FORGIVEN_AFTER_MS, nextBackoff } from '../../../src/agent/backoff.js';

describe('back-off of a child that keeps dying', () => {
  it('begins short, doubles, and stops at 30 s', () => {
    const waits: number[] = [];
    let wait = 0;
    for (let death = 0; death < 12; death++) {
      wait = nextBackoff(wait, 50);
      waits.push(wait);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]);
  });

  it('forgives a child that lived a minute', () => {
    expect(nextBackoff(30_000, FORGIVEN_AFTER_MS)).toBe(100);
    expect(nextBackoff(30_000, FORGIVEN_AFTER_MS - 1)).toBe(30_000);
  });
});

import { describe, expect, it } from 'vitest';
import { Thinner } from '../../../../src/platform/raw/thinner.js';

const frame = (source: number, etherType: number) =>
  Uint8Array.of(255, 255, 255, 255, 255, 255, 10, 0, 0, 0, 0, source, etherType >> 8, etherType & 255);

describe('thinning of frames', () => {
  it('lets one through from each source in each interval, and all of other kinds', () => {
    const thinner = new Thinner({ etherType: 0x88b5, everyMs: 1000 });
    expect(thinner.isTooMany(frame(1, 0x88b5), 0)).toBe(false);
    expect(thinner.isTooMany(frame(1, 0x88b5), 999)).toBe(true);
    expect(thinner.isTooMany(frame(2, 0x88b5), 999)).toBe(false);
    expect(thinner.isTooMany(frame(1, 0x0806), 999)).toBe(false);
    expect(thinner.isTooMany(frame(1, 0x88b5), 1000)).toBe(false);
    expect(thinner.isTooMany(new Uint8Array(5), 1000)).toBe(false);
  });
});

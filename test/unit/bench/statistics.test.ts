import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figureResult, median, percentile, summary } from '../../../src/bench/statistics.js';

describe('medians and percentiles', () => {
  it.each([
    [[3], 3],
    [[1, 9], 5],
    [[9, 1, 5], 5],
    [[10, 2, 8, 4], 6],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it.each([
    [50, 2],
    [51, 3],
    [75, 3],
    [99.9, 4],
    [100, 4],
    [0, 1],
  ])('nearest rank: %d %% of 1..4 is %d', (percent, expected) => {
    expect(percentile([4, 2, 3, 1], percent)).toBe(expected);
  });

  it('as many values as it says do not exceed a percentile, whatever the values', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 100 }), (list, percent) => {
        const found = percentile(list, percent);
        expect(list.filter((value) => value <= found).length * 100).toBeGreaterThanOrEqual(percent * list.length);
        expect(list.filter((value) => value < found).length * 100).toBeLessThan(percent * list.length);
      }),
    );
  });

  it('a summary has the extremes', () => {
    expect(summary([2, 8, 4])).toEqual({ n: 3, median: 4, min: 2, max: 8 });
  });
});

describe('ratios', () => {
  it('are of the same round: what slows a whole round down does not show', () => {
    const base = [{ rate: 100 }, { rate: 50 }, { rate: 200 }];
    const own = [{ rate: 90 }, { rate: 45 }, { rate: 180 }];
    expect(figureResult('rate', own, base)).toEqual({
      n: 3,
      median: 90,
      min: 45,
      max: 180,
      values: [90, 45, 180],
      ratio: { n: 3, median: 0.9, min: 0.9, max: 0.9 },
    });
  });

  it('leave out rounds that one side lacks, and division by nothing', () => {
    const result = figureResult(
      'rate',
      [{ rate: 1 }, null, { rate: 3 }, { rate: 4 }],
      [null, { rate: 2 }, { rate: 0 }, { rate: 2 }],
    );
    expect(result).toMatchObject({ values: [1, 3, 4], ratio: { n: 1, median: 2 } });
    expect(figureResult('rate', [{ rate: 1 }], null)?.ratio).toBeNull();
    expect(figureResult('other', [{ rate: 1 }], null)).toBeNull();
  });
});

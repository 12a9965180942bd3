import { describe, expect, it } from 'vitest';
import { type DemoSecond, judge, readRow } from '../../../src/lab/demo-judge.js';
import { emptyTotals, type Summary, summarise, tableHead, tableRow, take } from '../../../src/lab/tally.js';

const NODES = ['n1', 'n2', 'n3'];
const ABSENCES = [{ node: 'n2', from: 3, to: 8 }];
const SHARES = { n1: 1 / 3, n2: 1 / 3, n3: 1 / 3 };
const SUMMARY: Summary = {
  version: 1,
  requests: 999,
  answered: { n1: 400, n2: 190, n3: 400 },
  lost: 9,
  errors: { timeout: 9 },
  longestGapMs: 560,
  gapsMs: [560],
  slowestMs: 20,
};

/** Ten seconds: n2 ends in the fourth, loses 9 requests, and is back in the ninth. */
function seconds(changed: Readonly<Record<number, Partial<DemoSecond>>> = {}): readonly DemoSecond[] {
  return Array.from({ length: 10 }, (_, index) => {
    const second = index + 1;
    const isAway = second > 5 && second <= 8;
    return {
      second,
      answered: { n1: 30, n2: isAway ? 0 : 30, n3: 30 },
      lost: second === 4 ? 9 : 0,
      ...changed[second],
    };
  });
}

describe('the demonstration', () => {
  it('reads the rows of its table, and no other line', () => {
    const totals = emptyTotals();
    take(totals, { startMs: 0, endMs: 4, node: 'n3', error: null });
    take(totals, { startMs: 0, endMs: 900, node: null, error: 'timeout' });
    expect(readRow(NODES, tableRow(NODES, totals, 6))).toEqual({
      second: 7,
      answered: { n1: 0, n2: 0, n3: 1 },
      lost: 1,
    });
    expect(readRow(NODES, tableHead(NODES))).toBeNull();
    expect(readRow(NODES, '')).toBeNull();
    expect(summarise(totals).lost).toBe(1);
  });

  it('finds nothing wrong with a farm that loses requests after a kill alone', () => {
    expect(judge(seconds(), ABSENCES, SUMMARY, SHARES)).toEqual([]);
  });

  it.each([
    [
      'a return that costs requests',
      seconds({ 9: { lost: 2 } }),
      SUMMARY,
      SHARES,
      /^2 requests were lost in second 9;/,
    ],
    [
      'losses before anything was done',
      seconds({ 2: { lost: 1 } }),
      SUMMARY,
      SHARES,
      /^1 requests were lost in second 2;/,
    ],
    ['losses that do not end', seconds({ 7: { lost: 1 } }), SUMMARY, SHARES, /lost in second 7/],
    [
      'a dead node that answers',
      seconds({ 6: { answered: { n1: 1, n2: 4, n3: 1 } } }),
      SUMMARY,
      SHARES,
      /^n2 answered 4 requests in second 6/,
    ],
    ['a gap that is too long', seconds(), { ...SUMMARY, longestGapMs: 1001 }, SHARES, /^the longest gap was 1001 ms/],
    [
      'a node without a request',
      seconds(),
      { ...SUMMARY, answered: { n1: 5, n2: 5 } },
      SHARES,
      /^n3 answered no request$/,
    ],
    [
      'a share that is off',
      seconds(),
      SUMMARY,
      { ...SHARES, n1: 0.345 },
      /^at the end n1 has 34.5 % instead of 33.3 %$/,
    ],
  ])('finds %s', (_, rows, summary, shares, fault) => {
    expect(judge(rows, ABSENCES, summary, shares).join('\n')).toMatch(fault);
  });
});

import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/lab/zoo/judge.js';
import { type Outcome, type Phase, scorePhases, servedTwice } from '../../../src/lab/zoo/score.js';
import { type Life, tableHead, tableRow } from '../../../src/lab/zoo/table.js';

const answered = (sentMs: number, node = 'n1', tookMs = 2): Outcome => ({
  kind: 'http',
  id: `t${sentMs}`,
  sentMs,
  tookMs,
  node,
  error: null,
});
const unanswered = (sentMs: number): Outcome => ({ ...answered(sentMs), node: null, tookMs: 3000, error: 'timeout' });

const PHASES: readonly Phase[] = [
  { name: 'calm', fromMs: 0, toMs: 1000 },
  { name: 'kill', fromMs: 1000, toMs: 3000 },
];

describe('score of the zoo', () => {
  it('counts what failed in the phase in which it was sent, and how long it went on', () => {
    const outcomes = [
      answered(10),
      unanswered(1000),
      answered(1200),
      unanswered(1500),
      answered(2900),
      unanswered(3000),
    ];
    expect(scorePhases(outcomes, PHASES, false)).toEqual([
      { name: 'calm', requests: 1, failed: 0, lost: 0, losses: '', gapMs: 0 },
      { name: 'kill', requests: 4, failed: 2, lost: 2, losses: 'http timeout 2', gapMs: 500 },
    ]);
  });

  it('takes a late answer for a failure, not for a loss: TCP has repeated what was lost', () => {
    const [, kill] = scorePhases([answered(1500, 'n1', 1040)], PHASES, false);
    expect(kill).toMatchObject({ failed: 1, lost: 0 });
  });

  it('tells outages from the losses of a lossy network', () => {
    const steady = Array.from({ length: 200 }, (_, index) => index * 10 + 1000);
    const scattered = steady.map((at) => (at % 200 === 0 ? unanswered(at) : answered(at)));
    expect(scorePhases(scattered, PHASES, true)[1]).toMatchObject({ failed: 10, gapMs: 0 });
    const outage = steady.map((at) => (at >= 1500 && at <= 2000 ? unanswered(at) : answered(at)));
    expect(scorePhases(outage, PHASES, true)[1]).toMatchObject({ failed: 51, gapMs: 500 });
  });

  it('finds what was served twice, by one node or by two', () => {
    expect(servedTwice(['a', 'b', 'a', 'c', 'c', 'c'])).toEqual(['a', 'c']);
  });
});

describe('judgement of a life', () => {
  const LIFE: Life = {
    network: 'switch',
    found: 'it floods',
    reach: 'flood',
    coldStartMs: 2500,
    phases: [
      { name: 'kill', requests: 300, failed: 30, lost: 20, losses: 'udp timeout 20', gapMs: 560 },
      { name: 'drain', requests: 100, failed: 1, lost: 0, losses: '', gapMs: 0 },
    ],
    twice: 0,
    lapses: 1,
    faults: [],
  };
  const OUTCOMES = [answered(1500, 'n1'), answered(1600, 'n2'), unanswered(1700)];
  const of = (change: Partial<Life>, nodes = ['n1', 'n2']) =>
    judge({ ...LIFE, ...change }, ['flood'], OUTCOMES, PHASES, nodes);

  it('finds nothing wrong with requests that a kill has cost', () => expect(of({})).toEqual([]));

  it.each<readonly [string, Partial<Life>, RegExp]>([
    ['a reach that does not work there', { reach: 'relay' }, /reach is relay; right were flood/],
    ['a request served twice', { twice: 1 }, /1 requests were served twice/],
    [
      'a loss on drain',
      { phases: [{ name: 'drain', requests: 100, failed: 1, lost: 1, losses: 'udp timeout 1', gapMs: 0 }] },
      /drain: 1 of 100 requests were lost \(udp timeout 1\)/,
    ],
  ])('finds %s', (_, change, fault) => expect(of(change)).toEqual([expect.stringMatching(fault)]));

  it('finds a node that serves nothing in the end', () => {
    expect(of({}, ['n1', 'n2', 'n3'])).toEqual(['n3 answered nothing after the last event']);
  });

  it('takes what a lossy network loses, but not everything', () => {
    const phase = (lost: number): Partial<Life> => ({
      network: 'lossy',
      phases: [{ name: 'drain', requests: 100, failed: lost, lost, losses: '', gapMs: 0 }],
    });
    expect(of(phase(12))).toEqual([]);
    expect(of(phase(50))).toHaveLength(1);
  });
});

describe('table of the zoo', () => {
  it('has one row per network, with a cell for each column', () => {
    const life: Life = {
      network: 'hub',
      found: 'every pair\nhears | floods',
      reach: 'flood',
      coldStartMs: 2510,
      phases: [{ name: 'kill', requests: 300, failed: 30, lost: 20, losses: 'udp timeout 20', gapMs: 560 }],
      twice: 0,
      lapses: 1,
      faults: [],
    };
    expect(tableRow(life)).toBe(
      '| hub | every pair hears \\| floods | flood | 2.5 s | - | 30 of 300 (560 ms) | - | - | - | 0 | 1 |',
    );
    const columns = (line: string): number => line.replaceAll('\\|', '').split('|').length;
    expect(new Set([...tableHead(), tableRow(life)].map(columns))).toEqual(new Set([13]));
    expect(tableRow({ ...life, reach: 'none', coldStartMs: null, phases: [] })).toMatch(/\| none( \| -){8} \|$/);
  });
});

import { describe, expect, it } from 'vitest';
import { begun, type Health, observe } from '../../../src/checkers/health.js';

const RULES = { fall: 3, rise: 2, graceMs: 0 };

/** `+` well, `-` failed, `?` cannot check; one a second. Gives the state after each. */
function states(row: string, rules = RULES, from: Health = begun(0)): string[] {
  let health = from;
  return [...row].map((sign, second) => {
    const ok = sign === '?' ? null : sign === '+';
    health = observe(health, rules, second * 1000, { ok, detail: sign });
    return health.state;
  });
}

describe('what a row of verdicts means', () => {
  it.each([
    ['one success is enough at the start', '+', ['well']],
    ['fall failures in a row make it failed', '+---', ['well', 'well', 'well', 'failed']],
    ['a success between them begins the count anew', '+--+--', ['well', 'well', 'well', 'well', 'well', 'well']],
    [
      'rise successes in a row make it well again',
      '---+-++',
      [...['starting', 'starting', 'failed'], ...['failed', 'failed', 'failed', 'well']],
    ],
    ['what cannot be checked is neither', '+--?', ['well', 'well', 'well', 'unable']],
    ['and begins anew with the first real verdict', '?-+', ['unable', 'starting', 'well']],
  ])('%s: %s', (_, row, expected) => expect(states(row)).toEqual(expected));

  it('failures within the grace do not count, and those after it do', () => {
    const rules = { ...RULES, graceMs: 5000 };
    expect(states('-------', rules)).toEqual(Array(7).fill('starting'));
    expect(states('--------', rules).at(-1)).toBe('failed');
    // The grace is for the start alone: one that was well is judged at once.
    expect(states('+---', rules).at(-1)).toBe('failed');
  });

  it('counts what is in a row', () => {
    const health = observe(observe(begun(0), RULES, 0, { ok: false, detail: 'a' }), RULES, 1, {
      ok: false,
      detail: 'b',
    });
    expect(health).toMatchObject({ failures: 2, successes: 0, detail: 'b' });
    expect(observe(health, RULES, 2, { ok: true, detail: 'c' })).toMatchObject({
      failures: 0,
      successes: 1,
      detail: 'c',
    });
  });
});

import { describe, expect, it } from 'vitest';
import { ALONE_AFTER_MS, Chooser, PATIENCE_MS } from '../../../src/reach/chooser.js';
import type { Capability, Judgement } from '../../../src/reach/contract.js';

const judged = (best: Capability | null, more: Partial<Judgement> = {}): Judgement => ({
  best,
  why: `evidence for ${best}`,
  evidence: [],
  isAlone: false,
  isVague: false,
  ...more,
});
const aloneByGateway = judged('flood', { why: 'the gateway', isAlone: true });
const alone = judged('relay', { why: 'nobody', isAlone: true });

/** Steps as `offer:flood`, `all-up`, `up`. */
function steps(chooser: Chooser, atMs: number, judgement: Judgement, mode = 'flood', isLeaked = false): string[] {
  const choices = chooser.step(atMs, judgement, mode, isLeaked);
  return choices.map((choice) => (choice.type === 'offer' ? `offer:${choice.best}` : choice.type));
}

describe('what is told to the core', () => {
  it('clear evidence at once, and not twice', () => {
    const chooser = new Chooser(0, null);
    expect(steps(chooser, 100, judged('flood'))).toEqual(['offer:flood']);
    expect(steps(chooser, 600, judged('flood'))).toEqual([]);
  });

  it('nothing while too few probes were heard; relay when patience ends', () => {
    const chooser = new Chooser(0, null);
    expect(steps(chooser, PATIENCE_MS - 1, judged(null))).toEqual([]);
    expect(steps(chooser, PATIENCE_MS, judged(null))).toEqual(['offer:relay']);
  });

  it('that nothing works only when it stays so', () => {
    const chooser = new Chooser(0, null);
    expect(steps(chooser, PATIENCE_MS - 1, judged('none'))).toEqual([]);
    expect(steps(chooser, PATIENCE_MS, judged('none'))).toEqual(['offer:none']);
    expect(steps(chooser, PATIENCE_MS + 500, judged('relay'))).toEqual(['offer:relay']);
  });

  it('alone, it goes up when the gateway shows late that more works, and down again by what a second node shows: no drop', () => {
    const chooser = new Chooser(0, null);
    expect(steps(chooser, ALONE_AFTER_MS, alone)).toEqual(['offer:relay']);
    expect(steps(chooser, ALONE_AFTER_MS + 500, aloneByGateway, 'relay')).toEqual(['offer:flood', 'all-up']);
    expect(steps(chooser, ALONE_AFTER_MS + 1000, alone)).toEqual([]);
    const guess = new Chooser(0, null);
    expect(steps(guess, ALONE_AFTER_MS, aloneByGateway)).toEqual(['offer:flood']);
    expect(steps(guess, 60_000, judged('multicast'))).toEqual(['offer:multicast', 'all-up']);
    expect(guess.hasDropped).toBe(false);
  });

  it('a node alone begins with relay, and the first other one raises the farm by itself', () => {
    const chooser = new Chooser(0, null);
    expect(steps(chooser, ALONE_AFTER_MS - 1, alone)).toEqual([]);
    expect(steps(chooser, ALONE_AFTER_MS, alone)).toEqual(['offer:relay']);
    expect(chooser.isOpen).toBe(true);
    expect(steps(chooser, 60_000, judged(null), 'relay')).toEqual([]);
    expect(steps(chooser, 61_000, judged('flood'), 'relay')).toEqual(['offer:flood', 'all-up']);
    expect(chooser.isOpen).toBe(false);
  });

  it('who has once judged the others does not forget it when they leave', () => {
    const chooser = new Chooser(0, null);
    steps(chooser, 0, judged('flood'));
    expect(steps(chooser, 5000, alone)).toEqual([]);
    expect(steps(chooser, 5500, judged('relay', { isVague: true }))).toEqual([]);
    expect(chooser.told?.best).toBe('flood');
  });

  it('a network that gets worse is told at once; that it is better again, without going up', () => {
    const chooser = new Chooser(0, null);
    steps(chooser, 0, judged('flood'));
    expect(steps(chooser, 1000, judged('relay'))).toEqual(['offer:relay']);
    expect(steps(chooser, 2000, judged('flood'), 'relay')).toEqual(['offer:flood']);
    expect(steps(chooser, 3_600_000, judged('flood'), 'relay')).toEqual([]);
    expect(chooser.hasDropped).toBe(true);
    chooser.forgive();
    expect(chooser.hasDropped).toBe(false);
  });

  it('up after the configured calm, if it lasts', () => {
    const chooser = new Chooser(0, 10_000);
    steps(chooser, 0, judged('relay'), 'relay');
    expect(steps(chooser, 1000, judged('flood'), 'relay')).toEqual(['offer:flood']);
    expect(steps(chooser, 8000, judged('relay'), 'relay')).toEqual(['offer:relay']);
    expect(steps(chooser, 9000, judged('flood'), 'relay')).toEqual(['offer:flood']);
    expect(steps(chooser, 18_999, judged('flood'), 'relay')).toEqual([]);
    expect(steps(chooser, 19_000, judged('flood'), 'relay')).toEqual(['up']);
  });

  it('up when switches have forgotten a leaked vMAC', () => {
    const chooser = new Chooser(0, null);
    steps(chooser, 0, judged('flood'));
    expect(steps(chooser, 1000, judged('multicast'), 'flood', true)).toEqual(['offer:multicast']);
    expect(steps(chooser, 300_000, judged('multicast'), 'multicast', true)).toEqual([]);
    expect(chooser.hasDropped).toBe(false);
    expect(steps(chooser, 312_000, judged('flood'), 'multicast', false)).toEqual(['offer:flood', 'all-up']);
    expect(steps(chooser, 313_000, judged('flood'), 'multicast', false)).toEqual([]);
  });

  it('a leak while the farm was down already raises nothing', () => {
    const chooser = new Chooser(0, null);
    steps(chooser, 0, judged('flood'), 'relay');
    expect(steps(chooser, 1000, judged('multicast'), 'relay', true)).toEqual(['offer:multicast']);
    expect(steps(chooser, 312_000, judged('flood'), 'relay', false)).toEqual(['offer:flood']);
  });
});

/** Members with two configs, between which the farm is going over. */
import { describe, expect, it } from 'vitest';
import type { ConfigSwitch } from '../../../src/membership/contract.js';
import { switchId } from '../../../src/membership/switches.js';
import { Bench, SETTINGS } from './bench.js';

/** Two nodes up with the config c0, ours told of `switches`; then the other, which is the first by name and was told of `told`, has `theirs`. */
function farmAfter(switches: readonly ConfigSwitch[], ours: string, theirs: string, told = switches): Bench {
  const bench = new Bench({ node: 'n5' });
  bench.run(800, () => bench.hear('n2'));
  bench.step({ type: 'settings', settings: { ...SETTINGS, node: 'n5', configDigest: ours, switches } });
  bench.run(200, () => bench.hear('n2', { configDigest: theirs, switches: told.map(switchId) }));
  return bench;
}

const THERE = { base: 'c0', next: 'c1' };
const BACK = { base: 'c1', next: 'c0' };

describe('a member with the next config', () => {
  it('shares with us while the switch is under way, whichever of the two we have', () => {
    expect(farmAfter([THERE], 'c0', 'c1').state).toBe('up');
    expect(farmAfter([THERE], 'c1', 'c0').state).toBe('up');
  });

  it('of a switch there and one back too', () => {
    for (const [ours, theirs] of [
      ['c0', 'c1'],
      ['c1', 'c0'],
    ] as const)
      expect(farmAfter([THERE, BACK], ours, theirs).state).toBe('up');
  });

  it('makes us wait when we were not told, or of another switch', () => {
    for (const switches of [[], [{ base: 'c0', next: 'c2' }], [BACK, { base: 'c2', next: 'c1' }]])
      expect(farmAfter(switches, 'c0', 'c1').reason).toMatch(/^config: another config/);
  });

  it('makes us wait when it was not told itself: nothing that only some know may count', () => {
    expect(farmAfter([THERE], 'c0', 'c1', []).reason).toMatch(/^config: another config/);
    expect(farmAfter([THERE, BACK], 'c0', 'c1', [THERE]).state).toBe('up');
  });

  it('is named by the view as if it had the one before: the digest does not change on the way', () => {
    const digests = [
      farmAfter([THERE], 'c0', 'c0'),
      farmAfter([THERE], 'c0', 'c1'),
      farmAfter([THERE], 'c1', 'c1'),
    ].map((bench) => bench.newest().viewDigest);
    expect(new Set(digests).size).toBe(1);
    expect(farmAfter([], 'c1', 'c1').newest().viewDigest).not.toBe(digests[0]);
  });
});

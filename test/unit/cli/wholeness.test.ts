import { describe, expect, it } from 'vitest';
import { whyNotWhole } from '../../../src/cli/wholeness.js';
import { healthy, member } from './reports.js';

describe('whyNotWhole', () => {
  it('finds nothing in a whole farm', () => expect(whyNotWhole(healthy())).toEqual([]));

  it('finds a bucket that nobody, or two, hold', () => {
    const short = healthy({ members: [member('n1', { share: 4095 / 4096 })] });
    const over = healthy({ members: [member('n1', { share: 1 }), member('n2', { share: 1 / 4096 })] });
    expect(whyNotWhole(short)).toEqual(['0.02 % of the buckets have no owner']);
    expect(whyNotWhole(over)).toEqual(['shares sum to 100.02 %: some buckets are counted twice']);
  });

  it('speaks of this node when it does not count itself', () => {
    const alone = healthy({ members: [], state: 'stopped', reason: 'asked to' });
    expect(whyNotWhole(alone)).toEqual(['n1 is stopped (asked to)', '100.00 % of the buckets have no owner']);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textDiff } from '../../../src/config/text-diff.js';

describe('the difference of two texts', () => {
  it('marks lines that go and come, with two around them, and leaves the rest out', () => {
    const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n';
    const after = 'a\nb\nc\nX\ne\nf\ng\nh\ni\nj\nk\n';
    expect(textDiff(before, after)).toEqual(['  b', '  c', '- d', '+ X', '  e', '  f', '...', '  i', '  j', '+ k']);
  });

  it('is empty for equal texts, and for one that only lacks its last line end', () => {
    expect(textDiff('a\nb\n', 'a\nb\n')).toEqual([]);
    expect(textDiff('a\nb', 'a\nb\n')).toEqual([]);
  });

  it('tells a file that was replaced as a whole', () => {
    const lines = (mark: string) => Array.from({ length: 3000 }, (_, at) => `${mark}${at}`).join('\n');
    const diff = textDiff(lines('a'), lines('b'));
    expect(diff.filter((line) => line.startsWith('-'))).toHaveLength(3000);
    expect(diff.filter((line) => line.startsWith('+'))).toHaveLength(3000);
  });

  it('leads from one text to the other, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        // So short that no line is left out.
        const diff = textDiff(before.join('\n'), after.join('\n'));
        expect(diff.length === 0).toBe(before.join() === after.join());
        const side = (mark: string) => diff.filter((line) => !line.startsWith(mark)).map((line) => line.slice(2));
        if (diff.includes('...')) return;
        const [gone, come] = [side('+'), side('-')];
        expect(before.join()).toContain(gone.join());
        expect(after.join()).toContain(come.join());
        expect(before.length - gone.length).toBe(after.length - come.length);
      }),
    );
  });
});

/** What the editor of the config offers, by the schema that the server sends, and how it shows a change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../../../src/config/json-schema.js';
import { completionsAt, type Schema } from '../../../src/console/web/completion.js';
import { diffOf } from '../../../src/console/web/diff.js';

const schema = configJsonSchema() as Schema;
/** The caret stands at the mark. */
const offersAt = (text: string) => completionsAt(schema, text.replace('|', ''), text.indexOf('|'));

describe('offers', () => {
  it.each([
    ['rea|', ['reach: ']],
    ['reach: |', ['auto', 'flood', 'multicast', 'relay']],
    ['reach: re|', ['relay']],
    ['rules:\n  - prot|', ['protocol: ']],
    ['rules:\n  - name: web\n    protocol: |', ['tcp', 'udp']],
    ['rules:\n  - { name: web, aff|', ['affinity: ']],
    ['rules:\n  - { name: web, affinity: c|', ['client', 'connection']],
    ['heartbeat: { inter|', ['interval: ']],
    ['heartbeat:\n  lea|', ['lease: ']],
    ['console:\n  hos|', ['hosts: ']],
    ['nodes:\n  n2:\n    wei|', ['weight: ']],
    ['checkers:\n  - { name: x, type: pi|', ['ping']],
    ['reach: relay|', []],
    ['# a remark |', []],
  ])('%j: %j', (text, offers) => expect(offersAt(text)).toEqual(expect.arrayContaining([...offers])));

  it('are of the place only, and none where a whole word stands', () => {
    expect(offersAt('rules:\n  - |')).toContain('affinity: ');
    expect(offersAt('rules:\n  - |')).not.toContain('farm: ');
    expect(offersAt('|')).toContain('farm: ');
    expect(offersAt('|')).not.toContain('affinity: ');
    expect(offersAt('reach: relay|')).toEqual([]);
    expect(offersAt('rules:\n  - name: web\n# |')).toEqual([]);
  });

  it('come for any text without an error', () => {
    const piece = fc.constantFrom(
      'rules:',
      '\n',
      '  ',
      '- ',
      '{ ',
      'name: ',
      'x',
      ', ',
      '}',
      '[',
      ':',
      '#',
      'nodes:',
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece), fc.nat(60), (pieces, caret) => {
        expect(Array.isArray(completionsAt(schema, pieces.join(''), caret))).toBe(true);
      }),
    );
  });
});

describe('the difference of two texts', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));
  const side = (lines: ReturnType<typeof diffOf>, drop: string) =>
    lines
      .filter(({ kind }) => kind !== drop)
      .map((line) => line.text)
      .join('\n');

  it('holds both of them', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffOf(before, after);
        expect([side(lines, 'new'), side(lines, 'gone')]).toEqual([before, after]);
      }),
    );
  });

  it('shows what stays as the same', () => {
    expect(diffOf('a\nb\nc', 'a\nx\nc').map(({ kind }) => kind)).toEqual(['same', 'gone', 'new', 'same']);
    expect(diffOf('a\nb', 'a\nb').every(({ kind }) => kind === 'same')).toBe(true);
  });
});

/**
 * Each file of broken/ begins with the faults that it must give, one a line: `#! line:column: path: message`. Nothing else may be
 * reported. The lines are comments of the file, so its other lines count from below them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultText } from '../../../src/config/fault-text.js';
import { parseConfig } from '../../../src/config/load.js';

const FOLDER = join(import.meta.dirname, 'broken');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

function faultsOf(text: string): string[] {
  const result = parseConfig(text);
  return result.ok ? [] : result.faults.map(faultText);
}

describe('broken configs', () => {
  it('are many', () => expect(files.length).toBeGreaterThanOrEqual(50));

  it.each(files)('%s', (name) => {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    const expected = [...text.matchAll(/^#! (.*)$/gm)].map((match) => match[1]);
    expect(expected.length).toBeGreaterThan(0);
    expect(faultsOf(text)).toEqual(expected);
  });
});

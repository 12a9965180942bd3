import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stageFile } from '../../../src/platform/staged-file.js';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-staged-'));
  file = join(directory, 'covey.yaml');
  writeFileSync(file, 'old');
  chmodSync(file, 0o640);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a file replaced in two steps', () => {
  it('is the old one until commit, then the new one with the old one`s mode; the old one stays beside it', () => {
    const staged = stageFile(file, 'new');
    expect(readFileSync(file, 'utf8')).toBe('old');
    staged.commit();
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(readFileSync(`${file}.previous`, 'utf8')).toBe('old');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    stageFile(file, 'newer').commit();
    expect(readFileSync(`${file}.previous`, 'utf8')).toBe('new');
    expect(readdirSync(directory).sort()).toEqual(['covey.yaml', 'covey.yaml.previous']);
  });

  it('leaves nothing when it is given up', () => {
    const staged = stageFile(file, 'new');
    staged.abort();
    staged.commit();
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(directory)).toEqual(['covey.yaml']);
  });

  it('follows a link, which stays one', () => {
    const link = join(directory, 'link.yaml');
    symlinkSync(file, link);
    stageFile(link, 'new').commit();
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(readFileSync(link, 'utf8')).toBe('new');
  });

  it('fails in the first step where nothing can be written, and the old one stands', () => {
    const sub = join(directory, 'sub');
    mkdirSync(sub);
    expect(() => stageFile(join(sub, 'missing.yaml'), 'new')).toThrow(/ENOENT/);
    expect(readdirSync(sub)).toEqual([]);
  });
});

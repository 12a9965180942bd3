import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeConsolePlace } from '../../../../src/platform/host/console-directory.js';
import { moveFiles } from '../../../../src/platform/moved-files.js';

let bed = '';
let runDir = '';
let home = '';
beforeEach(() => {
  bed = mkdtempSync(join(tmpdir(), 'covey-place-'));
  runDir = join(bed, 'run');
  home = join(bed, 'lib');
});
afterEach(() => rmSync(bed, { recursive: true, force: true }));

const state = () => join(runDir, 'console', 'state');
const old = () => join(runDir, 'console', 'state.old');
const boot = () => rmSync(runDir, { recursive: true });

describe("the console's state", () => {
  it('is there again after a boot that empties the run directory', () => {
    makeConsolePlace(runDir, home);
    writeFileSync(join(state(), 'accounts.json'), 'book');
    boot();
    makeConsolePlace(runDir, home);
    expect(readFileSync(join(state(), 'accounts.json'), 'utf8')).toBe('book');
    expect(statSync(join(home, 'console')).mode & 0o777).toBe(0o700);
  });

  it('lies in the run directory where the host names no other place', () => {
    makeConsolePlace(runDir, null);
    writeFileSync(join(state(), 'accounts.json'), 'book');
    expect(readdirSync(bed)).toEqual(['run']);
  });

  it('is found at one place by all, whatever each knows of the host', () => {
    makeConsolePlace(runDir, home);
    writeFileSync(join(state(), 'accounts.json'), 'book');
    makeConsolePlace(runDir, null);
    makeConsolePlace(runDir, join(bed, 'elsewhere'));
    expect(readFileSync(join(state(), 'accounts.json'), 'utf8')).toBe('book');
    expect(readdirSync(bed).sort()).toEqual(['lib', 'run']);
  });

  it('of an earlier release is moved over once', () => {
    makeConsolePlace(runDir, null);
    writeFileSync(join(state(), 'accounts.json'), 'book');
    writeFileSync(join(state(), 'console.key'), 'key', { mode: 0o600 });
    makeConsolePlace(runDir, home);
    expect(moveFiles(old(), state())).toEqual({ moved: ['accounts.json', 'console.key'], left: [] });
    expect(readFileSync(join(home, 'console', 'accounts.json'), 'utf8')).toBe('book');
    expect(statSync(join(home, 'console', 'console.key')).mode & 0o777).toBe(0o600);
    makeConsolePlace(runDir, home);
    expect(existsSync(old())).toBe(false);
    expect(moveFiles(old(), state())).toEqual({ moved: [], left: [] });
  });

  it('stays where it is when the lasting place cannot be made', () => {
    makeConsolePlace(runDir, null);
    writeFileSync(join(state(), 'accounts.json'), 'book');
    writeFileSync(home, 'a file');
    expect(() => makeConsolePlace(runDir, home)).toThrow(/EEXIST|ENOTDIR/);
    expect(readFileSync(join(state(), 'accounts.json'), 'utf8')).toBe('book');
  });
});

describe('moving files', () => {
  it('replaces nothing, but ends what a crash cut', () => {
    const [from, to] = [join(bed, 'from'), join(bed, 'to')];
    for (const path of [from, to]) mkdirSync(path);
    for (const name of ['cut', 'newer']) writeFileSync(join(from, name), 'old');
    writeFileSync(join(to, 'cut'), 'old');
    writeFileSync(join(to, 'newer'), 'new');
    expect(moveFiles(from, to)).toEqual({ moved: ['cut'], left: ['newer'] });
    expect(readFileSync(join(to, 'newer'), 'utf8')).toBe('new');
    expect(readdirSync(from)).toEqual(['newer']);
  });
});

import { chmodSync, closeSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exposedFile } from '../../../src/cli/entry/exposed.js';
import { covey } from './fake-parts.js';

let directory: string;
let file: string;
let descriptor: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-exposed-'));
  file = join(directory, 'farm.key');
  descriptor = openSync(file, 'w', 0o600);
});

afterEach(() => {
  closeSync(descriptor);
  rmSync(directory, { recursive: true, force: true });
});

describe('a file that a secret is written to', () => {
  it('is exposed where its mode lets others in, and then told by name and mode', () => {
    expect(exposedFile(descriptor)).toBe(null);
    chmodSync(file, 0o640);
    expect(exposedFile(descriptor)).toEqual({ path: file, mode: 0o640 });
  });

  it('has no name where another file has it, or none', () => {
    chmodSync(file, 0o644);
    rmSync(file);
    expect(exposedFile(descriptor)).toEqual({ path: null, mode: 0o644 });
    closeSync(openSync(join(directory, 'other'), 'w'));
    renameSync(join(directory, 'other'), file);
    expect(exposedFile(descriptor)).toEqual({ path: null, mode: 0o644 });
  });

  it('is no device', () => {
    const device = openSync('/dev/null', 'w');
    expect(exposedFile(device)).toBe(null);
    closeSync(device);
  });
});

describe('keygen to standard output', () => {
  it.each([
    ['/root/my farm.key', "others may read or change /root/my farm.key, .*; type: chmod 0600 '/root/my farm.key'"],
    [null, 'others may read or change the file, .*; type: chmod 0600 FILE'],
  ])('warns of a file that others may read: %s', async (path, warning) => {
    const parts = { exposedOutput: () => ({ path, mode: 0o644 }) };
    const { exitCode, out, err } = await covey('keygen', { parts });
    expect([exitCode, out]).toEqual([0, 'covey-key-1:AAAA\n']);
    expect(err).toMatch(new RegExp(`^warning: ${warning}\n$`));
    expect((await covey('keygen farm.key', { parts })).err).toBe('');
  });

  it('says nothing where nobody else may', async () => expect((await covey('keygen')).err).toBe(''));
});

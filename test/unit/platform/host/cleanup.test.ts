import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanup } from '../../../../src/platform/host/cleanup.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-cleanup-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('cleanup', () => {
  it('finds nothing to do where an agent has ended well, or never came to anything', async () => {
    expect(await cleanup({ runDir: directory })).toEqual({ undone: [], found: true });
    writeFileSync(join(directory, 'incarnation'), '1\n');
    writeFileSync(join(directory, 'notes'), '');
    expect(await cleanup({ runDir: directory })).toEqual({ undone: [], found: true });
  });

  it('says that a directory is not there', async () => {
    expect(await cleanup({ runDir: join(directory, 'gone') })).toEqual({ undone: [], found: false });
  });

  it('does not call clean what it cannot judge', async () => {
    writeFileSync(join(directory, 'notes'), '');
    await expect(cleanup({ runDir: directory })).rejects.toThrow('is no run directory');
    await expect(cleanup({ runDir: join(directory, 'notes') })).rejects.toThrow('is no directory');
    mkdirSync(join(directory, 'host.json'));
    await expect(cleanup({ runDir: directory })).rejects.toThrow(/EISDIR/);
  });
});

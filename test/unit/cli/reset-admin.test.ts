import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mustHaveConsole } from '../../../src/cli/entry/reset-admin.js';
import { UsageError } from '../../../src/cli/exit.js';
import type { ControlHandler } from '../../../src/control/contract.js';
import { listen } from '../../../src/control/server.js';
import { makeConsolePlace } from '../../../src/platform/host/console-directory.js';
import { healthy } from './reports.js';

let bed = '';
beforeEach(() => (bed = mkdtempSync(join(tmpdir(), 'covey-reset-'))));
afterEach(() => rmSync(bed, { recursive: true, force: true }));

it('refuses a run directory where nothing is, says what to type, and makes nothing', async () => {
  const error: unknown = await mustHaveConsole(join(bed, 'typo'), null).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as UsageError).message).toContain(join(bed, 'typo'));
  expect((error as UsageError).hint).toContain('the run directory that covey run was given');
  expect(readdirSync(bed)).toEqual([]);
});

it('goes on where a console has been, also after a boot', async () => {
  const [runDir, home] = [join(bed, 'run'), join(bed, 'lib')];
  makeConsolePlace(runDir, home);
  await mustHaveConsole(runDir, null);
  rmSync(runDir, { recursive: true });
  await mustHaveConsole(runDir, home);
  await expect(mustHaveConsole(runDir, null)).rejects.toThrow('no console has been at');
});

it('goes on at the first use, where an agent answers', async () => {
  const handler = { status: async () => healthy() } as unknown as ControlHandler;
  const server = await listen(bed, handler);
  try {
    await mustHaveConsole(bed, null);
  } finally {
    await server.close();
  }
});

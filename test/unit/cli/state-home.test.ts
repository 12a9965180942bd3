import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEFAULT_STATE_HOME, stateHomeOf } from '../../../src/cli/entry/state-home.js';
import { DEFAULT_RUN_DIR } from '../../../src/control/contract.js';

it('is what the service manager names, else the default of the default node, else none', () => {
  expect(stateHomeOf('/tmp/n1', '/var/lib/a:/var/lib/b')).toBe('/var/lib/a');
  expect(stateHomeOf('/run/../run/covey/', undefined)).toBe('/var/lib/covey');
  expect(stateHomeOf('/run/covey', '')).toBe('/var/lib/covey');
  expect(stateHomeOf('/run/covey-n1', undefined)).toBeNull();
});

it('is the same for the unit and for a console by hand beside it', () => {
  const unit = readFileSync(join(import.meta.dirname, '../../../scripts/package/covey.service'), 'utf8');
  const named = /^StateDirectory=(\S+)$/m.exec(unit)![1]!;
  expect(`/var/lib/${named}`).toBe(DEFAULT_STATE_HOME);
  expect(unit).toMatch(new RegExp(`^ExecStart=.* --run-dir ${DEFAULT_RUN_DIR}$`, 'm'));
});

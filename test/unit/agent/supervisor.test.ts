/** The supervisor with an agent of a few lines that ends as a test wants it to. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../../src/agent/contract.js';
import { runSupervisor } from '../../../src/agent/supervisor.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-supervisor-'));
  writeFileSync(join(directory, 'covey.yaml'), 'first');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Each life notes the config that it began with, changes the file, says that it is ready, and ends with the next code. */
async function lives(codes: readonly number[], isRestartedByManager = false) {
  const entry = join(directory, 'agent.mjs');
  writeFileSync(
    entry,
    `import { appendFileSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
     const notes = '${join(directory, 'lives')}';
     process.once('message', (begin) => {
       const life = existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\\n').length : 0;
       appendFileSync(notes, begin.configText + ' ' + begin.restarts.count + '\\n');
       writeFileSync('${join(directory, 'covey.yaml')}', 'changed' + life);
       process.send({ type: 'ready' }, () => process.exit(${JSON.stringify(codes)}[life]));
     });`,
  );
  const told: Record<string, unknown>[] = [];
  const code = await runSupervisor(
    { configFile: join(directory, 'covey.yaml'), node: 'n1', runDir: directory, version: '1' },
    {
      agentEntry: entry,
      consoleEntry: '/nonexistent',
      confinedNode: () => ({ execPath: '/nonexistent', execArgv: [] }),
      hasEnded: () => false,
      sendControlOnce: () => undefined,
      restoreHost: async () => undefined,
      isRestartedByManager,
      manager: { tell: (state) => told.push(state), isThere: true, watchdogMs: null },
    },
  );
  return { code, begun: readFileSync(join(directory, 'lives'), 'utf8').trim().split('\n'), told };
}

describe('an agent that ends to be started anew', { timeout: 30_000 }, () => {
  it('is, at once, with the config of the file, and that is no death', async () => {
    const { code, begun, told } = await lives([EXIT.restart, EXIT.ok]);
    expect(code).toBe(EXIT.ok);
    expect(begun).toEqual(['first 0', 'changed0 0']);
    expect(told.filter(({ READY }) => READY === 1)).toHaveLength(2);
    expect(told.some(({ STATUS }) => String(STATUS).includes('died'))).toBe(false);
  });

  it('is left to a service manager that knows the exit code', async () => {
    expect(await lives([EXIT.restart], true)).toMatchObject({ code: EXIT.restart, begun: ['first 0'] });
  });

  it('unlike one that died: that is counted, told, and begins with the config that worked', async () => {
    const { code, begun, told } = await lives([1, EXIT.ok]);
    expect(code).toBe(EXIT.ok);
    expect(begun).toEqual(['first 0', 'first 1']);
    expect(told.some(({ STATUS }) => String(STATUS).includes('exit code 1'))).toBe(true);
  });
});

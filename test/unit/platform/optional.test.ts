/** The three packages named by their authors as optional: without one only its role is missing, and its message says which and what to type. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const BUILT = (path: string) => join(ROOT, 'dist', path);

/** Runs `code` in a process of its own in which the package cannot be found. */
function without(name: string, code: string) {
  const hide = `const Module = require('node:module'); const load = Module._load;
    Module._load = (request, ...rest) => {
      if (request === '${name}') throw Object.assign(new Error("Cannot find module '${name}'"), { code: 'MODULE_NOT_FOUND' });
      return load(request, ...rest);
    };`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', `${hide} ${code}`], {
    encoding: 'utf8',
    cwd: ROOT,
  });
  return { status, text: stdout + stderr };
}

describe('without the package', () => {
  it('raw-socket, a ping fails with what is off and what to type', () => {
    const code = `import('${BUILT('platform/icmp.js')}').then(({ Pinger }) => new Pinger(4, null, 1)).catch((error) => console.log(error.name, error.message));`;
    const { status, text } = without('raw-socket', code);
    expect(status, text).toBe(0);
    expect(text).toMatch(/^IcmpUnavailableError ICMP echo needs the package raw-socket.*type: npm rebuild raw-socket/);
  });

  it.each(['cap', 'pcap', 'raw-socket'])('%s, the command line and the agent are there', (name) => {
    const code = `import('${BUILT('cli/entry/run.js')}').then(() => import('${BUILT('agent/agent.js')}')).then(() => import('${BUILT('cli/entry/reach.js')}')).then(() => console.log('there'));`;
    expect(without(name, code)).toEqual({ status: 0, text: 'there\n' });
  });
});

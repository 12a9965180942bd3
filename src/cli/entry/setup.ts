/** This host, as `init`, `join` and `apply` see it. */
import { existsSync, rmSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { hostFacts } from '../../platform/host/facts.js';
import { fetchInvite } from '../../platform/invite/caller.js';
import { createFile } from '../../platform/private-file.js';
import { run } from '../../platform/run.js';
import type { SetupParts } from '../setup-parts.js';
import { explainedWrite } from './writing.js';

export const hostSetup: SetupParts = {
  user: userName(),
  schemaPath: fileURLToPath(new URL('../../../examples/covey.schema.json', import.meta.url)),

  async detect() {
    const { stdout } = await run('ip', ['-j', '-4', 'route', 'show', 'default']);
    const routes = (stdout.trim() === '' ? [] : JSON.parse(stdout)) as readonly { readonly dev?: string }[];
    const name = routes[0]?.dev;
    if (name === undefined) return null;
    const { addresses } = await hostFacts(name);
    const own = addresses.find(({ address }) => !address.includes(':'));
    return { name, address: own === undefined ? null : `${own.address}/${own.prefixLength}` };
  },

  async ask(question, fallback) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = (
        await terminal.question(fallback === '' ? `${question}: ` : `${question} [${fallback}]: `)
      ).trim();
      return answer === '' ? fallback : answer;
    } finally {
      terminal.close();
    }
  },

  exists: existsSync,

  write(path, text, mode, force) {
    try {
      if (force) rmSync(path, { force: true });
      createFile(path, text, mode);
    } catch (error) {
      throw explainedWrite(path, error);
    }
  },

  fetchInvite,
};

/** `root (as anna)` where sudo made root of anna. */
function userName(): string {
  let name: string;
  try {
    name = userInfo().username;
  } catch {
    // A user without an entry in the password file.
    name = `uid ${process.getuid?.() ?? '?'}`;
  }
  const before = process.env.SUDO_USER;
  return `${before === undefined || before === name ? name : `${name} (as ${before})`} on ${hostname()}`;
}

/**
 * The conformance suite with the native data plane and real packets. It needs a network namespace of its own: run in the usual
 * one, this file makes such a namespace and runs itself again in there.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { dataPlaneConformance } from './dataplane.suite.js';
import { makeWire, nativeRigs } from './native-rig.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSIDE = 'COVEY_INSIDE_NAMESPACE';

function whySkipped(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  const loads = spawnSync(process.execPath, ['-e', "require('cap')"], { cwd: ROOT }).status === 0;
  return loads ? null : 'the package `cap`, which sends the frames, is not built';
}

function runInNamespace(): { readonly status: number | null; readonly output: string } {
  const namespace = `covey-conformance-${process.pid}`;
  execFileSync('ip', ['netns', 'add', namespace]);
  try {
    const command = ['netns', 'exec', namespace, 'npx', 'vitest', 'run', 'test/conformance/native.test.ts'];
    const env = { ...process.env, [INSIDE]: '1', NO_COLOR: '1', FORCE_COLOR: '0' };
    const { status, stdout, stderr } = spawnSync('ip', command, { cwd: ROOT, env, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  } finally {
    execFileSync('ip', ['netns', 'del', namespace]);
  }
}

if (process.env[INSIDE] === '1') {
  makeWire();
  for (const engine of ['pcap', 'ring'] as const) dataPlaneConformance(`native, ${engine}`, nativeRigs(engine));
} else {
  const skipped = whySkipped();
  if (skipped) console.warn(`skipped: conformance of the native data plane: ${skipped}`);
  describe.skipIf(skipped)('native data plane', () => {
    test('passes the conformance suite in a namespace of its own', { timeout: 180_000 }, () => {
      const { status, output } = runInNamespace();
      expect(status, output).toBe(0);
      expect(output).toMatch(/Tests +\d\d+ passed/);
    });
  });
}

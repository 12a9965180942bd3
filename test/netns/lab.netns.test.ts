/** The lab itself, by its commands: side by side, interrupted, crashed, and gone without a trace. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { labDown } from '../../src/lab/lab.js';
import { CLI, labPaths } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { until } from './farm.js';

const LABS = ['test-left', 'test-left-n1', 'test-right'];

const lab = (...words: string[]) => run('node', [CLI, 'lab', ...words], { timeoutMs: 50_000 });
const namespaces = (name: string): readonly string[] =>
  existsSync('/run/netns') ? readdirSync('/run/netns').filter((entry) => entry.startsWith(`covey-${name}-`)) : [];

/** Devices and rules of the root namespace: nothing of a lab may show there. */
async function rootState(): Promise<string> {
  const parts = await Promise.all([
    run('ip', ['-j', 'link', 'show']),
    run('ip', ['-j', 'address', 'show']),
    run('ip', ['-j', 'route', 'show', 'table', 'all']),
    run('nft', ['list', 'ruleset']),
  ]);
  return parts.map(({ stdout }) => stdout.replace(/"(valid|preferred)_life_time":\d+/g, '')).join('\n');
}

afterEach(async () => {
  for (const name of LABS) await labDown(name);
});

describe.sequential('covey lab', () => {
  it('runs labs side by side; down removes one and leaves the other; the root namespace sees nothing', async () => {
    const before = await rootState();
    await lab('up', '--nodes', '2', '--client', '--lab', 'test-left');
    await lab('up', '--nodes', '1', '--client', '--lab', 'test-left-n1');
    expect(await rootState()).toBe(before);
    const { stdout } = await lab(
      'exec',
      '--lab',
      'test-left-n1',
      'client',
      '--',
      'curl',
      '-s',
      '-m',
      '2',
      'http://10.77.0.50/',
    );
    expect(stdout).toBe('n1\n');
    await lab('down', '--lab', 'test-left');
    expect(namespaces('test-left').filter((name) => !name.startsWith('covey-test-left-n1-'))).toEqual([]);
    expect((await lab('status', '--lab', 'test-left-n1')).stdout).toMatch(
      /n1\s+running\s+running\s+plugged\s+up\s+100\.0 %/,
    );
    await lab('down', '--lab', 'test-left-n1');
    expect(namespaces('test-left')).toEqual([]);
    expect(await rootState()).toBe(before);
  });

  it('passes on the exit code of a command', async () => {
    await lab('up', '--nodes', '1', '--no-agents', '--lab', 'test-right');
    const words = ['exec', '--lab', 'test-right', 'n1', '--', 'sh', '-c', 'exit 7'];
    await expect(lab(...words)).rejects.toMatchObject({ exitCode: 7 });
    const { stdout } = await lab('exec', '--lab', 'test-right', 'n1', '--', 'sh', '-c', 'covey status; echo $?');
    expect(stdout).toBe('5\n');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'an up that is interrupted by %s removes what it has built',
    async (signal) => {
      const child = spawn('node', [CLI, 'lab', 'up', '--nodes', '3', '--client', '--lab', 'test-right'], {
        stdio: 'ignore',
      });
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      await until('the lab is being built', () => namespaces('test-right').length === 5);
      child.kill(signal);
      child.kill(signal);
      expect(await ended).toBe(1);
      expect(namespaces('test-right')).toEqual([]);
      expect(existsSync(labPaths('test-right').directory)).toBe(false);
    },
  );

  it('down removes what an up that was killed has left, and its processes', async () => {
    const child = spawn('node', [CLI, 'lab', 'up', '--nodes', '2', '--client', '--lab', 'test-right'], {
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await until('agents run', () => existsSync(`${labPaths('test-right').directory}/n2/agent.pid.json`));
    child.kill('SIGKILL');
    await ended;
    expect(namespaces('test-right').length).toBeGreaterThan(0);
    await lab('down', '--lab', 'test-right');
    expect(namespaces('test-right')).toEqual([]);
    expect(existsSync(labPaths('test-right').directory)).toBe(false);
    // One that was killed may take a moment to be gone.
    const matching = () =>
      run('pgrep', ['-fc', 'covey-lab/test-right/']).catch((cause: { output: { stdout: string } }) => cause.output);
    await until('its processes are gone', async () => (await matching()).stdout.trim() === '0');
    expect((await lab('down', '--lab', 'test-right')).stdout).toMatch(/there was no lab/);
  });

  it.each([
    [['up', '--nodes', '0', '--lab', 'test-right'], /'0' is invalid\. Write a number from 1 to 32/],
    [['up', '--lab', 'Not A Name'], /no name for a lab/],
    [['kill', 'n1', '--lab', 'test-right'], /there is no lab test-right; start one/],
  ])('tells what is wrong with %j', async (words, message) => {
    await expect(lab(...words)).rejects.toThrow(message);
  });
});

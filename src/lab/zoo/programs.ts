/** The zoo's programs: an echo on each node, and the client's traffic. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, labPaths, namespaceOf, PROJECT, VIP, VIP6 } from '../names.js';
import { eventually, startIn } from '../processes.js';
import type { Outcome } from './score.js';

const PROGRAMS = join(PROJECT, 'dist', 'lab', 'zoo');
/** A bound: the traffic ends by itself when nobody ends it. */
const MOST_SECONDS = 120;
const START_TIMEOUT_MS = 10_000;

export function echoLog(lab: string, node: string): string {
  return join(labPaths(lab).directory, node, 'echo-access.log');
}

/** Returns when the echo has the VIP, which a node that serves has. */
export async function startEcho(lab: string, node: string): Promise<void> {
  const words = ['--name', node, '--log', echoLog(lab, node), '--address', VIP];
  const log = join(labPaths(lab).directory, node, 'echo.log');
  startIn(lab, node, 'echo', [process.execPath, join(PROGRAMS, 'echo.js'), ...words], log);
  const bound = async (): Promise<boolean> => (await readFile(log, 'utf8')).includes('bound');
  if (!(await eventually(bound, START_TIMEOUT_MS)))
    throw new LabError(`the echo of ${node} does not start: ${await readFile(log, 'utf8')}`);
}

export interface Traffic {
  /** Stops it, waits for the last answers, and gives what became of all. */
  end(): Promise<readonly Outcome[]>;
}

/** Returns when the first request has been sent. Ids are unique to the lab's run. */
export async function startTraffic(lab: string): Promise<Traffic> {
  const file = join(labPaths(lab).directory, 'outcomes.json');
  const words = ['--vip', VIP, '--vip6', VIP6, '--prefix', `z${Date.now()}`];
  const bounds = ['--seconds', `${MOST_SECONDS}`, '--outcomes', file];
  const command = [process.execPath, join(PROGRAMS, 'traffic.js'), ...words, ...bounds];
  const child = spawn('ip', ['netns', 'exec', namespaceOf(lab, 'client'), ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const sending = new Promise<'sending'>((resolve) => child.stdout.once('data', () => resolve('sending')));
  if ((await Promise.race([sending, ended])) !== 'sending') throw new LabError('the traffic of the zoo does not start');
  return {
    end: async () => {
      child.kill('SIGTERM');
      const code = await ended;
      if (code !== 0) throw new LabError(`the traffic of the zoo ended with ${code}`);
      return JSON.parse(await readFile(file, 'utf8')) as readonly Outcome[];
    },
  };
}

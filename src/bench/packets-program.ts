/** The load generator in C++, bench/farm/packets: built when it is needed. It belongs to the sources, not to the package. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../lab/names.js';
import { run } from '../platform/run.js';
import { PROGRAMS } from './programs.js';

const DIRECTORY = join(PROJECT, 'bench', 'farm', 'packets');
const BUILD_MS = 120_000;

export const PACKETS = join(DIRECTORY, 'build', 'packets');
export const PACKETS_NEEDS = [PROGRAMS.make, PROGRAMS.compiler];

/** Why there can be none here; undefined: there can. */
export const noPackets = existsSync(join(DIRECTORY, 'Makefile'))
  ? undefined
  : 'its load generator is built from the sources of Covey, and these are not here (git clone)';

export async function buildPackets(): Promise<void> {
  await run('make', ['--no-print-directory', '-C', DIRECTORY], { timeoutMs: BUILD_MS });
}

/** What one part of it printed. */
export function packetsResult<T>(stdout: string): T {
  return JSON.parse(stdout) as T;
}

/** Scenario `micro`: hot functions alone, and how they grow with keys, rules and VIPs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../../lab/names.js';
import { run } from '../../platform/run.js';
import type { Figure, Peer, Sample, Scenario } from '../contract.js';
import { PROGRAMS } from '../programs.js';
import { planFigures, sealFigures } from './functions.js';

const DIRECTORY = join(PROJECT, 'bench', 'micro');
const PROGRAM = join(DIRECTORY, 'build', 'figures');
const BUILD_MS = 240_000;
const RUN_MS = 120_000;

/** Of bench/micro/figures.cc. */
const PACKET_FIGURES: readonly Figure[] = [
  ...[1, 1e3, 1e4, 1e5, 1e6].map((keys) =>
    figure(keys === 1 ? 'keys-1' : `keys-1e${Math.log10(keys)}`, `accepted, ${keys} keys known`, 'ns', 0),
  ),
  figure('rejected', 'rejected, not owner', 'ns', 0),
  ...[1, 8, 64].map((count) => figure(`rules-${count}`, `accepted, the last of ${count} rules`, 'ns', 0)),
  ...[1, 8, 32].map((count) => figure(`vips-${count}`, `accepted, the last of ${count} VIPs`, 'ns', 0)),
  figure('filter-build', 'exact pre-filter without fast path: build', 'us', 0),
  figure('filter-swap', 'exact pre-filter without fast path: swap in the kernel', 'us', 0),
  figure('filter-run', 'exact pre-filter without fast path: a frame, in the kernel', 'ns', 0),
  figure('filter-length', 'exact pre-filter without fast path: length', 'instructions', 0),
];
/** Where the kernel has it, and this process may load programs. */
const FAST_PATH_FIGURES: readonly Figure[] = [
  figure('fast-load', 'fast path: load and attach its program, for other rules', 'ms', 1),
  figure('fast-swap', 'fast path: swap the exact pre-filter', 'us', 1),
  figure('fast-other', "fast path: its program on the socket, another node's frame", 'ns', 0),
  figure('fast-up', 'fast path: the same, a frame that goes on to the packet thread', 'ns', 0),
  figure('fast-taken', 'fast path: the same, a frame that is to be taken', 'ns', 0),
  figure('fast-close', 'fast path: close what is open of 48,000 connections', 'ms', 1),
];
const PLAN_FIGURES: readonly Figure[] = [
  figure('plan-8', 'plan of 8 nodes', 'ms', 2),
  figure('plan-64', 'plan of 64 nodes', 'ms', 2),
  figure('seal', 'seal a heartbeat', 'us', 1),
  figure('open', 'open a heartbeat', 'us', 1),
];

export const micro: Scenario = {
  id: 'micro',
  title: 'What do the hot functions cost, and how do they grow?',
  about:
    'Parse, rule, hash, bucket, flow table and verdict of one TCP packet in the filter library: CPU time of one thread, frames in the cache, clients at random; no capture and no injection. The table has room for 1.2 million keys. What happens in the kernel is timed by its own test runs (fast path), or as what a datagram costs that the program throws away. Plan and seal are TypeScript.',
  figures: [...PACKET_FIGURES, ...FAST_PATH_FIGURES, ...PLAN_FIGURES],
  base: 'IPv4',
  peers: [packetPeer('IPv4', '4'), packetPeer('IPv6', '6'), typescriptPeer()],
};

function figure(id: string, name: string, unit: string, digits: number): Figure {
  return { id, name, unit, better: 'less', digits };
}

function packetPeer(name: string, word: string): Peer {
  const peer = {
    name,
    about: `the filter library, ${name} packets`,
    needs: [PROGRAMS.make, PROGRAMS.compiler],
    setUp: async () => {
      await run('make', ['--no-print-directory', '-C', DIRECTORY, 'figures'], { timeoutMs: BUILD_MS });
      return { measure: () => packetSample(word), close: async () => undefined };
    },
  };
  const hasSources = existsSync(join(DIRECTORY, 'Makefile'));
  return hasSources ? peer : { ...peer, cannot: 'it is built from the sources of Covey, and these are not here' };
}

async function packetSample(word: string): Promise<Sample> {
  return JSON.parse((await run(PROGRAM, [word], { timeoutMs: RUN_MS })).stdout) as Sample;
}

function typescriptPeer(): Peer {
  return {
    name: 'membership',
    about: 'plan and seal, in Node',
    needs: [],
    setUp: async () => ({
      measure: async () => ({ ...planFigures(), ...sealFigures() }),
      close: async () => undefined,
    }),
  };
}

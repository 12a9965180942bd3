/** Programs that the benchmarks call: which are there, of which version, and what brings those that are not. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CommandError, run } from '../platform/run.js';
import type { Absent, Peer, Program } from './contract.js';

export const PROGRAMS = {
  nginx: { name: 'nginx', package: 'nginx-light', version: ['-v'] },
  wrk: { name: 'wrk', package: 'wrk', version: ['-v'] },
  iperf3: { name: 'iperf3', package: 'iperf3', version: ['--version'] },
  ethtool: { name: 'ethtool', package: 'ethtool', version: ['--version'] },
  haproxy: { name: 'haproxy', package: 'haproxy', version: ['-v'] },
  iptables: { name: 'iptables', package: 'iptables', version: ['--version'] },
  nft: { name: 'nft', package: 'nftables', version: ['--version'] },
  keepalived: { name: 'keepalived', package: 'keepalived', version: ['--version'] },
  make: { name: 'make', package: 'make', version: ['--version'] },
  compiler: { name: 'g++', package: 'g++', version: ['--version'] },
} as const satisfies Record<string, Program>;

const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function isInstalled({ name }: Program, path = process.env.PATH ?? ''): boolean {
  return `${path}${delimiter}${USUAL_PATH}`.split(delimiter).some((directory) => isExecutable(join(directory, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Peers that can take part, and those that cannot, with what would help. */
export function present(
  peers: readonly Peer[],
  has: (program: Program) => boolean = isInstalled,
): { readonly there: readonly Peer[]; readonly absent: readonly Absent[] } {
  const absent: Absent[] = [];
  const there = peers.filter((peer) => {
    const missing = peer.needs.filter((program) => !has(program));
    if (peer.cannot !== undefined) absent.push({ name: peer.name, reason: peer.cannot, install: null });
    else if (missing.length > 0) absent.push(lacking(peer.name, missing));
    return peer.cannot === undefined && missing.length === 0;
  });
  return { there, absent };
}

function lacking(name: string, missing: readonly Program[]): Absent {
  const names = missing.map((program) => program.name).join(', ');
  const packages = [...new Set(missing.map((program) => program.package))].join(' ');
  return { name, reason: `not installed: ${names}`, install: `apt-get install ${packages}` };
}

/** The first number of its version text; null: it says none. */
export async function versionOf(program: Program): Promise<string | null> {
  // Some end with a failure having printed it (wrk), some print it as an error (nginx).
  const { stdout, stderr } = await run(program.name, program.version).catch((cause: unknown) => {
    if (cause instanceof CommandError) return cause.output;
    throw cause;
  });
  return /\d+\.\d[\w.:+~-]*/.exec(`${stdout}\n${stderr}`)?.[0] ?? null;
}

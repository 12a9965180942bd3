/** What a run says of its circumstances, so that two runs can be compared. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from '../lab/names.js';
import { run } from '../platform/run.js';
import type { Machine, Program } from './contract.js';
import { versionOf } from './programs.js';

/** Of the beginning; the end adds its own load. */
export async function describeMachine(programs: readonly Program[]): Promise<Machine> {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { readonly version: string };
  const versions = await Promise.all(
    programs.map(async (program) => [program.name, await versionOf(program)] as const),
  );
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    covey: version,
    commit: await commit(),
    programs: Object.fromEntries(versions.map(([name, text]) => [name, text ?? 'unknown'])),
    loadBefore: currentLoad(),
    loadAfter: 0,
  };
}

export function currentLoad(): number {
  return Math.round(loadavg()[0]! * 100) / 100;
}

/** Null: an installed package has no history. */
async function commit(): Promise<string | null> {
  const words = ['-C', PROJECT, 'describe', '--always', '--dirty'];
  return run('git', words).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

/** Seconds that all cores have worked since the machine started: user, nice, system, irq, softirq. */
export function workedSeconds(stat = readFileSync('/proc/stat', 'utf8')): number {
  const [user, nice, system, , , irq, softirq] = stat.split('\n')[0]!.trim().split(/\s+/).slice(1).map(Number);
  return (user! + nice! + system! + irq! + softirq!) / TICKS_PER_SECOND;
}

/** USER_HZ: 100 on all of Linux's architectures that Covey runs on. */
export const TICKS_PER_SECOND = 100;

/** Seconds of CPU that the processes have used so far; those that have ended count nothing. */
export function usedSeconds(pids: readonly number[]): number {
  return pids.reduce((total, pid) => total + ticksOf(pid), 0) / TICKS_PER_SECOND;
}

function ticksOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold spaces and brackets: utime and stime are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

/** Processes by identity, not by number alone: a pid is re-used, a pid with its start time is not. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTicks: number;
}

/** Fields of /proc/PID/stat after the command name (which may contain blanks and brackets); [0] is the state. */
function statFields(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Null when there is no such process. */
export function identify(pid: number): ProcessIdentity | null {
  const fields = statFields(pid);
  return fields === null ? null : { pid, startTicks: Number(fields[19]) };
}

/** True while exactly this process runs (or is stopped); a zombie no longer counts. */
export function isAlive(identity: ProcessIdentity): boolean {
  const fields = statFields(identity.pid);
  return fields !== null && Number(fields[19]) === identity.startTicks && fields[0] !== 'Z' && fields[0] !== 'X';
}

/** True when the process is stopped by a signal. */
export function isStopped(identity: ProcessIdentity): boolean {
  const fields = statFields(identity.pid);
  return fields !== null && Number(fields[19]) === identity.startTicks && fields[0] === 'T';
}

/** PF_EXITING of include/linux/sched.h: the thread is in do_exit() and never returns to user mode. */
const EXITING = 0x4;

/** True once no thread of the process will run again; the kernel may still be closing its files. */
export function hasEnded(pid: number): boolean {
  return threadsOf(pid).every((thread) => {
    const flags = statFields(thread)?.[6];
    return flags === undefined || (Number(flags) & EXITING) !== 0;
  });
}

function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** Parent pid, process group and session; null when there is no such process. */
export function family(
  pid: number,
): { readonly parent: number; readonly group: number; readonly session: number } | null {
  const fields = statFields(pid);
  return fields === null ? null : { parent: Number(fields[1]), group: Number(fields[2]), session: Number(fields[3]) };
}

/** All pids of this pid namespace. */
export function allPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

/** The pids that hold the abstract unix socket `name` (leading NUL included) of this network namespace. */
export function holdersOfSocket(name: string): readonly number[] {
  const shown = `@${name.slice(1)}`;
  // Connections that wait to be accepted are rows too, with the same name and inode 0.
  const sockets = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(` ${shown}`))
    .map((line) => `socket:[${line.trim().split(/\s+/)[6]}]`);
  return allPids().filter((pid) => sockets.some((socket) => hasDescriptor(pid, socket)));
}

function hasDescriptor(pid: number, target: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => linkTarget(`/proc/${pid}/fd/${descriptor}`) === target);
  } catch {
    // The process ended meanwhile, or is not ours to look at.
    return false;
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

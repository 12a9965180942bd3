/**
 * The part of the processor that our session gets. Where the kernel groups by session (autogroup, sched(7)) a thread's niceness counts
 * within its session only, so the packet thread would not come before a service in another one; the session's own niceness does that.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const NICENESS = -10;
/** Fields of /proc/PID/stat after the command's name, which may hold anything: state, parent, group, session. */
const SESSION = 3;

/** What it needs of the system. */
export interface SessionFiles {
  readonly pid: number;
  readonly read: (path: string) => string;
  readonly write: (path: string, text: string) => void;
}

const REAL: SessionFiles = {
  pid: process.pid,
  read: (path) => readFileSync(path, 'utf8'),
  write: (path, text) => writeFileSync(path, text),
};

/**
 * Raises the session's share, if it is ours: one that began before us, as a terminal's, goes on after us, and must be what it was.
 * Ended with the session, so nothing is left of it. @returns whether it was done; not where the kernel has no such groups (cgroups take
 * their place; see CPUWeight in systemd.resource-control(5)), nor without CAP_SYS_NICE.
 */
export function raiseSessionShare({ pid, read, write }: SessionFiles = REAL): boolean {
  try {
    const stat = read('/proc/self/stat');
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[SESSION]);
    if (session !== pid) return false;
    write('/proc/self/autogroup', String(NICENESS));
    return true;
  } catch {
    return false;
  }
}

/**
 * Undoes what an agent that was killed may have left behind (invariant I8). Nearly nothing can: TUN, VIPs, guard and lock
 * vanish with the process. What is left is the journal, and an nft child that was itself stopped while the agent died.
 */
import { readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { run } from '../run.js';
import { HostError } from './contract.js';
import { type Journal, readJournal, removeJournal } from './journal.js';
import { isAlive } from './process.js';

export interface CleanupResult {
  /** What was undone, one line each; empty when there was nothing to do. */
  readonly undone: readonly string[];
  /** False: there is no such directory, so nothing could be looked at. */
  readonly found: boolean;
}

const PATIENCE_MS = 5000;

/** What agents leave in a run directory: lock and control socket, incarnation, events, journal. */
const TRACES = ['lock.sock', 'agent.sock', 'incarnation', 'events.ndjson', 'host.json'];

/** Idempotent. Throws HostError: `held` while the agent of this run directory still lives, `no-run-dir` where it cannot be looked into. */
export async function cleanup({ runDir }: { readonly runDir: string }): Promise<CleanupResult> {
  const names = await namesIn(runDir);
  if (names === null) return { undone: [], found: false };
  if (names.length > 0 && !names.some((name) => TRACES.includes(name))) {
    const message = `${runDir} is no run directory: no agent has left anything there; give the one that it ran with: --run-dir DIR`;
    throw new HostError('no-run-dir', message);
  }
  const journal = await readJournal(runDir);
  if (journal === null) return { undone: [], found: true };
  if (isAlive(journal.agent) && journal.agent.pid !== process.pid) {
    const message = `agent ${journal.agent.pid} still runs with run directory ${runDir}; stop it first: kill ${journal.agent.pid}`;
    throw new HostError('held', message);
  }
  const undone = currentNamespace() === journal.namespace ? await undo(journal) : [];
  await removeJournal(runDir);
  return { undone: [...undone, `journal of ${runDir} removed`], found: true };
}

/** Null where there is no such directory. */
async function namesIn(runDir: string): Promise<readonly string[] | null> {
  try {
    return await readdir(runDir);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'ENOTDIR') throw new HostError('no-run-dir', `${runDir} is no directory`, { cause });
    const hint = code === 'EACCES' ? 'permission denied; run as root (sudo)' : message;
    throw new HostError('no-run-dir', `cannot look into ${runDir}: ${hint}`, { cause });
  }
}

/** Identity of the network namespace that this process is in. */
export function currentNamespace(): string {
  return readlinkSync('/proc/self/ns/net');
}

async function undo(journal: Journal): Promise<readonly string[]> {
  const undone: string[] = [];
  if (await settles(async () => !(await linkExists(journal.tun)))) {
    // The kernel removes the device of a dead process by itself, within milliseconds.
  } else {
    await run('ip', ['link', 'delete', 'dev', journal.tun]);
    undone.push(`device ${journal.tun} removed`);
  }
  const { guard } = journal;
  if (guard !== null && !(await settles(async () => !isAlive(guard)))) {
    process.kill(guard.pid, 'SIGKILL');
    await settles(async () => !isAlive(guard));
    undone.push(`guard ${journal.table} removed`);
  }
  return undone;
}

async function linkExists(name: string): Promise<boolean> {
  const { stdout } = await run('ip', ['-j', 'link', 'show']);
  return (JSON.parse(stdout) as readonly { readonly ifname?: string }[]).some((link) => link.ifname === name);
}

async function settles(condition: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

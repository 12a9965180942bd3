/** The lab's processes: started inside a node's namespace, known by pid and start time, signalled only when they are ours. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { family, identify, isAlive, isStopped, type ProcessIdentity } from '../platform/host/process.js';
import { LabError, labPaths, namespaceOf } from './names.js';
import { processesIn } from './topology.js';

export type Role = 'agent' | 'service' | 'tagger' | 'echo';

function recordPath(lab: string, node: string, role: Role): string {
  return join(labPaths(lab).directory, node, `${role}.pid.json`);
}

/** Starts `command` in the node's namespace, in a process group of its own, its output appended to `log`. */
export function startIn(
  lab: string,
  node: string,
  role: Role,
  command: readonly string[],
  log: string,
): ProcessIdentity {
  const output = openSync(log, 'a');
  const child = spawn('ip', ['netns', 'exec', namespaceOf(lab, node), ...command], {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: labPaths(lab).directory,
  });
  closeSync(output);
  // `ip netns exec` becomes the command by exec, so its pid and start time are the command's.
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (identity === null) throw new LabError(`cannot start ${command.join(' ')} on ${node}; see ${log}`);
  child.on('error', () => undefined);
  child.unref();
  writeFileSync(recordPath(lab, node, role), `${JSON.stringify(identity)}\n`);
  return identity;
}

/** The recorded process, dead or alive; null when none was ever started. */
export function recorded(lab: string, node: string, role: Role): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(recordPath(lab, node, role), 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}

export type Health = 'running' | 'stopped' | 'dead';

export function healthOf(lab: string, node: string, role: Role): Health {
  const identity = recorded(lab, node, role);
  if (identity === null || !isAlive(identity)) return 'dead';
  return isStopped(identity) ? 'stopped' : 'running';
}

/**
 * The supervisor (first) and all that runs under it: its process group and its descendants, as far as they are in the
 * node's namespace. The guard's nft child is left out: on a real host it is not killed with the agent either, it ends
 * because the agent's end of its pipe closes.
 */
export function agentProcesses(lab: string, node: string): readonly ProcessIdentity[] {
  const supervisor = recorded(lab, node, 'agent');
  if (supervisor === null) return [];
  const inside = processesIn(lab, node).filter((pid) => commandName(pid) !== 'nft');
  const ours = new Set([supervisor.pid]);
  // A child may have a lower pid than its parent once pids wrap, so one pass is not enough.
  for (let before = -1; before !== ours.size; ) {
    before = ours.size;
    for (const pid of inside) {
      const kin = family(pid);
      if (kin !== null && (ours.has(kin.parent) || kin.group === supervisor.pid)) ours.add(pid);
    }
  }
  return [...ours]
    .filter((pid) => inside.includes(pid))
    .map(identify)
    .filter((identity) => identity !== null);
}

function commandName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Signals each process that still is the one meant. */
export function signalAll(identities: readonly ProcessIdentity[], signal: NodeJS.Signals): void {
  for (const identity of identities) {
    if (!isAlive(identity)) continue;
    try {
      process.kill(identity.pid, signal);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
    }
  }
}

/** Polls until `condition` holds. False when it does not within `timeoutMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 20,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return true;
}

/** An exec hook: a shell command with the notification as JSON on its standard input. */
import { spawn } from 'node:child_process';
import type { Notification } from './contract.js';

/** Of what the command says on standard error. */
const TAIL_CHARACTERS = 300;

/** Rejects when it ends with another code than 0; after `timeoutMs` it is killed, with all that it started. */
export function runHook(command: string, notification: Notification, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      // A process group of its own, so that what the shell started can be ended with it.
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, COVEY_EVENT: notification.event, COVEY_NODE: notification.node },
    });
    let tail = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
      // Whoever left the group may hold standard error open for ever; nobody waits for that.
      child.stderr.destroy();
    }, timeoutMs);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARACTERS);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`the command cannot be started: ${error.message}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve();
      const end = isLate
        ? `killed after ${timeoutMs} ms`
        : `ended with ${code === null ? signal : `exit code ${code}`}`;
      reject(new Error(`the command ${end}${tail.trim() === '' ? '' : `: ${tail.trim()}`}`));
    });
    // A command need not read what it is given.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(notification)}\n`);
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

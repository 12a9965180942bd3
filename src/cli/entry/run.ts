/** Puts the supervisor's parts together: what `covey run` runs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunOptions } from '../../agent/contract.js';
import { runSupervisor } from '../../agent/supervisor.js';
import { nativeCounterNames, sendControlOnce, sendUnixDatagram } from '../../dataplane/native.js';
import { cleanup } from '../../platform/host/cleanup.js';
import { hasEnded } from '../../platform/host/process.js';
import { serviceManager } from '../../platform/service-manager.js';
import { raiseSessionShare } from '../../platform/session-share.js';
import type { ConsoleOptions } from '../parts.js';
import { confinedNode } from './confinement.js';
import { mustHaveConsole } from './reset-admin.js';

const CONSOLE_ENTRY = fileURLToPath(new URL('./console.js', import.meta.url));

/** In a process of its own, which ends with this one. */
export async function runConsole({ runDir, listen, host, resetAdmin }: ConsoleOptions): Promise<number> {
  if (resetAdmin !== undefined) await mustHaveConsole(runDir);
  const words = ['--run-dir', runDir, '--listen', listen, ...host.flatMap((name) => ['--host', name])];
  const reset = resetAdmin === undefined ? [] : ['--reset-admin', resetAdmin];
  const { execPath, execArgv } = confinedNode();
  const child = fork(CONSOLE_ENTRY, [...words, ...reset], { stdio: 'inherit', execPath, execArgv: [...execArgv] });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGTERM', pass);
  process.on('SIGINT', pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGTERM', pass);
  process.off('SIGINT', pass);
  return code ?? 1;
}

/** @returns the exit code. Throws what keeps the supervisor from starting, e.g. an unreadable config file, or AddonError. */
export async function runNode(options: RunOptions): Promise<number> {
  // Loads the addon: what cannot be loaded is said in one line, and the obituary of an agent needs no file any more.
  nativeCounterNames();
  raiseSessionShare();
  const manager = serviceManager({
    environment: { ...process.env },
    pid: process.pid,
    send: sendUnixDatagram,
    failed: (why) => process.stderr.write(`covey: the service manager cannot be told: ${why}\n`),
  });
  // It is ours alone: neither the agent nor a service that it starts speaks for us.
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
  return runSupervisor(options, {
    agentEntry: fileURLToPath(new URL('./agent.js', import.meta.url)),
    consoleEntry: CONSOLE_ENTRY,
    confinedNode,
    hasEnded,
    sendControlOnce,
    manager,
    // Set by covey.service, which knows the exit code (RestartForceExitStatus).
    isRestartedByManager: process.env.COVEY_RESTARTED_BY_MANAGER === '1',
    restoreHost: async (runDir) => {
      await cleanup({ runDir });
    },
  });
}

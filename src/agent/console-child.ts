/**
 * Keeps a console running beside the agent, as long as the config wants one. It is a process of its own: whatever becomes of it, the
 * farm does not notice.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { nextBackoff } from './backoff.js';
import type { ConsoleSettings } from './contract.js';

export interface ConsoleChildParts {
  /** Path of the console's entry module. */
  readonly entry: string;
  readonly confinedNode: () => { readonly execPath: string; readonly execArgv: readonly string[] };
  readonly runDir: string;
  readonly log: (level: 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  /** For tests: starts the process. */
  readonly start?: (settings: ConsoleSettings) => ChildProcess;
  readonly nowMs?: () => number;
}

/** Time for the console to end by itself: it may owe an answer to somebody who has put the config in force by which it ends. */
const END_WITHIN_MS = 10_000;

export class ConsoleChild {
  readonly #parts: ConsoleChildParts;
  #wanted: ConsoleSettings | null = null;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #backoffMs = 0;

  constructor(parts: ConsoleChildParts) {
    this.#parts = parts;
  }

  /** What it is to be from now on; null: no console. One that runs with other settings is ended, and begins anew. */
  want(settings: ConsoleSettings | null): void {
    if (isSame(settings, this.#wanted)) return;
    this.#wanted = settings;
    this.#backoffMs = 0;
    if (this.#child !== null) end(this.#child);
    else this.#begin(0);
  }

  close(): void {
    this.want(null);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #begin(afterMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#wanted === null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#wanted !== null) this.#start(this.#wanted);
    }, afterMs);
  }

  #start(settings: ConsoleSettings): void {
    const { log, nowMs = () => performance.now() } = this.#parts;
    const startedMs = nowMs();
    const child = (this.#parts.start ?? ((wanted) => this.#fork(wanted)))(settings);
    this.#child = child;
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.#child !== child) return;
      this.#child = null;
      const asked = this.#wanted !== settings;
      this.#backoffMs = asked ? 0 : nextBackoff(this.#backoffMs, nowMs() - startedMs);
      if (!asked) log('error', 'console ended', { code, signal, restartInMs: this.#backoffMs });
      this.#begin(this.#backoffMs);
    };
    child.once('exit', ended);
    child.on('error', (error) => {
      log('warn', 'console process', { error: error.message });
      // What could not be started has no end of its own.
      if (child.pid === undefined) ended(null, null);
    });
  }

  /** The channel tells the console when its supervisor is gone. */
  #fork({ listen, hosts }: ConsoleSettings): ChildProcess {
    const names = hosts.flatMap((name) => ['--host', name]);
    const { execPath, execArgv } = this.#parts.confinedNode();
    return fork(this.#parts.entry, ['--run-dir', this.#parts.runDir, '--listen', listen, ...names], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execPath,
      execArgv: [...execArgv],
    });
  }
}

const isSame = (a: ConsoleSettings | null, b: ConsoleSettings | null) => JSON.stringify(a) === JSON.stringify(b);

function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
  child.once('exit', () => clearTimeout(timer));
}

/**
 * Programs that users name: services' commands and `exec` checks. Unlike run.ts: failure is a result, not an exception; output goes
 * on line by line; and whoever does not end in time is ended with its whole process group.
 *
 * A program that has ended may leave others behind which hold its output open (a daemon that a start command began): what counts is
 * the end of the program itself, not the end of its output.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { startError } from './run.js';

export interface ProgramRequest {
  /** Program and arguments; for a line of shell see {@link shell}. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL of the process group. 0: SIGKILL at once. */
  readonly patienceMs: number;
  /** Added to our own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** One line of output, standard error too, cut at {@link LONGEST_LINE} characters. */
  readonly onLine?: (line: string) => void;
  /** Go on reading what programs that were left behind say. Else their output is closed. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface ProgramResult {
  readonly ok: boolean;
  /** Why it failed, with its last line; where it did not fail just that line. */
  readonly detail: string;
}

export const LONGEST_LINE = 500;
/** A process that does not end by SIGKILL hangs in the kernel; nobody waits for it any longer than this. */
const DEAD_WITHIN_MS = 1000;
/** Output that is still on its way when the program has ended. */
const LAST_WORDS_MS = 50;
/** Said by the service manager to us, and not to be said again by others. */
const PRIVATE = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID'];

export const shell = (line: string): readonly string[] => ['/bin/sh', '-c', line];

/** Never rejects. */
export function runProgram(request: ProgramRequest): Promise<ProgramResult> {
  const { command, timeoutMs, patienceMs, onLine, follow, signal } = request;
  const env = { ...process.env, ...request.environment };
  for (const name of PRIVATE) delete env[name];
  return new Promise((resolve) => {
    // In a group of its own, so that all of it can be ended; a terminal's Ctrl-C is not meant for it either.
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
    let lastLine = '';
    let why = '';
    const timers: NodeJS.Timeout[] = [];
    const take = (line: string) => {
      if (line.trim() !== '') lastLine = line.trim();
      onLine?.(line);
    };
    for (const stream of [child.stdout, child.stderr]) lines(stream, take);
    const finish = (ok: boolean, detail: string) => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      release(child, follow === true);
      resolve({ ok, detail: [detail, lastLine].filter((part) => part !== '').join(': ') });
    };
    const kill = () => {
      endGroup(child, 'SIGKILL');
      timers.push(setTimeout(() => finish(false, `${why}; it does not even end by SIGKILL`), DEAD_WITHIN_MS));
    };
    const end = (reason: string) => {
      if (why !== '') return;
      why = reason;
      if (patienceMs > 0) endGroup(child, 'SIGTERM');
      if (patienceMs > 0) timers.push(setTimeout(kill, patienceMs));
      else kill();
    };
    const abort = () => end('called off');
    timers.push(
      setTimeout(() => end(`no end within ${timeoutMs / 1000} s, so its process group was killed`), timeoutMs),
    );
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    child.once('error', (cause) => finish(false, startError(command, cause).message));
    child.once('exit', (code, by) => {
      // The rest of the group must not outlive a command that was ended, whatever ended its leader.
      if (why !== '') endGroup(child, 'SIGKILL');
      const failure = code === null ? `killed by ${by}` : `exit code ${code}`;
      timers.push(
        setTimeout(() => finish(why === '' && code === 0, why || (code === 0 ? '' : failure)), LAST_WORDS_MS),
      );
    });
  });
}

function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What is left behind may go on to talk, but it must not hold this process. */
function release(child: ChildProcess, follow: boolean): void {
  for (const stream of [child.stdout, child.stderr] as (Socket | null)[]) {
    if (follow) stream?.unref();
    else stream?.destroy();
  }
}

/** Splits into lines in bounded memory: what is longer than a line may be is cut, and its rest left out. */
function lines(stream: Readable | null, take: (line: string) => void): void {
  let partial = '';
  let isCut = false;
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const [first = '', ...rest] = text.split('\n');
    add(first);
    for (const piece of rest) {
      say();
      add(piece);
    }
  });
  // `end` comes late or never where others hold the output; then an unfinished line stays unsaid.
  stream?.on('end', () => partial !== '' && say());
  stream?.on('error', () => undefined);
  const add = (piece: string) => {
    isCut ||= partial.length + piece.length > LONGEST_LINE;
    partial = (partial + piece).slice(0, LONGEST_LINE);
  };
  const say = () => {
    take(isCut ? `${partial} ...` : partial);
    partial = '';
    isCut = false;
  };
}

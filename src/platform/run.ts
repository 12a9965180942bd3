/**
 * Child commands of the platform (ip, nft, sysctl): run to the end, output returned as text, failures with all that is
 * needed to understand them. Never through a shell.
 */
import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Written to the command's standard input, which is then closed. */
  readonly input?: string;
  /** The command is killed after this long, and the call fails. Default 10 s. */
  readonly timeoutMs?: number;
}

/** A child command that could not start, ended with a failure, or took too long. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    readonly command: readonly string[],
    /** Exit code; null when a signal ended it or it never started. */
    readonly exitCode: number | null,
    readonly output: CommandResult,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Debian packages of the commands we call, for the message when one is missing. */
const PACKAGE_OF: Readonly<Record<string, string>> = { ip: 'iproute2', nft: 'nftables', bridge: 'iproute2' };

/** The failure to start `command`, told with what to install. */
export function startError(command: readonly string[], cause: NodeJS.ErrnoException): CommandError {
  const name = command[0] ?? '';
  const hint =
    cause.code === 'ENOENT'
      ? `: command not found; try: apt-get install ${PACKAGE_OF[name] ?? name}`
      : `: ${cause.message}`;
  return new CommandError(command, null, { stdout: '', stderr: '' }, `cannot run ${name}${hint}`, { cause });
}

/** Runs one command. Throws {@link CommandError} unless it ends with exit code 0. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const line = [command, ...args];
  const timeoutMs = options.timeoutMs ?? 10_000;
  return new Promise((resolve, reject) => {
    // In a session of its own: a terminal's Ctrl-C is for us to act on, and must not cut short what we do to clean up.
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    // A command that ends before it has read its input is judged by its exit code, not by our broken pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(startError(line, cause));
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer);
      if (exitCode === 0) {
        resolve(output);
        return;
      }
      const why = timedOut
        ? `no end within ${timeoutMs} ms`
        : exitCode === null
          ? `killed by ${signal}`
          : `exit code ${exitCode}`;
      reject(new CommandError(line, exitCode, output, `${line.join(' ')}: ${output.stderr.trim() || why}`));
    });
  });
}

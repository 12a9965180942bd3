/** Exit codes (design, section 9) and the errors that lead to them. */
import { CommanderError } from 'commander';
import type { Fault } from '../config/contract.js';
import { AgentNotRunningError, ControlAccessError, ControlError } from '../control/errors.js';

export const EXIT = { ok: 0, error: 1, usage: 2, badConfig: 3, degraded: 4, agentNotRunning: 5 } as const;

/** The command cannot be meant like that; commander did not see it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  constructor(
    message: string,
    readonly hint = '',
  ) {
    super(message);
  }
}

/** The config cannot be used. `report` is what to show, already in lines. */
export class BadConfigError extends Error {
  override readonly name = 'BadConfigError';

  constructor(
    message: string,
    readonly report: readonly string[],
    options?: ErrorOptions,
    /** For programs; empty where the file could not be read. */
    readonly faults: readonly Fault[] = [],
    /** The key file is there, for other users. */
    readonly needsRoot = false,
  ) {
    super(message, options);
  }
}

export interface Failure {
  readonly exitCode: number;
  /** For standard error; empty where commander has spoken already, or there is nothing to say. */
  readonly lines: readonly string[];
}

/** What the process should end with, and say, after `error`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return { exitCode: commanderExit(error), lines: [] };
  if (error instanceof BadConfigError) return { exitCode: EXIT.badConfig, lines: [...error.report, error.message] };
  return { exitCode: exitCodeOf(error), lines: explained(error) };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof AgentNotRunningError) return EXIT.agentNotRunning;
  return error instanceof ControlError && error.code === 'bad-config' ? EXIT.badConfig : EXIT.error;
}

/** commander ends with 1 for wrong usage, which is 2 here; help and version that were asked for are 0. */
function commanderExit({ exitCode, code }: CommanderError): number {
  const isAsked = code === 'commander.helpDisplayed' || code === 'commander.version';
  return exitCode === 0 || isAsked ? EXIT.ok : EXIT.usage;
}

/** Message, then what to type next. The cause is added where the message does not contain it. */
function explained(error: unknown): string[] {
  if (!(error instanceof Error)) return [`covey: ${String(error)}`];
  const { hint } = error as { readonly hint?: unknown };
  const cause =
    error.cause instanceof Error && !error.message.includes(error.cause.message) ? error.cause.message : null;
  return [
    `covey: ${error.message}`,
    ...(typeof hint === 'string' && hint !== '' ? [`  ${hint}`] : []),
    ...(cause === null || typeof hint === 'string' ? [] : [`  because: ${cause}`]),
  ];
}

/** Whether root could do what failed: the socket, the agent or the kernel has said so. */
export function isForRoot(error: unknown): boolean {
  if (error instanceof ControlAccessError) return true;
  if (error instanceof ControlError) return error.code === 'not-allowed';
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code, needsRoot } = at as { readonly code?: unknown; readonly needsRoot?: unknown };
    if (needsRoot === true || code === 'EACCES' || code === 'EPERM' || code === 'no-permission') return true;
  }
  return false;
}

/** The command line to type instead, as a shell takes it. */
export function asRoot(words: readonly string[]): string {
  return ['sudo', 'covey', ...words.map(shellWord)].join(' ');
}

/** Quoted where a shell would else take it for something else. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

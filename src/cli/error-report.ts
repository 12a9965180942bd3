/** What went wrong, for programs: with --json every failure is one JSON object on standard output, whatever command it was. Pure. */
import { CommanderError } from 'commander';
import type { Fault } from '../config/contract.js';
import { AgentNotRunningError, ControlAccessError, ControlError } from '../control/errors.js';
import { asRoot, BadConfigError, type Failure, isForRoot, UsageError } from './exit.js';

/** Version 1 may gain fields, never lose or change one. */
export interface CommandErrorReport {
  readonly version: 1;
  readonly error: {
    /** `usage`, `bad-config`, `agent-not-running`, `not-allowed`, what the agent calls it, else `error`. */
    readonly code: string;
    readonly exitCode: number;
    readonly message: string;
    /** What to type or change next; may be empty. */
    readonly hint: string;
    /** Of a bad config; empty otherwise. */
    readonly faults: readonly Fault[];
  };
}

/** @param words the command line, for the hint of what only root may do. */
export function errorReport(
  error: unknown,
  { exitCode }: Failure,
  words: readonly string[],
  isRoot: boolean,
): CommandErrorReport {
  const message = error instanceof Error ? error.message.replace(/^(error|covey): /, '') : String(error);
  const { hint } = error as { readonly hint?: unknown };
  const faults = error instanceof BadConfigError ? error.faults : [];
  const next = isForRoot(error) && !isRoot ? `type: ${asRoot(words)}` : typeof hint === 'string' ? hint : '';
  return { version: 1, error: { code: codeOf(error), exitCode, message, hint: next, faults } };
}

function codeOf(error: unknown): string {
  if (error instanceof CommanderError || error instanceof UsageError) return 'usage';
  if (error instanceof BadConfigError) return 'bad-config';
  if (error instanceof AgentNotRunningError) return 'agent-not-running';
  if (error instanceof ControlAccessError) return 'not-allowed';
  if (error instanceof ControlError) return error.code;
  return isForRoot(error) ? 'not-allowed' : 'error';
}

/** Whether the command line asks for JSON, also where it could not be understood. Behind `--` are words of another program. */
export function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).includes('--json');
}

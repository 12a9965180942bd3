/** What the help of every command has in common. */
import { Option } from 'commander';
import { DEFAULT_RUN_DIR } from '../control/contract.js';
import { EXIT } from './exit.js';

export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, 'ok'],
  [EXIT.error, 'error'],
  [EXIT.usage, 'usage'],
  [EXIT.badConfig, 'bad config'],
  [EXIT.degraded, 'degraded (status, probe, support)'],
  [EXIT.agentNotRunning, 'agent not running'],
];

export const EXIT_HELP = `\nExit codes: ${EXIT_CODES.map(([code, meaning]) => `${code} ${meaning}`).join(', ')}.`;

export const JSON_FLAG = ['--json', 'print JSON for programs'] as const;

const HEADING = 'Examples:';

/** Text to add after a command's help. */
export const examples = (...lines: readonly string[]) => `\n${HEADING}\n${lines.map((line) => `  ${line}\n`).join('')}`;

/** The example lines of a help text, without their indent. */
export function examplesIn(help: string): readonly string[] {
  const after = help.split(`\n${HEADING}\n`)[1] ?? '';
  const lines = after.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('  '));
  return lines.slice(0, end === -1 ? lines.length : end).map((line) => line.slice(2));
}

export const runDirOption = () =>
  new Option('--run-dir <dir>', "directory of the agent's socket and state")
    .env('COVEY_RUN_DIR')
    .default(DEFAULT_RUN_DIR);

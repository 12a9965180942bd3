/** What the help of every command has in common. */
import { type Command, Option } from 'commander';
import { didYouMean } from '../config/suggest.js';
import { DEFAULT_RUN_DIR } from '../control/contract.js';
import { EXIT, UsageError } from './exit.js';

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

/** After wrong usage: where the right one of this very command stands. */
export function pointToHelp(program: Command): void {
  program.showHelpAfterError('(covey help shows the commands; covey help COMMAND shows one with examples)');
  const point = (command: Command, path: string) => {
    command.showHelpAfterError(`(covey help ${path} shows it with examples)`);
    for (const child of command.commands) point(child, `${path} ${child.name()}`);
  };
  for (const command of program.commands) point(command, command.name());
}

/** `help keys use` as `keys use --help`: commander's own goes one command deep, and says nothing of one that is not there. */
export function helpWords(program: Command, words: readonly string[]): readonly string[] {
  const [first, ...path] = words;
  if (first !== 'help' || path.length === 0 || path.some((word) => word === 'help' || word.startsWith('-')))
    return words;
  let command = program;
  for (const word of path) {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child === undefined) throw noSuchCommand(command, word);
    command = child;
  }
  return [...path, '--help'];
}

function noSuchCommand(above: Command, word: string): UsageError {
  const names = above.commands.map((command) => command.name());
  const place = above.parent === null ? '' : ` ${above.name()}`;
  return new UsageError(
    `there is no command${place} ${word}${didYouMean(word, names)}`,
    above.parent === null ? 'see: covey help' : `see: covey help ${above.name()}`,
  );
}

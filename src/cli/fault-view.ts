/** Faults of a config as people want them: where, what, and the line itself with a caret. Pure. */
import type { Fault } from '../config/contract.js';
import { faultText } from '../config/fault-text.js';
import type { Paint } from './style.js';

const WINDOW = 100;

/** Three lines a fault; the first is `file:line:column: path: message`. */
export function faultLines(file: string, text: string, faults: readonly Fault[], paint: Paint): string[] {
  const source = text.split(/\r?\n/);
  return faults.flatMap((fault) => [`${file}:${faultText(fault)}`, ...excerpt(source[fault.line - 1], fault, paint)]);
}

function excerpt(line: string | undefined, { line: number, column }: Fault, paint: Paint): string[] {
  if (line === undefined || line.trim() === '') return [];
  // Of a long line only the surroundings are shown; tabs stay tabs, so that the caret stands right.
  const start = column > WINDOW ? column - WINDOW / 2 : 0;
  const shown = line.slice(start, start + WINDOW);
  const indent = line.slice(start, column - 1).replaceAll(/[^\t]/g, ' ');
  const gutter = String(number).padStart(5);
  return [
    `${paint('dim', `${gutter} |`)} ${shown}`,
    `${paint('dim', `${' '.repeat(gutter.length)} |`)} ${indent}${paint('red', '^')}`,
  ];
}

/** `2 faults in covey.yaml`. */
export function faultCount(file: string, count: number): string {
  return `${count} ${count === 1 ? 'fault' : 'faults'} in ${file}`;
}

import type { EventReport } from '../control/contract.js';
import type { Paint } from './style.js';

/** One event, one line: time, node, kind, and its fields as `name=value`. */
export function eventLine({ at, node, event, fields }: EventReport, paint: Paint): string {
  const words = Object.entries(fields).map(([name, value]) => `${paint('dim', `${name}=`)}${fieldText(value)}`);
  return `${paint('dim', at)}  ${node}  ${paint('bold', event)}  ${words.join(' ')}`.trimEnd();
}

/** One field must not fill the screen; all of it is in --json. */
const FIELD_WIDTH = 120;

function fieldText(value: unknown): string {
  const isWord = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  const text = isWord ? value : (JSON.stringify(value) ?? 'undefined');
  return text.length > FIELD_WIDTH ? `${text.slice(0, FIELD_WIDTH)}...` : text;
}

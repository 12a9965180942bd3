/** Events and audit entries as lines of the timeline. Pure. */
import type { AuditEntry, EventReport } from '../contract.js';
import { duration, plural, words } from './text.js';

export const KINDS = ['membership', 'commands', 'checks', 'config', 'other'] as const;
export type Kind = (typeof KINDS)[number];

export interface Entry {
  /** ISO 8601. */
  readonly at: string;
  readonly kind: Kind;
  readonly what: string;
  readonly detail: string;
  /** Empty: nobody asked for it. */
  readonly who: string;
  /** It was asked and not done; the detail says why. */
  readonly failed: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const MEMBERSHIP =
  /^(member|state|lapsed|acquired|grant|gained|taken-back|table-full|overlap|twin|reach|agent|connections-reset|weight)/;

function kindOf(event: string): Kind {
  if (/^(command|command-elsewhere|set)$/.test(event)) return 'commands';
  if (/^(config|keys|vips|invite)/.test(event)) return 'config';
  if (/^(check|service|witness|vip|host|notify)/.test(event)) return 'checks';
  return MEMBERSHIP.test(event) ? 'membership' : 'other';
}

export function ofEvent({ at, node, event, fields }: EventReport): Entry {
  const { by, ...rest } = fields;
  const kind = kindOf(event);
  const who = by === undefined || by === null ? '' : String(by);
  // Its own who says on which node it was asked.
  if (event === 'command-elsewhere') {
    return { at, kind, what: commandText(fields), detail: `heard by ${node}`, who, failed: false };
  }
  if (event !== 'command') {
    return { at, kind, what: `${node}: ${words(event)}`, detail: detailOf(rest), who, failed: false };
  }
  const failed = typeof fields.failed === 'string';
  const detail = [...(failed ? [String(fields.failed)] : []), wayOf(fields)].filter((text) => text !== '').join(' · ');
  return { at, kind, what: `${node}: ${commandText(fields)}`, detail, who, failed };
}

export function ofAudit({ at, who, from, what, outcome }: AuditEntry): Entry {
  // The console tells of a rolling restart in `what` alone.
  const failed = outcome !== 'ok' && outcome !== '';
  return { at, kind: 'commands', what, detail: outcome, who: from === '' ? who : `${who} from ${from}`, failed };
}

/** `drain n2, at most 1 min 0 s`; of a node that stops by itself with the reason. */
function commandText({ command, name, node, deadlineMs }: Fields): string {
  const target = typeof node === 'string' ? ` ${node}` : '';
  const limit = typeof deadlineMs === 'number' ? `, at most ${duration(deadlineMs)}` : '';
  return `${String(command ?? name)}${target}${limit}`;
}

function wayOf({ from, reason }: Fields): string {
  const way =
    from === 'control socket' || from === 'console' || from === undefined ? [] : [`by way of ${String(from)}`];
  return [...way, ...(typeof reason === 'string' && reason !== '' ? [reason] : [])].join(' · ');
}

function detailOf(fields: Fields): string {
  const { from, to, reason, ...rest } = fields;
  const isChange = from !== undefined && to !== undefined;
  const change = isChange ? [`${String(from)} → ${String(to)}`] : [];
  const why = typeof reason === 'string' && reason !== '' ? [reason] : [];
  const loose = isChange ? rest : { from, to, ...rest };
  const pairs = Object.entries(loose)
    .map(([name, value]) => pairText(name, value))
    .filter((text) => text !== '');
  return [...change, ...why, ...pairs].join(' · ');
}

const COUNTED: Readonly<Record<string, string>> = { buckets: 'bucket', keeps: 'client' };
/** What only programs need. */
const HIDDEN = new Set(['plan', 'incarnation', 'uid']);

function pairText(name: string, value: unknown): string {
  if (value === undefined || value === null || value === '' || HIDDEN.has(name)) return '';
  if (name === 'ms' && typeof value === 'number') return `took ${duration(value)}`;
  if (name in COUNTED && typeof value === 'number') return plural(value, COUNTED[name]!);
  if (name.endsWith('Ms') && typeof value === 'number') return `${words(name.slice(0, -2))} ${duration(value)}`;
  if (Array.isArray(value)) return value.length === 0 ? '' : `${words(name)}: ${value.map(plain).join(', ')}`;
  return `${words(name)} ${plain(value)}`;
}

const plain = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

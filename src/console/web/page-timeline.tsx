/** What happened, and who did what, newest first. */
import { useEffect, useState } from 'preact/hooks';
import type { AuditEntry, EventReport } from '../contract.js';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { clock, day, words } from './text.js';

type Kind = 'all' | 'membership' | 'commands' | 'checks' | 'config' | 'other';
const KINDS: readonly Kind[] = ['all', 'membership', 'commands', 'checks', 'config', 'other'];

interface Entry {
  readonly at: string;
  readonly kind: Exclude<Kind, 'all'>;
  readonly what: string;
  readonly detail: string;
  readonly who: string;
}

const AUDIT_EVERY_MS = 2000;

export function TimelinePage({ farm }: PageProps) {
  const [audit, setAudit] = useState<readonly AuditEntry[]>([]);
  const [kind, setKind] = useState<Kind>('all');
  useEffect(() => {
    const load = () =>
      void ask<{ entries: AuditEntry[] }>('GET', '/audit')
        .then(({ entries }) => setAudit(entries))
        .catch(() => undefined);
    load();
    const timer = setInterval(load, AUDIT_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const entries = [...farm.events.map(ofEvent), ...audit.map(ofAudit)]
    .filter((entry) => kind === 'all' || entry.kind === kind)
    .sort((a, b) => (a.at < b.at ? 1 : -1));
  return (
    <>
      <div class="segments" role="group" aria-label="Which entries">
        {KINDS.map((name) => (
          <button key={name} type="button" aria-pressed={kind === name} onClick={() => setKind(name)}>
            {name}
          </button>
        ))}
      </div>
      {entries.length === 0 && <p>Nothing of this kind has happened yet.</p>}
      <ol class="timeline">
        {entries.map((entry, at) => (
          <li key={`${entry.at} ${at}`} class={entry.kind}>
            <time dateTime={entry.at} title={`${day(entry.at)} ${entry.at}`}>
              {clock(entry.at)}
            </time>
            <div>
              <strong>{entry.what}</strong> <span>{entry.detail}</span>
              {entry.who !== '' && <small> by {entry.who}</small>}
            </div>
          </li>
        ))}
      </ol>
      <p class="hint">Events as node {farm.frame?.status?.node ?? ''} saw them, and what was asked by its console.</p>
    </>
  );
}

const MEMBERSHIP = /member|state|lease|view|grant|moves|takeover|obituary|heal|lapse|waiting|agent|fenced/;
const CHECKS = /check|service|witness|vip|host|notif/;

function kindOf(event: string): Entry['kind'] {
  if (/command|rolling|connections-reset/.test(event)) return 'commands';
  if (/config|keys/.test(event)) return 'config';
  if (CHECKS.test(event)) return 'checks';
  return MEMBERSHIP.test(event) ? 'membership' : 'other';
}

function ofEvent({ at, node, event, fields }: EventReport): Entry {
  const { by, from, ...rest } = fields;
  const isCommand = event === 'command';
  const who = isCommand ? String(by ?? from ?? '') : by === undefined ? '' : String(by);
  const shown =
    event === 'state' ? { from, ...rest } : isCommand ? rest : { ...(from === undefined ? {} : { from }), ...rest };
  return { at, kind: kindOf(event), what: `${node}: ${words(event)}`, detail: detailOf(shown), who };
}

function detailOf(fields: Readonly<Record<string, unknown>>): string {
  const { from, to, reason, ...rest } = fields;
  const change = from !== undefined && to !== undefined ? [`${String(from)} → ${String(to)}`] : [];
  const loose = change.length === 0 ? { from, to, ...rest } : rest;
  const pairs = Object.entries(loose)
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `${words(name)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  return [...change, ...(reason === undefined || reason === '' ? [] : [String(reason)]), ...pairs].join(' · ');
}

function ofAudit({ at, who, from, what, outcome }: AuditEntry): Entry {
  return { at, kind: 'commands', what, detail: outcome, who: `${who} from ${from}` };
}

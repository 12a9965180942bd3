/** What happened, and who did what, newest first. */
import { useEffect, useState } from 'preact/hooks';
import type { AuditEntry } from '../contract.js';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { type Entry, KINDS, type Kind, ofAudit, ofEvent } from './entries.js';
import { clock, day } from './text.js';

const CHOICES: readonly ('all' | Kind)[] = ['all', ...KINDS];
const AUDIT_EVERY_MS = 2000;
const MOST_SHOWN = 400;

export function TimelinePage({ farm }: PageProps) {
  const { audit, trouble } = useAudit();
  const [kind, setKind] = useState<'all' | Kind>('all');
  const entries = [...farm.events.map(ofEvent), ...audit.map(ofAudit)]
    .filter((entry) => kind === 'all' || entry.kind === kind)
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, MOST_SHOWN);
  return (
    <>
      <div class="segments" role="group" aria-label="Which entries">
        {CHOICES.map((name) => (
          <button key={name} type="button" aria-pressed={kind === name} onClick={() => setKind(name)}>
            {name}
          </button>
        ))}
      </div>
      {trouble !== '' && <p class="old">What was asked by this console is not up to date: {trouble}</p>}
      {entries.length === 0 && <p>Nothing of this kind has happened since this node was started.</p>}
      <div class="timeline">
        {byDay(entries).map(([date, ofDay]) => (
          <section key={date} aria-label={date}>
            <h2>{date}</h2>
            <ol>
              {ofDay.map((entry, at) => (
                <Line key={`${entry.at} ${at}`} entry={entry} />
              ))}
            </ol>
          </section>
        ))}
      </div>
      <p class="hint">
        Events as node {farm.frame?.status?.node ?? ''} saw them, and what was asked by its console; the other nodes
        tell theirs.
      </p>
    </>
  );
}

function Line({ entry }: { readonly entry: Entry }) {
  return (
    <li class={entry.failed ? `${entry.kind} failed` : entry.kind}>
      <time dateTime={entry.at}>{clock(entry.at)}</time>
      <div>
        {entry.failed && <span class="state bad">✕ not done</span>} <strong>{entry.what}</strong>{' '}
        <span>{entry.detail}</span>
        {entry.who !== '' && <small> by {entry.who}</small>}
      </div>
    </li>
  );
}

function byDay(entries: readonly Entry[]): readonly (readonly [string, readonly Entry[]])[] {
  const days = new Map<string, Entry[]>();
  for (const entry of entries) {
    const date = day(entry.at);
    days.set(date, [...(days.get(date) ?? []), entry]);
  }
  return [...days];
}

function useAudit() {
  const [audit, setAudit] = useState<readonly AuditEntry[]>([]);
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    const load = () =>
      void ask<{ entries: AuditEntry[] }>('GET', '/audit').then(
        ({ entries }) => {
          setAudit(entries);
          setTrouble('');
        },
        (error: Error) => setTrouble(error.message),
      );
    load();
    const timer = setInterval(load, AUDIT_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return { audit, trouble };
}

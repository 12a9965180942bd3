/** Checkers and services, as the agents report them. */
import type { PageProps } from './app.js';
import { Figure } from './parts.js';
import { duration, words } from './text.js';

/** Fields that a release may have; what is not there is not shown. */
interface Named {
  readonly name: string;
  readonly [field: string]: unknown;
}

export function ChecksPage({ farm }: PageProps) {
  const status = farm.frame?.status as (Record<string, unknown> & { readonly node?: string }) | null | undefined;
  if (status === null || status === undefined) return <p>Waiting for the agent’s first answer…</p>;
  const checkers = listOf(status.checkers);
  const services = listOf(status.services);
  const paths = farm.frame?.status?.paths ?? [];
  return (
    <>
      <Table title="Checkers" node={status.node ?? ''} rows={checkers} />
      <Table title="Services" node={status.node ?? ''} rows={services} />
      <section class="panel">
        <h2>This node</h2>
        <dl class="figures">
          <Figure label="Lease">
            {farm.frame?.status?.lease.remainingMs == null ? 'not open' : duration(farm.frame.status.lease.remainingMs)}
          </Figure>
          <Figure label="Agent restarts">{farm.frame?.status?.supervisor.restarts ?? 0}</Figure>
          {paths.map(({ path, ok, detail }) => (
            <Figure key={path} label={`Heartbeats by ${path}`} tone={ok ? 'good' : 'bad'}>
              {ok ? 'ok' : detail}
            </Figure>
          ))}
        </dl>
      </section>
    </>
  );
}

const listOf = (value: unknown): readonly Named[] | null => (Array.isArray(value) ? (value as Named[]) : null);

function Table({
  title,
  node,
  rows,
}: {
  readonly title: string;
  readonly node: string;
  readonly rows: readonly Named[] | null;
}) {
  const id = `table-${title}`;
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>
        {title} of {node}
      </h2>
      {rows === null && <p>The agent of this version does not report them.</p>}
      {rows?.length === 0 && <p>The config names none.</p>}
      {rows !== null && rows.length > 0 && (
        <ul class="checks">
          {rows.map((row) => (
            <li key={row.name} class={toneOf(row)}>
              <strong>{row.name}</strong>
              <span>{textOf(row)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function toneOf({ state }: Named): string {
  if (state === 'up' || state === 'running' || state === 'ok') return 'good';
  if (state === 'down' || state === 'failed') return 'bad';
  return 'busy';
}

function textOf({ name: _name, ...fields }: Named): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && value !== '' && typeof value !== 'object')
    .map(([field, value]) =>
      field === 'state'
        ? String(value)
        : `${words(field)} ${field.endsWith('Ms') ? duration(Number(value)) : String(value)}`,
    )
    .join(' · ');
}

/** What the network brings from each node to each other, and which reach is used and why. */
import { useState } from 'preact/hooks';
import type { ProbeReport, StatusReport } from '../../control/contract.js';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { Figure, troubleOf, useConfirm } from './parts.js';
import { clock, duration } from './text.js';

interface Found {
  readonly report: ProbeReport;
  /** Wall clock of the browser, ms. */
  readonly atMs: number;
}

const WAYS = ['unicast', 'flood', 'multicast'] as const;

export function NetworkPage({ farm, may }: PageProps) {
  const [found, setFound] = useState<Found | null>(null);
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const { confirm, dialog } = useConfirm();
  const reach = farm.frame?.status?.reach;
  const probe = async (apply: boolean) => {
    setBusy(true);
    setTrouble('');
    try {
      setFound({ report: await ask<ProbeReport>('POST', '/probe', { apply }), atMs: Date.now() });
    } catch (error) {
      setTrouble(troubleOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <section class="panel">
        <dl class="figures">
          <Figure label="Reach in use">{reach?.mode ?? '–'}</Figure>
        </dl>
        <p>
          {reach?.reason === '' || reach === undefined ? 'No reason was given: it is set by the config.' : reach.reason}
        </p>
        {may('operator') ? (
          <div class="buttons">
            <button type="button" class="primary" disabled={busy} onClick={() => void probe(false)}>
              {busy ? 'Probing, up to 4 s…' : 'Probe the network'}
            </button>
            <button
              type="button"
              disabled={busy}
              onClick={() =>
                confirm({
                  title: 'Use the best reach that works?',
                  text: (
                    <p>
                      The network is probed again; with “reach: auto” the farm then uses the best way that works between
                      every two nodes.
                    </p>
                  ),
                  verb: 'Probe and use it',
                  act: async () => {
                    await probe(true);
                    return 'probed';
                  },
                })
              }
            >
              Probe and use the best…
            </button>
          </div>
        ) : (
          <p class="hint">To probe needs the role operator; what the nodes hear of each other is below.</p>
        )}
        {dialog}
        <p class="trouble" role="alert">
          {trouble}
        </p>
      </section>
      {found !== null && <Result {...found} />}
      {farm.frame?.status != null && <Heard status={farm.frame.status} />}
    </>
  );
}

/** What is known without a probe, from the heartbeats. */
function Heard({ status }: { readonly status: StatusReport }) {
  const paths = [...new Set(status.members.flatMap((member) => Object.keys(member.paths)))].sort();
  return (
    <section class="panel">
      <h2 id="heard">Heard by {status.node}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="heard">
        <table>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Last heard</th>
              {paths.map((path) => (
                <th key={path} scope="col">
                  by {path}
                </th>
              ))}
              <th scope="col">Offers</th>
              <th scope="col">MAC</th>
              <th scope="col">Addresses</th>
            </tr>
          </thead>
          <tbody>
            {status.members.map(({ name, lastHeardMs, paths: heard, reach, mac, addresses }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  {name === status.node ? 'itself' : lastHeardMs === null ? 'never' : `${duration(lastHeardMs)} ago`}
                </td>
                {paths.map((path) => (
                  <td key={path}>{heard[path] === undefined ? '–' : `${duration(heard[path])} ago`}</td>
                ))}
                <td>{reach}</td>
                <td>{mac === '' ? '–' : mac}</td>
                <td>{(addresses ?? []).join(', ') || '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** A probe is of one moment; the page is drawn again four times a second, and so its age grows. */
function Result({ report, atMs }: Found) {
  const nodes = [...new Set(report.matrix.flatMap(({ from, to }) => [from, to]))].sort();
  return (
    <section class="panel">
      <h2>
        Best reach that works: {report.verdict.reach} <small>found in {duration(report.tookMs)}</small>
      </h2>
      <p class="hint">
        Probed at {clock(atMs)}, {duration(Math.max(0, Date.now() - atMs))} ago; what has changed since is not in it.
      </p>
      <p>{report.verdict.reason}</p>
      <ul>
        {report.verdict.evidence.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {report.verdict.fixes.length > 0 && <h3>What would make a better one work</h3>}
      <ul>
        {report.verdict.fixes.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {nodes.length < 2 ? (
        <p class="hint">One node alone has nobody to send to: there is no matrix.</p>
      ) : (
        <>
          <p class="hint">What arrives: the row sends, the column receives.</p>
          <div class="matrices">
            {WAYS.map((way) => (
              <Matrix key={way} way={way} nodes={nodes} report={report} />
            ))}
          </div>
        </>
      )}
      {report.silent.length > 0 && <p class="trouble">Did not answer: {report.silent.join(', ')}</p>}
    </section>
  );
}

function Matrix({
  way,
  nodes,
  report,
}: {
  readonly way: (typeof WAYS)[number];
  readonly nodes: readonly string[];
  readonly report: ProbeReport;
}) {
  const cell = (from: string, to: string) => report.matrix.find((entry) => entry.from === from && entry.to === to);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Delivery by ${way}`}>
      <table class="matrix">
        <caption>{way}</caption>
        <thead>
          <tr>
            <td />
            {nodes.map((to) => (
              <th key={to} scope="col">
                {to}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {nodes.map((from) => (
            <tr key={from}>
              <th scope="row">{from}</th>
              {nodes.map((to) => {
                const arrives = cell(from, to)?.[way];
                if (from === to) return <td key={to} class="self" />;
                if (arrives == null) return <td key={to}>?</td>;
                return (
                  <td key={to} class={arrives ? 'good' : 'bad'}>
                    {arrives ? '✓ yes' : '✕ no'}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Checkers and services of all nodes, as each says of itself. */
import { type PeersReport, STALE_AFTER_MS } from '../contract.js';
import type { PageProps } from './app.js';
import { ageOfPart, type Farm } from './live.js';
import { Figure } from './parts.js';
import { duration } from './text.js';

type Peer = PeersReport['nodes'][number];
type Check = NonNullable<Peer['checks']>[number];

export function ChecksPage({ farm }: PageProps) {
  const status = farm.frame?.status;
  if (farm.frame === null || status === null || status === undefined)
    return <p>Waiting for the agent’s first answer…</p>;
  const nodes = status.members.map(({ name }) => name);
  const { lease, supervisor, paths } = status;
  return (
    <>
      <Checks title="Checkers" kind="checker" nodes={nodes} farm={farm} none="The config names no checkers." />
      <Checks title="Services" kind="service" nodes={nodes} farm={farm} none="The config names no services." />
      <section class="panel">
        <h2>Node {status.node}</h2>
        <dl class="figures">
          <Figure label="Lease, time left">
            {lease.remainingMs === null ? 'not open' : duration(lease.remainingMs)}
          </Figure>
          <Figure label="Agent restarts after a crash">{supervisor.restarts}</Figure>
          {paths.map(({ path, ok, detail }) => (
            <Figure key={path} label={`Heartbeats by ${path}`} tone={ok ? 'good' : 'bad'}>
              {ok ? 'ok' : detail}
            </Figure>
          ))}
        </dl>
        {supervisor.lastReason !== '' && <p>Last crash: {supervisor.lastReason}</p>}
      </section>
    </>
  );
}

interface ChecksProps {
  readonly title: string;
  readonly kind: Check['kind'];
  readonly nodes: readonly string[];
  readonly farm: Farm;
  readonly none: string;
}

function Checks({ title, kind, nodes, farm, none }: ChecksProps) {
  const peerOf = (name: string) => farm.frame?.peers.find(({ node }) => node === name);
  const names = [
    ...new Set(nodes.flatMap((node) => (peerOf(node)?.checks ?? []).filter((c) => c.kind === kind).map((c) => c.name))),
  ];
  const id = `table-${kind}`;
  return (
    <section class="panel">
      <h2 id={id}>{title}</h2>
      {names.length === 0 && <p>{none}</p>}
      {names.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-labelledby={id}>
          <table class="checks">
            <thead>
              <tr>
                <th scope="col">{kind === 'checker' ? 'Checker' : 'Service'}</th>
                {nodes.map((node) => (
                  <th key={node} scope="col">
                    {node} <Age farm={farm} peer={peerOf(node)} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {nodes.map((node) => (
                    <td key={node}>
                      <Cell check={peerOf(node)?.checks?.find((c) => c.kind === kind && c.name === name)} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** A node that fell silent is shown with what it said last, and how long ago that was. */
function Age({ farm, peer }: { readonly farm: Farm; readonly peer: Peer | undefined }) {
  if (peer === undefined) return <span class="old">says nothing</span>;
  const ageMs = peer.ageMs + (ageOfPart(farm, farm.frame?.peersAgeMs) ?? 0);
  return ageMs > STALE_AFTER_MS ? <span class="old">{duration(ageMs)} ago</span> : null;
}

const TONES: Readonly<Record<string, readonly [tone: string, mark: string]>> = {
  well: ['good', '●'],
  ready: ['good', '●'],
  failed: ['bad', '✕'],
  spent: ['bad', '✕'],
  unable: ['bad', '▲'],
  idle: ['off', '■'],
  stopped: ['off', '■'],
};

function Cell({ check }: { readonly check: Check | undefined }) {
  if (check === undefined) return <span class="hint">not known</span>;
  const [tone, mark] = TONES[check.state] ?? ['busy', '◔'];
  return (
    <>
      <span class={`state ${tone}`}>
        <span aria-hidden="true">{mark}</span> {check.state}
      </span>
      {check.detail !== '' && <div>{check.detail}</div>}
      {check.note !== '' && <div class="hint">{check.note}</div>}
    </>
  );
}

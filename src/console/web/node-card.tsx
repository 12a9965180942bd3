/** One node at a glance, and what may be done to it. */
import type { NodeRates, PeersReport, StatusReport } from '../contract.js';
import type { Look } from './colours.js';
import { NodeActions } from './node-actions.js';
import { type Question, State, Swatch } from './parts.js';
import { duration, percent, plural, short } from './text.js';

export type Member = StatusReport['members'][number];
export type Peer = PeersReport['nodes'][number];

export const isServing = ({ state }: Member) => state === 'up' || state === 'draining';

interface CardProps {
  readonly member: Member;
  /** All of the farm. */
  readonly members: readonly Member[];
  readonly look: Look | undefined;
  readonly peer: Peer | undefined;
  readonly rates: NodeRates | undefined;
  /** Null: only to look at. */
  readonly confirm: ((question: Question) => void) | null;
}

export function NodeCard({ member, members, look, peer, rates, confirm }: CardProps) {
  const isQuiet = member.lastHeardMs !== null && member.lastHeardMs > 2000 && isServing(member);
  const rejected = Object.values(rates?.rejected ?? {}).reduce((sum, rate) => sum + rate, 0);
  return (
    <article class={`card ${member.state}`} aria-labelledby={`node-${member.name}`} data-node={member.name}>
      <header>
        <h2 id={`node-${member.name}`}>
          <Swatch look={look} /> {member.name}
        </h2>
        <State state={member.state} />
      </header>
      {member.state !== 'up' && member.reason !== '' && <p class="reason">{member.reason}</p>}
      {isQuiet && <p class="reason">last heard {duration(member.lastHeardMs ?? 0)} ago</p>}
      <p class="share" data-test="share">
        {percent(member.share)}
      </p>
      <dl class="rows">
        <dt>Weight</dt>
        <dd>{member.weight}</dd>
        <dt>Connections</dt>
        <dd>{peer?.connections === null || peer === undefined ? '–' : `${short(peer.connections)} TCP`}</dd>
        <dt>Keeps</dt>
        <dd>{plural(member.keeps, 'client')}</dd>
        <dt>Accepted</dt>
        <dd>{rates?.accepted == null ? '–' : `${short(rates.accepted)} packets/s`}</dd>
        <dt>Rejected</dt>
        <dd>{rates === undefined ? '–' : `${short(rejected)} packets/s`}</dd>
        <dt>Running for</dt>
        <dd>{peer === undefined ? '–' : duration(peer.uptimeMs)}</dd>
      </dl>
      <DrainProgress peer={peer} member={member} />
      {confirm !== null && <NodeActions member={member} members={members} peer={peer} confirm={confirm} />}
    </article>
  );
}

function DrainProgress({ peer, member }: Pick<CardProps, 'peer' | 'member'>) {
  if (member.state !== 'draining') return null;
  const left = peer?.drain ?? null;
  const clients = left?.left ?? member.keeps;
  return (
    <p class="draining">
      Draining: {plural(clients, 'client')} left
      {left?.connections == null ? '' : `, ${plural(left.connections, 'connection')}`}
      {left?.remainingMs == null ? '' : `, at most ${duration(left.remainingMs)} more`}
      <progress aria-label={`Buckets that ${member.name} has given away`} value={1 - member.share} max={1} />
    </p>
  );
}

/** The farm at a glance: nodes as cards, the buckets, and what may be done to them. */

import { type Frame, STALE_AFTER_MS, type StatusReport } from '../contract.js';
import { rollingOrder, whyNotRoll } from '../rolling-order.js';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { BucketMap } from './buckets.js';
import { type Look, looksOf } from './colours.js';
import { ORDER_LIMIT_MS } from './deed.js';
import { ageOfPart, type Farm } from './live.js';
import { NodeCard, type Peer } from './node-card.js';
import { Figure, type Question, useConfirm } from './parts.js';
import { percent, plural, short } from './text.js';

export function FarmPage({ farm, may }: PageProps) {
  const { confirm, dialog } = useConfirm();
  const status = farm.frame?.status ?? null;
  if (status === null || farm.frame === null) return <p>Waiting for the agent’s first answer…</p>;
  const looks = looksOf(status.members.map(({ name }) => name));
  const mayAct = may('operator');
  return (
    <>
      <Totals farm={farm} frame={farm.frame} status={status} />
      <ShareBar status={status} looks={looks} />
      {dialog}
      <div class="cards">
        {status.members.map((member) => (
          <NodeCard
            key={member.name}
            member={member}
            members={status.members}
            look={looks.get(member.name)}
            peer={member.state === 'dead' ? undefined : freshPeer(farm, member.name)}
            rates={member.state === 'dead' ? undefined : farm.frame!.traffic?.nodes[member.name]}
            confirm={mayAct ? confirm : null}
          />
        ))}
      </div>
      {mayAct && (
        <div class="buttons apart">
          <button type="button" onClick={() => confirm(rollingRestart(status))}>
            Rolling restart…
          </button>
        </div>
      )}
      {otherPlans(status) !== '' && (
        <p class="hint">
          The map is of the general plan. These rules have shares of their own, which it does not show:{' '}
          {otherPlans(status)}
        </p>
      )}
      <BucketMap report={farm.buckets} looks={looks} ageMs={ageOfPart(farm, farm.frame.bucketsAgeMs)} />
    </>
  );
}

const otherPlans = ({ rules }: StatusReport) =>
  rules
    .filter(({ mode, plan }) => mode !== 'deny' && plan > 0)
    .map(({ name }) => name)
    .join(', ');

/** What a node said of itself, unless that is too old to be shown as true. */
function freshPeer(farm: Farm, name: string): Peer | undefined {
  const peer = farm.frame?.peers.find(({ node }) => node === name);
  const ageMs = ageOfPart(farm, farm.frame?.peersAgeMs);
  return peer === undefined || ageMs === null || peer.ageMs + ageMs > STALE_AFTER_MS ? undefined : peer;
}

/** A sum that lacks some nodes says so. */
function totalOf(parts: readonly (number | null)[]): { readonly text: string; readonly of: string } {
  const known = parts.filter((part) => part !== null);
  const text = known.length === 0 ? '–' : short(known.reduce((sum, part) => sum + part, 0));
  return { text, of: known.length === parts.length ? '' : ` of ${plural(known.length, 'node')} only` };
}

function Totals({
  farm,
  frame,
  status,
}: {
  readonly farm: Farm;
  readonly frame: Frame;
  readonly status: StatusReport;
}) {
  const up = status.members.filter(({ state }) => state === 'up').length;
  const held = status.members.reduce((sum, { share }) => sum + share, 0);
  const living = status.members.filter(({ state }) => state !== 'dead');
  const accepted = totalOf(living.map(({ name }) => frame.traffic?.nodes[name]?.accepted ?? null));
  const connections = totalOf(living.map(({ name }) => freshPeer(farm, name)?.connections ?? null));
  return (
    <dl class="figures">
      <Figure label="Nodes up" tone={up === status.members.length ? 'good' : 'bad'}>
        {up} <small>of {status.members.length}</small>
      </Figure>
      <Figure label="Buckets held" tone={held > 0.9999 ? 'good' : 'bad'}>
        {percent(held, held > 0.9999 ? 0 : 1)}
      </Figure>
      <Figure label="Accepted">
        {accepted.text} <small>packets/s{accepted.of}</small>
      </Figure>
      <Figure label="Connections">
        {connections.text} <small>TCP{connections.of}</small>
      </Figure>
      <Figure label="Reach">{status.reach.mode}</Figure>
      <Figure label="View" tone={status.view.agreed ? 'good' : 'bad'}>
        {status.view.agreed ? 'agreed' : 'not agreed'}
      </Figure>
      <Figure label="Address">{status.vips.map((vip) => vip.split('/')[0]).join(', ')}</Figure>
    </dl>
  );
}

/** Shares side by side; drawn by SVG, since a style attribute would need a weaker policy. */
function ShareBar({ status, looks }: { readonly status: StatusReport; readonly looks: ReadonlyMap<string, Look> }) {
  let at = 0;
  const parts = status.members
    .filter(({ share }) => share > 0)
    .map((member) => {
      const part = { member, from: at };
      at += member.share;
      return part;
    });
  const said = parts.map(({ member }) => `${member.name} ${percent(member.share)}`).join(', ');
  return (
    <svg class="shares" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label={`Shares: ${said}`}>
      {parts.map(({ member, from }) => (
        <rect
          key={member.name}
          x={from * 1000}
          y="0"
          width={Math.max(0, member.share * 1000 - 3)}
          height="40"
          rx="4"
          fill={looks.get(member.name)?.colour}
        />
      ))}
    </svg>
  );
}

function rollingRestart(status: StatusReport): Question {
  const why = whyNotRoll(status);
  const text =
    why === null
      ? `In this order: ${rollingOrder(status).join(', ')}. Each is drained, starts anew and has its share again before the next one begins. It ends at the first that does not come back.`
      : `This cannot begin: ${why}.`;
  return {
    title: 'Restart all nodes, one after the other?',
    text: <p>{text}</p>,
    verb: why === null ? 'Restart them' : null,
    limitMs: ORDER_LIMIT_MS,
    act: async () => (await ask<{ message: string }>('POST', '/rolling-restart', {})).message,
  };
}

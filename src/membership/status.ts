/** What the core shows of itself. */
import { countBits, hasBit } from '../buckets/bitmap.js';
import type { CoreStatus, MemberStatus } from './contract.js';
import type { NodeName, PlanReport } from './messages.js';
import { offeredReach, reachStatus } from './reach.js';
import type { Departure, Peer, State } from './state.js';
import { disagreement } from './view.js';

export function statusOf(s: State, nowMs: number): CoreStatus {
  const owner = (plan: number, bucket: number): NodeName | null => {
    if (s.held[plan] !== undefined && hasBit(s.held[plan], bucket)) return s.settings.node;
    for (const [name, { heartbeat }] of s.peers) {
      const held = heartbeat.plans[plan]?.held;
      if (held !== undefined && hasBit(held, bucket)) return name;
    }
    return null;
  };
  const planned = (plan: number, bucket: number): NodeName | null =>
    s.view.planMembers[s.view.owners[plan]?.[bucket] ?? -1] ?? null;
  const members = [
    ownStatus(s),
    ...[...s.peers.values()].map((peer) => peerStatus(s, peer, nowMs)),
    ...goneStatuses(s, nowMs),
  ];
  return {
    state: s.state,
    reason: s.reason,
    incarnation: s.incarnation,
    view: {
      digest: s.view.digest,
      agreed: s.state !== 'stopped' && disagreement(s) === null,
      members: s.view.members.map(({ name }) => name),
    },
    reach: reachStatus(s),
    members: members.sort((a, b) => (a.name < b.name ? -1 : 1)),
    leaseDeadlineMs: s.leaseDeadlineMs,
    drainDeadlineMs: s.state === 'draining' ? s.drainDeadlineMs : null,
    owner,
    planned,
    grants: s.grants.size + s.receiving.size,
  };
}

/** Ourselves, who lives, and who is gone and not back, in order of their names. */
export function membersOf(s: State): Pick<MemberStatus, 'name' | 'incarnation' | 'state'>[] {
  const living = [...s.peers.values()].map(({ name, incarnation, heartbeat: { state } }) => ({
    name,
    incarnation,
    state,
  }));
  const gone = [...s.tombstones]
    .filter(([name]) => !s.peers.has(name))
    .map(([name, { incarnation, how }]) => ({ name, incarnation, state: goneState(how) }));
  const own = { name: s.settings.node, incarnation: s.incarnation, state: s.state };
  return [own, ...living, ...gone].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function goneState(how: Departure): 'stopped' | 'dead' {
  return how === 'stopped' ? 'stopped' : 'dead';
}

function ownStatus(s: State): MemberStatus {
  const { node: name, weight, weightPercent = 100 } = s.settings;
  const { state, reason, incarnation, keptCount: keeps } = s;
  const plans = s.settings.plans.map((_, plan) => ({ held: s.held[plan]!, granting: s.granting[plan]! }));
  const place = { paths: {}, reach: offeredReach(s), mac: macText(s.settings.mac) };
  const weights = { weight, weightPercent };
  return { name, state, reason, incarnation, ...weights, ...shareOf(s, plans), keeps, lastHeardMs: 0, ...place };
}

function peerStatus(s: State, peer: Peer, nowMs: number): MemberStatus {
  const { name, incarnation, heartbeat } = peer;
  const { state, reason, weight, weightPercent, plans, keeps, reach } = heartbeat;
  const weights = { weight, weightPercent };
  const paths = Object.fromEntries([...peer.paths].map(([path, heardMs]) => [path, nowMs - heardMs]));
  const lastHeardMs = nowMs - peer.heardMs;
  const place = { paths, reach, mac: macText(heartbeat.mac) };
  return { name, state, reason, incarnation, ...weights, ...shareOf(s, plans), keeps, lastHeardMs, ...place };
}

function goneStatuses(s: State, nowMs: number): MemberStatus[] {
  return [...s.tombstones].flatMap(([name, { incarnation, how, reason, heardMs }]) => {
    if (s.peers.has(name)) return [];
    const nothing = {
      weight: 0,
      weightPercent: 100,
      share: 0,
      heldBuckets: 0,
      keeps: 0,
      paths: {},
      reach: 'none',
      mac: '',
    };
    return [{ name, state: goneState(how), reason, incarnation, ...nothing, lastHeardMs: nowMs - heardMs }];
  });
}

function shareOf(
  s: State,
  plans: readonly Pick<PlanReport, 'held' | 'granting'>[],
): { readonly share: number; readonly heldBuckets: number } {
  const first = plans[0];
  return {
    share: first === undefined ? 0 : countBits(first.held) / s.settings.buckets,
    heldBuckets: plans.reduce((sum, { held }) => sum + countBits(held), 0),
  };
}

/** `02:00:00:00:00:01`; empty where it is not known. */
function macText(mac: Uint8Array | undefined): string {
  if (mac === undefined || mac.every((byte) => byte === 0)) return '';
  return [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

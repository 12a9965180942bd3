/** The lease: until when the data plane may accept packets, from what peers say they heard of us. */
import { isEmpty } from '../buckets/bitmap.js';
import type { Heartbeat } from './messages.js';
import type { Peer, State } from './state.js';

/** A peer silent for this many intervals does not count: a crashed one must not fence the survivors. */
export const SILENT_INTERVALS = 3;
const WITNESS_EARLIER_INTERVALS = 2;

export function sendTimeMs(s: State, sequence: number): number | null {
  const age = s.sequence - sequence;
  return age >= 0 && age < s.sendTimes.length && sequence > 0 ? s.sendTimes[sequence % s.sendTimes.length]! : null;
}

/** While we come late, heartbeats may lie unread: then what counts is who was silent before. */
export function isSilent(s: State, peer: Peer): boolean {
  return (s.lateSinceMs ?? s.nowMs) - peer.heardMs > SILENT_INTERVALS * s.settings.intervalMs;
}

/** A node that waits in good order goes on serving what it has not given away yet, and would take over what a dead one kept. */
export function mayServe({ state, plans }: Heartbeat): boolean {
  if (state === 'up' || state === 'draining') return true;
  return state === 'waiting' && plans.some(({ held, kept }) => !isEmpty(held) || !isEmpty(kept));
}

/** When the next peer counts no more for its silence, if nothing is heard of it: our lease may hang on it, and little of it be left. */
export function nextSilenceMs(s: State): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { heardMs } of s.peers.values()) {
    const silentMs = heardMs + SILENT_INTERVALS * s.settings.intervalMs + 1;
    if (silentMs > s.nowMs && silentMs < nextMs) nextMs = silentMs;
  }
  return nextMs;
}

/** Those whose silence about us must end our lease: they would take our buckets. */
export function countedPeers(s: State): Peer[] {
  return [...s.peers.values()].filter((peer) => {
    return mayServe(peer.heartbeat) && !isSilent(s, peer);
  });
}

/** The deadline that acknowledgements allow now; may lie in the past. */
export function allowedDeadlineMs(s: State): number {
  const { leaseMs } = s.settings;
  const acks = countedPeers(s).map((peer) => peer.ackedMs);
  const baseMs = s.rules.leaseBaseMs(acks, s.sentMs);
  return Math.min(baseMs, quorumBaseMs(s), witnessBaseMs(s)) + leaseMs;
}

/** Tells the data plane a later deadline, where there is one. A lease that is over stays over. */
export function renewLease(s: State): void {
  if (s.leaseDeadlineMs === null) return;
  const deadlineMs = allowedDeadlineMs(s);
  s.allowedMs = deadlineMs;
  if (deadlineMs <= s.leaseDeadlineMs) return;
  s.leaseDeadlineMs = deadlineMs;
  s.emit({ type: 'renew-lease', deadlineMs });
}

/**
 * True when our lease has run out. What the data plane was told is never taken back, but a peer that is heard again, or comes
 * up, without having heard us may allow less: we keep to that ourselves.
 */
export function leaseIsOver(s: State): boolean {
  if (s.leaseDeadlineMs === null) return false;
  return s.rules.leaseIsOver(s.nowMs, Math.min(s.leaseDeadlineMs, s.allowedMs));
}

/** Acknowledgements older than this many intervals lag: it is worth sending more often, and from the second limit on yet more. */
const LAG_INTERVALS = 1.5;
const GREAT_LAG_INTERVALS = 2;
export const LAG_FACTOR = 3;
const GREAT_LAG_FACTOR = 6;
/** Where there are more, they pass heartbeats on against loss; and what each sends costs all the others, who may lag for want of time. */
const FEW_PEERS = 3;

/** How many times as often as at rest heartbeats are worth sending now: 1, or more while some peer's acknowledgement lags. */
export function lagFactor(s: State): number {
  const { intervalMs } = s.settings;
  const isGreatPossible = s.peers.size <= FEW_PEERS && s.lateSinceMs === null;
  let factor = 1;
  for (const peer of s.peers.values()) {
    const ageMs = s.nowMs - peer.ackedMs;
    if (ageMs <= LAG_INTERVALS * intervalMs || peer.heartbeat.state === 'stopped') continue;
    // One that we do not hear ends no lease of ours, and may be dead.
    if (isGreatPossible && ageMs > GREAT_LAG_INTERVALS * intervalMs && !isSilent(s, peer)) return GREAT_LAG_FACTOR;
    factor = LAG_FACTOR;
  }
  return factor;
}

/** The names a majority or a whole farm is counted of: those of the config, and all that we ever met. */
export function electorate(s: State): readonly string[] {
  const { electorate: named, node } = s.settings;
  return [...new Set([node, ...named, ...s.peers.keys(), ...s.tombstones.keys()])];
}

/** With `quorum: majority` the lease counts from what a majority heard, so that a minority ends before others take over. */
function quorumBaseMs(s: State): number {
  if (s.settings.quorum !== 'majority' || !s.rules.heedQuorum()) return Number.POSITIVE_INFINITY;
  const names = electorate(s);
  const othersNeeded = Math.floor(names.length / 2);
  if (othersNeeded === 0) return Number.POSITIVE_INFINITY;
  const acks = names.flatMap((name) => s.peers.get(name)?.ackedMs ?? []).sort((a, b) => b - a);
  return acks[othersNeeded - 1] ?? Number.NEGATIVE_INFINITY;
}

/**
 * Without its witness, a node goes on only as long as it hears all the others. In a full partition the witness's last answer is
 * older than the cut, but the others may have heard us last up to two intervals before it (one heartbeat lost): so much earlier
 * must our lease end, or they take over while it runs.
 */
function witnessBaseMs(s: State): number {
  if (!s.settings.witness || !s.rules.heedWitness() || !someoneMissing(s)) return Number.POSITIVE_INFINITY;
  return s.witnessedMs - WITNESS_EARLIER_INTERVALS * s.settings.intervalMs;
}

/** True when someone is missing and no witness has answered for so long that our lease may not run. */
export function witnessMissing(s: State): boolean {
  return witnessBaseMs(s) + s.settings.leaseMs <= s.nowMs;
}

/** True when a node that should be there is silent. */
function someoneMissing(s: State): boolean {
  return electorate(s).some((name) => {
    const peer = s.peers.get(name);
    return name !== s.settings.node && (peer === undefined || isSilent(s, peer));
  });
}

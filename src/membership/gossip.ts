/** Passing on: sealed heartbeats of members that someone reports not hearing, so that a partial mesh stays one farm. */
import { isSilent } from './lease.js';
import type { NodeName } from './messages.js';
import type { Peer, State } from './state.js';

/** A member lags behind when it has not heard another one's newest heartbeats but for this many. */
const LAG_SEQUENCES = 2;
/** Having seen a need, we pass on for this many intervals. */
const PASS_INTERVALS = 5;
/** This many of those who could pass on do: one more than needed, against loss. */
const PASSERS = 2;
/** A member's heartbeats are passed on at most this many times in an interval. */
const PASSES_PER_INTERVAL = 3;

/** Looks for members that `listener` does not hear and we do. */
export function noticeLacks(s: State, listener: Peer): void {
  // Members come first; a namesake or an earlier life of one may be named after it.
  const heard = new Map(listener.heartbeat.heard.toReversed().map((h) => [h.name, h]));
  for (const speaker of s.peers.values()) {
    if (speaker === listener || isSilent(s, speaker)) continue;
    const entry = heard.get(speaker.name);
    const hears = entry?.incarnation === speaker.incarnation;
    if (hears && entry.sequence + LAG_SEQUENCES >= speaker.heartbeat.sequence) continue;
    if (rank(s, speaker, listener.name) >= PASSERS) continue;
    speaker.passUntilMs = s.nowMs + PASS_INTERVALS * s.settings.intervalMs;
    passOn(s, speaker);
  }
}

/** Passes on `speaker`'s newest heartbeat if someone needs it, at a bounded rate. */
export function passOn(s: State, speaker: Peer): void {
  if (speaker.passUntilMs <= s.nowMs || speaker.sealed.length === 0) return;
  if (s.nowMs - speaker.passedMs < s.settings.intervalMs / PASSES_PER_INTERVAL) return;
  speaker.passedMs = s.nowMs;
  s.emit({ type: 'pass-on', sealed: speaker.sealed });
}

/** How many members with lower names hear `speaker` as well as we do, and are heard by the listener. */
function rank(s: State, speaker: Peer, listener: NodeName): number {
  let before = 0;
  for (const other of s.peers.values()) {
    if (other.name >= s.settings.node || other === speaker || other.name === listener) continue;
    const entry = other.heartbeat.heard.find((h) => h.name === speaker.name);
    if (entry?.incarnation !== speaker.incarnation) continue;
    if (entry.sequence + LAG_SEQUENCES < speaker.heartbeat.sequence) continue;
    const listens = s.peers.get(listener)?.heartbeat.heard.find((h) => h.name === other.name);
    if (listens?.incarnation === other.incarnation && listens.sequence + LAG_SEQUENCES >= other.heartbeat.sequence)
      before++;
  }
  return before;
}

/** Our own heartbeats: what they say and when they go out. */
import { andNot, or, orInto } from '../buckets/bitmap.js';
import { LAG_FACTOR, lagFactor, SILENT_INTERVALS } from './lease.js';
import { MOST_REMEMBERED } from './limits.js';
import type { Heard, Heartbeat, PlanReport } from './messages.js';
import { offeredReach } from './reach.js';
import type { State } from './state.js';
import { ownSwitchIds } from './switches.js';

/** Changes that come together go out together: a heartbeat follows another no sooner than this. */
const GATHER_MS = 4;
/** After so many in quick succession the gap doubles with each: while much changes, each one costs all others their time. */
const QUICK_ONES = 3;
const NO_MAC = new Uint8Array(6);

/** When the next heartbeat is due. */
export function heartbeatDueMs(s: State): number {
  if (s.state === 'stopped') return Number.POSITIVE_INFINITY;
  if (s.urgent) return s.sentMs + Math.min(GATHER_MS * 2 ** Math.max(0, s.quickOnes - QUICK_ONES), quickGapMs(s));
  return s.sentMs + s.settings.intervalMs / lagFactor(s);
}

/** Whatever follows another one sooner than this is in quick succession; what is urgent waits no longer. */
function quickGapMs(s: State): number {
  return s.settings.intervalMs / Math.max(LAG_FACTOR, lagFactor(s));
}

/** Sends a heartbeat if one is due. */
export function beat(s: State): void {
  if (s.nowMs >= heartbeatDueMs(s)) broadcast(s);
}

export function broadcast(s: State): void {
  const routine = !s.urgent && lagFactor(s) === 1;
  s.sequence++;
  s.quickOnes = s.nowMs - s.sentMs < quickGapMs(s) ? s.quickOnes + 1 : 0;
  s.sentMs = s.nowMs;
  s.sendTimes[s.sequence % s.sendTimes.length] = s.nowMs;
  s.urgent = false;
  if (s.gainUnreported) s.gained = s.sequence;
  s.gainUnreported = false;
  for (const outcome of s.outcomes) if (outcome.sequence === 0) outcome.sequence = s.sequence;
  s.emit({ type: 'broadcast', heartbeat: compose(s), routine });
}

function compose(s: State): Heartbeat {
  const { node, weight, weightPercent = 100, configDigest, mac } = s.settings;
  return {
    from: node,
    incarnation: s.incarnation,
    sequence: s.sequence,
    gone: s.gone,
    gained: s.gained,
    state: s.state,
    reason: s.reason,
    weight,
    weightPercent,
    configDigest,
    switches: ownSwitchIds(s),
    reach: offeredReach(s),
    mac: mac ?? NO_MAC,
    viewDigest: s.view.digest,
    view: s.view.members,
    plans: s.settings.plans.map((_, plan) => planReport(s, plan)),
    outcomes: s.outcomes.map(({ id, confirmed }) => ({ id, confirmed })),
    heard: heardList(s),
    dead: [...s.tombstones].flatMap(([name, { incarnation, how, tellUntilMs }]) =>
      how === 'dead' && tellUntilMs > s.nowMs ? [{ name, incarnation }] : [],
    ),
    framesSeen: s.framesSeen,
    keeps: s.keptCount,
    endpoints: [],
    keys: [],
  };
}

/** What we say of `plan`. Copies: a heartbeat in flight must not change with us. */
function planReport(s: State, plan: number): PlanReport {
  const held = s.held[plan]!;
  const kept = or(s.kept[plan]!, s.keptSince[plan]!);
  // What is being cut is kept from the same moment on, before the data plane has said so.
  orInto(kept, s.granting[plan]!);
  return {
    held: held.slice(),
    granting: s.rules.reportGranting() ? s.granting[plan]!.slice() : s.none(),
    kept: andNot(kept, held),
  };
}

/** Unproved ones are named too: that is how they learn that we hear them, and prove themselves. */
function heardList(s: State): Heard[] {
  const heard: Heard[] = [];
  for (const { name, incarnation, heartbeat } of s.peers.values()) {
    heard.push({
      name,
      incarnation,
      sequence: heartbeat.sequence,
      viewDigest: heartbeat.viewDigest,
      gained: heartbeat.gained,
    });
  }
  const sinceMs = s.nowMs - SILENT_INTERVALS * s.settings.intervalMs;
  for (const { heartbeat, heardMs } of s.candidates.values()) {
    const { from: name, incarnation, sequence, viewDigest, gained } = heartbeat;
    if (heardMs >= sinceMs) heard.push({ name, incarnation, sequence, viewDigest, gained });
  }
  return [...heard, ...remembered(s)];
}

/**
 * Members that are gone, with no word that was heard: so that one that begins anew after its memory and its clock were set back goes above
 * what others remember of it. They would take all that it says for a recording.
 */
function remembered(s: State): Heard[] {
  const gone = [...s.tombstones].slice(-MOST_REMEMBERED).filter(([name]) => !s.peers.has(name));
  return gone.map(([name, { incarnation }]) => ({ name, incarnation, sequence: 0, viewDigest: '', gained: 0 }));
}

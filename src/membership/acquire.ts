/** Acquisition: buckets that no living node holds or is granting go to the node that the plan names, once all agree. */
import { andNotInto, isEmpty, isSubset, orInto } from '../buckets/bitmap.js';
import type { Bitmap } from '../buckets/contract.js';
import { ask, endTenure, lackingOf } from './keepers.js';
import type { State } from './state.js';
import { disagreement, wantedBy } from './view.js';

/** True when there is nothing that we should acquire. */
export function acquire(s: State): boolean {
  if (!s.leasing || (s.state !== 'up' && s.state !== 'draining')) return true;
  const orphans = s.settings.plans.map((_, plan) => orphansOf(s, plan));
  if (orphans.every(isEmpty)) {
    s.attempts.clear();
    return true;
  }
  if (mustAnnounceFirst(s) || disagreement(s) !== null) return false;
  orphans.forEach((buckets, plan) => {
    if (!isEmpty(buckets)) attempt(s, plan, buckets);
  });
  return false;
}

/**
 * Others count us only since they heard that we are up, and one that we do not hear may hear us: its lease, given before that,
 * may still run. So a node that calls someone dead waits that long after it came up.
 */
function mustAnnounceFirst(s: State): boolean {
  if (s.nowMs - s.upSinceMs >= s.settings.leaseMs + s.settings.marginMs) return false;
  for (const { how } of s.tombstones.values()) if (how === 'dead') return true;
  return false;
}

/** Buckets meant for us of which no living member says that it holds, grants or is granted them. */
function orphansOf(s: State, plan: number): Bitmap {
  const orphans = wantedBy(s, plan, s.settings.node).slice();
  andNotInto(orphans, s.held[plan]!);
  if (isEmpty(orphans)) return orphans;
  andNotInto(orphans, s.granting[plan]!);
  for (const receiving of s.receiving.values()) if (receiving.plan === plan) andNotInto(orphans, receiving.buckets);
  for (const { heartbeat } of s.peers.values()) {
    const report = heartbeat.plans[plan];
    if (report === undefined) continue;
    andNotInto(orphans, report.held);
    andNotInto(orphans, report.granting);
  }
  return orphans;
}

/** Owns those of `orphans` whose keeps have all arrived under this view; asks for the rest. */
function attempt(s: State, plan: number, orphans: Bitmap): void {
  prepare(s, plan, orphans);
  const ready = orphans.slice();
  if (s.rules.acquireNeedsKeeps()) {
    for (const peer of s.peers.values()) {
      const lacking = lackingOf(s, peer, plan, orphans);
      if (isEmpty(lacking)) continue;
      andNotInto(ready, lacking);
      ask(s, peer, plan, lacking, true);
    }
  }
  if (isEmpty(ready)) return;
  orInto(s.held[plan]!, ready);
  s.gainUnreported = true;
  s.tables([{ op: 'own', plan, buckets: ready }]);
  s.log('info', 'acquired', { plan, buckets: ready, ms: Math.round(s.nowMs - s.view.sinceMs) });
  s.changed();
}

/** What arrived under another view, or in an earlier tenure, does not count: each attempt starts from nothing. */
function prepare(s: State, plan: number, orphans: Bitmap): void {
  const { digest: viewDigest, sinceSequence } = s.view;
  const known = s.attempts.get(plan);
  if (known?.sinceSequence === sinceSequence && known.viewDigest === viewDigest) {
    if (isSubset(orphans, known.buckets)) return;
  }
  s.attempts.set(plan, { viewDigest, sinceSequence, buckets: orphans.slice() });
  if (!s.rules.arrivalsEndWithTenure()) return;
  endTenure(s, plan, orphans);
  s.tables([{ op: 'forget', plan, buckets: orphans }]);
}

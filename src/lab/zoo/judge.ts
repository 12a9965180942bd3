/** Whether a life was as it should be. Pure. */
import { profileOf } from '../network/profiles.js';
import type { Outcome, Phase, PhaseName } from './score.js';
import type { Life } from './table.js';

/** Events that may cost no request: invariant I3. */
const FREE: readonly PhaseName[] = ['calm', 'return', 'drain', 'start'];

/**
 * Faults, one line each. Says nothing of times: they are the machine's as well.
 *
 * @param choices of which the reach in use must be one.
 */
export function judge(
  life: Life,
  choices: readonly string[],
  outcomes: readonly Outcome[],
  phases: readonly Phase[],
  nodes: readonly string[],
): readonly string[] {
  const profile = profileOf(life.network);
  const faults: string[] = [];
  if (!choices.includes(life.reach)) faults.push(`reach is ${life.reach}; right were ${choices.join(' or ')}`);
  if (life.twice > 0) faults.push(`${life.twice} requests were served twice`);
  for (const { name, lost, losses, requests } of life.phases)
    if (FREE.includes(name) && lost > tolerated(requests, profile.lossPercent))
      faults.push(`${name}: ${lost} of ${requests} requests were lost (${losses})`);
  const last = phases.at(-1);
  const answering = new Set(outcomes.filter(({ sentMs }) => sentMs >= (last?.fromMs ?? 0)).map(({ node }) => node));
  for (const node of nodes) if (!answering.has(node)) faults.push(`${node} answered nothing after the last event`);
  return faults;
}

/**
 * What a lossy network loses by itself: a datagram and its answer cross four ports, some of them more as others relay; at worst
 * as many as a relayed datagram's six ports, and three times that for chance.
 */
function tolerated(requests: number, lossPercent: number | undefined): number {
  return lossPercent === undefined ? 0 : (requests * 6 * 3 * lossPercent) / 100;
}

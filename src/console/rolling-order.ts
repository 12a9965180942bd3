/** In which order a rolling restart goes, and why it may not begin. Pure: the server goes by it, and the page tells it beforehand. */
import type { StatusReport } from '../control/contract.js';
import { heirsOf } from '../control/heirs.js';

type Farm = Pick<StatusReport, 'members' | 'node'>;

/** The others by name, then the own one. */
export function rollingOrder({ members, node }: Farm): readonly string[] {
  const serving = members.filter(({ state }) => state === 'up').map(({ name }) => name);
  return [...serving.filter((name) => name !== node), ...serving.filter((name) => name === node)];
}

/** Null: it may. */
export function whyNotRoll(farm: Farm): string | null {
  const order = rollingOrder(farm);
  if (order.length < 2) return 'fewer than two nodes are up: nobody would serve meanwhile';
  const alone = order.find((node) => heirsOf(node, farm.members).how !== 'up');
  return alone === undefined ? null : `only ${alone} has a weight: nobody would serve while it restarts`;
}

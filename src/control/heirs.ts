/** Who would serve when a node leaves: the page asks before it happens, and agents say it when it does. Pure. */
import type { MemberStatus } from '../membership/contract.js';

type Standing = Pick<MemberStatus, 'name' | 'state' | 'weight'>;

export interface Heirs {
  /** `up`: these go on; `draining`: these serve only until their drains end; `nobody`: the VIPs are dead. */
  readonly how: 'up' | 'draining' | 'nobody';
  readonly names: readonly string[];
}

/** As membership plans it: by those that are up, or by those that drain where none is; weight 0 holds nothing. */
export function heirsOf(node: string, members: readonly Standing[]): Heirs {
  const others = members.filter(({ name }) => name !== node);
  const up = others.filter(({ state }) => state === 'up');
  const planned = up.length > 0 ? up : others.filter(({ state }) => state === 'draining');
  const names = planned.filter(({ weight }) => weight > 0).map(({ name }) => name);
  if (names.length === 0) return { how: 'nobody', names };
  return { how: up.length > 0 ? 'up' : 'draining', names };
}

export interface Leaving {
  readonly command: 'drain' | 'stop' | 'restart';
  readonly node: string;
  readonly members: readonly Standing[];
  /** Of its drain; null: it has none. Absent: who asks does not know it. */
  readonly deadlineMs?: number | null;
}

/** What a farm loses by it, in words; null: others that are up serve on, or the node serves nobody. */
export function emptiedText(leaving: Leaving): string | null {
  const { command, node, members } = leaving;
  const self = members.find(({ name }) => name === node);
  if (self?.state !== 'up' && self?.state !== 'draining') return null;
  const heirs = heirsOf(node, members);
  if (heirs.how === 'up') return null;
  const dead = `the VIPs would be dead until ${command === 'restart' ? `${node} is back` : 'a node is started'}`;
  return `${whyNobody(node, members)}: ${serveText(leaving, heirs)}nobody would serve: ${dead}`;
}

/** Who bridges the time until then. */
function serveText({ command, node, deadlineMs }: Leaving, { how, names }: Heirs): string {
  const drains = names.length > 0 ? `${names.join(', ')} would serve until drained, and then ` : '';
  if (command === 'stop') return drains;
  if (how === 'draining') return drains;
  // A node that drains with nobody to give its buckets to keeps them, and new clients come to it, until its drain has to end.
  if (deadlineMs === null) return `${node} would serve until it is stopped, since its drain has no deadline; then `;
  const until = deadlineMs === undefined ? "its drain's deadline" : `its drain's deadline in ${deadlineMs / 1000} s`;
  return `${node} would serve until ${until}, and then `;
}

function whyNobody(node: string, members: readonly Standing[]): string {
  const others = members.filter(({ name }) => name !== node);
  if (others.length === 0) return 'there is no other node';
  const states = others.map(({ name, state }) => `${name} is ${state === 'up' ? 'up with weight 0' : state}`);
  const lacks = others.some(({ state }) => state === 'up') ? 'has a weight' : 'is up';
  return `no other node ${lacks} (${states.join(', ')})`;
}

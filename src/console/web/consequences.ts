/** What a dialog says before a node is steered: who serves now, who would go on, and what breaks. Pure. */
import { emptiedText, heirsOf } from '../../control/heirs.js';
import type { StatusReport } from '../contract.js';
import { percent, plural } from './text.js';

type Member = StatusReport['members'][number];

export interface Steering {
  readonly member: Member;
  /** All of the farm, it among them. */
  readonly members: readonly Member[];
  /** TCP connections to the VIPs that it has; null: not known. */
  readonly connections: number | null;
}

export type Leave = 'drain' | 'stop' | 'restart';

export interface Consequence {
  readonly text: string;
  /** Nobody would serve; null: others would. */
  readonly outage: string | null;
}

export function consequenceOf(command: Leave, { member, members, connections }: Steering): Consequence {
  const { name, share } = member;
  const has = connections === null ? '' : ` and has ${plural(connections, 'connection')}`;
  const serves = `${name} serves ${percent(share)} of the clients${has}.`;
  const outage = emptiedText({ command, node: name, members });
  const { names } = heirsOf(name, members);
  return { text: `${serves} ${DEEDS[command](outage, names, share)}`, outage };
}

type Deed = (outage: string | null, heirs: readonly string[], share: number) => string;

const DEEDS: Readonly<Record<Leave, Deed>> = {
  drain: (outage) =>
    outage === null
      ? 'It takes no new clients, keeps those it has until they are done, and stops then. Nothing breaks before its drain has to end.'
      : 'It stops at the end of its drain, and what connections it has then break.',
  stop: (outage, heirs, share) => {
    const heirText = outage === null && share > 0 ? `; its share goes to ${heirs.join(', ')}` : '';
    return `Its connections break${heirText}.`;
  },
  restart: (outage) =>
    outage === null
      ? 'It is drained, its agent ends and starts anew. Nothing breaks before its drain has to end.'
      : 'It is drained, its agent ends and starts anew; what connections it has then break.',
};

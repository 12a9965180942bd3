/** What is known of nodes that are told to do something one after the other: in which order, and when one is back. Pure. */
import type { StatusReport } from '../control/contract.js';
import type { MemberStatus } from '../membership/contract.js';

/** Buckets move in whole numbers, and a node that grants the last of them is as good as done. */
const SHARE_TOLERANCE = 0.9;

/** All nodes, the one that is asked last: it must be there to ask the others. Dead ones are among them. */
export function nodesInOrder({ node, members }: StatusReport): readonly MemberStatus[] {
  const others = members.filter(({ name }) => name !== node).sort((a, b) => a.name.localeCompare(b.name));
  return [...others, ...members.filter(({ name }) => name === node)];
}

/** What a node must be again before the next one is told. */
export interface Expectation {
  readonly node: string;
  /** It must have another one than this; null: any. */
  readonly formerIncarnation: number | null;
  /** Of plan 0, 0..1; null: what its weight gives it. */
  readonly share: number | null;
}

/** Null: it is back. Else what it still lacks, in words. */
export function whatLacks(report: StatusReport, expected: Expectation): string | null {
  const { node } = expected;
  const member = report.members.find(({ name }) => name === node);
  if (member === undefined) return `${node} is not known to ${report.node}`;
  if (member.state !== 'up') return `${node} is ${stateText(member)}`;
  if (member.incarnation === expected.formerIncarnation) return `${node} has not begun to leave`;
  if (!report.view.agreed) return 'the nodes do not agree yet on who is there';
  const share = expected.share ?? fairShare(report, member);
  if (member.share >= share * SHARE_TOLERANCE) return null;
  return `${node} is up with ${percent(member.share)} of the clients, and had ${percent(share)}`;
}

export function stateText({ state, reason }: Pick<MemberStatus, 'state' | 'reason'>): string {
  return reason === '' ? state : `${state} (${reason})`;
}

/** By weight; where plan 0 follows an order instead, nothing can be expected. */
function fairShare({ rules, members }: StatusReport, { weight }: MemberStatus): number {
  if (rules.find(({ plan }) => plan === 0)?.mode === 'failover') return 0;
  const total = members.reduce((sum, other) => sum + (other.state === 'up' ? other.weight : 0), 0);
  return total === 0 ? 0 : weight / total;
}

const percent = (part: number) => `${Math.round(part * 100)} %`;

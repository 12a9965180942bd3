/** What would be if nodes died: the plan of the view without them. Pure. */
import { computePlan, planNames } from '../buckets/plan.js';
import type { WithoutReport } from '../control/contract.js';
import type { MemberStatus, PlanSpec } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';

export interface ForesightParts {
  readonly members: readonly MemberStatus[];
  readonly specs: readonly PlanSpec[];
  /** The nodes that are thought away. */
  readonly without: readonly NodeName[];
  /** Where the client's bucket is, and who holds it now; null: it has none. */
  readonly place: { readonly plan: number; readonly bucket: number; readonly owner: NodeName | null } | null;
}

/** The members that the plan is made of, as membership has it: those that are up; if there is none, those that drain. */
export function planMembers(members: readonly MemberStatus[]): readonly MemberStatus[] {
  const up = members.filter(({ state }) => state === 'up');
  return up.length > 0 ? up : members.filter(({ state }) => state === 'draining');
}

/** The node that the plan of these members gives the bucket to. */
export function plannedOwner(members: readonly MemberStatus[], spec: PlanSpec, bucket: number): NodeName | null {
  return planNames(members)[computePlan(members, spec)[bucket] ?? -1] ?? null;
}

export function foresee(parts: ForesightParts): WithoutReport {
  const { members, specs, without, place } = parts;
  const rest = planMembers(members.filter(({ name }) => !without.includes(name)));
  const gone = members.filter(({ name }) => without.includes(name));
  const heir = place === null ? null : plannedOwner(rest, specs[place.plan]!, place.bucket);
  const moves = place !== null && place.owner !== heir;
  const keepsLost = gone.reduce((sum, { keeps }) => sum + keeps, 0);
  const movedBuckets = gone.reduce((sum, { heldBuckets }) => sum + heldBuckets, 0);
  return {
    nodes: without,
    owner: heir,
    moves,
    movedBuckets,
    keepsLost,
    shares: sharesOf(rest, specs[0]!),
    why: [heirText(place, heir, without), lossText(without, movedBuckets, keepsLost)].join('; '),
  };
}

/** By member; the plan is computed once. */
function sharesOf(members: readonly MemberStatus[], spec: PlanSpec): WithoutReport['shares'] {
  const owners = computePlan(members, spec);
  const held = new Map<number, number>();
  for (const owner of owners) held.set(owner, (held.get(owner) ?? 0) + 1);
  return planNames(members).map((name, index) => ({ name, share: (held.get(index) ?? 0) / owners.length }));
}

function heirText(place: ForesightParts['place'], heir: NodeName | null, without: readonly NodeName[]): string {
  if (place === null) return 'no single bucket follows from what was asked';
  if (heir === null) return `without ${without.join(', ')} nobody would serve bucket ${place.bucket}`;
  if (place.owner === heir)
    return `${heir} would go on serving bucket ${place.bucket}: nothing changes for this client`;
  const loses = place.owner !== null && without.includes(place.owner);
  const now = loses ? 'and connections that are open break with their node' : 'by a grant that breaks no connection';
  return `bucket ${place.bucket} would go to ${heir}, ${now}`;
}

function lossText(without: readonly NodeName[], movedBuckets: number, keepsLost: number): string {
  const keeps =
    keepsLost === 0 ? 'it keeps no client elsewhere' : `${keepsLost} kept clients in buckets of others die with it`;
  return `${without.join(', ')}: ${movedBuckets} buckets would move to the others, ${keeps}`;
}

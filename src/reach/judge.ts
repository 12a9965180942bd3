/** From evidence to the best mode. Pure. */
import { REACH_MODES, type ReachMode } from '../buckets/contract.js';
import type { NodeName } from '../membership/messages.js';
import {
  type Capability,
  type Delivered,
  type Judgement,
  PROBES,
  type ProbeKind,
  type ReachNeeds,
  type SenderRow,
} from './contract.js';
import { MISSED_ROUNDS } from './evidence.js';

/** What is to arrive for each mode, in a farm that has VIPs of these families. */
export function needsOf(families: { readonly ipv4: boolean; readonly ipv6: boolean }): ReachNeeds {
  const needs = (way: 'flood' | 'multicast' | 'unicast', mode: ReachMode): readonly ProbeKind[] => [
    ...(families.ipv4 ? ([`${way}-ipv4`, `answer-${mode}`] as const) : []),
    ...(families.ipv6 ? ([`${way}-ipv6`, `nd-${mode}`] as const) : []),
  ];
  return {
    flood: needs('flood', 'flood'),
    multicast: needs('multicast', 'multicast'),
    relay: needs('unicast', 'relay'),
  };
}

/** Kinds that a node sends in every round, or to each peer. */
export function kindsSent(families: { readonly ipv4: boolean; readonly ipv6: boolean }): readonly ProbeKind[] {
  const { flood, multicast, relay } = needsOf(families);
  return [...flood, ...multicast, ...relay, 'flood-raw', 'multicast-raw', 'unicast-raw'];
}

/** A mode that must not be used although its probes arrive, or whatever they say; with the reason as a clause. */
export type Obstacles = Readonly<Partial<Record<ReachMode, string>>>;

/** A node that counts although nothing is heard of its probes. */
export interface UnheardMember {
  readonly name: NodeName;
  readonly why: string;
  /** Its heartbeats come by the VIP's interface: it is in the segment, so plain unicast will do. */
  readonly isInSegment: boolean;
}

export interface Evidences {
  readonly needs: ReachNeeds;
  /** Of the senders that count. */
  readonly rows: readonly SenderRow[];
  readonly unheard: readonly UnheardMember[];
  /** What the gateway shows: it can tell of the way from clients where nodes do not hear each other. Null: there is none. */
  readonly gateway: { delivered(question: 'flood' | 'multicast'): Delivered } | null;
  readonly obstacles: Obstacles;
}

/** Best first. */
const PREFERENCE: readonly ReachMode[] = [...REACH_MODES].reverse();

/**
 * The best mode of which all that it needs arrives here from every sender. Alone, a node can do with its own MAC, which every network
 * brings; what more works shows when there is a second one.
 */
export function judge({ needs, rows, unheard, gateway, obstacles }: Evidences): Judgement {
  const evidence: string[] = [];
  const say = (best: Judgement['best'], why: string): Judgement => ({
    best,
    why,
    evidence,
    isAlone,
    isVague: unheard.length > 0 && best !== 'flood' && best !== 'multicast',
  });
  const isAlone = rows.length === 0 && unheard.length === 0;
  if (isAlone) {
    const { relay } = obstacles;
    // Where a stranger's frames are flooded, the farm need not begin with less; and behind isolated ports only so can nodes hear each other.
    if (obstacles.flood === undefined && gateway?.delivered('flood') === 'yes')
      return say('flood', "no other node is there to probe with; the gateway's frames arrive as flood needs them");
    return relay === undefined ? say('relay', 'no other node is there to probe with') : say('none', relay);
  }
  for (const mode of PREFERENCE) {
    const obstacle = obstacles[mode];
    const missing = rows.flatMap((row) => missingIn(row, needs[mode]));
    const vague = unjudged(mode, unheard, gateway);
    if (obstacle !== undefined) evidence.push(`${mode}: ${obstacle}`);
    else if (missing.length > 0) evidence.push(...merged(missing).map((line) => `${mode}: ${line}`));
    else if (vague.length > 0) evidence.push(...vague.map(({ name, why }) => `${mode}: ${why} of ${name}`));
    else if (rows.some((row) => isUnknown(row, needs[mode]))) return say(null, 'too few probes were heard yet');
    else return say(mode, whyText(mode, rows, evidence));
  }
  return say('none', evidence.at(-1) ?? 'nothing arrives');
}

function whyText(mode: Capability, rows: readonly SenderRow[], evidence: readonly string[]): string {
  if (evidence.length > 0) return evidence[0]!;
  if (rows.length === 0) return `the gateway's frames arrive as ${mode} needs them`;
  return `probes of ${rows.map(({ from }) => from).join(', ')} arrive as ${mode} needs them`;
}

/** Of whom it cannot be said that the mode works with them. */
function unjudged(
  mode: ReachMode,
  unheard: readonly UnheardMember[],
  gateway: Evidences['gateway'],
): readonly UnheardMember[] {
  if (mode === 'relay') return unheard.filter(({ isInSegment }) => !isInSegment);
  return gateway?.delivered(mode) === 'yes' ? [] : unheard;
}

const isUnknown = (row: SenderRow, kinds: readonly ProbeKind[]) =>
  kinds.some((kind) => (row.kinds[kind] ?? 'unknown') === 'unknown');

interface Missing {
  readonly kind: ProbeKind;
  readonly from: NodeName;
}

function missingIn(row: SenderRow, kinds: readonly ProbeKind[]): Missing[] {
  return kinds.filter((kind) => row.kinds[kind] === 'no').map((kind) => ({ kind, from: row.from }));
}

/** One clause for each kind, with all senders that it is missing from. */
function merged(missing: readonly Missing[]): string[] {
  const kinds = [...new Set(missing.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const of = missing.filter((one) => one.kind === kind);
    const from = of.map((one) => one.from).join(', ');
    return `${kindText(kind)} from ${from} does not arrive (none in the last ${MISSED_ROUNDS} rounds of probes or more)`;
  });
}

/** What a kind of probe is, for people. */
export function kindText(kind: ProbeKind): string {
  const { to, what } = PROBES[kind];
  if (kind.startsWith('answer-') || kind.startsWith('nd-')) {
    const named = { flood: 'the farm MAC', multicast: 'a multicast MAC', relay: "the sender's own MAC" };
    const [family, mode] = kind.split('-') as ['answer' | 'nd', ReachMode];
    return `an ${family === 'nd' ? 'ND' : 'ARP'} answer that names ${named[mode]}`;
  }
  if (to === 'unknown') return `${what} to a MAC that no switch knows`;
  if (to === 'group') return `${what} to a multicast MAC`;
  return to === 'peer' ? `${what} to this node's own MAC` : 'broadcast';
}

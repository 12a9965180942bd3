/** README's table of the zoo. Pure. */
import type { ProfileName } from '../network/profiles.js';
import type { PhaseName, PhaseScore } from './score.js';

/** The life of a farm in one network, or how it ended early. */
export interface Life {
  readonly network: ProfileName;
  /** What Covey says of the network: the reason for its choice, or why it refuses. */
  readonly found: string;
  /** `none` when it refuses. */
  readonly reach: string;
  /** From the start of the agents until all serve; null: they never did. */
  readonly coldStartMs: number | null;
  readonly phases: readonly PhaseScore[];
  /** Requests that were served more than once. */
  readonly twice: number;
  /** Leases that lapsed while there was traffic. Each costs requests: a machine that was too busy, or heartbeats that were lost. */
  readonly lapses: number;
  /** What went wrong, one line each; empty: the farm lived as it should. */
  readonly faults: readonly string[];
}

const HEAD = [
  'network',
  'found',
  'reach',
  'cold start',
  'calm',
  'kill (gap)',
  'return',
  'drain',
  'start',
  'twice',
  'lapses',
];

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export function tableHead(): readonly string[] {
  return [row(HEAD), row(HEAD.map(() => '---'))];
}

export function tableRow(life: Life): string {
  const { network, found, reach, coldStartMs, phases, twice, lapses } = life;
  const of = (name: PhaseName): string => cellOf(phases.find((phase) => phase.name === name));
  const start = coldStartMs === null ? '-' : `${(coldStartMs / 1000).toFixed(1)} s`;
  const results = [of('calm'), of('kill'), of('return'), of('drain'), of('start')];
  const cells = [
    network,
    escaped(found),
    reach,
    start,
    ...results,
    ...[twice, lapses].map((count) => (phases.length === 0 ? '-' : `${count}`)),
  ];
  return row(cells);
}

/** `12 of 480 (530 ms)`; the gap only where something failed. */
function cellOf(score: PhaseScore | undefined): string {
  if (score === undefined) return '-';
  const { failed, requests, gapMs } = score;
  return failed === 0 ? `0 of ${requests}` : `${failed} of ${requests}${gapMs > 0 ? ` (${gapMs} ms)` : ''}`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
}

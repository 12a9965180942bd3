/** `covey probe` for people. Pure: a report in, lines out. */
import { REACH_MODES } from '../buckets/contract.js';
import type { ProbeReport } from '../control/contract.js';
import { type Cell, elapsed, type Paint, table } from './style.js';

type Cross = ProbeReport['matrix'][number];

/** Why the farm is not as it should be by this report, one clause; null: it is. */
export function whyNotFit({ verdict, reach, silent }: ProbeReport): string | null {
  if (verdict.reach === 'none') return 'no way works by which frames could come to all nodes';
  if (silent.length > 0) return `${silent.join(', ')} did not answer`;
  const rank = (mode: string) => (REACH_MODES as readonly string[]).indexOf(mode);
  return rank(reach.mode) > rank(verdict.reach) ? `${reach.mode} is in use, and does not work everywhere` : null;
}

export function probeView(report: ProbeReport, paint: Paint): readonly string[] {
  const { farm, node, nodes, tookMs } = report;
  const count = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`;
  return [
    `${label(paint, 'farm')} ${paint('bold', farm)}  probed from ${node}: ${count}, ${elapsed(tookMs)}`,
    '',
    ...matrix(report, paint),
    '',
    ...hosts(report, paint),
    ...claims(report, paint),
    '',
    ...verdict(report, paint),
  ];
}

const label = (paint: Paint, name: string) => paint('dim', name.padEnd(8));

const LETTERS: readonly (readonly [keyof Cross & ('flood' | 'multicast' | 'unicast'), string])[] = [
  ['flood', 'F'],
  ['multicast', 'M'],
  ['unicast', 'U'],
];

function matrix(report: ProbeReport, paint: Paint): string[] {
  const names = report.nodes.map(({ node }) => node);
  if (names.length < 2) return ['there is no other node to probe with'];
  const header: Cell[] = [
    { text: 'FROM \\ TO', colour: 'dim' },
    ...names.map((text): Cell => ({ text, colour: 'dim' })),
  ];
  const rows = names.map((from): Cell[] => [
    { text: from },
    ...names.map((to) => cell(report.matrix.find((cross) => cross.from === from && cross.to === to))),
  ]);
  const legend =
    "F frames to a MAC that no switch knows, M to a multicast MAC, U to the node's own MAC; each with the ARP answers that lead to it. '.' does not arrive, '?' cannot be told";
  return [...table([header, ...rows], paint), paint('dim', legend), ...sizes(report, paint)];
}

function cell(cross: Cross | undefined): Cell {
  if (cross === undefined) return { text: '-', colour: 'dim' };
  const text = LETTERS.map(([way, letter]) => (cross[way] === null ? '?' : cross[way] ? letter : '.')).join(' ');
  return { text, colour: cross.flood ? 'green' : cross.multicast || cross.unicast ? 'yellow' : 'red' };
}

/** The size of frames only where it says something: pairs that carry less than both interfaces allow. */
function sizes({ matrix: crosses, nodes }: ProbeReport, paint: Paint): string[] {
  const mtuOf = (name: string) => nodes.find(({ node }) => node === name)?.host.mtu ?? 0;
  const known = crosses.filter(({ mtu }) => mtu !== null);
  if (known.length === 0) return [];
  const narrow = known.filter(({ from, to, mtu }) => mtu! < Math.min(mtuOf(from), mtuOf(to)));
  if (narrow.length === 0) {
    const mtus = [...new Set(known.map(({ mtu }) => mtu))].join(', ');
    return ['', `${label(paint, 'mtu')} ${mtus} between all nodes`];
  }
  return [
    '',
    ...narrow.map(({ from, to, mtu }) => {
      const allowed = Math.min(mtuOf(from), mtuOf(to));
      return `${label(paint, 'mtu')} ${paint('yellow', `${from} -> ${to}: ${mtu}, although both interfaces have ${allowed}`)}`;
    }),
  ];
}

function hosts({ nodes }: ProbeReport, paint: Paint): string[] {
  return nodes.flatMap(({ node, host, gateway, trouble }) => {
    const kind = `${host.interface} (${host.kind}, mtu ${host.mtu}, ${host.mac}, ${host.promiscuous ? 'promiscuous' : 'NOT promiscuous'})`;
    const settings = Object.entries(host.settings).flatMap(([name, value]) =>
      value === 0 ? [] : [`${name}=${value}`],
    );
    const way = gateway === null ? 'no gateway' : gatewayText(gateway);
    const notes = [...(trouble === '' ? [] : [`cannot probe: ${trouble}`]), ...host.warnings];
    return [
      `${label(paint, node)} ${[kind, way, ...settings].join(', ')}`,
      ...notes.map((line) => `${label(paint, '')} ${paint('yellow', '!')} ${line}`),
    ];
  });
}

function gatewayText({
  address,
  mac,
  answers,
  reachesVip,
}: NonNullable<ProbeReport['nodes'][number]['gateway']>): string {
  if (mac === '') return `gateway ${address} does not answer ARP`;
  const echo = answers ? 'answers' : 'answers ARP only';
  const vip = reachesVip === null ? '' : reachesVip ? ' and reaches the VIP' : ', but does NOT reach the VIP';
  return `gateway ${address} (${mac}) ${echo}${vip}`;
}

function claims({ nodes }: ProbeReport, paint: Paint): string[] {
  const seen = new Set<string>();
  return nodes.flatMap(({ node, claims: of }) =>
    of.flatMap(({ vip, mac, farm }) => {
      const who = farm === null ? mac : `${mac}, node ${farm.node} of another Covey farm (id ${farm.id})`;
      const line = `${vip} is claimed by ${who}`;
      if (seen.has(line)) return [];
      seen.add(line);
      return [`${label(paint, 'conflict')} ${paint('red', line)} (seen by ${node})`];
    }),
  );
}

function verdict(report: ProbeReport, paint: Paint): string[] {
  const { verdict: found, reach } = report;
  const colour = found.reach === 'none' ? 'red' : found.reach === 'flood' ? 'green' : 'yellow';
  const trouble = whyNotFit(report);
  return [
    `${label(paint, 'verdict')} ${paint(colour, found.reach)}: ${found.reason}`,
    ...found.evidence.map((line) => `${label(paint, '')} - ${line}`),
    `${label(paint, 'in use')} ${reach.mode}${reach.reason === '' ? '' : ` (${reach.reason})`}`,
    ...(trouble === null ? [] : [`${label(paint, '')} ${paint('red', trouble)}`]),
    ...found.fixes.map((line) => `${label(paint, 'fix')} ${line}`),
    ...(report.applied ? [`${label(paint, 'applied')} every node may now use the best that it can`] : []),
    ...goUpHint(report).map((line) => `${label(paint, 'hint')} ${line}`),
  ];
}

/** A better way works than is in use. */
function goUpHint({ verdict: { reach: best }, reach, applied }: ProbeReport): string[] {
  const rank = (mode: string) => (REACH_MODES as readonly string[]).indexOf(mode);
  if (applied || rank(best) <= rank(reach.mode)) return [];
  return [`${best} works again: with reach: auto the farm takes it when told: covey probe --apply`];
}

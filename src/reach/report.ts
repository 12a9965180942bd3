/** The rows of all nodes, put together and judged as a whole. Pure. */
import { REACH_MODES, type ReachMode } from '../buckets/contract.js';
import type { NodeName } from '../membership/messages.js';
import type { Capability, Delivered, NodeRow, ProbeKind, ProbeReport, ReachNeeds, SenderRow } from './contract.js';

export interface ReportParts {
  readonly farm: string;
  readonly node: NodeName;
  readonly reach: { readonly mode: string; readonly reason: string };
  readonly needs: ReachNeeds;
  readonly rows: readonly NodeRow[];
  readonly silent: readonly NodeName[];
  readonly applied: boolean;
  readonly tookMs: number;
}

export function probeReport(parts: ReportParts): ProbeReport {
  const { farm, node, reach, rows, silent, applied, tookMs } = parts;
  const sorted = [...rows].sort((a, b) => a.node.localeCompare(b.node, 'en', { numeric: true }));
  return {
    version: 1,
    farm,
    node,
    reach,
    verdict: verdictOf(sorted, silent),
    matrix: sorted.flatMap((to) => sorted.filter((from) => from !== to).map((from) => cellOf(from, to, parts.needs))),
    nodes: sorted.map(({ heard: _heard, judgement: _judgement, ...rest }) => rest),
    silent,
    applied,
    tookMs: Math.round(tookMs),
  };
}

const rank = (reach: Capability) => (REACH_MODES as readonly string[]).indexOf(reach);

function verdictOf(rows: readonly NodeRow[], silent: readonly NodeName[]): ProbeReport['verdict'] {
  const known = rows.filter(({ judgement }) => judgement.best !== null);
  const best = known.map(({ judgement }) => judgement.best!);
  const reach: Capability = best.length === 0 ? 'none' : best.reduce((a, b) => (rank(a) <= rank(b) ? a : b));
  const evidence = rows.flatMap(({ node, judgement }) => judgement.evidence.map((line) => `at ${node}, ${line}`));
  return { reach, reason: reasonOf(reach, rows, silent, known.length), evidence, fixes: fixesFor(rows, evidence) };
}

function reasonOf(reach: Capability, rows: readonly NodeRow[], silent: readonly NodeName[], known: number): string {
  const missing = silent.length === 0 ? '' : `; ${silent.join(', ')} did not answer, and is not counted`;
  if (known === 0) return `no node can say anything${missing}`;
  if (rows.length === 1) return `${rows[0]!.judgement.why}${missing}`;
  const limits = rows.filter(({ judgement }) => judgement.best === reach);
  const evidence = limits.flatMap(({ judgement }) => judgement.evidence);
  const isDeaf = rows.every(({ heard }) => heard.length === 0);
  if (reach === 'flood' && isDeaf) return `nodes do not hear each other, but ${limits[0]!.judgement.why}${missing}`;
  if (reach === 'flood')
    return `frames to an unknown MAC, and the answers that name it, arrive at every node${missing}`;
  const names = limits.map(({ node }) => node).join(', ');
  const what = reach === 'none' ? `nothing works at ${names}` : `${names} can do no more than ${reach}`;
  return `${what}${evidence.length === 0 ? '' : `: ${evidence[0]!.replace(/^\w+: /, '')}`}${missing}`;
}

function cellOf(from: NodeRow, to: NodeRow, needs: ReachNeeds): ProbeReport['matrix'][number] {
  const row = to.heard.find((heard) => heard.from === from.node) ?? null;
  const kinds = row?.kinds ?? {};
  const arrives = (mode: ReachMode) => {
    if (to.trouble !== '' || from.trouble !== '') return null;
    return all(needs[mode], row);
  };
  return {
    from: from.node,
    to: to.node,
    unicast: arrives('relay'),
    flood: arrives('flood'),
    multicast: arrives('multicast'),
    kinds,
    mtu: row === null || row.largestBytes === 0 ? null : row.largestBytes,
  };
}

/** Whether all of `kinds` arrive. A sender that is not heard at all delivers nothing. */
function all(kinds: readonly ProbeKind[], row: SenderRow | null): boolean {
  return row !== null && kinds.every((kind) => (row.kinds[kind] ?? ('unknown' satisfies Delivered)) === 'yes');
}

/** What a human could change so that a better mode works. */
function fixesFor(rows: readonly NodeRow[], evidence: readonly string[]): readonly string[] {
  const fixes: string[] = [];
  const says = (pattern: RegExp) => evidence.some((line) => pattern.test(line));
  if (says(/^at \S+, flood: IPv[46] to a MAC that no switch knows/)) {
    fixes.push(
      'for flood: let the switch flood frames for unknown MACs to these nodes. VMware: port group, "Promiscuous mode: Accept"; Hyper-V: Set-VMNetworkAdapter -MacAddressSpoofing On; Proxmox and libvirt: no MAC filter on the port; Linux bridge: bridge link set dev PORT flood on',
    );
  }
  if (says(/an (ARP|ND) answer that names the farm MAC/)) {
    fixes.push(
      'for flood: let these ports answer ARP with a MAC that is not their own. VMware: port group, "Forged transmits: Accept"; switches: no ARP inspection on these ports (ip arp inspection trust); libvirt: no clean-traffic filter',
    );
  }
  if (says(/multicast: IPv[46] to a multicast MAC/)) {
    fixes.push('for multicast: turn IGMP snooping off in this VLAN, or enter the farm MAC as a static group');
  }
  for (const { node, trouble, host } of rows) {
    if (trouble !== '') fixes.push(`${node} cannot probe: ${trouble}`);
    if (host.kind === 'macvlan') {
      fixes.push(
        `${node}: ${host.interface} is a macvlan, which never gets flooded unicast; for flood use a bridge and veth`,
      );
    }
  }
  return fixes;
}

/** What forbids a mode whatever its probes say, and who cannot be judged. Pure. */
import { type MemberStatus, RAW_PATH } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';
import type { Delivered, GatewayReport, HostLook, SenderRow } from './contract.js';
import type { Obstacles, UnheardMember } from './judge.js';
import type { Leak } from './leaks.js';

export interface ObstacleParts {
  readonly host: HostLook;
  /** Some node's probes arrive. */
  readonly heardAnyone: boolean;
  readonly leak: Leak | null;
  /** Why the comparison of captured frames speaks against group-addressed modes; empty: it does not. */
  readonly shares: string;
  readonly gateway: {
    delivered(question: 'flood' | 'multicast'): Delivered;
    report(): Pick<GatewayReport, 'answers' | 'reachesVip'>;
  } | null;
  /** In use by the farm. */
  readonly mode: string;
}

export function obstaclesOf(parts: ObstacleParts): Obstacles {
  const { host, leak, shares, gateway } = parts;
  const { kind, interface: name } = host.report;
  if (host.foreignVips.length > 0 && !parts.heardAnyone) {
    const why = `${name} has no address in the network of ${host.foreignVips.join(', ')}, and no node of the farm is heard there: all nodes must be in one Ethernet segment`;
    return { flood: why, multicast: why, relay: why };
  }
  const wireless = kind === 'wireless' ? `${name} is wireless: access points drop frames for a shared MAC` : null;
  const leaked =
    leak === null ? null : `frames came from the farm's MAC as source, so switches send to one port what is for it`;
  const refused = gateway !== null && refusesGroup(gateway, parts.mode) ? REFUSED : null;
  const flood = wireless ?? leaked ?? (shares === '' ? null : shares);
  const multicast = wireless ?? refused ?? (shares === '' ? null : shares);
  return { ...(flood === null ? {} : { flood }), ...(multicast === null ? {} : { multicast }) };
}

const REFUSED = 'the gateway does not take a multicast MAC for an answer, so clients behind it would be cut off';

/**
 * RFC 1812 section 3.3.2 wants routers to refuse a group address in ARP. It shows when one is asked for by it, at the latest when echoes
 * from the VIP stay unanswered, although those from the node's own address do not.
 */
function refusesGroup(gateway: NonNullable<ObstacleParts['gateway']>, mode: string): boolean {
  const { answers, reachesVip } = gateway.report();
  if (!answers) return false;
  return gateway.delivered('multicast') === 'no' || (mode !== 'flood' && reachesVip === false);
}

/** A member that is heard by the VIP's interface at all is so within this time. */
const IN_SEGMENT_MS = 3000;

/** Living members whose probes are not heard here: without them nothing is known of the way from and to them. */
export function unheardMembers(
  node: NodeName,
  members: readonly MemberStatus[],
  rows: readonly SenderRow[],
  capTrouble: string,
): readonly UnheardMember[] {
  const heard = new Set(rows.map(({ from }) => from));
  const why = capTrouble === '' ? 'no probe arrives' : `this node cannot probe (${capTrouble}), so nothing is known`;
  return members
    .filter(({ name, state }) => name !== node && state !== 'dead' && state !== 'stopped' && !heard.has(name))
    .map(({ name, paths }) => ({
      name,
      why,
      isInSegment: (paths[RAW_PATH] ?? Number.POSITIVE_INFINITY) < IN_SEGMENT_MS,
    }));
}

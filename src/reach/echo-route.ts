/** Whether heartbeats go by way of the gateway, too (echo-path.ts), and how. Pure. */
import { RAW_PATH } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';
import { rankOf } from './chooser.js';
import type { Capability, Delivered, EchoRoute, FarmView, GatewayReport } from './contract.js';
import { groupMac, parseMac, sameBytes } from './packets.js';

export interface EchoEvidence {
  readonly node: NodeName;
  readonly view: FarmView;
  /** What this node can do by its own evidence; null: it has not decided yet. */
  readonly best: Capability | null;
  /** Some node's probes arrive. */
  readonly heardProbes: boolean;
  /** Null: there is none. */
  readonly gateway: {
    readonly address: Uint8Array;
    delivered(question: 'flood' | 'multicast'): Delivered;
    report(): Pick<GatewayReport, 'mac' | 'answers'>;
  } | null;
  /** The first IPv4 VIP; null: there is none. */
  readonly vip: Uint8Array | null;
  readonly vmac: Uint8Array;
}

/** A member that is heard by the VIP's interface at all is so within this time. */
const HEARD_MS = 3000;

/** Null: the path is not needed, or does not work. */
export function echoRoute({ node, view, best, heardProbes, gateway, vip, vmac }: EchoEvidence): EchoRoute | null {
  if (gateway === null || vip === null || best === null) return null;
  const mode = rankOf(best) < rankOf(view.reach.mode) ? best : view.reach.mode;
  // With `relay` the gateway's answer comes to one node only, and what it knows of the VIP is not ours to change.
  if (mode === 'none' || mode === 'relay' || gateway.delivered(mode) !== 'yes') return null;
  const others = view.members.filter(({ name, state }) => name !== node && state !== 'dead' && state !== 'stopped');
  const isHeard = others.every(({ paths }) => (paths[RAW_PATH] ?? Number.POSITIVE_INFINITY) < HEARD_MS);
  if (others.length === 0 ? heardProbes : isHeard) return null;
  const { mac, answers } = gateway.report();
  const gatewayMac = parseMac(mac);
  if (!answers || gatewayMac === null) return null;
  return { vip, vipMac: mode === 'multicast' ? groupMac(vmac) : vmac, gateway: gateway.address, gatewayMac };
}

export function sameRoute(a: EchoRoute | null, b: EchoRoute | null): boolean {
  if (a === null || b === null) return a === b;
  return (['vip', 'vipMac', 'gateway', 'gatewayMac'] as const).every((name) => sameBytes(a[name], b[name]));
}

/** Finding this host in a network given as CIDR, and whom a heartbeat there is addressed to. */
import { BlockList, isIPv6 } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';

/** Where heartbeats of one network are sent and received. */
export interface UdpPlace {
  readonly interface: string;
  readonly family: 'udp4' | 'udp6';
  /** Our address in the network. */
  readonly localAddress: string;
  /** Its directed broadcast; IPv6: all nodes of the link, with the interface as scope. */
  readonly target: string;
  /** 0 where it is not known. An interface that was deleted and made again has another one, and old sockets do not hear it. */
  readonly interfaceIndex: number;
}

export interface Network {
  readonly address: string;
  readonly prefixLength: number;
  readonly isV6: boolean;
}

/** Throws {@link RangeError} for what is no CIDR, or too small to have other hosts. */
export function parseNetwork(cidr: string): Network {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(cidr);
  const address = match?.[1] ?? '';
  const prefixLength = Number(match?.[2]);
  const isV6 = isIPv6(address);
  const most = isV6 ? 127 : 30;
  if (match === null || !(prefixLength >= 1 && prefixLength <= most)) {
    throw new RangeError(`"${cidr}" is no network such as 192.168.9.0/24 or fd00:9::/64`);
  }
  // BlockList parses the address, and throws for one that is none.
  new BlockList().addSubnet(address, prefixLength, isV6 ? 'ipv6' : 'ipv4');
  return { address, prefixLength, isV6 };
}

/** This host's place in `network`, or null while no interface has an address there. */
export function findPlace(network: Network, interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): UdpPlace | null {
  const family = network.isV6 ? 'ipv6' : 'ipv4';
  const inside = new BlockList();
  inside.addSubnet(network.address, network.prefixLength, family);
  for (const [name, addresses] of Object.entries(interfaces)) {
    const own = addresses?.find((info) => info.family.toLowerCase() === family && inside.check(info.address, family));
    if (own === undefined) continue;
    const target = network.isV6 ? `ff02::1%${name}` : directedBroadcast(own.address, network.prefixLength);
    const interfaceIndex = indexOf(addresses ?? []);
    return {
      interface: name,
      family: network.isV6 ? 'udp6' : 'udp4',
      localAddress: own.address,
      target,
      interfaceIndex,
    };
  }
  return null;
}

/** Node tells an interface's index only as the scope of its link-local address. */
function indexOf(addresses: readonly NetworkInterfaceInfo[]): number {
  for (const info of addresses) if (info.family === 'IPv6' && info.scopeid > 0) return info.scopeid;
  return 0;
}

/** RFC 919: all bits of the host part set. */
export function directedBroadcast(address: string, prefixLength: number): string {
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const hosts = 2 ** (32 - prefixLength);
  const broadcast = Math.floor(value / hosts) * hosts + hosts - 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(broadcast / 2 ** shift) % 256).join('.');
}

/** Which of this host's addresses others are told, and in which order another one's are tried. */
import { BlockList, isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { Endpoint } from '../membership/messages.js';

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Without loopback, and without link-local ones, which mean nothing without the other side's interface. `hidden`: the VIPs. */
export function advertisedAddresses(
  hidden: readonly string[],
  interfaces: Interfaces = networkInterfaces(),
): readonly string[] {
  const excluded = new BlockList();
  excluded.addSubnet('fe80::', 10, 'ipv6');
  excluded.addSubnet('169.254.0.0', 16, 'ipv4');
  for (const address of hidden) excluded.addAddress(address, familyOf(address));
  return Object.values(interfaces)
    .flatMap((infos) => infos ?? [])
    .filter(({ internal, address }) => !internal && !excluded.check(address, familyOf(address)))
    .map(({ address }) => address);
}

/**
 * The one that worked last, then those in a network of ours, then the rest: an address behind a router that drops silently
 * costs a whole time-out.
 */
export function inOrderOfHope(
  endpoints: readonly Endpoint[],
  lastGood: Endpoint | null,
  interfaces: Interfaces = networkInterfaces(),
): readonly Endpoint[] {
  const near = new BlockList();
  for (const { address, cidr } of Object.values(interfaces).flatMap((infos) => infos ?? [])) {
    if (cidr !== null) near.addSubnet(address, Number(cidr.split('/')[1]), familyOf(address));
  }
  const rank = (endpoint: Endpoint) => {
    if (endpoint.address === lastGood?.address && endpoint.port === lastGood.port) return 0;
    return isIP(endpoint.address) !== 0 && near.check(endpoint.address, familyOf(endpoint.address)) ? 1 : 2;
  };
  return endpoints
    .map((endpoint) => ({ endpoint, rank: rank(endpoint) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ endpoint }) => endpoint);
}

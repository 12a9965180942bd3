/** What the kernel says of an interface: for `check-config`, and before a VIP is taken. */
import { access } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { run } from '../run.js';
import { addressInSubnet, sameAddress } from './address.js';
import type { HostVip } from './contract.js';

export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number;
}

/** `other` are devices with an Ethernet header that we know nothing special of. */
export type InterfaceKind =
  | 'ethernet'
  | 'bridge'
  | 'bond'
  | 'vlan'
  | 'veth'
  | 'macvlan'
  | 'tun'
  | 'loopback'
  | 'wireless'
  | 'other';

export interface HostFacts {
  readonly interface: string;
  readonly exists: boolean;
  readonly up: boolean;
  readonly index: number;
  /** Lower case with colons; empty where it has none. */
  readonly mac: string;
  readonly mtu: number;
  readonly kind: InterfaceKind;
  /** Name of the bridge or bond that owns the interface: frames then arrive on that one, not here. */
  readonly master: string | null;
  readonly addresses: readonly InterfaceAddress[];
  /** Names of all interfaces of this network namespace. */
  readonly others: readonly string[];
}

interface IpAddress {
  readonly local?: string;
  readonly prefixlen?: number;
  readonly scope?: string;
}

interface IpLink {
  readonly ifname: string;
  readonly ifindex?: number;
  readonly flags?: readonly string[];
  readonly mtu?: number;
  readonly address?: string;
  readonly link_type?: string;
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info?: readonly IpAddress[];
}

const KINDS: Readonly<Record<string, InterfaceKind>> = {
  bridge: 'bridge',
  bond: 'bond',
  vlan: 'vlan',
  veth: 'veth',
  macvlan: 'macvlan',
  macvtap: 'macvlan',
  ipvlan: 'macvlan',
  tun: 'tun',
};

/** Facts of `name`; `exists` is false where there is no such interface. Throws CommandError when `ip` cannot run. */
export async function hostFacts(name: string): Promise<HostFacts> {
  const { stdout } = await run('ip', ['-j', '-d', 'address', 'show']);
  const links = (JSON.parse(stdout) as readonly IpLink[]).filter((link) => link.ifname !== undefined);
  const link = links.find((candidate) => candidate.ifname === name);
  const kind = link === undefined ? 'other' : await kindOf(link);
  return {
    interface: name,
    exists: link !== undefined,
    up: link?.flags?.includes('UP') ?? false,
    index: link?.ifindex ?? 0,
    mac: kind === 'tun' ? '' : (link?.address ?? ''),
    mtu: link?.mtu ?? 0,
    kind,
    master: link?.master ?? null,
    addresses: (link?.addr_info ?? []).flatMap(({ local, prefixlen }) =>
      local === undefined || prefixlen === undefined ? [] : [{ address: local, prefixLength: prefixlen }],
    ),
    others: links.map((candidate) => candidate.ifname),
  };
}

async function kindOf(link: IpLink): Promise<InterfaceKind> {
  if (link.link_type === 'loopback') return 'loopback';
  // A TAP is a `tun` to ip as well, but carries Ethernet: guests and user-space switches have nothing else.
  if (link.linkinfo?.info_kind === 'tun' && link.link_type === 'ether') return 'ethernet';
  const known = KINDS[link.linkinfo?.info_kind ?? ''];
  if (known !== undefined) return known;
  if (link.link_type !== 'ether') return 'other';
  return (await isWireless(link.ifname)) ? 'wireless' : 'ethernet';
}

/** cfg80211 gives each of its devices a `phy80211` link in sysfs. */
async function isWireless(name: string): Promise<boolean> {
  return access(`/sys/class/net/${name}/phy80211`).then(
    () => true,
    () => false,
  );
}

/** The interface's own address in the VIP's subnet: what ARP must use instead of the VIP. Null where there is none. */
export function ownAddressFor(facts: HostFacts, vip: HostVip): string | null {
  const family = isIPv4(vip.address);
  const fits = facts.addresses.find(
    (own) =>
      isIPv4(own.address) === family &&
      addressInSubnet(own.address, vip.address, vip.prefixLength) &&
      !sameAddress(own.address, vip.address),
  );
  return fits?.address ?? null;
}

/** What keeps a node from starting here. */
export interface StartFault {
  readonly code: 'no-interface' | 'interface-down' | 'not-ethernet' | 'busy';
  /** What is wrong, and what to type. */
  readonly message: string;
}

/** Why a node with `vips` on this interface refuses to start, as far as the interface goes. Empty: it does not. */
export function startFaults(facts: HostFacts, vips: readonly HostVip[]): readonly StartFault[] {
  const { interface: name, others } = facts;
  if (!facts.exists) {
    const message = `interface ${name} does not exist here; there are: ${others.join(', ')}; set interface: in the config`;
    return [{ code: 'no-interface', message }];
  }
  const faults: StartFault[] = [];
  if (!facts.up)
    faults.push({ code: 'interface-down', message: `interface ${name} is down; type: ip link set ${name} up` });
  if (facts.kind === 'loopback' || facts.mac === '') {
    const choice = others.filter((other) => other !== name).join(', ') || '(none is here)';
    const message = `interface ${name} is no Ethernet device: no frame of another host comes there; set interface: to one of ${choice}`;
    faults.push({ code: 'not-ethernet', message });
  }
  return [...faults, ...busyVips(facts, vips)];
}

/** The VIPs that are addresses of the interface itself. */
export function busyVips({ interface: name, addresses }: HostFacts, vips: readonly HostVip[]): readonly StartFault[] {
  return vips
    .filter((vip) => addresses.some((own) => sameAddress(own.address, vip.address)))
    .map(({ address, prefixLength }) => ({
      code: 'busy',
      message: `${address} is already an address of ${name}; a VIP must not be: type: ip address del ${address}/${prefixLength} dev ${name}`,
    }));
}

/** What is doubtful about `vips` on this interface, each as one line for people, beside {@link startFaults}. Empty: nothing. */
export function interfaceAdvice(facts: HostFacts, vips: readonly HostVip[]): readonly string[] {
  const { interface: name, addresses } = facts;
  if (!facts.exists) return [];
  const advice: string[] = [];
  if (facts.master !== null)
    advice.push(`interface ${name} is a port of ${facts.master}: frames arrive there; set interface: ${facts.master}`);
  if (facts.kind === 'wireless')
    advice.push(`interface ${name} is wireless: access points drop frames for a shared MAC; use reach: relay`);
  if (facts.kind === 'macvlan')
    advice.push(`interface ${name} is a macvlan: it never receives flooded unicast; use reach: multicast or relay`);
  for (const vip of vips) {
    if (addresses.some((own) => sameAddress(own.address, vip.address)) || ownAddressFor(facts, vip) !== null) continue;
    const network = `${vip.address}/${vip.prefixLength}`;
    advice.push(`${name} has no address of its own in ${network}; the node then has no source address there`);
  }
  return advice;
}

/** The zoo: what each network has that a plain switch has not. */
import type { Profile } from './contract.js';

/** A frame's Ethernet source must be the MAC of the port's host. */
const SOURCE_GUARD = ['iifname PORT ether saddr != MAC drop'];

/**
 * The MAC that ARP and ND messages tell must be that of the port's host, as with dynamic ARP inspection and ND inspection. The
 * link-layer address is the first option of an advertisement or solicitation, 24 bytes into ICMPv6 (RFC 4861, 4.3 and 4.4).
 */
const ARP_GUARD = [
  'iifname PORT arp saddr ether != MAC drop',
  'iifname PORT icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } @th,208,48 != HEX drop',
];

/**
 * A querier of its own. A Linux bridge floods until it has heard one for a response interval (br_multicast_querier_exists), and
 * begins to count when the querier is switched on, so the interval comes first. Times in hundredths of a second.
 */
const SNOOPING = [
  'mcast_query_interval 500 mcast_startup_query_interval 100 mcast_query_response_interval 100',
  'mcast_igmp_version 3 mcast_mld_version 2',
  'mcast_snooping 1 mcast_querier 1',
];

/** A router of an operator who thinks of hours: no entry of its ARP cache is looked at again within any test. */
const HOLDING_CACHE = [
  'net.ipv4.neigh.eth0.base_reachable_time_ms=14400000',
  'net.ipv4.neigh.eth0.gc_stale_time=14400',
];

export const PROFILES = {
  switch: {
    about: 'a plain learning switch',
    choices: ['flood'],
  },
  vswitch: {
    about: 'a virtual switch that knows its ports` MACs and floods unknown unicast to none of them',
    choices: ['multicast', 'relay'],
    fixedForwarding: true,
    ports: [{ hosts: 'every', flags: 'flood off learning off' }],
  },
  'vswitch-one': {
    about: 'a learning switch that floods unknown unicast to all ports but that of n2',
    choices: ['multicast', 'relay'],
    ports: [{ hosts: 'n2', flags: 'flood off' }],
  },
  'spoof-guard': {
    about: 'a switch that drops frames whose Ethernet source is not the MAC of the port',
    choices: ['flood'],
    guard: SOURCE_GUARD,
  },
  'arp-guard': {
    about: 'a switch that drops ARP and ND messages which tell another MAC than that of the port',
    choices: ['relay'],
    guard: ARP_GUARD,
  },
  'igmp-snooping': {
    about: 'a switch with an IGMP and MLD querier: multicast goes only where it was joined',
    choices: ['flood'],
    bridge: SNOOPING,
  },
  macvlan: {
    about: 'nodes on macvlan interfaces, which never deliver unknown unicast',
    choices: ['multicast', 'relay'],
    attachment: 'macvlan',
  },
  isolated: {
    about:
      'a private VLAN: nodes hear the client and the gateway, but not each other; they have a second network for heartbeats',
    choices: ['flood', 'multicast'],
    ports: [{ hosts: 'node', flags: 'isolated on' }],
    gateway: true,
    heartbeatNetwork: true,
    config: '{ heartbeat: { udp: [10.88.0.0/24] } }',
  },
  tagged: {
    about: 'interfaces that are a VLAN of a trunk: every frame on the cables carries an 802.1Q tag',
    choices: ['flood'],
    attachment: 'tagged',
  },
  'two-switches': {
    about: 'two switches with a trunk between them, which forget a MAC after 5 s',
    choices: ['flood'],
    bridge: ['ageing_time 500'],
    second: { hosts: 'even nodes', link: 'trunk' },
  },
  router: {
    about: 'the client behind a router that keeps its ARP cache for hours',
    choices: ['flood'],
    second: { hosts: 'client', link: 'gateway' },
    gateway: true,
    gatewaySettings: HOLDING_CACHE,
  },
  hub: {
    about: 'a hub: every frame goes to every port',
    choices: ['flood'],
    bridge: ['ageing_time 0'],
    ports: [{ hosts: 'every', flags: 'learning off' }],
  },
  vxlan: {
    about: 'an overlay: VXLAN interfaces with an MTU of 1450',
    choices: ['flood'],
    attachment: 'vxlan',
    mtu: 1450,
  },
  jumbo: {
    about: 'a switch with an MTU of 9000',
    choices: ['flood'],
    mtu: 9000,
  },
  lossy: {
    about: 'a switch that loses 2 % of the frames at every port, in each direction',
    choices: ['flood'],
    lossPercent: 2,
  },
  l3: {
    about: 'nodes in two subnets with a router between them: no segment that a farm could share',
    choices: ['none'],
    second: { hosts: 'even nodes', link: 'gateway' },
    gateway: true,
  },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[];

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name);
}

/** The profile without the narrow type of its literal. */
export function profileOf(name: ProfileName): Profile {
  return PROFILES[name];
}

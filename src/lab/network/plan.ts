/**
 * From a profile to commands. Pure. What is common to all networks:
 *
 *        covey-<lab>-switch:   bridge br0   (and br1: a second switch, or the far side of the gateway)
 *              p-n1   p-n2   p-n3   p-client   (p-gateway, and p-gateway1 on br1)
 *               |      |      |       |            veth pairs, made inside the namespaces: the root namespace
 *              eth0   eth0   eth0    eth0          never sees a device of the lab
 *             ...-n1 ...-n2 ...-n3 ...-client
 */
import { address6Of, addressOf, FAR, macOf, NEAR, namespaceOf, portOf, type Subnet } from '../names.js';
import type { Attachment, Hosts, Profile, SecondSwitch, Step } from './contract.js';

/** Without snooping and spanning tree, as a plain switch: ports forward at once, and multicast goes everywhere. */
const PLAIN_SWITCH = 'stp_state 0 forward_delay 0 mcast_snooping 0';
const DEFAULT_MTU = 1500;
/** Bytes that a VXLAN and an 802.1Q header add to a frame of eth0. */
const OVERHEAD: Readonly<Record<Attachment, number>> = { veth: 0, macvlan: 0, vxlan: 50, tagged: 4 };
const GATEWAY = 'gateway';
export const VLAN = 10;
const VXLAN_ID = 77;

const isNode = (host: string): boolean => /^n\d+$/.test(host);

function concerns(hosts: Hosts | SecondSwitch['hosts'], host: string): boolean {
  if (hosts === 'even nodes') return isNode(host) && Number(host.slice(1)) % 2 === 0;
  return hosts === 'every' || hosts === host || (hosts === 'node' && isNode(host));
}

function isFar(profile: Profile, host: string): boolean {
  return profile.second !== undefined && concerns(profile.second.hosts, host);
}

function attachmentOf(profile: Profile, host: string): Attachment {
  // A macvlan is the nodes' own affair; an overlay or a VLAN is a segment, so the client must be in it as well.
  if (host === GATEWAY || (profile.attachment === 'macvlan' && !isNode(host))) return 'veth';
  return profile.attachment ?? 'veth';
}

/** Subnet of the host's eth0. Two switches with a trunk are one subnet. */
export function subnetOf(profile: Profile, host: string): Subnet {
  return profile.second?.link === 'gateway' && isFar(profile, host) ? FAR : NEAR;
}

/** The switches, before any host is there. */
export function planSwitch(profile: Profile): readonly Step[] {
  const mtu = (profile.mtu ?? DEFAULT_MTU) + OVERHEAD[profile.attachment ?? 'veth'];
  const bridge = (name: string): readonly string[] => [
    `link add ${name} mtu ${mtu} type bridge ${PLAIN_SWITCH}`,
    ...(profile.bridge ?? []).map((options) => `link set ${name} type bridge ${options}`),
    `link set ${name} up`,
  ];
  const lines = ['link set lo up', ...bridge('br0')];
  if (profile.second !== undefined) lines.push(...bridge('br1'));
  if (profile.second?.link === 'trunk') {
    lines.push(
      `link add trunk0 mtu ${mtu} type veth peer name trunk1 mtu ${mtu}`,
      'link set trunk0 master br0 up',
      'link set trunk1 master br1 up',
    );
  }
  if (profile.heartbeatNetwork) lines.push(`link add br2 type bridge ${PLAIN_SWITCH}`, 'link set br2 up');
  return [{ host: 'switch', tool: 'ip', lines }, ...lossOf(profile)];
}

function lossOf({ lossPercent }: Profile): readonly Step[] {
  if (lossPercent === undefined) return [];
  const chain = (name: string, hook: string): string =>
    `add chain bridge covey_lab ${name} { type filter hook ${hook} priority -200; numgen random mod 100 < ${lossPercent} drop; }`;
  const lines = ['add table bridge covey_lab', chain('lossIn', 'prerouting'), chain('lossOut', 'postrouting')];
  return [{ host: 'switch', tool: 'nft', lines }];
}

/** Cable, interface and addresses of `host`, whose namespace is there already. `hosts`: all that the lab will have. */
export function planHost(profile: Profile, lab: string, host: string, hosts: readonly string[]): readonly Step[] {
  const steps = [...cable(profile, lab, host), ...portRules(profile, host), ...addresses(profile, host)];
  steps.push(...overlay(profile, host, hosts));
  if (profile.heartbeatNetwork && isNode(host)) steps.push(...heartbeatCable(lab, host));
  if (host === GATEWAY) steps.push(...gateway(profile, lab));
  return steps;
}

/** eth0 and all between it and the switch. */
function cable(profile: Profile, lab: string, host: string): readonly Step[] {
  const attachment = attachmentOf(profile, host);
  const mtu = profile.mtu ?? DEFAULT_MTU;
  const space = namespaceOf(lab, host);
  const port = portOf(host);
  const eth0 = `name eth0 address ${macOf(host)}`;
  const under = `mtu ${mtu + OVERHEAD[attachment]}`;
  const link = (peer: string): string => `link add ${port} ${under} type veth peer ${peer} ${under}`;
  const plugged = `link set ${port} master ${isFar(profile, host) ? 'br1' : 'br0'} up`;
  const atSwitch = (...lines: readonly string[]): Step => ({ host: 'switch', tool: 'ip', lines: [...lines, plugged] });
  const atHost = (...lines: readonly string[]): Step => ({ host, tool: 'ip', lines });
  switch (attachment) {
    case 'veth':
      return [atSwitch(link(`${eth0} netns ${space}`))];
    case 'macvlan': {
      // The parent is the NIC of a server that is not ours: it stays outside of the node's namespace.
      const parent = `u-${host}`;
      const child = `link add link ${parent} ${eth0} mtu ${mtu} netns ${space} type macvlan mode bridge`;
      return [atSwitch(link(`name ${parent}`), `link set ${parent} addrgenmode none up`, child)];
    }
    case 'vxlan': {
      const own = underlayOf(host);
      const tunnel = `link add ${eth0} mtu ${mtu} type vxlan id ${VXLAN_ID} dev u0 local ${own} dstport 4789`;
      const up = ['link set u0 addrgenmode none up', `address add ${own}/24 dev u0`, tunnel];
      return [atSwitch(link(`name u0 netns ${space}`)), atHost(...up)];
    }
    case 'tagged': {
      const up = ['link set u0 addrgenmode none up', 'tuntap add dev eth0 mode tap'];
      return [
        atSwitch(link(`name u0 netns ${space}`)),
        atHost(...up, `link set eth0 address ${macOf(host)} mtu ${mtu}`),
        { host, tool: 'tagger', lines: ['eth0', 'u0', `${VLAN}`] },
      ];
    }
  }
}

function underlayOf(host: string): string {
  return addressOf(host).replace(/^10\.77\./, '10.99.');
}

/** What the switch does at the host's port. */
function portRules(profile: Profile, host: string): readonly Step[] {
  const port = portOf(host);
  const steps: Step[] = [];
  const flags = (profile.ports ?? []).filter(({ hosts }) => concerns(hosts, host));
  if (flags.length > 0)
    steps.push({
      host: 'switch',
      tool: 'ip',
      lines: flags.map((entry) => `link set ${port} type bridge_slave ${entry.flags}`),
    });
  if (profile.fixedForwarding)
    steps.push({ host: 'switch', tool: 'bridge', lines: [`fdb add ${macOf(host)} dev ${port} master static`] });
  if (profile.guard !== undefined) steps.push({ host: 'switch', tool: 'nft', lines: guardOf(profile.guard, host) });
  return steps;
}

function guardOf(rules: readonly string[], host: string): readonly string[] {
  const mac = macOf(host);
  const fill = (rule: string): string =>
    rule
      .replace('PORT', `"${portOf(host)}"`)
      .replace('HEX', `0x${mac.replaceAll(':', '')}`)
      .replace('MAC', mac);
  return [
    'add table bridge covey_lab',
    'add chain bridge covey_lab guard { type filter hook prerouting priority -300; }',
    ...rules.map((rule) => `add rule bridge covey_lab guard ${fill(rule)}`),
  ];
}

function addresses(profile: Profile, host: string): readonly Step[] {
  const subnet = subnetOf(profile, host);
  const lines = [
    'link set lo up',
    'link set eth0 up',
    `address add ${addressOf(host, subnet)}/24 dev eth0`,
    `address add ${address6Of(host, subnet)}/64 dev eth0 nodad`,
  ];
  if (profile.gateway && host !== GATEWAY) {
    lines.push(`route add default via ${addressOf(GATEWAY, subnet)}`);
    lines.push(`route add default via ${address6Of(GATEWAY, subnet)}`);
  }
  return [{ host, tool: 'ip', lines }];
}

/** Frames for a MAC that the tunnel does not know go to every other end of it: head-end replication, RFC 7348 without multicast. */
function overlay(profile: Profile, host: string, hosts: readonly string[]): readonly Step[] {
  if (attachmentOf(profile, host) !== 'vxlan') return [];
  const ends = hosts.filter((other) => other !== host && attachmentOf(profile, other) === 'vxlan');
  const lines = ends.map((other) => `fdb append 00:00:00:00:00:00 dev eth0 dst ${underlayOf(other)}`);
  return [{ host, tool: 'bridge', lines }];
}

function heartbeatCable(lab: string, host: string): readonly Step[] {
  const port = `q-${host}`;
  return [
    {
      host: 'switch',
      tool: 'ip',
      lines: [
        `link add ${port} type veth peer name eth1 netns ${namespaceOf(lab, host)}`,
        `link set ${port} master br2 up`,
      ],
    },
    {
      host,
      tool: 'ip',
      lines: ['link set eth1 up', `address add 10.88.0.${host.slice(1)}/24 brd + dev eth1`],
    },
  ];
}

function gateway(profile: Profile, lab: string): readonly Step[] {
  const settings = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', ...(profile.gatewaySettings ?? [])];
  const steps: Step[] = [{ host: GATEWAY, tool: 'sysctl', lines: settings }];
  if (profile.second?.link !== 'gateway') return steps;
  const port = `${portOf(GATEWAY)}1`;
  const lines = [
    `link add ${port} type veth peer name eth1 netns ${namespaceOf(lab, GATEWAY)}`,
    `link set ${port} master br1 up`,
  ];
  const up = [
    'link set eth1 up',
    `address add ${addressOf(GATEWAY, FAR)}/24 dev eth1`,
    `address add ${address6Of(GATEWAY, FAR)}/64 dev eth1 nodad`,
  ];
  return [...steps, { host: 'switch', tool: 'ip', lines }, { host: GATEWAY, tool: 'ip', lines: up }];
}

/**
 * Ways without Covey, each with one node:
 *
 *     client 10.77.0.100 ---- switch ---- n1   10.77.0.50 on eth0
 *
 * Where all nodes are to see all frames (xt_cluster, nft) the client has the shared MAC as a permanent neighbour, so that no ARP
 * decides, and the switch floods what is for it, as for Covey.
 */
import { VIP } from '../../lab/names.js';
import { LabHosts } from '../lab-hosts.js';
import { PROGRAMS } from '../programs.js';
import { HTTP_PORT, NODE, STREAM_PORT, type Way, type WayWishes } from './contract.js';

const GROUP_MAC = '01:00:5e:4d:00:32';
const UNICAST_MAC = '02:77:00:00:00:50';

async function bareLab({ lab, signal, say }: WayWishes): Promise<LabHosts> {
  return LabHosts.up({ lab, nodes: 1, agents: false, overrides: [] }, { signal, say });
}

async function vipOnEth0(hosts: LabHosts): Promise<void> {
  await hosts.exec(NODE, ['ip', 'address', 'add', `${VIP}/24`, 'dev', 'eth0']);
}

async function neighbour(hosts: LabHosts, mac: string): Promise<void> {
  await hosts.exec('client', ['ip', 'neigh', 'replace', VIP, 'lladdr', mac, 'nud', 'permanent', 'dev', 'eth0']);
}

/** With `isOwner` the kernel has the VIP; without, frames for it reach a host that knows nothing of a farm. */
export const direct: Way = {
  name: 'direct',
  about: 'the kernel alone: the VIP is an address of eth0',
  needs: [],
  carries: { datagrams: true },
  open: async (wishes) => {
    const hosts = await bareLab(wishes);
    if (wishes.isOwner) await vipOnEth0(hosts);
    else await neighbour(hosts, UNICAST_MAC);
    return { hosts, serviceAddress: VIP };
  },
};

export const haproxy: Way = {
  name: 'haproxy',
  about: 'HAProxy in TCP mode on the same node, which saves it the way to another; one thread',
  needs: [PROGRAMS.haproxy],
  carries: { datagrams: false },
  open: async (wishes) => {
    const hosts = await bareLab(wishes);
    await vipOnEth0(hosts);
    const config = await hosts.file(NODE, 'haproxy.cfg');
    await hosts.exec(NODE, ['tee', config], 0, haproxyConfig());
    const isReady = () => hosts.isListening(NODE, HTTP_PORT, 'tcp');
    await hosts.start(NODE, ['haproxy', '-db', '-f', config], isReady);
    return { hosts, serviceAddress: '127.0.0.1' };
  },
};

function haproxyConfig(): string {
  const listen = (name: string, port: number) =>
    `listen ${name}\n  bind ${VIP}:${port}\n  server local 127.0.0.1:${port}\n`;
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${listen('http', HTTP_PORT)}${listen('stream', STREAM_PORT)}`;
}

/** As iptables-extensions(8) has it. With one node in the cluster it owns all; the match inverted, it owns nothing, by the same work. */
export const xtCluster: Way = {
  name: 'xt_cluster',
  about: 'iptables -m cluster (by source address, with conntrack), a multicast MAC',
  needs: [PROGRAMS.iptables],
  carries: { datagrams: true },
  open: async (wishes) => {
    const hosts = await bareLab(wishes);
    await vipOnEth0(hosts);
    await hosts.exec(NODE, ['ip', 'maddress', 'add', GROUP_MAC, 'dev', 'eth0']);
    const rule = (...words: readonly string[]) =>
      hosts.exec(NODE, ['iptables', '-t', 'mangle', '-A', 'PREROUTING', '-d', VIP, ...words]);
    const cluster = ['-m', 'cluster', '--cluster-total-nodes', '1', ...(wishes.isOwner ? [] : ['!'])];
    await rule(
      ...cluster,
      '--cluster-local-node',
      '1',
      '--cluster-hash-seed',
      '0xdeadbeef',
      '-j',
      'MARK',
      '--set-mark',
      '1',
    );
    await rule('-m', 'mark', '!', '--mark', '1', '-j', 'DROP');
    await neighbour(hosts, GROUP_MAC);
    return { hosts, serviceAddress: VIP };
  },
};

/** The hash is 0..4095: who wants one of that range owns all, who wants another one nothing, by the same work. */
export const nftHash: Way = {
  name: 'nft jhash',
  about: 'nft jhash of source address and port at ingress, meta pkttype set host, a unicast MAC',
  needs: [PROGRAMS.nft],
  carries: { datagrams: true },
  open: async (wishes) => {
    const hosts = await bareLab(wishes);
    await vipOnEth0(hosts);
    await hosts.exec(NODE, ['ip', 'link', 'set', 'eth0', 'promisc', 'on']);
    const owned = wishes.isOwner ? '0-4095' : '!= 0-4095';
    const rules = `table netdev bench { chain in { type filter hook ingress device eth0 priority 0
      ip daddr ${VIP} meta l4proto { tcp, udp } jhash ip saddr . th sport mod 4096 seed 0xdeadbeef ${owned} meta pkttype set host accept
      ip daddr ${VIP} drop
    }
    }`;
    await hosts.exec(NODE, ['nft', '-f', '-'], 0, rules);
    await neighbour(hosts, UNICAST_MAC);
    return { hosts, serviceAddress: VIP };
  },
};

/**
 * keepalived's VRRP on three nodes: one is the master and has the VIP, n1 while it can. So n1 is the victim, and all clients are
 * its clients: there is no share of a third. Version 3 of the protocol, which can be faster than a second.
 */

import { macOf, VIP } from '../../lab/names.js';
import { eventually } from '../../lab/processes.js';
import { setCable } from '../../lab/topology.js';
import type { BedOptions } from '../contract.js';
import { BenchError } from '../contract.js';
import { LabHosts } from '../lab-hosts.js';
import { FAULT_NODES, type Fault, type FaultyCluster } from './contract.js';

const VICTIM = 'n1';
const HEAL_MS = 30_000;
const END_MS = 5000;

export async function keepalivedCluster(
  lab: string,
  advertSeconds: number,
  { signal, say }: BedOptions,
): Promise<FaultyCluster> {
  const hosts = await LabHosts.up({ lab, nodes: FAULT_NODES.length, agents: false, overrides: [] }, { signal, say });
  const cluster = new Keepalived(hosts);
  for (const [index, node] of FAULT_NODES.entries()) {
    const config = configOf(index, advertSeconds);
    await hosts.exec(node, ['tee', await hosts.file(node, 'keepalived.conf')], 0, config);
    await cluster.start(node);
  }
  return cluster;
}

function configOf(index: number, advertSeconds: number): string {
  return `global_defs {
  vrrp_version 3
  vrrp_garp_master_refresh 0
}
vrrp_instance bench {
  state ${index === 0 ? 'MASTER' : 'BACKUP'}
  interface eth0
  virtual_router_id 77
  priority ${200 - index * 50}
  advert_int ${advertSeconds}
  virtual_ipaddress {
    ${VIP}/24 dev eth0
  }
}
`;
}

class Keepalived implements FaultyCluster {
  constructor(readonly hosts: LabHosts) {}

  async start(node: string): Promise<void> {
    const path = (name: string) => this.hosts.file(node, name);
    const pids = ['-p', await path('keepalived.pid'), '-r', await path('vrrp.pid')];
    const words = ['keepalived', '-n', '-l', '-P', '-f', await path('keepalived.conf'), ...pids];
    await this.hosts.start(node, words, async () => this.pids(node).length >= 2);
  }

  async inflict(fault: Fault): Promise<void> {
    switch (fault) {
      case 'kill':
        await setCable(this.hosts.lab, VICTIM, 'down');
        return this.signal('SIGKILL');
      case 'join':
        await this.clear();
        await setCable(this.hosts.lab, VICTIM, 'up');
        return this.start(VICTIM);
      case 'stall':
        return this.signal('SIGSTOP');
      case 'drain':
        this.signal('SIGTERM');
    }
  }

  async heal(): Promise<void> {
    this.signal('SIGCONT');
    await setCable(this.hosts.lab, VICTIM, 'up');
    if (this.pids(VICTIM).length === 0) {
      await this.clear();
      await this.start(VICTIM);
    }
    if (!(await eventually(async () => (await this.isMasterAlone()) && (await this.isKnownToClient()), HEAL_MS)))
      throw new BenchError(`keepalived: ${VICTIM} does not become the only master again`);
  }

  /** A host that lost its power has no VIP when it comes back; here killed processes leave it. */
  private async clear(): Promise<void> {
    await eventually(() => this.pids(VICTIM).length === 0, END_MS);
    if (await this.hasVip(VICTIM)) await this.hosts.exec(VICTIM, ['ip', 'address', 'del', `${VIP}/24`, 'dev', 'eth0']);
  }

  private async isMasterAlone(): Promise<boolean> {
    const holders = await Promise.all(FAULT_NODES.map((node) => this.hasVip(node)));
    return holders[0] === true && !holders.slice(1).includes(true);
  }

  /** Else the fault would hit a node that the client does not talk to. */
  private async isKnownToClient(): Promise<boolean> {
    await this.hosts.exec('client', ['ping', '-c', '1', '-W', '1', VIP]).catch(() => undefined);
    return (await this.hosts.exec('client', ['ip', 'neigh', 'show', VIP])).includes(macOf(VICTIM));
  }

  private async hasVip(node: string): Promise<boolean> {
    return (await this.hosts.exec(node, ['ip', 'address', 'show', 'dev', 'eth0'])).includes(` ${VIP}/`);
  }

  private pids(node: string): readonly number[] {
    return this.hosts.processesNamed(node, 'keepalived');
  }

  private signal(signal: NodeJS.Signals): void {
    for (const pid of this.pids(VICTIM)) process.kill(pid, signal);
  }
}

/** The host as probes and `check-config` see it: the interface, its addresses, the gateway, and the settings that matter. */
import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import type { HostLook, HostReport } from '../../reach/contract.js';
import { run } from '../run.js';
import { addressBytes } from './address.js';
import type { HostVip } from './contract.js';
import { type HostFacts, hostFacts, interfaceAdvice, ownAddressFor, startFaults } from './facts.js';
import { firewallTraps } from './traps.js';

/** Settings of net.ipv4.conf whose effective value is the larger of `all` and the interface's (ip-sysctl.rst). */
const SETTINGS = ['rp_filter', 'arp_ignore', 'arp_announce', 'arp_filter', 'proxy_arp', 'arp_accept'] as const;
const NO_ADDRESS = new Uint8Array(4);

/** @throws CommandError when `ip` cannot run. */
export async function lookAtHost(interfaceName: string, vips: readonly HostVip[]): Promise<HostLook> {
  const facts = await hostFacts(interfaceName);
  const [gateway, settings, promiscuous, traps] = await Promise.all([
    gatewayBy(interfaceName),
    effectiveSettings(interfaceName),
    isPromiscuous(interfaceName),
    firewallTraps(interfaceName),
  ]);
  const { mac, kind, mtu, master } = facts;
  const faults = startFaults(facts, vips).map(({ message }) => message);
  const warnings = [...faults, ...interfaceAdvice(facts, vips), ...settingAdvice(settings, interfaceName), ...traps];
  const report: HostReport = { interface: interfaceName, mac, kind, mtu, promiscuous, master, settings, warnings };
  return {
    report,
    mac: Uint8Array.from(mac.split(':').map((byte) => Number.parseInt(byte, 16))),
    address: ownAddress(facts, vips),
    foreignVips: vips
      .filter((vip) => ownAddressFor(facts, vip) === null)
      .map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    gateway,
  };
}

function ownAddress(facts: HostFacts, vips: readonly HostVip[]): Uint8Array {
  const vip = vips.find(({ address }) => isIPv4(address));
  const near = vip === undefined ? null : ownAddressFor(facts, vip);
  const any = facts.addresses.find(({ address }) => isIPv4(address))?.address;
  const text = near ?? any;
  return text === undefined ? NO_ADDRESS : addressBytes(text);
}

interface IpRoute {
  readonly gateway?: string;
  readonly dev?: string;
}

/** Next hop of the IPv4 default route by the interface. */
async function gatewayBy(interfaceName: string): Promise<Uint8Array | null> {
  const { stdout } = await run('ip', ['-j', '-4', 'route', 'show', 'default']);
  const routes = stdout.trim() === '' ? [] : (JSON.parse(stdout) as readonly IpRoute[]);
  const gateway = routes.find(({ dev, gateway: next }) => dev === interfaceName && next !== undefined)?.gateway;
  return gateway === undefined || !isIPv4(gateway) ? null : addressBytes(gateway);
}

async function effectiveSettings(interfaceName: string): Promise<Readonly<Record<string, number>>> {
  const read = async (where: string, name: string) =>
    Number(await readFile(`/proc/sys/net/ipv4/conf/${where}/${name}`, 'utf8').catch(() => '0'));
  const pairs = SETTINGS.map(async (name) => {
    const [all, own] = await Promise.all([read('all', name), read(interfaceName, name)]);
    return [name, Math.max(all, own)] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

function settingAdvice(settings: Readonly<Record<string, number>>, name: string): string[] {
  if (settings.proxy_arp !== 1) return [];
  return [
    `proxy_arp is on for ${name}: this host may answer ARP for others, the VIP among them; type: sysctl net.ipv4.conf.${name}.proxy_arp=0`,
  ];
}

/** Packet sockets count in dev->promiscuity, which only netlink shows; IFF_PROMISC in the flags is the administrator's. */
async function isPromiscuous(interfaceName: string): Promise<boolean> {
  const { stdout } = await run('ip', ['-j', '-d', 'link', 'show', 'dev', interfaceName]).catch(() => ({
    stdout: '[]',
  }));
  return ((JSON.parse(stdout) as readonly { readonly promiscuity?: number }[])[0]?.promiscuity ?? 0) > 0;
}

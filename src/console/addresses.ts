/** Where the other nodes' consoles are. Pure. */
import type { PeersReport } from '../control/console-contract.js';
import type { StatusReport } from '../control/contract.js';
import type { ConsoleAddress } from './contract.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Null: it is no address with a port. */
export function parseListen(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match !== null && port >= 1 && port <= 65_535 ? { host: match[1] ?? match[2]!, port } : null;
}

export const urlOf = (host: string, port: number) => `https://${host.includes(':') ? `[${host}]` : host}:${port}/`;

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.');
const isAny = (host: string) => host === '0.0.0.0' || host === '::';

/** By what each node says; of one that has not said it yet, as here. A console that listens to its own host only is not offered. */
export function consoleAddresses(
  status: StatusReport,
  peers: PeersReport['nodes'],
  ownListen: string,
): readonly ConsoleAddress[] {
  const said = new Map(peers.map(({ node, console }) => [node, console]));
  return status.members.flatMap((member) => {
    if (member.name === status.node || member.state === 'dead') return [];
    const listen = parseListen(said.has(member.name) ? (said.get(member.name) ?? '') : ownListen);
    if (listen === null || isLoopback(listen.host)) return [];
    const hosts = isAny(listen.host) ? (member.addresses ?? []).filter((address) => fits(address, listen.host)) : [];
    const host = isAny(listen.host) ? hosts[0] : listen.host;
    return host === undefined ? [] : [{ node: member.name, state: member.state, url: urlOf(host, listen.port) }];
  });
}

/** Where a page that came from `host` finds the console that listens there; null: not from another host. */
export function movedUrl(listenText: string, host: string): string | null {
  const listen = parseListen(listenText);
  if (listen === null) return null;
  if (isAny(listen.host)) return urlOf(host.replace(/^\[|\]$/g, ''), listen.port);
  return isLoopback(listen.host) && !isLoopback(host) ? null : urlOf(listen.host, listen.port);
}

const fits = (address: string, any: string) => any === '::' || !address.includes(':');

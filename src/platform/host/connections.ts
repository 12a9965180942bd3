/**
 * TCP connections of the VIPs on this host, by `ss` (sock_diag(7)). Ended ones get an RST (tcp_abort in net/ipv4/tcp.c), so that a
 * client learns at once what it would otherwise find out by time-outs. Needs a kernel with CONFIG_INET_DIAG_DESTROY.
 */
import { run } from '../run.js';

/** States in which a peer still counts on us; listening sockets and remnants (TIME-WAIT) are nobody's connection. */
const LIVING = ['established', 'syn-recv', 'fin-wait-1', 'close-wait', 'last-ack'];

/** How many TCP connections to these addresses this host has. */
export async function countConnections(addresses: readonly string[]): Promise<number> {
  const { stdout } = await run('ss', ['-tnH', ...filter(addresses)]);
  return lines(stdout);
}

/** Ends all TCP connections to these addresses with an RST. @returns how many there were. */
export async function resetConnections(addresses: readonly string[]): Promise<number> {
  const { stdout } = await run('ss', ['-tnHK', ...filter(addresses)]);
  return lines(stdout);
}

/** `state a state b ( src A or src B )`, see ss(8). */
function filter(addresses: readonly string[]): string[] {
  const sources = addresses.map((address) => (address.includes(':') ? `src [${address}]` : `src ${address}`));
  return [...LIVING.flatMap((state) => ['state', state]), `( ${sources.join(' or ')} )`];
}

const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '').length;

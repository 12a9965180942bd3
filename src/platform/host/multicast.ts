/**
 * Membership in the solicited-node groups of the IPv6 VIPs on the interface that their frames come by. A switch with MLD snooping
 * sends a group's frames only to ports that reported it; the kernel reports it for addresses of the interface, but the VIPs
 * are on the TUN, and memberships of packet sockets report nothing. Without this no neighbour solicitation arrives.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { addressBytes } from './address.js';

/** `ff02::1:ffXX:XXXX` with the last 24 bits of the address (RFC 4291, section 2.7.1). */
export function solicitedNodeGroup(address: string): string {
  const [a, b, c] = addressBytes(address).slice(-3) as unknown as [number, number, number];
  return `ff02::1:ff${a.toString(16).padStart(2, '0')}:${((b << 8) | c).toString(16)}`;
}

export interface Memberships {
  /** Leaves the groups: the kernel reports that, too. Idempotent. */
  leave(): Promise<void>;
}

/**
 * Joins the groups of those of `vips` that are IPv6, until `leave` or the end of the process; the kernel answers the querier. The
 * memberships are of the device that bears the name now: after it was replaced, join again.
 * @throws the system's error, e.g. ENODEV.
 */
export async function joinSolicitedNodeGroups(interfaceName: string, vips: readonly string[]): Promise<Memberships> {
  const groups = new Set(vips.filter(isIPv6).map(solicitedNodeGroup));
  if (groups.size === 0) return { leave: async () => undefined };
  const socket = createSocket({ type: 'udp6', ipv6Only: true });
  try {
    // Bound to loopback, so that nothing from outside is ever queued on it.
    await bind(socket, '::1');
    for (const group of groups) socket.addMembership(group, `::%${interfaceName}`);
  } catch (cause) {
    socket.close();
    throw cause;
  }
  socket.on('error', () => undefined);
  socket.unref();
  let left: Promise<void> | null = null;
  const close = () => new Promise<void>((done) => socket.close(() => done()));
  return {
    leave: () => {
      left ??= close();
      return left;
    },
  };
}

function bind(socket: Socket, address: string): Promise<void> {
  return new Promise((done, failed) => {
    socket.once('error', failed);
    socket.bind(0, address, () => {
      socket.off('error', failed);
      done();
    });
  });
}

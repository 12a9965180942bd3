/** Names that Covey gives to things of the host: unique for each farm and interface, and short enough for the kernel. */
import { createHash } from 'node:crypto';

function tag(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8);
}

/** A TUN name for this farm on this interface: 14 of the 15 characters that IFNAMSIZ allows. */
export function tunName(farm: string, interfaceName: string): string {
  return `covey-${tag([farm, interfaceName])}`;
}

/** The nft tables of the guard (families netdev and arp). */
export function guardTable(farm: string, interfaceName: string): string {
  return `covey-${interfaceName.replace(/[^A-Za-z0-9_]/g, '_')}-${tag([farm, interfaceName])}`;
}

/**
 * The abstract socket that stands for "this VIP is served from this network namespace". Padded to all 107 characters of
 * sun_path, because older versions of libuv pad the name with NULs and newer ones do not: a full name is the same in both.
 */
export function lockName(vip: string): string {
  return `\0${`covey/vip/${vip}/`.padEnd(107, '.')}`;
}

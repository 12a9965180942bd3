/**
 * IPv4 hosts that were lately on an interface: the kernel's own memory of them, /proc/net/arp and /proc/net/route (proc(5)), which are
 * read without starting a program. IPv6 neighbours are not in /proc.
 */
import { readFileSync } from 'node:fs';

const COMPLETE = 0x2;
/** Enough that one of them answers. */
const MOST = 8;

/** Addresses of 4 bytes: the default gateway first, then complete entries of the ARP cache, in its order. */
export function neighboursIn(arpTable: string, routeTable: string, interfaceName: string): readonly Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const address of [...gateways(routeTable, interfaceName), ...cached(arpTable, interfaceName)]) {
    if (found.size < MOST) found.set(address.join('.'), address);
  }
  return [...found.values()];
}

/** Those of this host now; empty where /proc cannot be read. */
export function readNeighbours(interfaceName: string): readonly Uint8Array[] {
  try {
    const read = (name: string) => readFileSync(`/proc/self/net/${name}`, 'utf8');
    return neighboursIn(read('arp'), read('route'), interfaceName);
  } catch {
    return [];
  }
}

function rows(table: string): string[][] {
  const [, ...lines] = table.trim().split('\n');
  return lines.map((line) => line.trim().split(/\s+/));
}

/** Columns: address, hardware type, flags, MAC, mask, interface. */
function cached(table: string, interfaceName: string): Uint8Array[] {
  return rows(table).flatMap(([address = '', , flags = '', , , device]) => {
    const bytes = address.split('.').map(Number);
    const isThere = device === interfaceName && (Number(flags) & COMPLETE) !== 0 && bytes.length === 4;
    return isThere ? [Uint8Array.from(bytes)] : [];
  });
}

/** Columns: interface, destination, gateway, ...; addresses are hex numbers in this host's byte order, which is little endian. */
function gateways(table: string, interfaceName: string): Uint8Array[] {
  return rows(table).flatMap(([device, destination, gateway = '']) => {
    const isDefault = device === interfaceName && destination === '00000000' && /^[0-9A-F]{8}$/.test(gateway);
    return isDefault && gateway !== '00000000' ? [Uint8Array.from(Buffer.from(gateway, 'hex').reverse())] : [];
  });
}

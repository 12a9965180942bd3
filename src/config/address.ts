/** The addresses of the config: VIPs, networks, hosts. */
import { formatAddress, parseAddress } from '../buckets/address.js';
import type { Cidr } from './contract.js';
import { Problem, shown } from './problem.js';

/** `10.77.0.50/24`. The prefix length is not optional: it says which network the address is at home in. */
export function parseCidr(text: string): Cidr | Problem {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) {
    return new Problem(`${shown(text)} is not an address with prefix length: write e.g. 10.77.0.50/24 or fd77::50/64`);
  }
  const longest = address.length * 8;
  const length = text.slice(slash + 1);
  if (slash < 0)
    return new Problem(`${shown(text)} lacks its prefix length: write ${text}/${longest === 32 ? 24 : 64}`);
  if (!/^\d{1,3}$/.test(length) || Number(length) < 1 || Number(length) > longest) {
    return new Problem(`/${length} is not a prefix length: write one from /1 to /${longest}`);
  }
  const prefixLength = Number(length);
  return { address, prefixLength, text: `${formatAddress(address)}/${prefixLength}` };
}

/** The address with its host bits set to `ones` or zeros. */
export function networkOf(address: Uint8Array, prefixLength: number, ones = false): Uint8Array {
  return address.map((byte, i) => {
    const mask = 0xff & ~(0xff >> Math.min(8, Math.max(0, prefixLength - i * 8)));
    return ones ? byte | (0xff & ~mask) : byte & mask;
  });
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Why no host can have this address as its own, or null where one can. */
export function whyNotUnicast(address: Uint8Array): string | null {
  const [first, second] = address as unknown as [number, number];
  if (address.length === 4) {
    if (first === 0) return 'is not a host address';
    if (first === 127) return 'is a loopback address';
    if (first >= 240) return 'is a reserved address';
    return first >= 224 ? 'is a multicast address' : null;
  }
  if (first === 0xff) return 'is a multicast address';
  if (first === 0xfe && (second & 0xc0) === 0x80)
    return 'is a link-local address, which needs an interface to mean anything';
  const mapped = address.slice(0, 10).every((byte) => byte === 0);
  if (!mapped) return null;
  if (address[10] === 0xff && address[11] === 0xff) return 'is an IPv4-mapped address';
  if (address.slice(10, 15).every((byte) => byte === 0) && address[15]! <= 1) {
    return address[15] === 1 ? 'is the loopback address' : 'is not a host address';
  }
  return null;
}

/** A VIP: unicast, and neither the network's own address nor its broadcast. */
export function parseVip(text: string): Cidr | Problem {
  const cidr = parseCidr(text);
  if (cidr instanceof Problem) return cidr;
  const why = whyNotUnicast(cidr.address);
  if (why !== null) return new Problem(`${text} ${why}: write an address that a host can have`);
  if (cidr.address.length === 16 || cidr.prefixLength > 30) return cidr;
  for (const ones of [false, true]) {
    if (sameBytes(cidr.address, networkOf(cidr.address, cidr.prefixLength, ones))) {
      const name = ones ? 'broadcast address' : 'address of the network';
      return new Problem(`${text} is the ${name} itself: write the address of a host in it`);
    }
  }
  return cidr;
}

/** A network with room for other hosts; its host bits are zero. */
export function parseNetwork(text: string): Cidr | Problem {
  const cidr = parseCidr(text);
  if (cidr instanceof Problem) return cidr;
  const longest = cidr.address.length === 4 ? 30 : 127;
  if (cidr.prefixLength > longest) return new Problem(`${text} has no room for other hosts: write /${longest} or less`);
  const network = networkOf(cidr.address, cidr.prefixLength);
  if (sameBytes(network, cidr.address)) return cidr;
  return new Problem(
    `${text} is an address in a network: write the network, ${formatAddress(network)}/${cidr.prefixLength}`,
  );
}

/** A plain unicast address in canonical text. */
export function parseHostAddress(text: string): string | Problem {
  const address = parseAddress(text);
  if (address === null) return new Problem(`${shown(text)} is not an address: write e.g. 10.77.0.1 or fd77::1`);
  const why = whyNotUnicast(address);
  return why === null ? formatAddress(address) : new Problem(`${text} ${why}`);
}

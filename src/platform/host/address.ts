/** Textual IP addresses as bytes: just enough to compare subnets. */
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 16 bytes in network order. Throws RangeError when `text` is no IP address. */
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.').map(Number));
  if (!isIPv6(text)) throw new RangeError(`not an IP address: ${text}`);
  // The URL parser prints IPv6 hosts in one canonical form, with a dotted IPv4 tail already turned into hex groups.
  const canonical = new URL(`http://[${text.split('%')[0]}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** True when both addresses are of one family and share the first `prefixLength` bits. */
export function addressInSubnet(address: string, network: string, prefixLength: number): boolean {
  const left = addressBytes(address);
  const right = addressBytes(network);
  if (left.length !== right.length) return false;
  for (let bit = 0; bit < prefixLength; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((left[bit >> 3] ?? 0) & mask) !== ((right[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** True when both texts name one address, however they are written. */
export function sameAddress(left: string, right: string): boolean {
  return addressInSubnet(left, right, addressBytes(right).length * 8);
}

/** IP addresses between text and bytes (4 or 16, network order). Pure: `node:net` is not for this room. */

/** Parses `10.0.0.1` or any form of RFC 4291 section 2.2; null for anything else (zones, prefixes, leading zeros in IPv4). */
export function parseAddress(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** The text of 4 or 16 bytes; IPv6 as RFC 5952 wants it. Throws {@link RangeError} for another length. */
export function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  if (address.length !== 16) throw new RangeError(`an address of ${address.length} bytes is neither IPv4 nor IPv6`);
  if (isMappedIpv4(address)) return `::ffff:${address.slice(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, i) => (address[2 * i]! << 8) | address[2 * i + 1]!);
  const [start, length] = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const address = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    // A leading zero means octal to some programs and decimal to others, so it is refused.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    address[i] = Number(part);
  }
  return address;
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const given = head.length + tail.length;
  // `::` stands for at least one group of zeros.
  if (halves.length === 1 ? given !== 16 : given > 14) return null;
  const address = new Uint8Array(16);
  address.set(head, 0);
  address.set(tail, 16 - tail.length);
  return address;
}

/** The bytes of `a:b:c` or, where it may end the address, `a:b:1.2.3.4`. */
function parseGroups(text: string, endsAddress: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >>> 8, value & 0xff);
      continue;
    }
    const dotted = endsAddress && i === groups.length - 1 ? parseIpv4(group) : null;
    if (dotted === null) return null;
    bytes.push(...dotted);
  }
  return bytes;
}

function isMappedIpv4(address: Uint8Array): boolean {
  return address.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff));
}

/** Start and length of the first longest run of zero groups. */
function longestZeroRun(groups: readonly number[]): [number, number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
    start = end;
  }
  return best;
}

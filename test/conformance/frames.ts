/** Builds Ethernet frames for tests: correct by default, wrong where a test asks for it. Own code, not the parser's. */

export const VIP4 = Uint8Array.of(10, 77, 0, 50);
export const VIP6 = Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50);
export const CLIENT_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x0c);
export const FLAGS = { fin: 0x01, syn: 0x02, rst: 0x04, push: 0x08, ack: 0x10 } as const;

/** The client 10.77.h.l, where h and l are the bytes of `host`. */
export function client4(host: number): Uint8Array {
  return Uint8Array.of(10, 77, host >> 8, host & 0xff);
}

export function client6(host: number): Uint8Array {
  const address = VIP6.slice();
  address.set([host >> 8, host & 0xff], 14);
  return address;
}

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** RFC 1071 over all bytes. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += (i & 1) === 0 ? bytes[i]! << 8 : bytes[i]!;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

export interface EthernetFields {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** Tag control information of an 802.1Q tag. */
  readonly tag?: number;
}

export function ethernet(etherType: number, payload: Uint8Array, fields: Partial<EthernetFields> = {}): Uint8Array {
  const { destination = Uint8Array.of(2, 0xc0, 0xff, 0xee, 0, 1), source = CLIENT_MAC, tag } = fields;
  const tagBytes = tag === undefined ? new Uint8Array(0) : join(uint16(0x8100), uint16(tag));
  return join(destination, source, tagBytes, uint16(etherType), payload);
}

/** An IPv4 or IPv6 packet; the family follows the length of `source`. */
export function ip(protocol: number, source: Uint8Array, destination: Uint8Array, payload: Uint8Array): Uint8Array {
  if (source.length === 16) {
    const header = join(Uint8Array.of(0x60, 0, 0, 0), uint16(payload.length), Uint8Array.of(protocol, 64));
    return join(header, source, destination, payload);
  }
  const header = join(
    Uint8Array.of(0x45, 0),
    uint16(20 + payload.length),
    Uint8Array.of(0, 7, 0, 0, 64, protocol, 0, 0),
    source,
    destination,
  );
  header.set(uint16(checksum(header)), 10);
  return join(header, payload);
}

/** Puts the transport checksum at `offset` of `segment` (RFC 9293 section 3.1, RFC 8200 section 8.1). */
export function withChecksum(
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
  segment: Uint8Array,
  offset: number,
): Uint8Array {
  const length = source.length === 16 ? join(uint16(0), uint16(segment.length)) : uint16(segment.length);
  const pseudo = join(source, destination, length, uint16(protocol));
  const result = segment.slice();
  result.set(uint16(checksum(join(pseudo, segment)) || 0xffff), offset);
  return result;
}

/** The IP packet of a client's TCP segment to the VIP of its family. */
export function tcpPacket(source: Uint8Array, sourcePort: number, port: number, flags: number, data = ''): Uint8Array {
  const destination = source.length === 16 ? VIP6 : VIP4;
  const segment = join(
    uint16(sourcePort),
    uint16(port),
    Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0),
    Buffer.from(data),
  );
  return ip(6, source, destination, withChecksum(6, source, destination, segment, 16));
}

export function udpPacket(source: Uint8Array, sourcePort: number, port: number, data = 'query'): Uint8Array {
  const destination = source.length === 16 ? VIP6 : VIP4;
  const datagram = join(uint16(sourcePort), uint16(port), uint16(8 + data.length), uint16(0), Buffer.from(data));
  return ip(17, source, destination, withChecksum(17, source, destination, datagram, 6));
}

export function ethernetOf(packet: Uint8Array, fields: Partial<EthernetFields> = {}): Uint8Array {
  return ethernet(packet[0]! >>> 4 === 6 ? 0x86dd : 0x0800, packet, fields);
}

export function tcp(
  source: Uint8Array,
  sourcePort: number,
  port: number,
  flags: number = FLAGS.syn,
  data = '',
): Uint8Array {
  return ethernetOf(tcpPacket(source, sourcePort, port, flags, data));
}

export function udp(source: Uint8Array, sourcePort: number, port: number, data = 'query'): Uint8Array {
  return ethernetOf(udpPacket(source, sourcePort, port, data));
}

export function echo(source: Uint8Array): Uint8Array {
  const isIpv6 = source.length === 16;
  const message = Uint8Array.of(isIpv6 ? 128 : 8, 0, 0, 0, 0, 1, 0, 1, 0x70, 0x69, 0x6e, 0x67);
  if (isIpv6) return ethernetOf(ip(58, source, VIP6, withChecksum(58, source, VIP6, message, 2)));
  message.set(uint16(checksum(message)), 2);
  return ethernetOf(ip(1, source, VIP4, message));
}

export function arpRequest(sender: Uint8Array, target: Uint8Array = VIP4): Uint8Array {
  const head = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1);
  const packet = join(head, CLIENT_MAC, sender, new Uint8Array(6), target);
  // Padded as every network card does it.
  return ethernet(0x0806, join(packet, new Uint8Array(18)), { destination: new Uint8Array(6).fill(0xff) });
}

/** A neighbour solicitation for `target`, sent to its solicited-node group. */
export function solicitation(sender: Uint8Array, target: Uint8Array = VIP6): Uint8Array {
  const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...target.slice(13));
  const message = join(Uint8Array.of(135, 0, 0, 0, 0, 0, 0, 0), target, Uint8Array.of(1, 1), CLIENT_MAC);
  const packet = ip(58, sender, group, withChecksum(58, sender, group, message, 2));
  packet[7] = 255;
  return ethernetOf(packet, { destination: Uint8Array.of(0x33, 0x33, 0xff, ...target.slice(13)) });
}

export function control(payload: Uint8Array): Uint8Array {
  return ethernet(0x88b5, payload, { destination: new Uint8Array(6).fill(0xff) });
}

/** Splits an IPv4 packet behind the first 32 bytes of its payload. */
export function fragmentsOf(packet: Uint8Array): Uint8Array[] {
  return [packet.subarray(20, 52), packet.subarray(52)].map((part, i) => {
    const header = packet.slice(0, 20);
    header.set(uint16(20 + part.length), 2);
    header.set(i === 0 ? [0x20, 0] : [0, 4], 6);
    header.set([0, 0], 10);
    header.set(uint16(checksum(header)), 10);
    return ethernetOf(join(header, part));
  });
}

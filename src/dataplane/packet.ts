/**
 * Reads Ethernet frames for the in-memory data plane, layer by layer, in the order that test/vectors/classify.txt fixes. It was
 * written from the design and not from the C++ parser, so that two readings must agree on every packet.
 *
 * Each parse function fills the fields of a {@link Packet} that belong to its layer, and gives the counter of what is wrong, or
 * null. Offsets count from the first byte of the frame. Nothing is allocated, and nothing outside the frame is read.
 */
import type { CounterName } from './counters.js';

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_VLAN = 0x8100;
/** 802.1ad, the outer tag of two. */
export const ETHERTYPE_SERVICE_VLAN = 0x88a8;
export const ETHERTYPE_IPV6 = 0x86dd;
/** IEEE "local experimental" EtherType 1: what members say to each other. */
export const ETHERTYPE_CONTROL = 0x88b5;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_ACK = 0x10;

/** What is wrong with a frame; null: nothing. */
export type Fault = CounterName | null;

/** Where a packet stands among the fragments of its datagram. */
export type FragmentPart = 'whole' | 'first' | 'later';

/** A frame's fields, filled layer by layer and used again for the next frame. */
export class Packet {
  etherType = 0;
  /** First byte behind the Ethernet header and its tag. */
  l3 = 0;
  /** First byte behind the IP packet: what follows is padding. */
  end = 0;
  isIpv6 = false;
  source = 0;
  destination = 0;
  part: FragmentPart = 'whole';
  /** IPv4: 16 bits, IPv6: 32 bits. */
  fragmentId = 0;
  protocol = 0;
  transport = 0;
  /** TCP and UDP. */
  sourcePort = 0;
  destinationPort = 0;
  /** TCP. */
  flags = 0;
  /** TCP and UDP. */
  hasPayload = false;
  /** ICMP and ICMPv6. */
  icmpType = 0;
}

export function readUint16(frame: Uint8Array, offset: number): number {
  return (frame[offset]! << 8) | frame[offset + 1]!;
}

export function readUint32(frame: Uint8Array, offset: number): number {
  return ((readUint16(frame, offset) << 16) | readUint16(frame, offset + 2)) >>> 0;
}

/** True when `frame` has `bytes` at `offset`. */
export function bytesAt(frame: Uint8Array, offset: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (frame[offset + i] !== bytes[i]) return false;
  return true;
}

/**
 * Ethernet and at most one 802.1Q tag. `mac` is our own; `vlan` the VLAN whose frames are ours, null: untagged. Control frames are
 * ours when untagged, too: members speak to each other on the interface itself.
 */
export function parseEthernet(frame: Uint8Array, mac: Uint8Array, vlan: number | null, packet: Packet): Fault {
  if (frame.length < 14) return 'malformedEthernet';
  packet.etherType = readUint16(frame, 12);
  packet.l3 = 14;
  let id = 0;
  if (packet.etherType === ETHERTYPE_VLAN) {
    if (frame.length < 18) return 'malformedEthernet';
    // The upper four bits are priority and drop eligibility; id 0 is a priority tag (IEEE 802.1Q, 9.6).
    id = readUint16(frame, 14) & 0x0fff;
    packet.etherType = readUint16(frame, 16);
    packet.l3 = 18;
  }
  if (bytesAt(frame, 6, mac)) return 'rejectedOwnFrame';
  if (packet.etherType === ETHERTYPE_VLAN || packet.etherType === ETHERTYPE_SERVICE_VLAN) return 'rejectedOtherVlan';
  const isOurs = id === (vlan ?? 0) || (packet.etherType === ETHERTYPE_CONTROL && id === 0);
  return isOurs ? null : 'rejectedOtherVlan';
}

/**
 * TCP, UDP or ICMP at `packet.transport`. Ports and flags must be there even in a first fragment: one that is cut before
 * them hides them from filters (RFC 3128). Options may go on in the second.
 */
export function parseTransport(frame: Uint8Array, packet: Packet): Fault {
  const { protocol, transport, isIpv6 } = packet;
  const room = packet.end - transport;
  if (protocol === PROTOCOL_TCP) return parseTcp(frame, packet, room);
  if (protocol === PROTOCOL_UDP) return parseUdp(frame, packet, room);
  if (protocol !== (isIpv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP)) return 'rejectedOtherProtocol';
  if (room < 8) return 'malformedIcmp';
  packet.icmpType = frame[transport]!;
  return null;
}

function parseTcp(frame: Uint8Array, packet: Packet, room: number): Fault {
  if (room < 20) return 'malformedTransport';
  const headerBytes = (frame[packet.transport + 12]! >>> 4) * 4;
  if (headerBytes < 20 || (headerBytes > room && packet.part === 'whole')) return 'malformedTransport';
  readPorts(frame, packet);
  packet.flags = frame[packet.transport + 13]!;
  packet.hasPayload = room > headerBytes;
  return null;
}

function parseUdp(frame: Uint8Array, packet: Packet, room: number): Fault {
  if (room < 8) return 'malformedTransport';
  const length = readUint16(frame, packet.transport + 4);
  // The length of a first fragment is that of the whole datagram.
  if (length < 8 || (length > room && packet.part === 'whole')) return 'malformedTransport';
  readPorts(frame, packet);
  packet.hasPayload = length > 8;
  return null;
}

export function readPorts(frame: Uint8Array, packet: Packet): void {
  packet.sourcePort = readUint16(frame, packet.transport);
  packet.destinationPort = readUint16(frame, packet.transport + 2);
}

/** The Internet checksum's sum (RFC 1071) over `[start, end)`, folded to 16 bits; a correct header sums to 0xffff. */
export function onesSum(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  for (let i = start; i + 1 < end; i += 2) sum += readUint16(bytes, i);
  if (((end - start) & 1) === 1) sum += bytes[end - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

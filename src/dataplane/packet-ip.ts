/** IPv4 and IPv6 headers for the in-memory data plane; see packet.ts for how parse functions behave. */
import { type Fault, onesSum, type Packet, readPorts, readUint16, readUint32 } from './packet.js';

/** More extension headers than any honest packet has; each costs time, so the walk has an end. */
export const MAX_EXTENSION_HEADERS = 8;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

/** The IPv4 header but its checksum: lengths, addresses, fragment. */
export function parseIpv4(frame: Uint8Array, packet: Packet): Fault {
  const { l3 } = packet;
  if (frame.length - l3 < 20 || frame[l3]! >>> 4 !== 4) return 'malformedIpv4';
  const headerBytes = (frame[l3]! & 0x0f) * 4;
  const totalLength = readUint16(frame, l3 + 2);
  // A frame longer than the packet is padded (Ethernet's minimum of 60 bytes); a shorter one is cut.
  if (headerBytes < 20 || headerBytes > totalLength || totalLength > frame.length - l3) return 'malformedIpv4';
  packet.isIpv6 = false;
  packet.source = l3 + 12;
  packet.destination = l3 + 16;
  packet.transport = l3 + headerBytes;
  packet.end = l3 + totalLength;
  packet.protocol = frame[l3 + 9]!;
  const fragment = readUint16(frame, l3 + 6);
  packet.part = (fragment & 0x1fff) !== 0 ? 'later' : (fragment & 0x2000) !== 0 ? 'first' : 'whole';
  packet.fragmentId = readUint16(frame, l3 + 4);
  return null;
}

export function checkIpv4Checksum(frame: Uint8Array, packet: Packet): Fault {
  return onesSum(frame, packet.l3, packet.transport) === 0xffff ? null : 'badChecksum';
}

/** The fixed IPv6 header. `protocol` is what follows it directly, `transport` where that begins. */
export function parseIpv6(frame: Uint8Array, packet: Packet): Fault {
  const { l3 } = packet;
  if (frame.length - l3 < 40 || frame[l3]! >>> 4 !== 6) return 'malformedIpv6';
  const payloadBytes = readUint16(frame, l3 + 4);
  // A payload length of 0 announces a jumbogram (RFC 2675), which no link of a farm carries.
  if (payloadBytes === 0 || payloadBytes > frame.length - l3 - 40) return 'malformedIpv6';
  packet.isIpv6 = true;
  packet.source = l3 + 8;
  packet.destination = l3 + 24;
  packet.transport = l3 + 40;
  packet.end = l3 + 40 + payloadBytes;
  packet.protocol = frame[l3 + 6]!;
  packet.part = 'whole';
  return null;
}

/** Moves `protocol` and `transport` behind the extension headers. Stops at the fragment header of a later fragment. */
export function walkExtensions(frame: Uint8Array, packet: Packet): Fault {
  let sawFragment = false;
  for (let count = 0; isExtension(packet.protocol); count++) {
    if (count === MAX_EXTENSION_HEADERS) return 'tooManyExtensionHeaders';
    const start = packet.transport;
    // Hop-by-hop options may only come first (RFC 8200 section 4.1).
    if (packet.end - start < 8 || (packet.protocol === HOP_BY_HOP && count > 0)) return 'malformedIpv6';
    const isFragment = packet.protocol === FRAGMENT;
    const length = isFragment ? 8 : extensionBytes(packet.protocol, frame[start + 1]!);
    if (length > packet.end - start || (isFragment && sawFragment)) return 'malformedIpv6';
    if (isFragment) {
      sawFragment = true;
      readFragmentHeader(frame, packet);
    }
    packet.protocol = frame[start]!;
    packet.transport = start + length;
    if (packet.part === 'later') return null;
  }
  return null;
}

function isExtension(nextHeader: number): boolean {
  return (
    nextHeader === HOP_BY_HOP ||
    nextHeader === ROUTING ||
    nextHeader === FRAGMENT ||
    nextHeader === AUTHENTICATION ||
    nextHeader === DESTINATION_OPTIONS
  );
}

/** RFC 8200 counts 8 bytes beyond the first 8, RFC 4302 (AH) 4 bytes beyond the first 8. */
function extensionBytes(nextHeader: number, lengthField: number): number {
  return nextHeader === AUTHENTICATION ? (lengthField + 2) * 4 : (lengthField + 1) * 8;
}

/** Offset 0 without more fragments is an atomic fragment, a whole packet (RFC 6946). */
function readFragmentHeader(frame: Uint8Array, packet: Packet): void {
  const field = readUint16(frame, packet.transport + 2);
  packet.part = field >>> 3 !== 0 ? 'later' : (field & 1) !== 0 ? 'first' : 'whole';
  packet.fragmentId = readUint32(frame, packet.transport + 4);
}

/**
 * The packet inside an ICMP error, which a router cut off after some bytes; so its own length does not count, only what is
 * needed here. `outer` is parsed up to its ICMP header; `inner` is filled up to where its transport header begins.
 */
export function parseEmbedded(frame: Uint8Array, outer: Packet, inner: Packet): Fault {
  inner.l3 = outer.transport + 8;
  inner.end = outer.end;
  return outer.isIpv6 ? parseEmbeddedIpv6(frame, inner) : parseEmbeddedIpv4(frame, inner);
}

/** Ports, or the type of an ICMP message: within the 8 bytes that every router gives back (RFC 792). */
export function parseEmbeddedTransport(frame: Uint8Array, inner: Packet): Fault {
  if (inner.end - inner.transport < 8) return 'malformedIcmp';
  readPorts(frame, inner);
  inner.icmpType = frame[inner.transport]!;
  return null;
}

function parseEmbeddedIpv4(frame: Uint8Array, inner: Packet): Fault {
  const { l3 } = inner;
  if (inner.end - l3 < 20 || frame[l3]! >>> 4 !== 4) return 'malformedIcmp';
  const headerBytes = (frame[l3]! & 0x0f) * 4;
  if (headerBytes < 20 || headerBytes > inner.end - l3 || headerBytes > readUint16(frame, l3 + 2))
    return 'malformedIcmp';
  inner.isIpv6 = false;
  inner.source = l3 + 12;
  inner.destination = l3 + 16;
  inner.transport = l3 + headerBytes;
  inner.protocol = frame[l3 + 9]!;
  inner.part = (readUint16(frame, l3 + 6) & 0x1fff) !== 0 ? 'later' : 'whole';
  return null;
}

function parseEmbeddedIpv6(frame: Uint8Array, inner: Packet): Fault {
  const { l3 } = inner;
  if (inner.end - l3 < 40 || frame[l3]! >>> 4 !== 6) return 'malformedIcmp';
  inner.isIpv6 = true;
  inner.source = l3 + 8;
  inner.destination = l3 + 24;
  inner.transport = l3 + 40;
  inner.protocol = frame[l3 + 6]!;
  inner.part = 'whole';
  const fault = walkExtensions(frame, inner);
  return fault === 'malformedIpv6' ? 'malformedIcmp' : fault;
}

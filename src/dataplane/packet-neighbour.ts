/** ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861): who asks for a VIP, and what is answered. */
import {
  bytesAt,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type Fault,
  onesSum,
  type Packet,
  PROTOCOL_ICMPV6,
  readUint16,
} from './packet.js';

export const ICMPV6_SOLICITATION = 135;
export const ICMPV6_ADVERTISEMENT = 136;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const ARP_BYTES = 28;

/** Only ARP for IPv4 over Ethernet is understood, and only from one station: a group address cannot be answered. */
export function checkArp(frame: Uint8Array, packet: Packet): Fault {
  const { l3 } = packet;
  const isIpv4OverEthernet =
    frame.length - l3 >= ARP_BYTES &&
    readUint16(frame, l3) === 1 &&
    readUint16(frame, l3 + 2) === 0x0800 &&
    frame[l3 + 4] === 6 &&
    frame[l3 + 5] === 4;
  if (!isIpv4OverEthernet) return 'malformedArp';
  return isGroupMac(frame, l3 + 8) || isZero(frame, l3 + 8, 6) ? 'malformedArp' : null;
}

export function isArpRequest(frame: Uint8Array, packet: Packet): boolean {
  return readUint16(frame, packet.l3 + 6) === ARP_REQUEST;
}

/** Offset of the address that is asked for. */
export function arpTarget(packet: Packet): number {
  return packet.l3 + 24;
}

/** Who asks, and for whom: views on the frame. */
export function arpEnds(frame: Uint8Array, { l3 }: Packet): [asker: Uint8Array, target: Uint8Array] {
  return [frame.subarray(l3 + 14, l3 + 18), frame.subarray(l3 + 24, l3 + 28)];
}

/** The MAC that an ARP packet says of its sender. */
export function arpSenderMac(frame: Uint8Array, { l3 }: Packet): Uint8Array {
  return frame.subarray(l3 + 8, l3 + 14);
}

export function isArpReply(frame: Uint8Array, packet: Packet): boolean {
  return readUint16(frame, packet.l3 + 6) === ARP_REPLY;
}

/** True when sender and target are one: then it is no question, but an announcement (RFC 5227). */
export function isArpAnnouncement(frame: Uint8Array, { l3 }: Packet): boolean {
  return bytesAt(frame, l3 + 14, frame.subarray(l3 + 24, l3 + 28));
}

/** The checks of RFC 4861 section 7.1.1; the target lies 8 bytes behind `packet.transport`. */
export function checkSolicitation(frame: Uint8Array, packet: Packet): Fault {
  const { l3, source, destination, transport, end } = packet;
  // Hop limit 255 proves that no router forwarded it: only neighbours may ask.
  if (frame[l3 + 7] !== 255 || end - transport < 24 || frame[transport + 1] !== 0) return 'malformedIcmp';
  const sourceMac = findSourceMac(frame, transport + 24, end);
  if (sourceMac === MALFORMED || frame[source] === 0xff) return 'malformedIcmp';
  if (sourceMac !== ABSENT && isGroupMac(frame, sourceMac)) return 'malformedIcmp';
  const isDetection = isZero(frame, source, 16);
  if (isDetection && (sourceMac !== ABSENT || frame[destination] !== 0xff)) return 'malformedIcmp';
  return icmpv6Sum(frame, source, destination, transport, end) === 0xffff ? null : 'badChecksum';
}

/** Who asks, and for whom: views on the frame. */
export function solicitationEnds(
  frame: Uint8Array,
  { source, transport }: Packet,
): [asker: Uint8Array, target: Uint8Array] {
  return [frame.subarray(source, source + 16), frame.subarray(transport + 8, transport + 24)];
}

/** Where the answer goes: the source link-layer address, or without one the Ethernet source. */
export function solicitationMac(frame: Uint8Array, { transport, end }: Packet): Uint8Array {
  const sourceMac = findSourceMac(frame, transport + 24, end);
  const at = sourceMac === ABSENT ? 6 : sourceMac;
  return frame.subarray(at, at + 6);
}

const ABSENT = -1;
const MALFORMED = -2;
const OPTION_SOURCE_MAC = 1;

/** Offset of the last source link-layer address among the options (type, length in units of 8 bytes, never 0). */
function findSourceMac(frame: Uint8Array, start: number, end: number): number {
  let found = ABSENT;
  let at = start;
  while (at < end) {
    const units = at + 1 < end ? frame[at + 1]! : 0;
    if (units === 0 || units * 8 > end - at) return MALFORMED;
    if (frame[at] === OPTION_SOURCE_MAC && units === 1) found = at + 2;
    at += units * 8;
  }
  return found;
}

function isGroupMac(frame: Uint8Array, offset: number): boolean {
  return (frame[offset]! & 1) === 1;
}

function isZero(frame: Uint8Array, offset: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (frame[offset + i] !== 0) return false;
  return true;
}

/**
 * Who answers with what: our own MAC as Ethernet source (I5); as the answer the vMAC, its group, or with reach `relay` our own MAC;
 * tagged where the VIP has a VLAN.
 */
export interface Answerer {
  readonly mac: Uint8Array;
  readonly answer: Uint8Array;
  readonly vlan: number | null;
}

/** Ethernet wants frames of at least so many bytes, checksum not counted. */
const LEAST_FRAME_BYTES = 60;

/** The bytes before the payload. */
function etherHeader(destination: ArrayLike<number>, etherType: number, { mac, vlan }: Answerer): number[] {
  const tag = vlan === null ? [] : [0x81, 0x00, vlan >> 8, vlan & 0xff];
  return [...Array.from(destination), ...mac, ...tag, etherType >> 8, etherType & 0xff];
}

/** The reply to an ARP request, to the asker alone. `packet` is parsed as far as {@link checkArp}. */
export function arpAnswer(frame: Uint8Array, packet: Packet, answerer: Answerer): Uint8Array {
  const { l3 } = packet;
  const header = etherHeader(frame.subarray(l3 + 8, l3 + 14), ETHERTYPE_ARP, answerer);
  const at = header.length;
  const answer = new Uint8Array(Math.max(at + ARP_BYTES, LEAST_FRAME_BYTES));
  answer.set(header);
  answer.set([0, 1, 0x08, 0x00, 6, 4, 0, 2], at);
  answer.set(answerer.answer, at + 8);
  answer.set(frame.subarray(l3 + 24, l3 + 28), at + 14);
  answer.set(frame.subarray(l3 + 8, l3 + 18), at + 18);
  return answer;
}

/** Solicited; override is off, so that a later steering advertisement with override wins. */
const FLAG_SOLICITED = 0x40;
const ALL_NODES_MAC = [0x33, 0x33, 0, 0, 0, 1];
const ALL_NODES = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/** The neighbour advertisement for a solicitation, to the asker, or to all nodes when it asks from `::` (its address detection). */
export function solicitationAnswer(frame: Uint8Array, packet: Packet, answerer: Answerer): Uint8Array {
  const { source, transport } = packet;
  const isDetection = isZero(frame, source, 16);
  const sourceMac = findSourceMac(frame, transport + 24, packet.end);
  const asker = sourceMac === ABSENT ? 6 : sourceMac;
  const header = etherHeader(isDetection ? ALL_NODES_MAC : frame.subarray(asker, asker + 6), ETHERTYPE_IPV6, answerer);
  const l3 = header.length;
  const icmp = l3 + 40;
  const target = frame.subarray(transport + 8, transport + 24);
  const answer = new Uint8Array(icmp + 32);
  answer.set(header);
  answer.set([0x60, 0, 0, 0, 0, 32, PROTOCOL_ICMPV6, 255], l3);
  answer.set(target, l3 + 8);
  answer.set(isDetection ? ALL_NODES : frame.subarray(source, source + 16), l3 + 24);
  answer.set([ICMPV6_ADVERTISEMENT, 0, 0, 0, isDetection ? 0 : FLAG_SOLICITED], icmp);
  answer.set(target, icmp + 8);
  answer.set([2, 1], icmp + 24);
  answer.set(answerer.answer, icmp + 26);
  const checksum = 0xffff ^ icmpv6Sum(answer, l3 + 8, l3 + 24, icmp, answer.length);
  answer[icmp + 2] = checksum >>> 8;
  answer[icmp + 3] = checksum & 0xff;
  return answer;
}

/** A broadcast ARP probe (RFC 5227 2.1.1: sender address 0.0.0.0, so it changes nobody's cache) for the IPv4 `address` (4 bytes). */
export function arpProbe(own: Uint8Array, address: Uint8Array): Uint8Array {
  const frame = new Uint8Array(60);
  frame.fill(0xff, 0, 6);
  frame.set(own, 6);
  frame.set([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1], 12);
  frame.set(own, 22);
  frame.set(address, 38);
  return frame;
}

/** Sum over pseudo-header and message (RFC 8200 section 8.1); 0xffff when the checksum in it is right. */
function icmpv6Sum(bytes: Uint8Array, source: number, destination: number, start: number, end: number): number {
  const addresses = onesSum(bytes, source, source + 16, onesSum(bytes, destination, destination + 16));
  return onesSum(bytes, start, end, addresses + (end - start) + PROTOCOL_ICMPV6);
}

/** A fragment is none: those are to be ignored (RFC 6980). `packet` is parsed up to its transport header. */
export function isSolicitation(frame: Uint8Array, packet: Packet): boolean {
  return (
    packet.isIpv6 &&
    packet.part === 'whole' &&
    packet.protocol === PROTOCOL_ICMPV6 &&
    packet.transport < packet.end &&
    frame[packet.transport] === ICMPV6_SOLICITATION
  );
}

/**
 * Steering (design.md section 6): a unicast ARP request in the VIP's name. Linux takes its sender as an update in every state, even
 * within the second in which it ignores plain replies (net/ipv4/arp.c, arp_process), and its reply is the receipt.
 */
export function arpSteering(asker: Uint8Array, askerMac: Uint8Array, vip: Uint8Array, answerer: Answerer): Uint8Array {
  const header = etherHeader(askerMac, ETHERTYPE_ARP, answerer);
  const at = header.length;
  const frame = new Uint8Array(Math.max(at + ARP_BYTES, LEAST_FRAME_BYTES));
  frame.set(header);
  frame.set([0, 1, 0x08, 0x00, 6, 4, 0, ARP_REQUEST], at);
  frame.set(answerer.answer, at + 8);
  frame.set(vip, at + 14);
  frame.set(asker, at + 24);
  return frame;
}

/** The same for IPv6: a unicast solicitation from the VIP with a source link-layer address (RFC 4861 section 7.2.3). */
export function solicitationSteering(
  asker: Uint8Array,
  askerMac: Uint8Array,
  vip: Uint8Array,
  answerer: Answerer,
): Uint8Array {
  const header = etherHeader(askerMac, ETHERTYPE_IPV6, answerer);
  const l3 = header.length;
  const icmp = l3 + 40;
  const frame = new Uint8Array(icmp + 32);
  frame.set(header);
  frame.set([0x60, 0, 0, 0, 0, 32, PROTOCOL_ICMPV6, 255], l3);
  frame.set(vip, l3 + 8);
  frame.set(asker, l3 + 24);
  frame[icmp] = ICMPV6_SOLICITATION;
  frame.set(asker, icmp + 8);
  frame.set([OPTION_SOURCE_MAC, 1], icmp + 24);
  frame.set(answerer.answer, icmp + 26);
  const checksum = 0xffff ^ icmpv6Sum(frame, l3 + 8, l3 + 24, icmp, frame.length);
  frame[icmp + 2] = checksum >>> 8;
  frame[icmp + 3] = checksum & 0xff;
  return frame;
}

/** The few packets that probes are made of, as bytes, and read again. Pure. Addresses are 4 or 16 bytes, MACs 6. */

export const ETHER = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd, control: 0x88b5, probe: 0x88b6 } as const;
export const IP_PROTOCOL = { icmp: 1, udp: 17, icmpv6: 58 } as const;
export const ARP = { request: 1, reply: 2 } as const;
export const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const ZERO_MAC = new Uint8Array(6);

/** Ethernet II. Frames shorter than 60 bytes are padded with zeros, as a network card does. */
export function ethernet(to: Uint8Array, from: Uint8Array, type: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(Math.max(60, 14 + payload.length));
  frame.set(to, 0);
  frame.set(from, 6);
  frame.set([type >> 8, type & 0xff], 12);
  frame.set(payload, 14);
  return frame;
}

export interface Ethernet {
  readonly to: Uint8Array;
  readonly from: Uint8Array;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Null for what is no Ethernet II frame. One 802.1Q tag is skipped. */
export function parseEthernet(frame: Uint8Array): Ethernet | null {
  if (frame.length < 14) return null;
  const at = u16(frame, 12) === 0x8100 && frame.length >= 18 ? 16 : 12;
  return {
    to: frame.subarray(0, 6),
    from: frame.subarray(6, 12),
    type: u16(frame, at),
    payload: frame.subarray(at + 2),
  };
}

/** UDP in IPv4 or IPv6, whichever the addresses are of, with hop limit 1: it is not to leave the segment. */
export function udpPacket(from: Uint8Array, to: Uint8Array, port: number, payload: Uint8Array): Uint8Array {
  const udp = new Uint8Array(8 + payload.length);
  setU16(udp, 0, port);
  setU16(udp, 2, port);
  setU16(udp, 4, udp.length);
  udp.set(payload, 8);
  setU16(udp, 6, transportChecksum(from, to, IP_PROTOCOL.udp, udp) || 0xffff);
  return ipPacket(from, to, IP_PROTOCOL.udp, 1, udp);
}

/** ICMP echo request (RFC 792, RFC 4443). */
export function echoRequest(
  from: Uint8Array,
  to: Uint8Array,
  identifier: number,
  sequence: number,
  payload: Uint8Array,
): Uint8Array {
  const isV4 = from.length === 4;
  const icmp = new Uint8Array(8 + payload.length);
  icmp[0] = isV4 ? 8 : 128;
  setU16(icmp, 4, identifier);
  setU16(icmp, 6, sequence);
  icmp.set(payload, 8);
  setU16(icmp, 2, isV4 ? checksum(icmp) : transportChecksum(from, to, IP_PROTOCOL.icmpv6, icmp));
  return ipPacket(from, to, isV4 ? IP_PROTOCOL.icmp : IP_PROTOCOL.icmpv6, 64, icmp);
}

function ipPacket(from: Uint8Array, to: Uint8Array, protocol: number, hops: number, payload: Uint8Array): Uint8Array {
  if (from.length === 16) {
    const packet = new Uint8Array(40 + payload.length);
    packet[0] = 0x60;
    setU16(packet, 4, payload.length);
    packet.set([protocol, hops], 6);
    packet.set(from, 8);
    packet.set(to, 24);
    packet.set(payload, 40);
    return packet;
  }
  const packet = new Uint8Array(20 + payload.length);
  packet[0] = 0x45;
  setU16(packet, 2, packet.length);
  packet.set([hops, protocol], 8);
  packet.set(from, 12);
  packet.set(to, 16);
  setU16(packet, 10, checksum(packet.subarray(0, 20)));
  packet.set(payload, 20);
  return packet;
}

export interface IpPacket {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** Null for what is no whole, unfragmented packet. IPv6 extension headers are not walked: no probe has any. */
export function parseIp({ type, payload }: Ethernet): IpPacket | null {
  if (type === ETHER.ipv6) {
    if (payload.length < 40 || payload[0]! >> 4 !== 6) return null;
    const end = 40 + u16(payload, 4);
    if (payload.length < end) return null;
    const [from, to] = [payload.subarray(8, 24), payload.subarray(24, 40)];
    return { from, to, protocol: payload[6]!, payload: payload.subarray(40, end) };
  }
  if (type !== ETHER.ipv4 || payload.length < 20 || payload[0]! >> 4 !== 4) return null;
  const start = (payload[0]! & 0x0f) * 4;
  const end = u16(payload, 2);
  if (start < 20 || end < start || payload.length < end || (u16(payload, 6) & 0x3fff) !== 0) return null;
  const [from, to] = [payload.subarray(12, 16), payload.subarray(16, 20)];
  return { from, to, protocol: payload[9]!, payload: payload.subarray(start, end) };
}

export interface Arp {
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderAddress: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetAddress: Uint8Array;
}

/** ARP for IPv4 over Ethernet (RFC 826). `trailer`: bytes behind it, which a switch carries along as padding. */
export function arpPacket(arp: Arp, trailer: Uint8Array = new Uint8Array(0)): Uint8Array {
  const packet = new Uint8Array(28 + trailer.length);
  packet.set([0, 1, 8, 0, 6, 4, 0, arp.operation]);
  packet.set(arp.senderMac, 8);
  packet.set(arp.senderAddress, 14);
  packet.set(arp.targetMac, 18);
  packet.set(arp.targetAddress, 24);
  packet.set(trailer, 28);
  return packet;
}

export function parseArp({ type, payload }: Ethernet): (Arp & { readonly trailer: Uint8Array }) | null {
  if (type !== ETHER.arp || payload.length < 28) return null;
  if (![0, 1, 8, 0, 6, 4].every((byte, i) => payload[i] === byte)) return null;
  return {
    operation: u16(payload, 6),
    senderMac: payload.subarray(8, 14),
    senderAddress: payload.subarray(14, 18),
    targetMac: payload.subarray(18, 24),
    targetAddress: payload.subarray(24, 28),
    trailer: payload.subarray(28),
  };
}

/** "Who has it?" without a sender's address, so that nobody learns anything of us: an ARP probe (RFC 5227 section 2.1.1). */
export function arpProbe(own: Uint8Array, address: Uint8Array): Uint8Array {
  const arp = {
    operation: ARP.request,
    senderMac: own,
    senderAddress: new Uint8Array(4),
    targetMac: ZERO_MAC,
    targetAddress: address,
  };
  return ethernet(BROADCAST, own, ETHER.arp, arpPacket(arp));
}

export function arpRequest(own: Uint8Array, ownAddress: Uint8Array, address: Uint8Array): Uint8Array {
  const arp = {
    operation: ARP.request,
    senderMac: own,
    senderAddress: ownAddress,
    targetMac: ZERO_MAC,
    targetAddress: address,
  };
  return ethernet(BROADCAST, own, ETHER.arp, arpPacket(arp));
}

/** The same for IPv6: a neighbour solicitation from the unspecified address, as in DAD (RFC 4862 section 5.4.2). */
export function solicitationProbe(own: Uint8Array, address: Uint8Array): Uint8Array {
  const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13));
  const unspecified = new Uint8Array(16);
  const icmp = new Uint8Array(24);
  icmp[0] = 135;
  icmp.set(address, 8);
  setU16(icmp, 2, transportChecksum(unspecified, group, IP_PROTOCOL.icmpv6, icmp));
  const packet = ipPacket(unspecified, group, IP_PROTOCOL.icmpv6, 255, icmp);
  return ethernet(Uint8Array.of(0x33, 0x33, 0xff, ...address.subarray(13)), own, ETHER.ipv6, packet);
}

/** Type of an option that nobody knows, for experiments (RFC 4727 section 5.1.3). */
const EXPERIMENTAL_OPTION = 253;

/** Flags of an advertisement (RFC 4861 section 4.4). */
export const ADVERTISEMENT = { solicited: 0x40, override: 0x20 } as const;

/**
 * A neighbour advertisement as an answer (RFC 4861 section 4.4): `target` is at `mac`. `extra`: bytes in an option that receivers skip, at
 * most 2038, padded with zeros.
 */
export function advertisementPacket(
  target: Uint8Array,
  to: Uint8Array,
  mac: Uint8Array,
  extra: Uint8Array,
  flags: number = ADVERTISEMENT.solicited,
): Uint8Array {
  const units = Math.ceil((2 + extra.length) / 8);
  const icmp = new Uint8Array(32 + units * 8);
  icmp[0] = 136;
  icmp[4] = flags;
  icmp.set(target, 8);
  icmp.set([2, 1], 24);
  icmp.set(mac, 26);
  icmp.set([EXPERIMENTAL_OPTION, units], 32);
  icmp.set(extra, 34);
  setU16(icmp, 2, transportChecksum(target, to, IP_PROTOCOL.icmpv6, icmp));
  return ipPacket(target, to, IP_PROTOCOL.icmpv6, 255, icmp);
}

export interface Advertisement {
  readonly target: Uint8Array;
  /** The target link-layer option; null: there is none. */
  readonly mac: Uint8Array | null;
  /** What {@link advertisementPacket} put into the experimental option; null: there is none. */
  readonly extra: Uint8Array | null;
}

/** A neighbour advertisement (RFC 4861 section 4.4); null for anything else. */
export function parseAdvertisement({ protocol, payload }: IpPacket): Advertisement | null {
  if (protocol !== IP_PROTOCOL.icmpv6 || payload.length < 24 || payload[0] !== 136) return null;
  let [mac, extra]: [Uint8Array | null, Uint8Array | null] = [null, null];
  for (let at = 24; at + 8 <= payload.length && payload[at + 1]! > 0; at += payload[at + 1]! * 8) {
    const end = Math.min(payload.length, at + payload[at + 1]! * 8);
    if (payload[at] === 2) mac ??= payload.subarray(at + 2, at + 8);
    if (payload[at] === EXPERIMENTAL_OPTION) extra ??= payload.subarray(at + 2, end);
  }
  return { target: payload.subarray(8, 24), mac, extra };
}

/** Identifier and sequence of an echo reply; null for anything else. */
export function parseEchoReply({
  protocol,
  payload,
}: IpPacket): { readonly identifier: number; readonly sequence: number } | null {
  const isReply =
    (protocol === IP_PROTOCOL.icmp && payload[0] === 0) || (protocol === IP_PROTOCOL.icmpv6 && payload[0] === 129);
  if (!isReply || payload.length < 8) return null;
  return { identifier: u16(payload, 4), sequence: u16(payload, 6) };
}

export const macText = (mac: Uint8Array) => [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** Six bytes of `0a:77:00:00:00:01`; null when it is none. */
export function parseMac(text: string): Uint8Array | null {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? Uint8Array.from(text.split(':').map((byte) => Number.parseInt(byte, 16)))
    : null;
}

export const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The group address beside a unicast MAC: where the multicast vMAC comes from the vMAC. */
export const groupMac = (mac: Uint8Array) => Uint8Array.of(mac[0]! | 1, ...mac.subarray(1));

export const u16 = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Over the pseudo header, too (RFC 768, RFC 8200 section 8.1). */
function transportChecksum(from: Uint8Array, to: Uint8Array, protocol: number, bytes: Uint8Array): number {
  const pseudo = Uint8Array.of(...from, ...to, 0, protocol, bytes.length >> 8, bytes.length & 0xff);
  return checksum(bytes, ~checksum(pseudo) & 0xffff);
}

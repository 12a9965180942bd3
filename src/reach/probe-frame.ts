/**
 * Probe frames as bytes. Pure: the key's tag comes in as a function.
 *
 * In frames of EtherType 88b6 and in UDP packets to the VIP: magic `CVPR`, version 1, kind (1 byte), run (4), round (4), name; a carrier
 * adds address, captured frames, mode, the kinds of the round and the runs that it spoke to; then the tag, 8 bytes. A `size` probe is padded
 * behind its tag. ARP answers carry kind, run, round and tag behind the ARP packet, where padding lies; ND answers in an option that
 * receivers skip.
 *
 * The tag keeps strangers from making a network look better or worse than it is (I7). A probe is good once: rounds only grow.
 */
import type { NodeName } from '../membership/messages.js';
import { isNodeName, MAX_NAME_BYTES } from '../wire/bounds.js';
import { Reader, Writer } from '../wire/cursor.js';
import { DecodeError } from '../wire/errors.js';
import { PROBE_KINDS, PROBES, type ProbeAddress, type ProbeKind } from './contract.js';
import {
  ARP,
  advertisementPacket,
  arpPacket,
  BROADCAST,
  ETHER,
  type Ethernet,
  ethernet,
  groupMac,
  IP_PROTOCOL,
  parseAdvertisement,
  parseArp,
  parseEthernet,
  parseIp,
  sameBytes,
  u16,
  udpPacket,
} from './packets.js';

const MAGIC = 0x43565052;
const VERSION = 1;
export const TAG_BYTES = 8;
const TRAILER_BYTES = 9 + TAG_BYTES;
const MAX_RUNS = 128;
const KIND_OF_CODE = new Map(PROBE_KINDS.map((kind) => [PROBES[kind].code as number, kind]));

/** {@link TAG_BYTES} bytes of a keyed hash. */
export type Tagger = (bytes: Uint8Array) => Uint8Array;

/** What does not change while a node probes. */
export interface ProbeSender {
  readonly name: NodeName;
  /** uint32, random: which life of the node speaks. */
  readonly run: number;
  readonly mac: Uint8Array;
  /** The interface's own address, 4 bytes; zeros: none. It is what ARP answers to us are addressed to. */
  readonly address: Uint8Array;
  readonly probeMac: Uint8Array;
  /** The VIP that IPv4 probes and answers are about; null: the farm has none of the family. */
  readonly vip4: Uint8Array | null;
  readonly vip6: Uint8Array | null;
  /** Of UDP probes: the port of heartbeats, which no rule is for. */
  readonly port: number;
  readonly tag: Tagger;
}

export interface ProbePeer {
  readonly run: number;
  readonly mac: Uint8Array;
  readonly address: Uint8Array;
}

/** What a carrier says of its round. */
export interface Carrier {
  readonly address: Uint8Array;
  readonly framesSeen: number;
  /** The agreed mode as the sender knows it. */
  readonly mode: string;
  readonly kinds: readonly ProbeKind[];
  /** Runs that this round's frames to peers went to. */
  readonly to: readonly number[];
}

export interface Probe {
  readonly kind: ProbeKind;
  /** Ethernet source. */
  readonly mac: Uint8Array;
  readonly run: number;
  readonly round: number;
  /** Null in an ARP answer, whose run tells who sent it. */
  readonly name: NodeName | null;
  readonly carrier: Carrier | null;
  /** Of the Ethernet payload. */
  readonly bytes: number;
}

/** The frame of one probe. `peer` is needed for kinds that go to one. @throws RangeError where it is missing. */
export function probeFrame(sender: ProbeSender, kind: ProbeKind, round: number, peer: ProbePeer | null): Uint8Array {
  if (kind.startsWith('answer-')) return arpAnswer(sender, kind, round, need(peer, kind));
  if (kind.startsWith('nd-')) return ndAnswer(sender, kind, round, need(peer, kind));
  const { to: whom } = PROBES[kind];
  const to = whom === 'peer' ? need(peer, kind).mac : groupOf(whom, sender.probeMac);
  const payload = tagged(sender, body(sender, kind, round, null));
  if (kind.endsWith('-ipv4')) return ipFrame(sender, kind, to, ETHER.ipv4, sender.vip4, payload);
  if (kind.endsWith('-ipv6')) return ipFrame(sender, kind, to, ETHER.ipv6, sender.vip6, payload);
  return ethernet(to, sender.mac, ETHER.probe, payload);
}

export function carrierFrame(sender: ProbeSender, round: number, carrier: Carrier): Uint8Array {
  return ethernet(BROADCAST, sender.mac, ETHER.probe, tagged(sender, body(sender, 'carrier', round, carrier)));
}

/** A probe whose Ethernet payload has `bytes` bytes. */
export function sizeFrame(sender: ProbeSender, round: number, peer: ProbePeer, bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  payload.set(tagged(sender, body(sender, 'size', round, null)).subarray(0, bytes));
  return ethernet(peer.mac, sender.mac, ETHER.probe, payload);
}

/** What a receiver knows. */
export type ProbeReceiver = Pick<ProbeSender, 'mac' | 'probeMac' | 'tag'>;

/**
 * Null for all that is no probe of this farm: another kind of frame, cut short, under another key, or not addressed as its kind is: a
 * stranger who got a probe must not be able to pass it on as if the network had delivered it. Never throws.
 */
export function parseProbe(frame: Uint8Array, receiver: ProbeReceiver): Probe | null {
  const probe = parseAny(frame, receiver.tag);
  if (probe === null) return null;
  const { to } = PROBES[probe.kind];
  const expected = to === 'peer' ? receiver.mac : groupOf(to, receiver.probeMac);
  return sameBytes(frame.subarray(0, 6), expected) ? probe : null;
}

function parseAny(frame: Uint8Array, tag: Tagger): Probe | null {
  const link = parseEthernet(frame);
  if (link === null) return null;
  try {
    if (link.type === ETHER.arp) return parseArpAnswer(link, tag);
    const answer = link.type === ETHER.ipv6 ? parseNdAnswer(link, tag) : null;
    if (answer !== null) return answer;
    const payload = link.type === ETHER.probe ? link.payload : udpPayload(link);
    return payload === null ? null : parseBody(payload, link.from, link.payload.length, tag);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

const need = (peer: ProbePeer | null, kind: ProbeKind): ProbePeer => {
  if (peer === null) throw new RangeError(`a probe of kind ${kind} goes to one peer`);
  return peer;
};

function groupOf(to: Exclude<ProbeAddress, 'peer'>, probeMac: Uint8Array): Uint8Array {
  if (to === 'everyone') return BROADCAST;
  return to === 'group' ? groupMac(probeMac) : probeMac;
}

/**
 * Addressed to the VIP, as a client's packet would be: so every node's guard keeps it from the kernel, and its data plane finds no rule. A
 * relayed packet has its client's address as source and not the sender's, so `unicast-ipv4` takes one that nobody has (RFC 5737).
 */
function ipFrame(
  { mac, address, vip4, port }: ProbeSender,
  kind: ProbeKind,
  to: Uint8Array,
  type: number,
  vip: Uint8Array | null,
  payload: Uint8Array,
): Uint8Array {
  if (vip === null) throw new RangeError(`a probe of kind ${kind} needs a VIP of its family`);
  const own = kind === 'unicast-ipv4' ? Uint8Array.of(192, 0, 2, 1) : address;
  const from = vip === vip4 ? own : linkLocal(mac);
  return ethernet(to, mac, type, udpPacket(from, vip, port, payload));
}

/** fe80:: and the EUI-64 of the MAC (RFC 4291 appendix A). */
function linkLocal(mac: Uint8Array): Uint8Array {
  const [a, b, c, d, e, f] = mac as unknown as [number, number, number, number, number, number];
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f);
}

/** An ARP reply: "the VIP is at ...". It goes to one peer only, whose kernel has no entry for an address of its own. */
function arpAnswer(sender: ProbeSender, kind: ProbeKind, round: number, peer: ProbePeer): Uint8Array {
  const { mac, vip4, tag } = sender;
  if (vip4 === null) throw new RangeError(`a probe of kind ${kind} needs an IPv4 VIP`);
  const arp = {
    operation: ARP.reply,
    senderMac: macSaid(sender, kind),
    senderAddress: vip4,
    targetMac: peer.mac,
    targetAddress: peer.address,
  };
  const head = answerHead(sender, kind, round);
  const trailer = Uint8Array.of(...head, ...tag(Uint8Array.of(...arpPacket(arp), ...head)));
  return ethernet(peer.mac, mac, ETHER.arp, arpPacket(arp, trailer));
}

/** The same as a neighbour advertisement, from the VIP to the peer's link-local address. */
function ndAnswer(sender: ProbeSender, kind: ProbeKind, round: number, peer: ProbePeer): Uint8Array {
  const { mac, vip6, tag } = sender;
  if (vip6 === null) throw new RangeError(`a probe of kind ${kind} needs an IPv6 VIP`);
  const says = macSaid(sender, kind);
  const head = answerHead(sender, kind, round);
  const extra = Uint8Array.of(...head, ...tag(Uint8Array.of(...vip6, ...says, ...head)));
  return ethernet(peer.mac, mac, ETHER.ipv6, advertisementPacket(vip6, linkLocal(peer.mac), says, extra));
}

/** The MAC that an answer of this kind names. */
function macSaid({ probeMac, mac }: ProbeSender, kind: ProbeKind): Uint8Array {
  if (kind.endsWith('-flood')) return probeMac;
  return kind.endsWith('-multicast') ? groupMac(probeMac) : mac;
}

function answerHead({ run }: ProbeSender, kind: ProbeKind, round: number): Uint8Array {
  return new Writer(TRAILER_BYTES).u8(PROBES[kind].code).u32(run).u32(round).finish();
}

const HEAD_BYTES = TRAILER_BYTES - TAG_BYTES;

function parseArpAnswer(link: Ethernet, tag: Tagger): Probe | null {
  const arp = parseArp(link);
  if (arp === null || arp.operation !== ARP.reply || arp.trailer.length < TRAILER_BYTES) return null;
  return parseAnswer(link, 'answer-', arp.trailer, tag(link.payload.slice(0, 28 + HEAD_BYTES)));
}

function parseNdAnswer(link: Ethernet, tag: Tagger): Probe | null {
  const packet = parseIp(link);
  const advertisement = packet === null ? null : parseAdvertisement(packet);
  if (advertisement === null) return null;
  const { target, mac, extra } = advertisement;
  if (mac === null || extra === null || extra.length < TRAILER_BYTES) return null;
  const expected = tag(Uint8Array.of(...target, ...mac, ...extra.subarray(0, HEAD_BYTES)));
  return parseAnswer(link, 'nd-', extra, expected);
}

function parseAnswer(link: Ethernet, family: string, bytes: Uint8Array, expected: Uint8Array): Probe | null {
  if (!sameBytes(expected, bytes.subarray(HEAD_BYTES, TRAILER_BYTES))) return null;
  const reader = new Reader(bytes);
  const kind = KIND_OF_CODE.get(reader.u8());
  if (kind?.startsWith(family) !== true) return null;
  const [run, round] = [reader.u32(), reader.u32()];
  return { kind, mac: link.from, run, round, name: null, carrier: null, bytes: link.payload.length };
}

function udpPayload(link: Ethernet): Uint8Array | null {
  const packet = parseIp(link);
  if (packet === null || packet.protocol !== IP_PROTOCOL.udp || packet.payload.length < 8) return null;
  return packet.payload.subarray(8, u16(packet.payload, 4));
}

function body({ name, run }: ProbeSender, kind: ProbeKind, round: number, carrier: Carrier | null): Uint8Array {
  const writer = new Writer(64).u32(MAGIC).u8(VERSION).u8(PROBES[kind].code).u32(run).u32(round);
  writer.text(name, MAX_NAME_BYTES);
  if (carrier === null) return writer.finish();
  const { address, framesSeen, mode, kinds, to } = carrier;
  writer.bytes(address).varuint(framesSeen).text(mode, MAX_NAME_BYTES);
  writer.u32(kinds.reduce((bits, sent) => bits | (1 << PROBES[sent].code), 0));
  writer.count(to.length, MAX_RUNS, 'runs');
  for (const peer of to) writer.u32(peer);
  return writer.finish();
}

function tagged({ tag }: ProbeSender, bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(...bytes, ...tag(bytes));
}

function parseBody(payload: Uint8Array, mac: Uint8Array, bytes: number, tag: Tagger): Probe | null {
  const reader = new Reader(payload);
  if (reader.u32() !== MAGIC || reader.u8() !== VERSION) return null;
  const kind = KIND_OF_CODE.get(reader.u8());
  if (kind === undefined) return null;
  const [run, round, name] = [reader.u32(), reader.u32(), reader.text(MAX_NAME_BYTES)];
  const carrier = kind === 'carrier' ? readCarrier(reader) : null;
  const end = reader.offset;
  if (!isNodeName(name) || !sameBytes(tag(payload.slice(0, end)), reader.bytes(TAG_BYTES))) return null;
  return { kind, mac, run, round, name, carrier, bytes };
}

function readCarrier(reader: Reader): Carrier {
  const address = reader.bytes(4).slice();
  const [framesSeen, mode, bits] = [reader.varuint(), reader.text(MAX_NAME_BYTES), reader.u32()];
  const to = Array.from({ length: reader.count(MAX_RUNS, 'runs') }, () => reader.u32());
  const kinds = PROBE_KINDS.filter((kind) => (bits & (1 << PROBES[kind].code)) !== 0);
  return { address, framesSeen, mode, kinds, to };
}

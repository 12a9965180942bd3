/**
 * The verdict of the in-memory data plane: the ladder that test/vectors/classify.txt writes down, rung by rung.
 *
 * `inspect` climbs as far as bytes and shape lead, to a reason or to an affinity key; `judge` decides about the key from
 * the tables. Both are pure but for what they write into the {@link Finding} given to them, so that nothing is
 * allocated for a packet but its key's text.
 */
import { KEY_BYTES } from '../buckets/contract.js';
import { bucketOfKey, encodeKeyInto } from '../buckets/key.js';
import type { RuleEntry, Shape, Verdict, VerdictKind } from './contract.js';
import type { CounterName } from './counters.js';
import type { Reach } from './memory-reach.js';
import {
  bytesAt,
  ETHERTYPE_ARP,
  ETHERTYPE_CONTROL,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  Packet,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  parseEthernet,
  parseTransport,
} from './packet.js';
import {
  checkIpv4Checksum,
  parseEmbedded,
  parseEmbeddedTransport,
  parseIpv4,
  parseIpv6,
  walkExtensions,
} from './packet-ip.js';
import {
  arpEnds,
  arpTarget,
  checkArp,
  checkSolicitation,
  isArpAnnouncement,
  isArpRequest,
  isSolicitation,
  solicitationEnds,
} from './packet-neighbour.js';

/** What is known of a frame so far. Written by `inspect`, used again for the next frame. */
export class Finding {
  readonly packet = new Packet();
  /** The packet inside an ICMP error. */
  readonly embedded = new Packet();
  /** Null: the frame has a key, and the tables decide. */
  reason: CounterName | null = null;
  /** Null where no rule led to the key (echo), or nothing led to one. */
  rule: RuleEntry | null = null;
  plan = -1;
  bucket = -1;
  readonly key = new Uint8Array(KEY_BYTES);
  /** The key as a map key, see {@link keyText}; empty without one. */
  keyText = '';
}

/** What a first fragment announced for those that follow it. */
export interface Announced {
  readonly rule: RuleEntry | null;
  readonly plan: number;
  readonly key: Uint8Array;
}

/** What `inspect` must know of the node. */
export interface Surroundings {
  readonly shape: Shape;
  /** Our own MAC. */
  readonly mac: Uint8Array;
  readonly leaseOpen: boolean;
  readonly reach: Reach;
  /** 4096; simulations may use fewer. */
  readonly buckets: number;
  /** What the first fragment of this later one announced; undefined: nothing is known. */
  readonly announced: (frame: Uint8Array, packet: Packet) => Announced | undefined;
}

/** What `judge` asks of the tables. */
export interface KeyFacts {
  isOwnKeep(keyText: string): boolean;
  isPending(plan: number, bucket: number): boolean;
  isOwned(plan: number, bucket: number): boolean;
  foreignKeep(keyText: string): 'none' | 'honoured' | 'held';
  /**
   * True for a new key in an offered bucket when the table is full. The new owner will replay what it held, except for keys
   * that we list at the cut; so nothing may be taken there that cannot be listed.
   */
  mustRefuse(keyText: string, plan: number, bucket: number): boolean;
}

const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const ECHO_REQUEST_V6 = 128;
const ECHO_REPLY_V6 = 129;

/** A key record as text of ten characters, two bytes each: unique, and cheaper to make and to compare than hex. */
export function keyText(record: Uint8Array, offset = 0): string {
  const unit = (i: number) => (record[offset + i]! << 8) | record[offset + i + 1]!;
  return String.fromCharCode(
    unit(0),
    unit(2),
    unit(4),
    unit(6),
    unit(8),
    unit(10),
    unit(12),
    unit(14),
    unit(16),
    unit(18),
  );
}

/**
 * A frame for our own MAC that the tables do not give to us goes to those whom it may concern, unless a member passed it on to us: then
 * it goes nowhere else. `reason` is the tables' word.
 */
export function relayedReason(frame: Uint8Array, reason: CounterName, finding: Finding, reach: Reach): CounterName {
  const isOthers = reason === 'rejectedNotOwner' || reason === 'rejectedForeignKeep' || reason === 'tableFull';
  return isOthers && relayTargets(frame, finding, reach).length > 0 ? 'relayed' : reason;
}

/** MACs that a copy of this frame goes to, if it is not accepted here; in order. */
export function relayTargets(frame: Uint8Array, finding: Finding, reach: Reach): Uint8Array[] {
  return isIngress(frame, finding, reach) ? reach.targetsOf(finding.plan, finding.bucket) : [];
}

/** True when the frame came to our own MAC from outside the farm, and has a key. */
export function isIngress(frame: Uint8Array, finding: Finding, reach: Reach): boolean {
  return finding.bucket >= 0 && reach.kindOf(frame) === 'own' && !reach.isFromMember(frame);
}

/** Fills `finding` for `frame`: a reason, or a key. */
export function inspect(frame: Uint8Array, around: Surroundings, finding: Finding): void {
  finding.rule = null;
  finding.plan = -1;
  finding.bucket = -1;
  finding.keyText = '';
  finding.reason = reasonOf(frame, around, finding);
}

/** The tables' word on the key of `finding`. */
export function judge(finding: Finding, facts: KeyFacts): CounterName {
  if (finding.reason !== null) return finding.reason;
  if (facts.isOwnKeep(finding.keyText)) return 'accepted';
  if (facts.isPending(finding.plan, finding.bucket)) return 'held';
  if (!facts.isOwned(finding.plan, finding.bucket)) return 'rejectedNotOwner';
  const foreign = facts.foreignKeep(finding.keyText);
  if (foreign !== 'none') return foreign === 'held' ? 'held' : 'rejectedForeignKeep';
  return facts.mustRefuse(finding.keyText, finding.plan, finding.bucket) ? 'tableFull' : 'accepted';
}

const KIND: Partial<Record<CounterName, VerdictKind>> = {
  accepted: 'accept',
  held: 'hold',
  fragmentsHeld: 'hold',
  relayed: 'relay',
  arpAnswered: 'answer',
  ndAnswered: 'answer',
  controlReceived: 'control',
};

export function verdictOf(finding: Finding, reason: CounterName): Verdict {
  const { plan, bucket, rule } = finding;
  return { kind: KIND[reason] ?? 'reject', reason, rule: rule?.rule ?? -1, plan, bucket };
}

function reasonOf(frame: Uint8Array, around: Surroundings, finding: Finding): CounterName | null {
  const { packet } = finding;
  const fault = parseEthernet(frame, around.mac, around.shape.vlan, packet);
  if (fault !== null) return fault;
  if (packet.etherType === ETHERTYPE_CONTROL) return 'controlReceived';
  if (!around.leaseOpen) return 'rejectedLeaseLapsed';
  switch (packet.etherType) {
    case ETHERTYPE_ARP:
      return reasonOfArp(frame, around, packet);
    case ETHERTYPE_IPV4:
      return reasonOfIpv4(frame, around, finding);
    case ETHERTYPE_IPV6:
      return reasonOfIpv6(frame, around, finding);
    default:
      return 'rejectedOtherProtocol';
  }
}

function reasonOfArp(frame: Uint8Array, { shape, reach }: Surroundings, packet: Packet): CounterName {
  const fault = checkArp(frame, packet);
  if (fault !== null) return fault;
  if (!isArpRequest(frame, packet)) return 'rejectedOtherProtocol';
  if (!isVip(shape, frame, arpTarget(packet), 4)) return 'rejectedNotOurVip';
  if (reach.kindOf(frame) === 'other') return 'rejectedOtherMac';
  if (isArpAnnouncement(frame, packet)) return 'rejectedOtherProtocol';
  return reach.answers(frame, ...arpEnds(frame, packet)) ? 'arpAnswered' : 'rejectedOtherAnswers';
}

/** IP is taken by its MAC alone, whatever the mode: a frame for one node is accepted once, since the others see that it is not theirs. */
function isOurMac(frame: Uint8Array, reach: Reach): boolean {
  const kind = reach.kindOf(frame);
  return kind === 'own' || kind === 'shared';
}

function reasonOfIpv4(frame: Uint8Array, around: Surroundings, finding: Finding): CounterName | null {
  const { packet } = finding;
  const fault = parseIpv4(frame, packet);
  if (fault !== null) return fault;
  if (!isVip(around.shape, frame, packet.destination, 4)) return 'rejectedNotOurVip';
  if (!isOurMac(frame, around.reach)) return 'rejectedOtherMac';
  return checkIpv4Checksum(frame, packet) ?? reasonOfTransport(frame, around, finding);
}

function reasonOfIpv6(frame: Uint8Array, around: Surroundings, finding: Finding): CounterName | null {
  const { packet } = finding;
  const fault = parseIpv6(frame, packet) ?? walkExtensions(frame, packet);
  if (fault !== null) return fault;
  const isToVip = isVip(around.shape, frame, packet.destination, 16);
  const isToGroup = frame[packet.destination] === 0xff;
  if ((isToVip || isToGroup) && isSolicitation(frame, packet)) return reasonOfSolicitation(frame, around, packet);
  if (!isToVip) return 'rejectedNotOurVip';
  return isOurMac(frame, around.reach) ? reasonOfTransport(frame, around, finding) : 'rejectedOtherMac';
}

function reasonOfTransport(frame: Uint8Array, around: Surroundings, finding: Finding): CounterName | null {
  const { packet } = finding;
  if (packet.part === 'later') return followFirstFragment(frame, around, finding);
  const fault = parseTransport(frame, packet);
  if (fault !== null) return fault;
  if (packet.protocol === PROTOCOL_TCP || packet.protocol === PROTOCOL_UDP) {
    const { protocol, destinationPort, source, sourcePort } = packet;
    return keyByRule(frame, around, finding, protocol, destinationPort, source, sourcePort);
  }
  if (packet.icmpType === (packet.isIpv6 ? ECHO_REQUEST_V6 : ECHO_REQUEST)) {
    return keyOfEcho(frame, around, finding, packet.source);
  }
  return isError(packet) ? reasonOfError(frame, around, finding) : 'rejectedIcmpType';
}

function reasonOfSolicitation(frame: Uint8Array, around: Surroundings, packet: Packet): CounterName {
  const fault = checkSolicitation(frame, packet);
  if (fault !== null) return fault;
  if (!isVip(around.shape, frame, packet.transport + 8, 16)) return 'rejectedNotOurVip';
  if (around.reach.kindOf(frame) === 'other') return 'rejectedOtherMac';
  return around.reach.answers(frame, ...solicitationEnds(frame, packet)) ? 'ndAnswered' : 'rejectedOtherAnswers';
}

/** Unreachable, time exceeded, parameter problem, and ICMPv6's packet too big. Redirect and source quench are not for us. */
function isError({ icmpType, isIpv6 }: Packet): boolean {
  return isIpv6 ? icmpType >= 1 && icmpType <= 4 : icmpType === 3 || icmpType === 11 || icmpType === 12;
}

/** The embedded packet went from the VIP to a client: its ends are swapped to find the connection's key. */
function reasonOfError(frame: Uint8Array, around: Surroundings, finding: Finding): CounterName | null {
  const { packet, embedded: inner } = finding;
  const fault = parseEmbedded(frame, packet, inner);
  if (fault !== null) return fault;
  // Whoever reports an error sends it to the source of the packet that caused it.
  if (!sameBytes(frame, inner.source, packet.destination, inner.isIpv6 ? 16 : 4)) return 'malformedIcmp';
  if (inner.part === 'later') return 'rejectedFragmentUnknown';
  const cut = parseEmbeddedTransport(frame, inner);
  if (cut !== null) return cut;
  if (inner.protocol === PROTOCOL_TCP || inner.protocol === PROTOCOL_UDP) {
    const { protocol, sourcePort, destination, destinationPort } = inner;
    return keyByRule(frame, around, finding, protocol, sourcePort, destination, destinationPort);
  }
  const isEchoReply = inner.isIpv6
    ? inner.protocol === PROTOCOL_ICMPV6 && inner.icmpType === ECHO_REPLY_V6
    : inner.protocol === PROTOCOL_ICMP && inner.icmpType === ECHO_REPLY;
  return isEchoReply ? keyOfEcho(frame, around, finding, inner.destination) : 'rejectedIcmpType';
}

function followFirstFragment(frame: Uint8Array, around: Surroundings, finding: Finding): CounterName | null {
  const announced = around.announced(frame, finding.packet);
  if (announced === undefined) return 'fragmentsHeld';
  finding.rule = announced.rule;
  finding.plan = announced.plan;
  finding.key.set(announced.key);
  return keyFound(around, finding);
}

function keyByRule(
  frame: Uint8Array,
  around: Surroundings,
  finding: Finding,
  protocol: number,
  servicePort: number,
  client: number,
  clientPort: number,
): CounterName | null {
  const rule = matchRule(around.shape.rules, protocol === PROTOCOL_TCP ? 'tcp' : 'udp', servicePort);
  if (rule === null) return 'rejectedNoRule';
  finding.rule = rule;
  if (rule.deny) return 'rejectedDenied';
  finding.plan = rule.plan;
  encodeKeyInto(finding.key, 0, rule.plan, rule.affinity, finding.packet.isIpv6, frame, client, clientPort);
  return keyFound(around, finding);
}

/** Echo is answered by one node only: the owner of the client's bucket in plan 0. */
function keyOfEcho(frame: Uint8Array, around: Surroundings, finding: Finding, client: number): null {
  finding.plan = 0;
  encodeKeyInto(finding.key, 0, 0, 'client', finding.packet.isIpv6, frame, client, 0);
  return keyFound(around, finding);
}

function keyFound(around: Surroundings, finding: Finding): null {
  finding.bucket = bucketOfKey(around.shape.hashSeed, finding.key, 0, around.buckets);
  finding.keyText = keyText(finding.key);
  return null;
}

/** The first match in list order. */
export function matchRule(
  rules: readonly RuleEntry[],
  protocol: RuleEntry['protocol'],
  port: number,
): RuleEntry | null {
  for (const rule of rules) {
    if (rule.protocol === protocol && port >= rule.firstPort && port <= rule.lastPort) return rule;
  }
  return null;
}

function isVip(shape: Shape, frame: Uint8Array, offset: number, length: number): boolean {
  for (const { address } of shape.vips) if (address.length === length && bytesAt(frame, offset, address)) return true;
  return false;
}

function sameBytes(frame: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (frame[a + i] !== frame[b + i]) return false;
  return true;
}

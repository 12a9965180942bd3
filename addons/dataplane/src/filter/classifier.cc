#include "classifier.h"

#include "arp.h"
#include "icmp.h"
#include "neighbour.h"
#include "transport.h"

namespace covey {
namespace {

/** ICMP echo has no rule: it goes by the client's address in plan 0. */
constexpr uint8_t kEchoPlan = 0;

void reject(Decision& decision, Counter reason) {
  decision.verdict.kind = VerdictKind::reject;
  decision.verdict.reason = reason;
}

void conclude(Decision& decision, VerdictKind kind, Counter reason) {
  decision.verdict.kind = kind;
  decision.verdict.reason = reason;
}

/** Tells apart the connections of one key: ports, protocol, VIP, and for `network` the host within it. */
uint32_t connectionName(const IpPacket& ip, const Transport& transport, int vip) {
  uint32_t name = (static_cast<uint32_t>(transport.sourcePort) << 16) | transport.destinationPort;
  name = (name ^ (name >> 16)) * 0x85ebca6bu;
  name ^= (static_cast<uint32_t>(vip) << 8) | ip.protocol;
  name = (name ^ (name >> 13)) * 0xc2b2ae35u;
  name ^= readU32(&ip.source[8]) * 0x9e3779b1u ^ readU32(&ip.source[12]);
  return name ^ (name >> 16);
}

}  // namespace

void Classifier::read(const FrameView& frame, bool leaseOpen, Decision& decision) const {
  if (frame.wireLength > frame.capturedLength) return reject(decision, Counter::truncatedCapture);
  if (!parseEthernet(frame, decision.ethernet)) return reject(decision, Counter::malformedEthernet);
  decideEthernet(frame, leaseOpen, decision);
}

void Classifier::settle(uint64_t nowMs, Decision& decision) const {
  if (decision.awaits == Awaits::origin) decideLaterFragment(nowMs, decision);
  if (decision.awaits == Awaits::hash) decideByHash(hashKey(decision.key, shape_.hashSeed()), decision);
  if (decision.awaits == Awaits::tables) decideByTables(decision);
}

void Classifier::decideEthernet(const FrameView& frame, bool leaseOpen, Decision& decision) const {
  const EthernetHeader& ethernet = decision.ethernet;
  if (isSame(ethernet.source, ownMac_)) return reject(decision, Counter::rejectedOwnFrame);
  // Control frames travel untagged even where the VIP has a VLAN.
  const bool isControl = ethernet.etherType == kEtherCovey;
  const bool isDoubleTagged = ethernet.etherType == kEtherVlan || ethernet.etherType == kEtherQinq;
  const bool isOurVlan = ethernet.vlan == shape_.vlan() || (isControl && ethernet.vlan == kUntagged);
  if (!isOurVlan || isDoubleTagged) return reject(decision, Counter::rejectedOtherVlan);
  if (isControl) return conclude(decision, VerdictKind::control, Counter::controlReceived);
  if (!leaseOpen) return reject(decision, Counter::rejectedLeaseLapsed);

  const Cursor payload(frame.data + ethernet.payloadOffset, frame.capturedLength - ethernet.payloadOffset);
  switch (ethernet.etherType) {
    case kEtherIpv4:
    case kEtherIpv6:
      return decideIp(payload, decision);
    case kEtherArp:
      return decideArp(payload, decision);
    default:
      return reject(decision, Counter::rejectedOtherProtocol);
  }
}

void Classifier::decideArp(Cursor payload, Decision& decision) const {
  ArpPacket arp;
  if (!parseArp(payload, arp)) return reject(decision, Counter::malformedArp);
  if (arp.operation != kArpRequest) return reject(decision, Counter::rejectedOtherProtocol);
  if (shape_.vipIndex(arp.targetAddress, false) < 0) return reject(decision, Counter::rejectedNotOurVip);
  if (reach_.kindOf(decision.ethernet.destination) == MacKind::other) return reject(decision, Counter::rejectedOtherMac);
  // Who asks in the VIP's own name announces it (RFC 5227): a peer, or an intruder whom the conflict watch deals with.
  // An answer would only start a quarrel.
  if (arp.senderAddress == arp.targetAddress) return reject(decision, Counter::rejectedOtherProtocol);
  const bool isOurs = reach_.answers(decision.ethernet.destination, arp.senderAddress, arp.targetAddress);
  if (!isOurs) return reject(decision, Counter::rejectedOtherAnswers);
  conclude(decision, VerdictKind::answer, Counter::arpAnswered);
}

bool Classifier::isForUs(const EthernetHeader& ethernet) const {
  const MacKind kind = reach_.kindOf(ethernet.destination);
  return kind == MacKind::own || kind == MacKind::shared;
}

void Classifier::decideIp(Cursor payload, Decision& decision) const {
  IpPacket& ip = decision.ip;
  const bool isIpv6 = decision.ethernet.etherType == kEtherIpv6;
  const Fault fault = isIpv6 ? parseIpv6(payload, ip) : parseIpv4(payload, ip);
  if (fault) return reject(decision, *fault);
  const int vip = shape_.vipIndex(ip.destination, isIpv6);
  if (ip.protocol == kIpIcmpv6 && isIpv6 && isSolicitation(ip) && (vip >= 0 || ip.destination[0] == 0xff)) return decideSolicitation(decision);
  if (vip < 0) return reject(decision, Counter::rejectedNotOurVip);
  if (!isForUs(decision.ethernet)) return reject(decision, Counter::rejectedOtherMac);
  if (!isIpv6 && !isIpv4HeaderIntact(ip)) return reject(decision, Counter::badChecksum);
  decision.event.protocol = ip.protocol;
  if (!ip.hasTransportHeader()) {
    decision.awaits = Awaits::origin;
    return;
  }
  decision.startsDatagram = ip.isFragment;
  if (ip.protocol == kIpTcp || ip.protocol == kIpUdp) return decidePorts(vip, decision);
  if (ip.protocol == (isIpv6 ? kIpIcmpv6 : kIpIcmp)) return decideIcmp(decision);
  reject(decision, Counter::rejectedOtherProtocol);
}

void Classifier::decideSolicitation(Decision& decision) const {
  Solicitation solicitation;
  const Fault fault = parseSolicitation(decision.ip, solicitation);
  if (fault) return reject(decision, *fault);
  if (shape_.vipIndex(solicitation.target, true) < 0) return reject(decision, Counter::rejectedNotOurVip);
  if (reach_.kindOf(decision.ethernet.destination) == MacKind::other) return reject(decision, Counter::rejectedOtherMac);
  const bool isOurs = reach_.answers(decision.ethernet.destination, solicitation.source, solicitation.target);
  if (!isOurs) return reject(decision, Counter::rejectedOtherAnswers);
  conclude(decision, VerdictKind::answer, Counter::ndAnswered);
}

void Classifier::decidePorts(int vip, Decision& decision) const {
  const IpPacket& ip = decision.ip;
  Transport transport;
  const bool isWhole = ip.protocol == kIpTcp ? parseTcp(ip.transport(), ip.isFragment, transport)
                                             : parseUdp(ip.transport(), ip.isFragment, transport);
  if (!isWhole) return reject(decision, Counter::malformedTransport);
  decision.event.tcpFlags = transport.tcpFlags;
  decision.event.hasPayload = transport.hasPayload;
  decision.event.connection = connectionName(ip, transport, vip);
  decideByRule(ip.protocol, transport.destinationPort, ip.source, transport.sourcePort, decision);
}

void Classifier::decideIcmp(Decision& decision) const {
  IcmpMessage message;
  const Fault fault = parseIcmp(decision.ip, message);
  if (fault) return reject(decision, *fault);
  if (!message.isEcho) {
    return decideByRule(message.protocol, message.servicePort, message.client, message.clientPort, decision);
  }
  decideByKey(makeKey(kEchoPlan, Affinity::client, decision.ip.isIpv6, message.client, 0), decision);
}

void Classifier::decideLaterFragment(uint64_t nowMs, Decision& decision) const {
  decision.awaits = Awaits::nothing;
  const FragmentOrigin* origin = fragments_.find(decision.ip, shape_.hashSeed(), nowMs);
  if (origin == nullptr) return conclude(decision, VerdictKind::hold, Counter::fragmentsHeld);
  decision.verdict.rule = origin->rule;
  decision.holdMs = origin->holdMs;
  decision.verdict.slot = origin->slot;
  // It shows no flags or ports, so it may tell the tracker no more than that something came.
  decision.event = FlowEvent{};
  decideByKey(origin->key, decision);
  decideByHash(origin->hash, decision);
}

void Classifier::decideByRule(uint8_t protocol, uint16_t servicePort, const Address& client, uint16_t clientPort,
                              Decision& decision) const {
  const RuleEntry* rule = shape_.ruleFor(protocol, servicePort);
  if (rule == nullptr) return reject(decision, Counter::rejectedNoRule);
  decision.verdict.rule = rule->rule;
  decision.verdict.slot = rule->slot;
  if (rule->deny) return reject(decision, Counter::rejectedDenied);
  decision.holdMs = rule->holdMs;
  decideByKey(makeKey(rule->plan, rule->affinity, decision.ip.isIpv6, client, clientPort), decision);
}

void Classifier::decideByKey(const KeyRecord& key, Decision& decision) {
  decision.key = key;
  decision.verdict.plan = key.plan();
  decision.awaits = Awaits::hash;
}

void Classifier::hashTogether(Decision* decisions, size_t count) const {
  std::array<Decision*, kHashLanes> waiting;
  std::array<const KeyRecord*, kHashLanes> keys;
  size_t lanes = 0;
  for (size_t i = 0; i < count; i++) {
    if (decisions[i].awaits != Awaits::hash) continue;
    waiting[lanes] = &decisions[i];
    keys[lanes] = &decisions[i].key;
    if (++lanes < kHashLanes) continue;
    lanes = 0;
    uint32_t hashes[kHashLanes];
    hashKeys(keys.data(), shape_.hashSeed(), hashes);
    for (size_t lane = 0; lane < kHashLanes; lane++) decideByHash(hashes[lane], *waiting[lane]);
  }
}

void Classifier::decideByHash(uint32_t hash, Decision& decision) const {
  decision.hash = hash;
  decision.verdict.bucket = static_cast<int32_t>(bucketOf(hash));
  decision.awaits = Awaits::tables;
  // What will be rejected by its bucket needs no place in the flow table.
  if (!mayTake(buckets_.at(decision.key.plan(), bucketOf(hash)))) return;
  if (decision.event.tcpFlags == kTcpSyn) {
    flows_.table().expectNew(decision.key, hash);
  } else {
    flows_.table().expectKnown(decision.key, hash);
  }
}

void Classifier::decideByTables(Decision& decision) const {
  const uint8_t cell = buckets_.at(decision.key.plan(), bucketOf(decision.hash));
  if (!mayTake(cell)) return reject(decision, Counter::rejectedNotOwner);
  const FlowTable& table = flows_.table();
  decision.entry = table.find(decision.key, decision.hash);
  const FlowEntry* entry = decision.entry == kNone ? nullptr : &table.at(decision.entry);

  const uint8_t keepFlags = (cell & kCutting) != 0 ? kIsOwnKeep | kIsPinned : kIsOwnKeep;
  if (entry != nullptr && entry->has(keepFlags)) return conclude(decision, VerdictKind::accept, Counter::accepted);
  if (cell & kPending) return conclude(decision, VerdictKind::hold, Counter::held);
  if ((cell & kOwned) == 0) return reject(decision, Counter::rejectedNotOwner);
  if (entry != nullptr && entry->isForeign()) {
    if (!entry->has(kIsHeldKey)) return reject(decision, Counter::rejectedForeignKeep);
    return conclude(decision, VerdictKind::hold, Counter::held);
  }
  // The new owner replays what it held, except keys that we list at the cut: so in an offered bucket nothing may be
  // taken that cannot be listed.
  if (entry == nullptr && (cell & kOffered) && !flows_.hasRoom()) return reject(decision, Counter::tableFull);
  conclude(decision, VerdictKind::accept, Counter::accepted);
}

void Classifier::decideRelay(Decision& decision) const {
  const Verdict& verdict = decision.verdict;
  if (verdict.bucket < 0 || reach_.kindOf(decision.ethernet.destination) != MacKind::own) return;
  decision.isIngress = !reach_.isMember(decision.ethernet.source);
  if (!decision.isIngress || verdict.kind == VerdictKind::accept) return;
  decision.targets = reach_.targetsOf(verdict.plan, verdict.bucket);
  // What waits here may be another's all the same: who grants it to us still takes it.
  if (verdict.kind == VerdictKind::hold || decision.targets == 0) return;
  conclude(decision, VerdictKind::relay, Counter::relayed);
}

}  // namespace covey

#include "filter.h"

#include <new>
#include <type_traits>

#include "answers.h"
#include "fast_path.h"
#include "filter_state.h"

namespace covey {

Filter::Filter(const FilterOptions& options) : state_(std::make_unique<State>(options)) {}
Filter::~Filter() = default;

void Filter::setShape(const Shape& shape) {
  state_->closeFastPath();
  const uint32_t oldSeed = state_->shape.hashSeed();
  state_->shape = CompiledShape(shape);
  // What first fragments said was said by the old rules.
  state_->fragments.clear();
  if (shape.hashSeed == oldSeed) return;
  state_->rehash();
}

Verdict Filter::classify(const FrameView& frame, bool leaseOpen, uint64_t nowMs) const {
  Decision decision;
  state_->classifier.decide(frame, leaseOpen, nowMs, decision);
  state_->classifier.decideRelay(decision);
  return decision.verdict;
}

Verdict Filter::handle(const FrameView& frame, bool leaseOpen, uint64_t nowMs, Sink& sink) {
  Decision decision;
  state_->counters.add(Counter::framesSeen);
  state_->classifier.read(frame, leaseOpen, decision);
  state_->settle(frame, nowMs, decision, sink);
  return decision.verdict;
}

void Filter::handle(const FrameView* frames, size_t count, Pace& pace, Sink& sink) {
  // Made one by one: a decision is 200 bytes, and most calls have few frames.
  alignas(Decision) unsigned char memory[kMostFrames * sizeof(Decision)];
  static_assert(std::is_trivially_destructible_v<Decision>);
  auto* const decisions = reinterpret_cast<Decision*>(memory);
  for (size_t i = 0; i < count; i++) state_->classifier.read(frames[i], true, *new (&decisions[i]) Decision);
  state_->classifier.hashTogether(decisions, count);
  state_->counters.add(Counter::framesSeen, count);
  for (size_t i = 0; i < count; i++) {
    const Moment moment = pace.next(i);
    if (!moment.leaseOpen) {
      decisions[i] = Decision{};
      state_->classifier.read(frames[i], false, decisions[i]);
    }
    state_->settle(frames[i], moment.nowMs, decisions[i], sink);
  }
}

void Filter::State::settle(const FrameView& frame, uint64_t nowMs, Decision& decision, Sink& sink) {
  classifier.settle(nowMs, decision);
  classifier.decideRelay(decision);
  if (isFromVmac(decision.ethernet)) counters.add(Counter::vmacAsSource);
  noticeNeighbour(frame, decision, nowMs);
  meet(frame, decision, sink);
  act(frame, decision, nowMs, sink);
}

void Filter::reset() {
  state_->closeFastPath();
  state_->counters.add(Counter::heldLapsed, state_->ring.count());
  state_->counters.add(Counter::fragmentsExpired, state_->earlyFragments.count());
  state_->ring.clear();
  state_->earlyFragments.clear();
  state_->buckets.clear();
  state_->flows.clear();
  state_->fragments.clear();
  state_->flows.publish();
}

void Filter::expire(uint64_t nowMs) {
  state_->sawTime(nowMs);
  state_->flows.expire(nowMs);
  state_->counters.add(Counter::fragmentsExpired, state_->earlyFragments.expire(nowMs));
  state_->flows.publish();
}

void Filter::State::act(const FrameView& frame, const Decision& decision, uint64_t nowMs, Sink& sink) {
  if (!decision.startsDatagram || decision.verdict.bucket < 0) return obey(frame, decision, nowMs, sink);
  beginDatagram(decision, nowMs);
  obey(frame, decision, nowMs, sink);
  if (earlyFragments.count() > 0) replayEarly(datagramOf(decision.ip), nowMs, sink);
}

void Filter::State::beginDatagram(const Decision& first, uint64_t nowMs) {
  const FragmentOrigin origin{first.key, first.hash, first.verdict.rule, first.holdMs, first.verdict.slot};
  fragments.remember(first.ip, origin, shape.hashSeed(), nowMs);
}

/** They have the key of their first one, and so its verdict. */
void Filter::State::replayEarly(const Datagram& datagram, uint64_t nowMs, Sink& sink) {
  earlyFragments.take(datagram, [&](const FrameView& frame) {
    Decision decision;
    classifier.decide(frame, true, nowMs, decision);
    classifier.decideRelay(decision);
    counters.add(Counter::fragmentsReplayed);
    meet(frame, decision, sink);
    obey(frame, decision, nowMs, sink);
  });
}

void Filter::State::obey(const FrameView& frame, const Decision& decision, uint64_t nowMs, Sink& sink) {
  const Verdict& verdict = decision.verdict;
  switch (verdict.kind) {
    case VerdictKind::accept:
      return accept(frame, decision, nowMs, sink);
    case VerdictKind::answer:
      return answer(frame, decision, sink);
    case VerdictKind::hold:
      return hold(frame, decision, nowMs);
    case VerdictKind::control:
      return;
    case VerdictKind::relay:
    case VerdictKind::reject:
      ruleCounters.add(verdict.slot, verdict.reason);
      return counters.add(verdict.reason);
  }
}

void Filter::State::hold(const FrameView& frame, const Decision& decision, uint64_t nowMs) {
  if (decision.verdict.reason == Counter::fragmentsHeld) {
    counters.add(Counter::fragmentsHeld);
    counters.add(Counter::fragmentsOverflow, earlyFragments.push(frame, datagramOf(decision.ip), nowMs));
    return;
  }
  const bool isKept = ring.push(frame, decision.key, decision.hash);
  counters.add(isKept ? Counter::held : Counter::heldOverflow);
}

void Filter::State::accept(const FrameView& frame, const Decision& decision, uint64_t nowMs, Sink& sink) {
  const bool isOffered = (buckets.at(decision.key.plan(), bucketOf(decision.hash)) & kOffered) != 0;
  flows.accept(decision.entry, decision.key, decision.hash, decision.event, decision.holdMs, isOffered, nowMs);
  counters.add(Counter::accepted);
  ruleCounters.add(decision.verdict.slot, Counter::accepted);
  sink.inject(packetOf(decision));
  if (fastPath.isOn() && decision.entry != kNone) followFastPath(frame, decision, nowMs);
}

void Filter::State::followFastPath(const FrameView& frame, const Decision& decision, uint64_t nowMs) {
  FlowEntry& known = entry(decision.entry);
  if (!flows.isSettled(decision.entry, decision.event)) {
    const bool hasPorts = decision.event.protocol == kIpTcp || decision.event.protocol == kIpUdp;
    if (!known.has(kIsFast) || !hasPorts || decision.ip.isFragment) return;
    sawTime(nowMs);
    return fastPath.close(identityOf(decision), [&](const FastFlow& flow, uint32_t packets, uint32_t lastSeenMs) {
      takeFast(flow, packets, lastSeenMs);
    });
  }
  if (!mayBeFast(frame, decision)) return;
  known.flags |= kIsFast;
  fastPath.propose({identityOf(decision), decision.key, decision.hash, decision.event, decision.holdMs, decision.verdict.slot,
                    decision.isIngress},
                   static_cast<uint32_t>(nowMs));
}

void Filter::State::countFast() {
  const uint64_t taken = fastPath.takenSinceLast();
  counters.add(Counter::accepted, taken);
  counters.add(Counter::injected, taken);
  counters.add(Counter::acceptedInKernel, taken);
}

/** What the kernel compares must be in fixed places of the frame. */
bool Filter::State::mayBeFast(const FrameView& frame, const Decision& decision) {
  const IpPacket& ip = decision.ip;
  return frame.strippedVlan == kNoStrippedVlan && decision.ethernet.payloadOffset == 14 && !ip.isFragment &&
         ip.transportOffset == (ip.isIpv6 ? 40u : 20u);
}

FastIdentity Filter::State::identityOf(const Decision& decision) {
  const IpPacket& ip = decision.ip;
  const Mac& mac = decision.ethernet.destination;
  FastIdentity identity;
  identity.macHigh = readU32(&mac[0]);
  identity.macLow = readU16(&mac[4]);
  identity.kind = uint32_t{decision.ethernet.etherType} << 16 | ip.protocol;
  identity.ports = readU32(ip.packet + ip.transportOffset);
  for (uint32_t word = 0; word < (ip.isIpv6 ? 4u : 1u); word++) {
    const uint32_t at = (ip.isIpv6 ? 0u : 12u) + 4 * word;
    identity.source[word] = readU32(&ip.source[at]);
    identity.destination[word] = readU32(&ip.destination[at]);
  }
  return identity;
}

void Filter::State::takeFast(const FastFlow& flow, uint32_t packets, uint32_t lastSeenMs) {
  if (flow.isIngress) counters.add(Counter::ingressFrames, packets);
  ruleCounters.add(flow.ruleSlot, Counter::accepted, packets);
  const uint32_t index = flows.table().find(flow.key, flow.hash);
  if (index == kNone) return;
  // An age is a difference modulo 2^32: an entry that was seen after the moment at which it is looked at would be 49 days old.
  const auto latest = static_cast<uint32_t>(latestMs);
  if (static_cast<int32_t>(lastSeenMs - latest) > 0) lastSeenMs = latest;
  if (static_cast<int32_t>(lastSeenMs - entry(index).lastSeenMs) <= 0) {
    // Another connection of the key was seen later; this one lives on beside it, unless a later packet ended it.
    if (!flows.isSettled(index, flow.event)) return;
    lastSeenMs = entry(index).lastSeenMs;
  }
  const bool isOffered = (buckets.at(flow.key.plan(), bucketOf(flow.hash)) & kOffered) != 0;
  flows.accept(index, flow.key, flow.hash, flow.event, flow.holdMs, isOffered, lastSeenMs);
  // Of a connection that is not known any longer, a second packet says more than the first.
  if (packets > 1 && !flows.isSettled(index, flow.event)) {
    flows.accept(index, flow.key, flow.hash, flow.event, flow.holdMs, isOffered, lastSeenMs);
  }
}

void Filter::State::closeFastPath() {
  fastPath.closeAll(
      [this](const FastFlow& flow, uint32_t packets, uint32_t lastSeenMs) { takeFast(flow, packets, lastSeenMs); });
  countFast();
}

void Filter::useFastPath(FastTable* table) {
  state_->closeFastPath();
  state_->fastPath.use(table);
}

void Filter::openFastPath(bool isRingEmpty, uint64_t nowMs) {
  state_->sawTime(nowMs);
  state_->fastPath.open(isRingEmpty, static_cast<uint32_t>(nowMs));
}

void Filter::collectFastPath(uint64_t nowMs) {
  if (!state_->fastPath.isOn()) return;
  state_->countFast();
  state_->sawTime(nowMs);
  state_->fastPath.collect(static_cast<uint32_t>(nowMs), [this](const FastFlow& flow, uint32_t packets, uint32_t lastSeenMs) {
    state_->takeFast(flow, packets, lastSeenMs);
  });
}

uint64_t Filter::missingOfFastPath() const { return state_->fastPath.missing(); }
void Filter::setFastLease(int64_t endNs) { state_->fastPath.setLease(endNs); }

Accepted Filter::State::packetOf(const Decision& decision) {
  Accepted accepted;
  accepted.packet = decision.ip.packet;
  accepted.length = decision.ip.length;
  accepted.packetOffset = decision.ethernet.payloadOffset;
  accepted.isIpv6 = decision.ip.isIpv6;
  accepted.protocol = decision.ip.protocol;
  accepted.transportOffset = decision.ip.transportOffset;
  accepted.isFragment = decision.ip.isFragment;
  return accepted;
}

void Filter::State::answer(const FrameView& frame, const Decision& decision, Sink& sink) {
  const Answerer answerer{ownMac, reach.answerMac(), shape.vlan()};
  const uint32_t offset = decision.ethernet.payloadOffset;
  Answer answer;
  if (decision.verdict.reason == Counter::arpAnswered) {
    ArpPacket arp;
    parseArp(Cursor(frame.data + offset, frame.capturedLength - offset), arp);
    answer = answerArp(arp, answerer);
  } else {
    Solicitation solicitation;
    parseSolicitation(decision.ip, solicitation);
    answer = answerSolicitation(solicitation, decision.ethernet.source, answerer);
  }
  counters.add(decision.verdict.reason);
  sink.answer(answer.bytes.data(), answer.length);
}

bool Filter::State::replayOne(const HeldFrame& held, uint64_t nowMs, Sink& sink) {
  Decision decision;
  classifier.decide(held.frame, true, nowMs, decision);
  if (decision.verdict.kind == VerdictKind::hold) return false;
  counters.add(Counter::replayed);
  act(held.frame, decision, nowMs, sink);
  return true;
}

/**
 * With another seed keys lie in other buckets. A key of ours that thereby leaves what we own goes on being served, as a
 * keep.
 */
void Filter::State::rehash() {
  ring.rehash(shape.hashSeed());
  flows.rehash(shape.hashSeed(), [&](FlowEntry& entry, uint32_t index) {
    if (entry.isForeign()) return;
    const bool isOwned = (buckets.at(entry.key.plan(), entry.bucket()) & kOwned) != 0;
    entry.flags = static_cast<uint8_t>(isOwned ? entry.flags & ~kIsOwnKeep : entry.flags | kIsOwnKeep);
    flows.relist(index);
  });
  flows.publish();
}

bool Filter::State::mustWait(const HeldFrame& held) const {
  const uint8_t cell = buckets.at(held.key.plan(), bucketOf(held.hash));
  if (cell & kPending) return true;
  const uint32_t index = flows.table().find(held.key, held.hash);
  return (cell & kOwned) != 0 && index != kNone && flows.table().at(index).has(kIsHeldKey);
}

void Filter::State::replayFreed(uint64_t nowMs, Sink& sink) {
  replay([&](const HeldFrame& held) { return !mustWait(held); }, nowMs, sink);
}

void Filter::State::discardFreed() {
  ring.visit([&](const HeldFrame& held) {
    if (mustWait(held)) return false;
    counters.add(Counter::heldDiscarded);
    return true;
  });
}

}  // namespace covey

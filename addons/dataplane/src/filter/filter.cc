#include "filter.h"

#include <new>
#include <type_traits>

#include "answers.h"
#include "filter_state.h"

namespace covey {

Filter::Filter(const FilterOptions& options) : state_(std::make_unique<State>(options)) {}
Filter::~Filter() = default;

void Filter::setShape(const Shape& shape) {
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
      return accept(decision, nowMs, sink);
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

void Filter::State::accept(const Decision& decision, uint64_t nowMs, Sink& sink) {
  const bool isOffered = (buckets.at(decision.key.plan(), bucketOf(decision.hash)) & kOffered) != 0;
  flows.accept(decision.entry, decision.key, decision.hash, decision.event, decision.holdMs, isOffered, nowMs);
  counters.add(Counter::accepted);
  ruleCounters.add(decision.verdict.slot, Counter::accepted);
  sink.inject(packetOf(decision));
}

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

// Relaying, askers and steering: what a Filter does about reach.
#include "answers.h"
#include "arp.h"
#include "filter.h"
#include "filter_state.h"
#include "icmp.h"
#include "neighbour.h"

namespace covey {
namespace {

bool isIpv4(const Address& address) {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.data(), kMapped, sizeof kMapped) == 0;
}

bool isUnspecified(const Address& address) {
  Address zero{};
  if (isIpv4(address)) zero[10] = zero[11] = 0xff;
  return address == zero;
}

}  // namespace

void Filter::setReach(std::shared_ptr<const ReachSetting> setting, uint64_t nowMs, Sink& sink) {
  state_->setReach(std::move(setting), nowMs, sink);
}

/**
 * Askers are told what is new to them: that they are ours now, or that the answer is another one. When a member leaves,
 * all that are ours are told: whoever asked it directly may point at it, though the hash says us.
 */
void Filter::State::setReach(std::shared_ptr<const ReachSetting> setting, uint64_t nowMs, Sink& sink) {
  std::vector<uint32_t> ours;
  askers.forEach([&](uint32_t index) {
    const Asker& asker = askers.at(index);
    if (reach.isChosen(asker.address, asker.vip)) ours.push_back(index);
  });
  const bool isOtherAnswer = setting->mode != reach.mode();
  const bool isLeft = reach.isLeftBy(*setting);
  reach.set(std::move(setting));
  size_t at = 0;
  askers.forEach([&](uint32_t index) {
    const bool wasOurs = at < ours.size() && ours[at] == index;
    if (wasOurs) at++;
    const Asker& asker = askers.at(index);
    if (!reach.isChosen(asker.address, asker.vip)) return askers.stopSteering(index);
    const bool isNews = isOtherAnswer || (reach.mode() == ReachMode::relay && (isLeft || !wasOurs));
    if (isNews) askers.steer(index, nowMs);
  });
  steerDue(nowMs, sink);
}

std::vector<uint8_t> Filter::takeAskers(bool all, uint64_t nowMs) { return state_->askers.take(all, nowMs); }

void Filter::learnAskers(const uint8_t* records, size_t length, uint64_t nowMs) {
  State& state = *state_;
  state.askers.learn(records, length, nowMs, [&](uint32_t index) {
    const Asker& asker = state.askers.at(index);
    const bool isOurs = state.reach.mode() == ReachMode::relay && state.reach.isChosen(asker.address, asker.vip);
    if (isOurs) state.askers.steer(index, nowMs);
  });
  state.counters.set(Counter::askers, state.askers.count());
}

void Filter::steer(uint64_t nowMs, Sink& sink) { state_->steerDue(nowMs, sink); }

void Filter::setMac(const Mac& mac) {
  state_->closeFastPath();
  state_->ownMac = mac;
}

void Filter::State::steerDue(uint64_t nowMs, Sink& sink) {
  const Answerer answerer{ownMac, reach.answerMac(), shape.vlan()};
  askers.tend(nowMs, [&](const Asker& asker) {
    const auto build = isIpv4(asker.address) ? steerByArp : steerBySolicitation;
    const Answer frame = build(asker.address, asker.mac, asker.vip, answerer);
    sink.answer(frame.bytes.data(), frame.length);
  });
}

void Filter::State::meet(const FrameView& frame, const Decision& decision, Sink& sink) {
  if (decision.isIngress) counters.add(Counter::ingressFrames);
  // At once: no command may come between what we say of a frame and what others see of it.
  if (decision.targets != 0) relay(frame, decision, sink);
}

void Filter::State::relay(const FrameView& frame, const Decision& decision, Sink& sink) {
  const Verdict& verdict = decision.verdict;
  const Accepted packet = packetOf(decision);
  reach.forEachTarget(decision.targets, verdict.plan, verdict.bucket,
                      [&](const Mac& destination) { sink.relay(frame, packet, destination); });
}

void Filter::State::noticeNeighbour(const FrameView& frame, const Decision& decision, uint64_t nowMs) {
  switch (decision.verdict.reason) {
    case Counter::arpAnswered:
    case Counter::ndAnswered:
    case Counter::rejectedOtherAnswers:
    case Counter::rejectedOtherProtocol:
    case Counter::rejectedIcmpType:
      if (decision.ethernet.etherType == kEtherArp) return noticeArp(frame, decision, nowMs);
      if (decision.ethernet.etherType == kEtherIpv6) return noticeIpv6(decision, nowMs);
      return;
    default:
      return;
  }
}

void Filter::State::noticeArp(const FrameView& frame, const Decision& decision, uint64_t nowMs) {
  const uint32_t offset = decision.ethernet.payloadOffset;
  ArpPacket arp;
  if (!parseArp(Cursor(frame.data + offset, frame.capturedLength - offset), arp)) return;
  if (decision.verdict.reason != Counter::rejectedOtherProtocol) {
    sawAsker(arp.senderAddress, arp.targetAddress, arp.senderMac, nowMs);
  } else if (arp.operation == kArpReply && reach.kindOf(decision.ethernet.destination) != MacKind::other) {
    askers.confirm(arp.senderAddress, arp.targetAddress);
  }
}

void Filter::State::noticeIpv6(const Decision& decision, uint64_t nowMs) {
  const Counter reason = decision.verdict.reason;
  if (reason == Counter::rejectedIcmpType) {
    const uint8_t* type = decision.ip.transport().peek(1);
    const bool isAdvertisement = type != nullptr && *type == kNeighbourAdvertisement;
    if (isAdvertisement) askers.confirm(decision.ip.source, decision.ip.destination);
    return;
  }
  Solicitation solicitation;
  if (reason == Counter::rejectedOtherProtocol || parseSolicitation(decision.ip, solicitation)) return;
  const Mac& mac = solicitation.hasSourceMac ? solicitation.sourceMac : decision.ethernet.source;
  sawAsker(solicitation.source, solicitation.target, mac, nowMs);
}

void Filter::State::sawAsker(const Address& asker, const Address& vip, const Mac& mac, uint64_t nowMs) {
  // A probe asks for nobody, and members know where the VIP is.
  if (isUnspecified(asker) || reach.isMember(mac)) return;
  askers.saw(asker, vip, mac, nowMs);
  counters.set(Counter::askers, askers.count());
}

}  // namespace covey

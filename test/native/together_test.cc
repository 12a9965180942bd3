// Frames handled several at a time have the outcome that they have one by one: verdicts, counters, tables, what is sent.
#include <random>

#include "check.h"
#include "farm.h"
#include "filter/key.h"

namespace {

using namespace packets;
using farm::Counter;
using farm::Node;

constexpr int kLives = 60;
constexpr int kGroupsALife = 80;

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  uint32_t below(uint32_t end) { return std::uniform_int_distribution<uint32_t>(0, end - 1)(engine_); }
  bool chance(uint32_t ofHundred) { return below(100) < ofHundred; }

 private:
  std::mt19937 engine_;
};

/** What one step of a life does to a node. */
struct Frame {
  Bytes bytes;
  bool leaseOpen = true;
};

/** Later fragments before and after their first one, keys new and known, of every kind, and bytes that mean nothing. */
Bytes someFrame(Dice& dice) {
  const auto port = static_cast<uint16_t>(1 + dice.below(40));
  const Bytes client = {10, 77, static_cast<uint8_t>(dice.below(2)), static_cast<uint8_t>(100 + dice.below(4))};
  Bytes client6 = kClient6;
  client6[15] = static_cast<uint8_t>(dice.below(4));
  const auto id = static_cast<uint16_t>(dice.below(6));
  const uint8_t flags[] = {kSyn, kAck, kAck, kFin, kRst};
  switch (dice.below(12)) {
    case 0:
    case 1:
    case 2:
      return tcpFrame(port, dice.chance(50) ? 80 : 8000, flags[dice.below(5)], {}, client);
    case 3:
    case 4:
      return ethernet(0x86dd, ipv6(6, tcp(port, 80, flags[dice.below(5)], {}, client6, kVip6), client6));
    case 5:
      return udpFrame(port, dice.chance(50) ? 53 : 5000, client);
    case 6:
      return ethernet(0x0800, ipv4(17, udp(port, 53, Bytes(24, 1), client), client, kVip, 0x2000, id));
    case 7:
    case 8:
      return ethernet(0x0800, ipv4(17, Bytes(16, 2), client, kVip, 4, id));
    case 9:
      return ethernet(0x0806, arp(1, kClientMac, client, kVip));
    case 10:
      return ethernet(0x0800, ipv4(17, Bytes(16, 2), client, kVip, 0, id), dice.chance(50) ? kVmac : kOwnMac);
    default: {
      Bytes garbage(dice.below(60));
      for (uint8_t& byte : garbage) byte = static_cast<uint8_t>(dice.below(256));
      return ethernet(dice.chance(50) ? 0x0800 : 0x86dd, garbage);
    }
  }
}

covey::FrameView viewOf(const Bytes& bytes) {
  covey::FrameView view;
  view.data = bytes.data();
  view.capturedLength = view.wireLength = static_cast<uint32_t>(bytes.size());
  return view;
}

class Pace final : public covey::Pace {
 public:
  Pace(const std::vector<Frame>& frames, uint64_t nowMs) : frames_(frames), nowMs_(nowMs) {}
  /** Time passes between two frames. */
  covey::Moment next(size_t index) override { return {frames_[index].leaseOpen, nowMs_ + index}; }

 private:
  const std::vector<Frame>& frames_;
  uint64_t nowMs_;
};

void together(Node& node, const std::vector<Frame>& frames) {
  std::vector<covey::FrameView> views;
  for (const Frame& frame : frames) views.push_back(viewOf(frame.bytes));
  Pace pace(frames, node.now);
  node.filter.handle(views.data(), views.size(), pace, node.sink);
}

void oneByOne(Node& node, const std::vector<Frame>& frames) {
  for (size_t i = 0; i < frames.size(); i++) {
    node.filter.handle(viewOf(frames[i].bytes), frames[i].leaseOpen, node.now + i, node.sink);
  }
}

/** Tables change between groups: some buckets ours, some pending, some others'. */
void change(Node& node, Dice& dice) {
  Dice same = dice;
  covey::Bitmap some{};
  for (uint8_t& byte : some) byte = static_cast<uint8_t>(same.below(256));
  const auto plan = static_cast<uint8_t>(same.below(3));
  switch (same.below(5)) {
    case 0:
      return node.filter.own(plan, some, node.now, node.sink);
    case 1:
      return node.filter.hold(plan, some);
    case 2:
      return node.filter.unhold(plan, some);
    case 3:
      node.filter.cut(plan, some, 1, node.now, node.sink);
      return;
    default:
      return node.filter.reset();
  }
}

void live(uint32_t seed, uint64_t& accepted) {
  Dice dice(seed);
  Node one(256), many(256);
  one.ownAll();
  many.ownAll();
  for (int group = 0; group < kGroupsALife; group++) {
    std::vector<Frame> frames(1 + dice.below(covey::Filter::kMostFrames));
    for (Frame& frame : frames) frame = {someFrame(dice), !dice.chance(3)};
    oneByOne(one, frames);
    together(many, frames);
    if (dice.chance(20)) {
      change(one, dice);
      change(many, dice);
      dice.below(2);
    }
    one.now = many.now += 50;
    one.filter.expire(one.now);
    many.filter.expire(many.now);
  }
  CHECK(one.slots == many.slots);
  CHECK(one.sink.injected == many.sink.injected);
  CHECK(one.sink.answers == many.sink.answers);
  for (uint8_t plan = 0; plan < 3; plan++) {
    CHECK_EQ(farm::countOf(one.cutAll(plan), 0), farm::countOf(many.cutAll(plan), 0));
  }
  accepted += one.count(Counter::accepted);
  CHECK(one.count(Counter::fragmentsHeld) > 0);
  CHECK(one.count(Counter::rejectedLeaseLapsed) > 0);
}

}  // namespace

TEST("together: 60 lives of 80 groups have the outcome that frames have one by one") {
  uint64_t accepted = 0;
  for (uint32_t seed = 1; seed <= kLives; seed++) live(seed, accepted);
  CHECK(accepted > 5000);
}

TEST("together: keys are hashed as alone, of one kind or mixed") {
  Dice dice(7);
  for (int round = 0; round < 2000; round++) {
    covey::KeyRecord keys[covey::kHashLanes];
    const covey::KeyRecord* pointers[covey::kHashLanes];
    const bool isMixed = dice.chance(30);
    const auto affinity = static_cast<covey::Affinity>(dice.below(3));
    const bool isIpv6 = dice.chance(50);
    for (size_t lane = 0; lane < covey::kHashLanes; lane++) {
      covey::Address address{};
      for (uint8_t& byte : address) byte = static_cast<uint8_t>(dice.below(256));
      keys[lane] = covey::makeKey(static_cast<uint8_t>(dice.below(8)), isMixed ? static_cast<covey::Affinity>(dice.below(3)) : affinity,
                                  isMixed ? dice.chance(50) : isIpv6, address, static_cast<uint16_t>(dice.below(65536)));
      pointers[lane] = &keys[lane];
    }
    uint32_t hashes[covey::kHashLanes];
    covey::hashKeys(pointers, farm::kSeed, hashes);
    for (size_t lane = 0; lane < covey::kHashLanes; lane++) CHECK_EQ(hashes[lane], covey::hashKey(keys[lane], farm::kSeed));
  }
}

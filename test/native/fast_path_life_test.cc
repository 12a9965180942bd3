// A Filter with the fast path, and the model of a kernel before it, beside one without: random lives.
#include <set>
#include <string>

#include "check.h"
#include "fast_path_bed.h"
#include "filter/rule_counters.h"
#include "filter/table_work.h"

namespace {

using namespace packets;
using namespace fastpath;
using covey::TableOpKind;
using farm::connectionKey;
using farm::Counter;
using farm::Node;

/** What a life does to both nodes. */
struct Arrival {
  Bytes bytes;
  int32_t strippedVlan = covey::kNoStrippedVlan;
};

Arrival someArrival(Dice& dice) {
  const auto port = static_cast<uint16_t>(1 + dice.below(6));
  const Bytes client = {10, 77, static_cast<uint8_t>(dice.below(2)), static_cast<uint8_t>(100 + dice.below(2))};
  const uint8_t flags = dice.below(1000) < 985 ? kAck : dice.chance(60) ? kSyn : dice.chance(50) ? kFin : kRst;
  const Bytes payload(dice.below(3) * 4, 1);
  const uint16_t services[] = {80, 80, 443, 8000, 8001, 9000};
  const uint16_t service = services[dice.below(6)];
  Arrival arrival;
  switch (dice.below(16)) {
    case 0:
    case 1:
    case 2:
      arrival.bytes = udpFrame(port, dice.chance(50) ? 53 : 5000, client);
      break;
    case 3:
    case 4:
    case 5: {
      Bytes client6 = kClient6;
      client6[15] = static_cast<uint8_t>(dice.below(2));
      arrival.bytes = ethernet(0x86dd, ipv6(6, tcp(port, service, flags, payload, client6, kVip6), client6));
      break;
    }
    case 6:
      if (dice.chance(50)) {
        arrival.bytes = ethernet(0x0800, ipv4(6, tcp(port, service, flags, Bytes(12, 1), client), client, kVip, 0x2000, port));
        break;
      }
      [[fallthrough]];
    default:
      arrival.bytes = tcpFrame(port, service, flags, payload, client);
  }
  if (dice.chance(2)) arrival.bytes = to(kOwnMac, arrival.bytes);
  if (dice.chance(2)) arrival.strippedVlan = 0;
  if (port % 4 == 0) arrival.bytes = to(kGroupVmac, arrival.bytes);
  return arrival;
}

covey::FrameView viewOf(const Arrival& arrival) {
  covey::FrameView view;
  view.data = arrival.bytes.data();
  view.capturedLength = view.wireLength = static_cast<uint32_t>(arrival.bytes.size());
  view.strippedVlan = arrival.strippedVlan;
  return view;
}

std::set<std::string> keepsOf(const covey::TableResult& result) {
  std::set<std::string> all;
  for (const covey::KeeperKeeps& group : result.groups) {
    for (size_t at = 0; at + covey::kKeepBytes <= group.keeps.size(); at += covey::kKeepBytes) {
      all.insert(std::to_string(group.keeper) + std::string(&group.keeps[at], &group.keeps[at] + covey::kKeepBytes));
    }
  }
  return all;
}

class Life {
 public:
  explicit Life(uint32_t seed) : dice_(seed) { slow_.ownAll(); }

  void live(uint32_t steps) {
    for (uint32_t step = 0; step < steps; step++) {
      frame();
      pass();
      if (dice_.below(1000) < 2) command();
      if (step % 4000 == 3999) compareKeys();
    }
    compareKeys();
    for (const Counter counter : {Counter::accepted, Counter::rejectedNotOwner, Counter::rejectedForeignKeep, Counter::held,
                                  Counter::rejectedLeaseLapsed, Counter::heldDiscarded, Counter::replayed}) {
      CHECK_EQ(bed_.node.count(counter), slow_.count(counter));
    }
    // The sink of a Node does not count what it gets; the kernel's packets are all that was added.
    CHECK_EQ(bed_.node.count(Counter::injected), taken);
    CHECK_EQ(bed_.node.count(Counter::acceptedInKernel), taken);
    CHECK_EQ(bed_.node.sink.injected.size() + taken, slow_.sink.injected.size());
    for (size_t slot = 0; slot < farm::kRuleSlots; slot++) {
      for (const Counter outcome : covey::kRuleOutcomes) {
        CHECK_EQ(bed_.node.countOfRule(slot, outcome), slow_.countOfRule(slot, outcome));
      }
    }
  }

  uint64_t taken = 0, listed = 0, handled = 0;

 private:
  void frame() {
    const Arrival arrival = someArrival(dice_);
    const bool leaseOpen = !isLapsed_;
    const covey::Verdict expected = slow_.filter.handle(viewOf(arrival), leaseOpen, slow_.now, slow_.sink);
    const auto nowNs = static_cast<int64_t>(bed_.node.now) * 1'000'000;
    if (kernelTakes(*bed_.table, arrival.bytes, nowNs, arrival.strippedVlan >= 0)) {
      taken++;
      CHECK(expected.kind == covey::VerdictKind::accept);
      return;
    }
    handled++;
    const covey::Verdict verdict = bed_.node.filter.handle(viewOf(arrival), leaseOpen, bed_.node.now, bed_.node.sink);
    CHECK_EQ(covey::counterName(verdict.reason), covey::counterName(expected.reason));
  }

  /** Time, and what the loop does in it. */
  void pass() {
    const uint64_t ms = dice_.chance(60) ? 0 : dice_.chance(99) ? dice_.below(4) : dice_.chance(90) ? dice_.below(3000) : dice_.below(70'000);
    slow_.now = bed_.node.now += ms;
    if (isLapsed_ || dice_.below(3000) == 0) lapse(!isLapsed_);
    bed_.node.filter.setFastLease(isLapsed_ ? 0 : static_cast<int64_t>(bed_.node.now + 50) * 1'000'000);
    if (!isLapsed_) bed_.node.filter.openFastPath(dice_.chance(50), bed_.node.now);
    bed_.node.filter.expire(bed_.node.now);
    slow_.filter.expire(slow_.now);
    // As in the loop, it comes 20 ms later at the latest.
    if (ms > 3 || dice_.chance(30)) bed_.collect();
  }

  void lapse(bool isLapsed) {
    isLapsed_ = isLapsed;
    if (!isLapsed) return both([](Node& node) { node.ownAll(); });
    both([](Node& node) { node.filter.reset(); });
  }

  template <class Do>
  void both(Do what) {
    what(bed_.node);
    what(slow_);
  }

  covey::Bitmap someBuckets() {
    covey::Bitmap some{};
    for (uint8_t& byte : some) byte = static_cast<uint8_t>(dice_.below(256));
    return some;
  }

  void command() {
    if (isLapsed_) return;
    static constexpr TableOpKind kKinds[] = {TableOpKind::own, TableOpKind::own, TableOpKind::hold, TableOpKind::unhold,
                                             TableOpKind::offer, TableOpKind::offer, TableOpKind::withdraw, TableOpKind::cut, TableOpKind::honour,
                                             TableOpKind::release, TableOpKind::dropKeeper, TableOpKind::forget, TableOpKind::dropKeeps,
                                             TableOpKind::listEnded, TableOpKind::holdKeys, TableOpKind::unholdKeys};
    covey::TableOp op = opOf(kKinds[dice_.below(sizeof kKinds / sizeof *kKinds)], static_cast<uint8_t>(dice_.below(3)));
    op.buckets = someBuckets();
    op.serial = serial_++;
    op.limit = 1000;
    op.all = dice_.chance(50);
    op.keeper = 3;
    const bool isForeign = op.kind != TableOpKind::dropKeeps;
    const covey::KeyRecord key = dice_.chance(50) ? connectionKey(static_cast<uint16_t>(1 + dice_.below(12))) : farm::clientKey();
    op.groups = {farm::keeps(isForeign ? 3 : 0, {key}, op.serial)};
    covey::TableWork fast(op), slow(op);
    while (!bed_.node.filter.advance(fast, 3, bed_.node.now, bed_.node.sink)) between();
    while (!slow_.filter.advance(slow, 0xffffffffu, slow_.now, slow_.sink)) {
    }
    compare(fast.take(), slow.take());
    // So that most of the life is not spent without buckets.
    if (dice_.chance(80)) both([](Node& node) { node.ownAll(); });
  }

  /** Nothing is taken in the middle of a command. */
  void between() {
    for (const covey::FastSlot& slot : bed_.table->slots) CHECK(slot.generation != bed_.table->header.generation);
  }

  void compare(const covey::TableResult& fast, const covey::TableResult& slow) {
    const auto left = keepsOf(fast), right = keepsOf(slow);
    listed += right.size();
    CHECK(left == right);
  }

  /** A cut lists every living key. */
  void compareKeys() {
    if (isLapsed_) lapse(false);
    for (uint8_t plan = 0; plan < 3; plan++) {
      compare(bed_.node.cutAll(plan, serial_), slow_.cutAll(plan, serial_));
      serial_++;
    }
    both([](Node& node) { node.ownAll(); });
  }

  Dice dice_;
  Bed bed_;
  Node slow_;
  bool isLapsed_ = false;
  uint32_t serial_ = 10;
};

}  // namespace

TEST("fast path: a node with it and one without it differ in nothing but who takes a packet") {
  uint64_t taken = 0, listed = 0, handled = 0;
  for (uint32_t seed = 1; seed <= 12; seed++) {
    Life life(seed);
    life.live(12'000);
    taken += life.taken;
    listed += life.listed;
    handled += life.handled;
  }
  // All of it happened often enough to mean something.
  CHECK(taken > 40'000);
  CHECK(handled > 20'000);
  CHECK(listed > 1000);
}

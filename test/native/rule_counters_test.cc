// Packets counted rule by rule: each once, with the verdict that decides about it, in the slot of its rule.
#include <numeric>

#include "check.h"
#include "farm.h"

namespace {

using namespace packets;
using farm::allBuckets;
using farm::Counter;
using farm::Node;

/** The slots of the rules in farm::shape. */
constexpr size_t kWeb = 0, kApp = 1, kDns = 3;

uint64_t countedByRule(const Node& node) {
  return std::accumulate(node.slots.begin() + covey::kCounterCount, node.slots.end(), uint64_t{0});
}

}  // namespace

TEST("an accepted packet counts for its rule alone, whichever of the rule's ports it goes to") {
  Node node;
  node.ownAll();
  for (const uint16_t port : {80, 443, 80}) node.handle(tcpFrame(40000, port, kSyn));
  node.handle(udpFrame(40000, 53));
  CHECK_EQ(node.countOfRule(kWeb, Counter::accepted), 3u);
  CHECK_EQ(node.countOfRule(kDns, Counter::accepted), 1u);
  CHECK_EQ(countedByRule(node), 4u);
}

TEST("a rejection counts for its rule by reason; what no rule takes, and ICMP echo, for none") {
  Node node;
  node.handle(tcpFrame(40000, 80, kSyn));
  node.handle(tcpFrame(40000, 81, kSyn));
  CHECK_EQ(node.countOfRule(kWeb, Counter::rejectedNotOwner), 1u);
  node.ownAll();
  node.filter.honour({farm::keeps(3, {farm::clientKey()}, 1)}, node.now);
  node.handle(tcpFrame(40000, 8000, kSyn));
  CHECK_EQ(node.countOfRule(kApp, Counter::rejectedForeignKeep), 1u);
  CHECK_EQ(countedByRule(node), 2u);
}

TEST("a held packet counts when it is decided about, not when it is held") {
  Node node;
  node.filter.hold(0, allBuckets());
  node.handle(tcpFrame(40000, 80, kSyn));
  CHECK_EQ(node.count(Counter::held), 1u);
  CHECK_EQ(countedByRule(node), 0u);
  node.filter.own(0, allBuckets(), node.now, node.sink);
  CHECK_EQ(node.countOfRule(kWeb, Counter::accepted), 1u);
  CHECK_EQ(countedByRule(node), 1u);
}

TEST("a later fragment counts for the rule of its first one, also when it came before it") {
  Node node;
  node.ownAll();
  const Bytes later = ethernet(0x0800, ipv4(17, Bytes(16, 2), kClient, kVip, 4));
  node.handle(later);
  CHECK_EQ(countedByRule(node), 0u);
  node.handle(ethernet(0x0800, ipv4(17, udp(40000, 53, Bytes(24, 1)), kClient, kVip, 0x2000)));
  node.handle(later);
  CHECK_EQ(node.countOfRule(kDns, Counter::accepted), 3u);
}

TEST("with another shape a rule counts on in its slot, wherever it stands in the list") {
  Node node;
  node.ownAll();
  node.handle(tcpFrame(40000, 80, kSyn));
  covey::Shape shape = farm::shape();
  std::swap(shape.rules.front(), shape.rules.back());
  shape.rules.back().rule = 4;
  node.filter.setShape(shape);
  node.handle(tcpFrame(40000, 80, kSyn));
  CHECK_EQ(node.countOfRule(kWeb, Counter::accepted), 2u);
}

TEST("a slot without room counts nothing and harms nothing") {
  Node node;
  node.ownAll();
  covey::Shape shape = farm::shape();
  for (covey::RuleEntry& entry : shape.rules) entry.slot = entry.firstPort == 80 ? farm::kRuleSlots : covey::kUncounted;
  node.filter.setShape(shape);
  for (const uint16_t port : {80, 443}) CHECK_EQ(node.handle(tcpFrame(40000, port, kSyn)), std::string("accepted"));
  CHECK_EQ(node.count(Counter::accepted), 2u);
  CHECK_EQ(countedByRule(node), 0u);
}

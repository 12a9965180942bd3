// Table commands in slices, with frames between them: nobody can tell but by the time that it takes.
#include <set>

#include "check.h"
#include "farm.h"
#include "filter/keep_list.h"
#include "filter/table_work.h"

namespace {

using namespace packets;
using farm::allBuckets;
using farm::connectionKey;
using farm::Counter;
using farm::Node;

covey::TableOp opOf(covey::TableOpKind kind, uint32_t serial = 0) {
  covey::TableOp op;
  op.kind = kind;
  op.buckets = allBuckets();
  op.serial = serial;
  return op;
}

/** Carries the command out, `most` entries at a time; `between` is called between two slices. Gives how many there were. */
template <class Between>
int inSlices(Node& node, const covey::TableOp& op, uint32_t most, covey::TableResult& result, Between between) {
  covey::TableWork work(op);
  int slices = 1;
  for (; !node.filter.advance(work, most, node.now, node.sink); slices++) between();
  result = work.take();
  return slices;
}

void open(Node& node, uint16_t port) {
  node.handle(tcpFrame(port, 80, kSyn));
  node.handle(tcpFrame(port, 80, kAck));
}

std::set<std::string> keysOf(const covey::TableResult& result) {
  std::set<std::string> keys;
  for (const covey::KeeperKeeps& group : result.groups) {
    covey::forEachKeep(group.keeps, [&](const covey::Keep& keep) {
      keys.insert(std::string(keep.key.bytes.begin(), keep.key.bytes.end()) + static_cast<char>(group.keeper));
    });
  }
  return keys;
}

}  // namespace

TEST("slices: during a cut every offered key is served and no other one is") {
  Node node;
  node.ownAll();
  for (uint16_t port = 1; port <= 200; port++) open(node, port);
  covey::TableResult listed, difference;
  inSlices(node, opOf(covey::TableOpKind::offer, 7), 5, listed, [] {});
  for (uint16_t port = 201; port <= 220; port++) open(node, port);
  uint16_t stranger = 1000;
  const int slices = inSlices(node, opOf(covey::TableOpKind::cut, 7), 5, difference, [&] {
    for (uint16_t port = 1; port <= 220; port++) CHECK_EQ(node.handle(tcpFrame(port, 80, kAck)), std::string("accepted"));
    CHECK_EQ(node.handle(tcpFrame(stranger++, 80, kSyn)), std::string("rejectedNotOwner"));
  });
  CHECK(slices > 20);
  CHECK_EQ(farm::countOf(listed, 0), 200u);
  CHECK_EQ(farm::countOf(difference, 0), 20u);
  CHECK_EQ(node.filter.kept().count, 220u);
  CHECK_EQ(node.count(Counter::keysEvicted), 0u);
}

TEST("slices: a key taken while an offer works is listed by it or by the cut") {
  Node node;
  node.ownAll();
  for (uint16_t port = 1; port <= 100; port++) open(node, port);
  covey::TableResult listed, difference;
  uint16_t next = 101;
  inSlices(node, opOf(covey::TableOpKind::offer, 1), 3, listed, [&] { open(node, next++); });
  inSlices(node, opOf(covey::TableOpKind::cut, 1), 3, difference, [] {});
  std::set<std::string> all = keysOf(listed);
  for (const std::string& key : keysOf(difference)) CHECK(all.insert(key).second);
  CHECK(next > 120);
  CHECK_EQ(all.size(), static_cast<size_t>(next - 1));
}

TEST("slices: held frames are replayed when their bucket becomes ours, before any newer one") {
  Node node;
  node.filter.hold(0, allBuckets());
  for (uint16_t port = 1; port <= 50; port++) node.handle(tcpFrame(port, 80, kSyn));
  CHECK_EQ(node.count(Counter::held), 50u);
  covey::TableResult nothing;
  inSlices(node, opOf(covey::TableOpKind::own), 1, nothing, [&] {
    CHECK_EQ(node.count(Counter::replayed), 50u);
    CHECK_EQ(node.handle(tcpFrame(1, 80, kAck)), std::string("accepted"));
  });
  CHECK_EQ(node.count(Counter::accepted) >= 50u, true);
}

TEST("slices: a cut without an offer before it is one slice, for nothing tells its keeps apart") {
  Node node;
  node.ownAll();
  for (uint16_t port = 1; port <= 100; port++) open(node, port);
  covey::TableResult difference;
  CHECK_EQ(inSlices(node, opOf(covey::TableOpKind::cut, 1), 1, difference, [] {}), 1);
  CHECK_EQ(farm::countOf(difference, 0), 100u);
}

TEST("slices: a reset in the middle leaves nothing behind") {
  Node node;
  node.ownAll();
  for (uint16_t port = 1; port <= 100; port++) open(node, port);
  const covey::TableOp offer = opOf(covey::TableOpKind::offer, 1), cut = opOf(covey::TableOpKind::cut, 1);
  covey::TableResult listed;
  inSlices(node, offer, 1000, listed, [] {});
  covey::TableWork work(cut);
  CHECK(!node.filter.advance(work, 3, node.now, node.sink));
  node.filter.reset();
  CHECK_EQ(node.classify(tcpFrame(1, 80, kAck)), std::string("rejectedNotOwner"));
  CHECK_EQ(node.filter.kept().count, 0u);
  node.ownAll();
  CHECK_EQ(node.handle(tcpFrame(1, 80, kAck)), std::string("accepted"));
}

TEST("slices: against the same commands whole, with random traffic between") {
  uint32_t random = 11;
  const auto next = [&](uint32_t below) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % below;
  };
  for (int round = 0; round < 30; round++) {
    Node whole(4096), sliced(4096);
    for (Node* node : {&whole, &sliced}) node->ownAll();
    const auto traffic = [&] {
      const Bytes frame = tcpFrame(static_cast<uint16_t>(1 + next(300)), 80, next(4) == 0 ? kSyn : kAck);
      CHECK_EQ(whole.handle(frame), sliced.handle(frame));
    };
    for (int i = 0; i < 300; i++) traffic();
    const covey::TableOp offer = opOf(covey::TableOpKind::offer, 3), cut = opOf(covey::TableOpKind::cut, 3);
    std::set<std::string> ofWhole = keysOf(whole.filter.apply(offer, whole.now, whole.sink));
    covey::TableResult listed, difference;
    inSlices(sliced, offer, 1 + next(20), listed, traffic);
    for (int i = 0; i < 50; i++) traffic();
    for (const std::string& key : keysOf(whole.filter.apply(cut, whole.now, whole.sink))) ofWhole.insert(key);
    inSlices(sliced, cut, 1 + next(20), difference, traffic);
    std::set<std::string> ofSliced = keysOf(listed);
    for (const std::string& key : keysOf(difference)) ofSliced.insert(key);
    CHECK(ofWhole == ofSliced);
    for (int i = 0; i < 100; i++) traffic();
    CHECK_EQ(whole.filter.kept().count, sliced.filter.kept().count);
  }
}

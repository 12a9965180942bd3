// What the filter makes of packets that the kernel took by itself. The kernel is played by the test: it writes into the slots that lie open.
#include <memory>

#include "check.h"
#include "farm.h"
#include "filter/fast_path.h"
#include "filter/flow_life.h"

namespace {

using namespace packets;
using covey::FastSlot;
using covey::FastTable;
using farm::Counter;
using farm::Node;

struct FastNode : Node {
  explicit FastNode(uint32_t maxKeys = 1024) : Node(maxKeys) {
    filter.useFastPath(table.get());
    ownAll();
  }
  ~FastNode() { filter.useFastPath(nullptr); }

  bool isOpen(const FastSlot& slot) const { return slot.generation == table->header.generation; }
  /** The only slot that is open, or null. */
  FastSlot* open() {
    FastSlot* found = nullptr;
    for (FastSlot& slot : table->slots) {
      if (!isOpen(slot)) continue;
      if (found != nullptr) return nullptr;
      found = &slot;
    }
    return found;
  }
  /** A connection that has gone on for long enough. */
  FastSlot* connect() {
    handle(tcpFrame(40000, 80, kSyn));
    for (int i = 0; i < 3; i++, now += 5) handle(tcpFrame(40000, 80, kAck, {1}));
    filter.openFastPath(true, now);
    return open();
  }
  void take(FastSlot& slot, uint32_t packets, uint64_t atMs) {
    slot.packets += packets;
    slot.lastSeenMs = static_cast<uint32_t>(atMs);
  }

  std::unique_ptr<FastTable> table = std::make_unique<FastTable>();
};

}  // namespace

TEST("fast path: what the kernel took is counted, and keeps the key alive") {
  FastNode node;
  FastSlot* slot = node.connect();
  CHECK(slot != nullptr);
  if (slot == nullptr) return;
  const uint64_t accepted = node.count(Counter::accepted);
  for (int i = 0; i < 10; i++) {
    node.now += covey::kTcpIdleMs / 2;
    node.take(*slot, 7, node.now);
    node.filter.collectFastPath(node.now);
    node.filter.expire(node.now);
  }
  CHECK_EQ(node.count(Counter::accepted) - accepted, 70u);
  CHECK_EQ(node.count(Counter::acceptedInKernel), 70u);
  CHECK_EQ(farm::countOf(node.cutAll(0), 0), 1u);
}

TEST("fast path: every table command closes it, and counts what was taken until then") {
  FastNode node;
  FastSlot* slot = node.connect();
  CHECK(slot != nullptr);
  if (slot == nullptr) return;
  node.take(*slot, 3, node.now);
  node.filter.hold(1, farm::oneBucket(0));
  CHECK(!node.isOpen(*slot));
  CHECK_EQ(node.count(Counter::acceptedInKernel), 3u);
}

// The time of a command is read before the slots are: a packet may come in between, in the next millisecond.
TEST("fast path: a key that the kernel saw a moment later than now is alive") {
  for (uint64_t laterMs : {0, 1, 20}) {
    FastNode node;
    FastSlot* slot = node.connect();
    CHECK(slot != nullptr);
    if (slot == nullptr) return;
    node.take(*slot, 1, node.now + laterMs);
    CHECK_EQ(farm::countOf(node.cutAll(0), 0), 1u);
  }
}

TEST("fast path: a connection that the kernel saw a moment later than now stays open") {
  FastNode node;
  FastSlot* slot = node.connect();
  CHECK(slot != nullptr);
  if (slot == nullptr) return;
  node.take(*slot, 1, node.now + 1);
  node.filter.collectFastPath(node.now);
  CHECK(node.isOpen(*slot));
}

TEST("fast path: an idle connection is closed, and its key lives on") {
  FastNode node;
  FastSlot* slot = node.connect();
  CHECK(slot != nullptr);
  if (slot == nullptr) return;
  node.now += 10'000;
  node.filter.collectFastPath(node.now);
  CHECK(!node.isOpen(*slot));
  CHECK_EQ(farm::countOf(node.cutAll(0), 0), 1u);
}

TEST("fast path: a segment that ends the connection closes it") {
  for (uint8_t flags : {kFin, kRst}) {
    FastNode node;
    FastSlot* slot = node.connect();
    CHECK(slot != nullptr);
    if (slot == nullptr) return;
    node.take(*slot, 2, node.now);
    node.handle(tcpFrame(40000, 80, flags));
    CHECK(!node.isOpen(*slot));
    CHECK_EQ(node.count(Counter::acceptedInKernel), 2u);
    node.now += covey::kLingerMs;
    CHECK_EQ(farm::countOf(node.cutAll(0), 0), 0u);
  }
}

TEST("fast path: a lapse closes it") {
  FastNode node;
  FastSlot* slot = node.connect();
  CHECK(slot != nullptr);
  if (slot == nullptr) return;
  node.filter.reset();
  CHECK(!node.isOpen(*slot));
}

// There are fewer places for candidates than there may be connections: those that take turns must not push each other out for ever.
TEST("fast path: of very many connections that take turns, most are opened") {
  constexpr uint32_t kConnections = 24'000;
  FastNode node(65'536);
  const auto eachOne = [&](const auto& act) {
    for (uint32_t i = 0; i < kConnections; i++) {
      act(tcpFrame(uint16_t(1024 + i), 80, kAck, {1}));
    }
  };
  eachOne([&](const Bytes& frame) {
    node.handle(frame);
    node.handle(frame);
  });
  for (int round = 0; round < 10; round++) {
    node.now += 10;
    uint32_t handled = 0;
    eachOne([&](const Bytes& frame) {
      node.handle(frame);
      if (++handled % 500 == 0) node.filter.openFastPath(true, node.now);
    });
  }
  uint32_t open = 0;
  for (const FastSlot& slot : node.table->slots) open += node.isOpen(slot);
  CHECK(open > kConnections * 3 / 4);
}

// The hold ring: bounded, in order, no byte lost between frames.
#include "check.h"
#include "farm.h"
#include "filter/hold_ring.h"

namespace {

using packets::Bytes;

bool push(covey::HoldRing& ring, uint8_t mark, size_t length) {
  const Bytes bytes(length, mark);
  covey::FrameView view;
  view.data = bytes.data();
  view.capturedLength = view.wireLength = static_cast<uint32_t>(length);
  return ring.push(view, covey::KeyRecord{}, mark);
}

/** First byte of each frame left, in order; checks that each frame is whole. */
std::string content(covey::HoldRing& ring) {
  std::string marks;
  ring.visit([&](const covey::HeldFrame& held) {
    for (uint32_t at = 0; at < held.frame.capturedLength; at++) CHECK_EQ(held.frame.data[at], held.frame.data[0]);
    marks.push_back(static_cast<char>(held.frame.data[0]));
    return false;
  });
  return marks;
}

void take(covey::HoldRing& ring, char mark) {
  ring.visit([&](const covey::HeldFrame& held) { return held.frame.data[0] == static_cast<uint8_t>(mark); });
}

}  // namespace

TEST("ring: bounded in frames") {
  covey::HoldRing ring(2, 1000);
  CHECK(push(ring, 'a', 10) && push(ring, 'b', 10));
  CHECK(!push(ring, 'c', 10));
  CHECK_EQ(content(ring), std::string("ab"));
}

TEST("ring: bounded in bytes") {
  covey::HoldRing ring(10, 25);
  CHECK(push(ring, 'a', 10) && push(ring, 'b', 10));
  CHECK(!push(ring, 'c', 6));
  CHECK(push(ring, 'd', 5));
  CHECK_EQ(content(ring), std::string("abd"));
}

TEST("ring: no bytes at all hold nothing") {
  covey::HoldRing ring(0, 0);
  CHECK(!push(ring, 'a', 10));
}

TEST("ring: frames leave from the middle, and their room is used again") {
  covey::HoldRing ring(100, 40);
  for (char mark : {'a', 'b', 'c', 'd'}) CHECK(push(ring, static_cast<uint8_t>(mark), 10));
  take(ring, 'b');
  CHECK(push(ring, 'e', 10));
  CHECK_EQ(content(ring), std::string("acde"));
  take(ring, 'a');
  take(ring, 'd');
  CHECK(push(ring, 'f', 15));
  CHECK_EQ(content(ring), std::string("cef"));
  CHECK_EQ(ring.count(), 3u);
}

TEST("ring: an emptied ring has all its room") {
  covey::HoldRing ring(2, 20);
  for (int round = 0; round < 5; round++) {
    CHECK(push(ring, 'a', 10) && push(ring, 'b', 10));
    take(ring, 'a');
    take(ring, 'b');
  }
  CHECK_EQ(ring.count(), 0u);
}

TEST("overflow of the ring is counted, and only what it held is replayed") {
  farm::Node node(1024, 2);
  node.filter.hold(0, farm::allBuckets());
  for (uint16_t port = 40000; port < 40003; port++) node.handle(packets::tcpFrame(port, 80, packets::kSyn));
  CHECK_EQ(node.count(farm::Counter::held), 2u);
  CHECK_EQ(node.count(farm::Counter::heldOverflow), 1u);
  node.ownAll();
  CHECK_EQ(node.sink.injected.size(), 2u);
}

TEST("a frame held for two reasons in turn keeps its place") {
  farm::Node node;
  const covey::KeyRecord key = farm::connectionKey(40000);
  node.filter.hold(0, farm::allBuckets());
  node.handle(packets::tcpFrame(40000, 80, packets::kSyn));
  node.filter.honour({farm::keeps(3, {key}, 1)}, node.now);
  node.filter.holdKeys({farm::keeps(3, {key}, 1)});
  node.ownAll();
  CHECK(node.sink.injected.empty());
  CHECK_EQ(node.count(farm::Counter::replayed), 0u);
  CHECK_EQ(node.count(farm::Counter::held), 1u);
  node.filter.release({farm::keeps(3, {key}, 1)}, node.now, node.sink);
  CHECK_EQ(node.sink.injected.size(), 1u);
}

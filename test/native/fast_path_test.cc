// The fast path: which connections the kernel may take and until when, with a model of the kernel before the Filter.
#include "filter/fast_path.h"

#include <set>

#include "check.h"
#include "fast_path_bed.h"
#include "filter/table_work.h"

namespace {

using namespace packets;
using namespace fastpath;
using covey::TableOpKind;
using farm::allBuckets;
using farm::connectionKey;
using farm::Counter;

/** With an option (no operation) in the header. */
Bytes withOption(const Bytes& segment) {
  Bytes header = join({{0x46, 0}, u16(static_cast<uint32_t>(24 + segment.size())), u16(7), {0x40, 0, 64, 6, 0, 0}, kClient, kVip, {1, 1, 1, 1}});
  const uint16_t sum = checksum(header);
  header[10] = static_cast<uint8_t>(sum >> 8);
  header[11] = static_cast<uint8_t>(sum);
  return ethernet(0x0800, join({header, segment}));
}

}  // namespace

TEST("fast path: a connection is opened once its packets changed nothing for 5 ms, and nothing waits") {
  Bed bed;
  const Bytes frame = tcpFrame(1, 80, kAck);
  bed.node.handle(tcpFrame(1, 80, kSyn));
  for (int ms = 0; ms < 5; ms++) {
    bed.node.handle(frame);
    bed.node.now++;
    bed.open();
    CHECK(!bed.isOpen(frame));
  }
  bed.node.handle(frame);
  CHECK(!bed.isOpen(frame));
  bed.node.filter.openFastPath(false, bed.node.now);
  CHECK(!bed.isOpen(frame));
  bed.open();
  CHECK(bed.takes(frame));
}

TEST("fast path: under a load that never ends connections are opened after 20 ms all the same") {
  Bed bed;
  const Bytes frame = tcpFrame(1, 80, kAck);
  bed.node.handle(tcpFrame(1, 80, kSyn));
  bed.prove(frame);
  bed.node.filter.openFastPath(false, bed.node.now + 19);
  CHECK(!bed.isOpen(frame));
  bed.node.filter.openFastPath(false, bed.node.now + 20);
  CHECK(bed.isOpen(frame));
}

TEST("fast path: what begins or ends a connection is never taken, and ends its time here") {
  for (const uint8_t flags : {kSyn, kFin, kRst, uint8_t{0x12}}) {
    Bed bed;
    const Bytes frame = bed.establish(1), other = bed.establish(2);
    CHECK(bed.isOpen(frame));
    CHECK(!bed.takes(tcpFrame(1, 80, flags)));
    bed.node.handle(tcpFrame(1, 80, flags));
    CHECK(!bed.isOpen(frame));
    CHECK(bed.isOpen(other));
  }
}

TEST("fast path: a connection that ends before it was opened is not opened any more") {
  for (const uint8_t flags : {kFin, kRst}) {
    Bed bed;
    const Bytes frame = tcpFrame(1, 80, kAck);
    bed.node.handle(tcpFrame(1, 80, kSyn));
    bed.prove(frame);
    bed.node.handle(tcpFrame(1, 80, flags));
    bed.open();
    CHECK(!bed.isOpen(frame));
  }
}

TEST("fast path: UDP streams and IPv6 are taken, and echoes are not") {
  Bed bed;
  const Bytes stream = udpFrame(7, 53);
  const Bytes segment = ethernet(0x86dd, ipv6(6, tcp(9, 80, kAck, {}, kClient6, kVip6)));
  bed.prove(stream);
  bed.prove(stream);
  bed.node.handle(ethernet(0x86dd, ipv6(6, tcp(9, 80, kSyn, {}, kClient6, kVip6))));
  bed.prove(segment);
  Bytes echo = {8, 0, 0, 0, 0, 1, 0, 1};
  const uint16_t sum = checksum(echo);
  echo[2] = static_cast<uint8_t>(sum >> 8);
  echo[3] = static_cast<uint8_t>(sum);
  const Bytes ping = ethernet(0x0800, ipv4(1, echo));
  bed.prove(ping);
  CHECK_EQ(bed.node.handle(ping), "accepted");
  bed.open();
  CHECK(bed.takes(stream));
  CHECK(bed.takes(segment));
  CHECK(!bed.takes(ping));
}

TEST("fast path: each connection of a client's key has its own time") {
  Bed bed;
  const Bytes one = bed.establish(1, 8000), two = bed.establish(2, 8000), three = bed.establish(3, 8001);
  CHECK(bed.takes(one) && bed.takes(two) && bed.takes(three));
  bed.node.handle(tcpFrame(2, 8000, kFin));
  CHECK(bed.isOpen(one) && !bed.isOpen(two) && bed.isOpen(three));
}

TEST("fast path: fragments and options stay here") {
  const Bytes segment = tcp(1, 80, kAck, Bytes(12, 1));
  const Bytes frames[] = {ethernet(0x0800, ipv4(6, segment, kClient, kVip, 0x2000)), withOption(segment)};
  for (const Bytes& frame : frames) {
    Bed bed;
    bed.node.handle(tcpFrame(1, 80, kSyn));
    bed.prove(frame);
    CHECK_EQ(bed.node.handle(frame), "accepted");
    bed.open();
    CHECK(!bed.isOpen(frame));
    CHECK(!bed.isOpen(tcpFrame(1, 80, kAck)));
    CHECK(!bed.takes(frame));
  }
}

TEST("fast path: neither a tag in the bytes nor one that was taken out of them opens anything") {
  Bed bed;
  covey::Shape shape = farm::shape();
  shape.vlan = 5;
  bed.node.filter.setShape(shape);
  const Bytes inside = tagged(5, 0x0800, ipv4(6, tcp(1, 80, kAck))), plain = tcpFrame(1, 80, kAck);
  covey::FrameView view;
  view.data = plain.data();
  view.capturedLength = view.wireLength = static_cast<uint32_t>(plain.size());
  view.strippedVlan = 5;
  for (int i = 0; i < 4; i++, bed.node.now += 5) {
    CHECK_EQ(bed.node.handle(inside), "accepted");
    CHECK(bed.node.filter.handle(view, true, bed.node.now, bed.node.sink).kind == covey::VerdictKind::accept);
  }
  bed.open();
  CHECK(!bed.takes(inside));
  CHECK(!bed.isOpen(plain));
  CHECK(!kernelTakes(*bed.table, plain, 1, true));
}

TEST("fast path: an identity goes by the shared MAC as it is written") {
  Bed bed;
  const Bytes unicast = bed.establish(1), group = to(kGroupVmac, unicast);
  CHECK(bed.takes(unicast));
  CHECK(!bed.takes(group));
  bed.prove(group);
  bed.open();
  CHECK(bed.takes(unicast));
  CHECK(bed.takes(group));
}

TEST("fast path: every command closes all, but for a look at what has ended") {
  for (int kind = 0; kind <= static_cast<int>(TableOpKind::reach); kind++) {
    Bed bed;
    const Bytes frame = bed.establish(1);
    CHECK(bed.takes(frame));
    covey::TableOp op = opOf(static_cast<TableOpKind>(kind), 3);
    op.limit = 100;
    bed.node.filter.apply(op, bed.node.now, bed.node.sink);
    CHECK_EQ(bed.isOpen(frame), op.kind == TableOpKind::listEnded);
    CHECK_EQ(bed.node.count(Counter::acceptedInKernel), op.kind == TableOpKind::listEnded ? 0u : 1u);
    // And opened again, where it is still ours.
    bed.prove(frame);
    bed.open();
    CHECK(bed.isOpen(frame));
  }
}

TEST("fast path: what was proposed between two slices of a command is not opened after it") {
  Bed bed;
  std::vector<Bytes> frames;
  for (uint16_t port = 1; port <= 50; port++) frames.push_back(bed.establish(port));
  covey::TableOp op = opOf(TableOpKind::offer);
  covey::TableWork work(op);
  int slices = 1;
  for (; !bed.node.filter.advance(work, 5, bed.node.now, bed.node.sink); slices++) {
    for (const Bytes& frame : frames) bed.prove(frame);
  }
  CHECK(slices > 5);
  bed.open();
  for (const Bytes& frame : frames) CHECK(!bed.isOpen(frame));
}

TEST("fast path: a reset, new rules and a table that is taken away close all") {
  Bed bed;
  Bytes frame = bed.establish(1);
  bed.node.filter.reset();
  CHECK(!bed.isOpen(frame));
  bed.node.ownAll();
  frame = bed.establish(1);
  CHECK(bed.isOpen(frame));
  bed.node.filter.setShape(farm::shape());
  CHECK(!bed.isOpen(frame));
  bed.prove(frame);
  bed.open();
  CHECK(bed.takes(frame));
  bed.node.filter.useFastPath(nullptr);
  CHECK(!bed.isOpen(frame));
  CHECK_EQ(bed.node.count(Counter::acceptedInKernel), 1u);
  bed.prove(frame);
  bed.open();
  CHECK(!bed.isOpen(frame));
}

TEST("fast path: nothing is taken without a lease, nor from its end on") {
  Bed bed;
  const Bytes frame = bed.establish(1);
  bed.node.filter.setFastLease(0);
  CHECK(!bed.takes(frame));
  bed.node.filter.setFastLease(static_cast<int64_t>(bed.node.now) * 1'000'000);
  CHECK(!bed.takes(frame));
  bed.node.filter.setFastLease(static_cast<int64_t>(bed.node.now) * 1'000'000 + 1);
  CHECK(bed.takes(frame));
}

TEST("fast path: a key that makes room for another loses its connections") {
  Bed bed(16);
  const Bytes frame = bed.establish(1);
  CHECK(bed.isOpen(frame));
  for (uint16_t port = 100; port < 140; port++) {
    bed.node.now += 1000;
    bed.node.handle(tcpFrame(port, 80, kSyn));
    bed.node.handle(tcpFrame(port, 80, kAck));
  }
  CHECK(bed.node.count(Counter::keysEvicted) > 0);
  CHECK(!bed.isOpen(frame));
}

TEST("fast path: what was taken of a key that had to make room is counted all the same") {
  Bed bed(16);
  const Bytes frame = bed.establish(1);
  const uint64_t before = bed.node.count(Counter::accepted);
  for (int i = 0; i < 7; i++) CHECK(bed.takes(frame));
  for (uint16_t port = 100; port < 140; port++) {
    bed.node.now += 1000;
    bed.node.handle(tcpFrame(port, 80, kSyn));
    bed.node.handle(tcpFrame(port, 80, kAck));
  }
  CHECK(!bed.isOpen(frame));
  bed.collect();
  CHECK_EQ(bed.node.count(Counter::accepted), before + 80 + 7);
  CHECK_EQ(bed.node.count(Counter::acceptedInKernel), 7u);
  CHECK_EQ(bed.node.countOfRule(0, Counter::accepted), before + 80 + 7);
}

TEST("fast path: a keep of another that replaces a key closes its connections, and so does its end") {
  Bed bed;
  const Bytes frame = bed.establish(1);
  bed.node.filter.honour({farm::keeps(3, {connectionKey(1)}, 1)}, bed.node.now);
  CHECK(!bed.takes(frame));
  CHECK_EQ(bed.node.handle(frame), "rejectedForeignKeep");
  const Bytes stream = udpFrame(7, 53);
  bed.prove(stream);
  bed.prove(stream);
  bed.open();
  CHECK(bed.isOpen(stream));
  bed.node.now += 60'000;
  bed.node.filter.expire(bed.node.now);
  CHECK(!bed.isOpen(stream));
}

TEST("fast path: a connection that is idle for 10 s is closed, and an active one is not") {
  Bed bed;
  const Bytes idle = bed.establish(1), active = bed.establish(2);
  bed.node.now += 9'990;
  CHECK(bed.takes(active));
  bed.collect();
  CHECK(bed.isOpen(idle) && bed.isOpen(active));
  bed.node.now += 10;
  bed.collect();
  CHECK(!bed.isOpen(idle) && bed.isOpen(active));
}

TEST("fast path: a packet that comes while the time is being read is none of 49 days ago") {
  Bed bed;
  const Bytes frame = bed.establish(1);
  CHECK(kernelTakes(*bed.table, frame, static_cast<int64_t>(bed.node.now + 1) * 1'000'000));
  bed.collect();
  CHECK(bed.isOpen(frame));
  CHECK_EQ(bed.node.classify(frame), "accepted");
  bed.node.filter.expire(bed.node.now);
  CHECK(kernelTakes(*bed.table, frame, static_cast<int64_t>(bed.node.now + 1) * 1'000'000));
  const auto listed = bed.node.cutAll(0);
  CHECK(farm::lists(listed, 0, connectionKey(1), 1));
}

TEST("fast path: what was taken is counted as accepted and injected, by rule too") {
  Bed bed;
  const Bytes web = bed.establish(1), other = bed.establish(2, 8000);
  const uint64_t accepted = bed.node.count(Counter::accepted), byRule = bed.node.countOfRule(1, Counter::accepted);
  for (int i = 0; i < 10; i++) CHECK(bed.takes(web));
  for (int i = 0; i < 3; i++) CHECK(bed.takes(other));
  CHECK_EQ(bed.node.count(Counter::accepted), accepted);
  bed.collect();
  bed.collect();
  CHECK_EQ(bed.node.count(Counter::accepted), accepted + 13);
  CHECK_EQ(bed.node.count(Counter::injected), 13u);
  CHECK_EQ(bed.node.count(Counter::acceptedInKernel), 13u);
  CHECK_EQ(bed.node.countOfRule(1, Counter::accepted), byRule + 3);
}

TEST("fast path: what the kernel takes keeps its key alive") {
  Bed bed;
  const Bytes stream = udpFrame(7, 53), idle = udpFrame(8, 53);
  for (const Bytes& frame : {stream, idle}) {
    bed.prove(frame);
    bed.prove(frame);
  }
  bed.open();
  for (int second = 0; second < 120; second++) {
    bed.node.now += 1000;
    CHECK(bed.takes(stream));
    bed.collect();
    bed.node.filter.expire(bed.node.now);
  }
  const auto listed = bed.node.cutAll(0);
  CHECK(farm::lists(listed, 0, connectionKey(7), 1));
  CHECK_EQ(farm::countOf(listed, 0), 1u);
}

TEST("fast path: of two connections of one key the slower one stays alive beside the faster") {
  Bed bed;
  const Bytes fast = bed.establish(1, 8000), slow = bed.establish(2, 8000);
  // Longer than an idle connection lives.
  for (int round = 0; round < 1600; round++) {
    bed.node.now += 4'999;
    CHECK(bed.takes(slow));
    bed.node.now += 1;
    CHECK(bed.takes(fast));
    bed.collect();
    bed.node.filter.expire(bed.node.now);
  }
  bed.node.handle(tcpFrame(1, 8000, kFin));
  bed.node.now += 2'000;
  bed.node.filter.expire(bed.node.now);
  CHECK(farm::lists(bed.node.cutAll(1), 0, farm::clientKey(), 1));
}

TEST("fast path: what came before the packet that ended its connection does not begin it anew") {
  Bed bed;
  const Bytes frame = bed.establish(1);
  bed.node.now += 100;
  CHECK(bed.takes(frame));
  bed.node.handle(tcpFrame(1, 80, kRst));
  bed.node.now += 2'000;
  CHECK_EQ(farm::countOf(bed.node.cutAll(0), 0), 0u);
}

TEST("fast path: packets after a forged end, by the other shared MAC, make an open connection again") {
  Bed bed;
  const Bytes one = bed.establish(1, 8000);
  const Bytes group = to(kGroupVmac, one);
  bed.prove(group);
  bed.open();
  bed.node.handle(tcpFrame(1, 8000, kRst));
  CHECK(!bed.isOpen(one));
  bed.node.now += 100;
  CHECK(bed.takes(group));
  CHECK(bed.takes(group));
  bed.collect();
  bed.node.now += 60'000;
  CHECK(farm::lists(bed.node.cutAll(1), 0, farm::clientKey(), 1));
}

TEST("fast path: a third connection with the same two places stays here") {
  Bed bed;
  std::vector<Bytes> rivals;
  uint32_t place = 0;
  for (uint32_t port = 1; rivals.size() < 3 && port < 65536; port++) {
    for (uint8_t last = 1; rivals.size() < 3 && last < 200; last++) {
      const Bytes frame = tcpFrame(static_cast<uint16_t>(port), 80, kAck, {}, {10, 77, 1, last});
      covey::FastIdentity identity;
      identify(frame, identity);
      if (rivals.empty()) place = covey::fastSlotOf(identity);
      if ((covey::fastSlotOf(identity) ^ place) > 1) continue;
      rivals.push_back(frame);
      bed.establish(static_cast<uint16_t>(port), 80, {10, 77, 1, last});
    }
  }
  CHECK_EQ(rivals.size(), 3u);
  CHECK(bed.isOpen(rivals[0]) && bed.isOpen(rivals[1]) && !bed.isOpen(rivals[2]));
  bed.node.handle(rivals[2]);
  // A place that became free is for who comes next.
  Bytes end = rivals[0];
  end[14 + 20 + 13] = kRst;
  bed.node.handle(end);
  bed.prove(rivals[2]);
  bed.open();
  CHECK(!bed.isOpen(rivals[0]) && bed.isOpen(rivals[1]) && bed.isOpen(rivals[2]));
}

TEST("fast path: a generation is never one of the last thousands, and never 0") {
  Bed bed;
  bed.table->header.generation = 0xffffffffu - 1000;
  bed.node.filter.useFastPath(bed.table.get());
  const Bytes frame = bed.establish(1);
  std::set<uint32_t> seen;
  for (int round = 0; round < 3000; round++) {
    CHECK(bed.isOpen(frame));
    bed.node.filter.unhold(7, allBuckets());
    CHECK(!bed.isOpen(frame));
    CHECK(bed.table->header.generation != 0);
    CHECK(seen.insert(bed.table->header.generation).second);
    bed.prove(frame);
    bed.open();
  }
}

TEST("fast path: a command knows of what was taken right before it") {
  Bed bed;
  const Bytes stream = udpFrame(7, 53);
  bed.prove(stream);
  bed.prove(stream);
  bed.open();
  bed.node.now += 59'000;
  CHECK(bed.takes(stream));
  bed.node.now += 30'000;
  CHECK(farm::lists(bed.node.cutAll(0), 0, connectionKey(7), 1));
}

TEST("fast path: what a command lets out of the hold ring is not opened by its old proof") {
  Bed bed;
  const Bytes frame = tcpFrame(1, 80, kAck);
  bed.node.handle(tcpFrame(1, 80, kSyn));
  bed.node.handle(frame);
  bed.node.filter.reset();
  bed.node.now += 10;
  bed.node.filter.hold(0, allBuckets());
  for (const uint8_t flags : {kSyn, kAck, kAck}) CHECK_EQ(bed.node.handle(tcpFrame(1, 80, flags)), "held");
  bed.node.filter.own(0, allBuckets(), bed.node.now, bed.node.sink);
  CHECK_EQ(bed.node.count(Counter::replayed), 3u);
  bed.open();
  CHECK(!bed.isOpen(frame));
}

TEST("fast path: the tail of a connection that nobody knows is not opened beside one that is open") {
  Bed bed;
  const Bytes known = bed.establish(1, 8000), tail = tcpFrame(2, 8000, kAck);
  bed.prove(tail);
  bed.open();
  CHECK(bed.isOpen(known));
  CHECK(!bed.isOpen(tail));
}

// There are fewer places for candidates than there may be connections: those that take turns must not push each other out for ever.
TEST("fast path: of very many connections that take turns, most are opened") {
  constexpr uint32_t kConnections = 24'000;
  Bed bed(65'536);
  const auto eachOne = [&](const auto& act) {
    for (uint32_t i = 0; i < kConnections; i++) act(tcpFrame(uint16_t(1024 + i), 80, kAck, {1}));
  };
  eachOne([&](const Bytes& frame) {
    bed.node.handle(frame);
    bed.node.handle(frame);
  });
  for (int round = 0; round < 10; round++) {
    bed.node.now += 10;
    uint32_t handled = 0;
    eachOne([&](const Bytes& frame) {
      bed.node.handle(frame);
      if (++handled % 500 == 0) bed.open();
    });
  }
  uint32_t open = 0;
  for (const covey::FastSlot& slot : bed.table->slots) open += slot.generation == bed.table->header.generation;
  CHECK(open > kConnections * 3 / 4);
}

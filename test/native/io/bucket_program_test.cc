// The exact pre-filter: its program, run over frames, against the classifier; and which program is attached when.
#include "io/bucket_program.h"

#include <pcap/pcap.h>

#include <memory>

#include "check.h"
#include "filter/filter.h"
#include "filter_comparison.h"
#include "io/kernel_filter.h"
#include "io/prefilter.h"
#include "random_frames.h"

using namespace covey;
using namespace covey::io;
using namespace frames;
using comparison::Node;
using comparison::NoSink;
using comparison::Tally;

namespace {

bool passes(const std::vector<sock_filter>& program, const Bytes& frame) {
  bpf_program classic{u_int(program.size()), reinterpret_cast<bpf_insn*>(const_cast<sock_filter*>(program.data()))};
  pcap_pkthdr header{};
  header.caplen = header.len = bpf_u_int32(frame.size());
  return ::pcap_offline_filter(&classic, &header, frame.data()) != 0;
}

Tally compare(const Shape& shape, uint32_t frames, uint64_t seed, bool isExact) {
  std::vector<sock_filter> program;
  const auto load = [&](const Sieve& sieve, const std::vector<sock_filter>& plain) {
    program = bucketProgram(shape, sieve, plain);
    CHECK(!program.empty());
  };
  return comparison::compare(shape, frames, seed, isExact, load, [&](const Bytes& frame) { return passes(program, frame); }, passes);
}

class RecordingCapture : public Capture {
 public:
  const char* engine() const override { return "recording"; }
  int descriptor() const override { return -1; }
  const InterfaceFacts& interface() const override { return facts_; }
  int drain(int, FrameSink&) override { return 0; }
  bool setFilter(const std::vector<sock_filter>& program, SystemError* error) override {
    if (program.size() > most) {
      *error = makeError(ENOMEM, "setsockopt(SO_ATTACH_FILTER)", "attaching", "");
      return false;
    }
    attached.push_back(program);
    return true;
  }
  uint64_t drops() override { return 0; }

  // Longer ones are refused, as where net.core.optmem_max is small.
  size_t most = BPF_MAXINSNS;
  std::vector<std::vector<sock_filter>> attached;

 private:
  InterfaceFacts facts_;
};

Bitmap oneBucket(uint32_t bucket) {
  Bitmap bitmap{};
  bitmap[bucket >> 3] = uint8_t(1 << (bucket & 7));
  return bitmap;
}

TableOp opOf(TableOpKind kind, const Bitmap& buckets, uint8_t plan = 0) {
  TableOp op;
  op.kind = kind;
  op.plan = plan;
  op.buckets = buckets;
  return op;
}

Bytes frameTo(uint16_t port, uint8_t client) {
  Bytes frame(kVmac.begin(), kVmac.end());
  frame.insert(frame.end(), {2, 0, 0, 0, 0, 0xc, 8, 0});
  const size_t begin = frame.size();
  frame.insert(frame.end(), {0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 77, 0, client, 10, 77, 0, 50});
  const uint16_t sum = sumOf(frame, begin, 20);
  frame[begin + 10] = uint8_t(sum >> 8);
  frame[begin + 11] = uint8_t(sum);
  put16(frame, 40000);
  put16(frame, port);
  frame.insert(frame.end(), {0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0});
  return frame;
}

struct Bed {
  Bed() : node(shapeOf()), plain(prefilterFor(shapeOf(), &error)) { kernel.setShape(shapeOf(), plain, &capture, &error); }
  // Long enough for tables that do not change.
  void settle() {
    for (int turn = 0; turn < 3; turn++) kernel.narrow(node.filter, nowNs += 200'000'000, capture);
  }
  bool isPassed(const Bytes& frame) const { return passes(capture.attached.back(), frame); }

  Node node;
  SystemError error;
  std::vector<sock_filter> plain;
  RecordingCapture capture;
  KernelFilter kernel{true};
  int64_t nowNs = 1;
};

}  // namespace

TEST("the bucket program agrees with the classifier on a million random packets") {
  Tally sum;
  for (uint32_t round = 0; round < 10; round++) {
    sum.add(compare(shapeOf(round * 0x9e3779b9u), 100'000, 77 + round, true));
  }
  CHECK_EQ(sum.wronglyHeldBack, 0u);
  CHECK_EQ(sum.wronglyPassed, 0u);
  // Both happened often enough to mean something.
  CHECK(sum.heldBack > 200'000);
  CHECK(sum.accepted > 20'000);
}

TEST("what is too short, or has a header of a wrong length, is passed on to be counted by name") {
  Node node(shapeOf());
  node.own(0, oneBucket(0));
  SystemError error;
  const auto plain = prefilterFor(shapeOf(), &error);
  const auto program = bucketProgram(shapeOf(), node.filter.sieve(), plain);
  const Bytes whole = frameTo(80, 100);
  CHECK(node.classify(whole).reason == Counter::rejectedNotOwner);
  CHECK(!passes(program, whole));
  // From the first byte behind the addresses to the last of the ports.
  for (size_t length = 34; length < 38; length++) CHECK(passes(program, Bytes(whole.begin(), whole.begin() + long(length))));
  for (const uint8_t first : {0x40, 0x44, 0x4f, 0x55, 0x65}) {
    Bytes frame = whole;
    frame[14] = first;
    CHECK(passes(program, frame));
  }
}

TEST("with more plans than fit, none of theirs is held back wrongly, and the first ones still are") {
  const Tally tally = compare(manyPlans(), 100'000, 5, false);
  CHECK_EQ(tally.wronglyHeldBack, 0u);
  CHECK(tally.heldBack > 1000);
}

TEST("rules that do not fit at all give no program") {
  Shape shape = shapeOf();
  for (uint16_t port = 0; port < 2000; port++) {
    shape.rules.push_back({6, Protocol::tcp, uint16_t(10000 + port), uint16_t(10000 + port), Affinity::client, 0, false, 0});
  }
  SystemError error;
  CHECK(bucketProgram(shape, Sieve{}, prefilterFor(shape, &error)).empty());
}

TEST("a node that holds nothing goes by VIPs, so that the counters say why it takes nothing") {
  Bed bed;
  bed.settle();
  CHECK(!bed.kernel.isByBuckets());
  CHECK(bed.isPassed(frameTo(80, 100)));
}

TEST("tables that settled are followed") {
  Bed bed;
  const Bytes frame = frameTo(80, 100);
  bed.node.own(0, oneBucket(uint32_t(bed.node.classify(frame).bucket)));
  bed.settle();
  CHECK(bed.kernel.isByBuckets());
  CHECK(bed.isPassed(frame));
  CHECK(!bed.isPassed(frameTo(80, 101)));
}

TEST("a command that lets a bucket in is met by a wider program before it is carried out") {
  for (const TableOpKind kind : {TableOpKind::own, TableOpKind::hold}) {
    Bed bed;
    const Bytes frame = frameTo(80, 100);
    const uint32_t bucket = uint32_t(bed.node.classify(frame).bucket);
    bed.node.own(0, oneBucket((bucket + 1) % kBuckets));
    bed.settle();
    CHECK(!bed.isPassed(frame));
    CHECK(bed.kernel.widen({opOf(kind, oneBucket(bucket))}, bed.node.filter, &bed.capture, &bed.error));
    CHECK(bed.isPassed(frame));
    CHECK(bed.kernel.isByBuckets());
  }
}

TEST("commands that let nothing in, and those for what passes already, change no program") {
  Bed bed;
  bed.node.own(0, oneBucket(7));
  bed.settle();
  const size_t before = bed.capture.attached.size();
  bed.kernel.widen({opOf(TableOpKind::cut, oneBucket(9)), opOf(TableOpKind::own, oneBucket(7))}, bed.node.filter,
                   &bed.capture, &bed.error);
  bed.settle();
  CHECK_EQ(bed.capture.attached.size(), before);
}

TEST("a kernel without room for the wider program gets the one by VIPs") {
  Bed bed;
  const Bytes frame = frameTo(80, 100);
  bed.node.own(0, oneBucket(uint32_t(bed.node.classify(frame).bucket) ^ 1));
  bed.settle();
  CHECK(!bed.isPassed(frame));
  bed.capture.most = bed.plain.size();
  Random random(3);
  CHECK(bed.kernel.widen({opOf(TableOpKind::own, bucketsOf(random, 2))}, bed.node.filter, &bed.capture, &bed.error));
  CHECK(!bed.kernel.isByBuckets());
  CHECK(bed.isPassed(frame));
}

TEST("a capture that refuses even that is reported, so that it is opened anew") {
  Bed bed;
  bed.node.own(0, oneBucket(7));
  bed.settle();
  bed.capture.most = 0;
  CHECK(!bed.kernel.widen({opOf(TableOpKind::own, oneBucket(8))}, bed.node.filter, &bed.capture, &bed.error));
  CHECK_EQ(bed.error.number, ENOMEM);
}

TEST("a new shape and a new capture begin by VIPs, and are followed again") {
  Bed bed;
  bed.node.own(0, oneBucket(7));
  bed.settle();
  RecordingCapture other;
  CHECK(bed.kernel.adopt(other, nullptr, &bed.error));
  CHECK(!bed.kernel.isByBuckets());
  bed.settle();
  CHECK(bed.kernel.isByBuckets());
  bed.kernel.setShape(shapeOf(9), bed.plain, &bed.capture, &bed.error);
  CHECK(!bed.kernel.isByBuckets());
}

TEST("buckets that were left are held back once the tables have settled") {
  Bed bed;
  const Bytes frame = frameTo(80, 100);
  const Bitmap bucket = oneBucket(uint32_t(bed.node.classify(frame).bucket));
  bed.node.own(0, oneBucket(7));
  bed.node.own(0, bucket);
  bed.settle();
  CHECK(bed.isPassed(frame));
  bed.node.filter.cut(0, bucket, 1, 1000, bed.node.sink);
  bed.settle();
  CHECK(!bed.isPassed(frame));
}

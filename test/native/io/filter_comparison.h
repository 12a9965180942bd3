// A program of the kernel against the classifier, over random frames; whoever runs the program brings it.
#pragma once

#include <algorithm>
#include <vector>

#include "check.h"
#include "filter/filter.h"
#include "io/prefilter.h"
#include "random_frames.h"

namespace comparison {

using namespace covey;
using namespace covey::io;
using namespace frames;

class NoSink : public Sink {
  void inject(const Accepted&) override {}
  void answer(const uint8_t*, size_t) override {}
  void relay(const FrameView&, const Accepted&, const Mac&) override {}
};

struct Node {
  explicit Node(const Shape& shape) : filter({kOwnMac, 16, 65536, 1024, slots.data()}) { filter.setShape(shape); }
  void own(uint8_t plan, const Bitmap& buckets) { filter.own(plan, buckets, 1000, sink); }
  Verdict classify(const Bytes& frame) const {
    const uint32_t length = uint32_t(frame.size());
    return filter.classify({frame.data(), length, length, kNoStrippedVlan}, true, 1000);
  }
  std::vector<uint64_t> slots = std::vector<uint64_t>(kCounterCount);
  Filter filter;
  NoSink sink;
};

// What the program promises to hold back, besides what is malformed.
inline bool mustBeHeldBack(const Verdict& verdict) { return verdict.reason == Counter::rejectedNotOwner; }

inline bool isPlainForm(const Bytes& frame) {
  const uint16_t type = uint16_t(frame[12] << 8 | frame[13]);
  const bool isFragment = type == 0x0800 && ((frame[20] << 8 | frame[21]) & 0x3fff) != 0;
  const uint8_t protocol = type == 0x0800 ? frame[23] : frame[20];
  const bool isToVmac = (frame[0] & 0xfe) == kVmac[0] && std::equal(kVmac.begin() + 1, kVmac.end(), frame.begin() + 1);
  const bool isFromVmac = std::equal(kVmac.begin(), kVmac.end(), frame.begin() + 6);
  return (type == 0x0800 || type == 0x86dd) && !isFragment && (protocol == 6 || protocol == 17) && isToVmac && !isFromVmac;
}

struct Tally {
  void add(const Tally& other) {
    heldBack += other.heldBack;
    accepted += other.accepted;
    wronglyHeldBack += other.wronglyHeldBack;
    wronglyPassed += other.wronglyPassed;
  }

  uint32_t heldBack = 0, accepted = 0, wronglyHeldBack = 0, wronglyPassed = 0;
};

/**
 * `load(sieve, plain)` makes ready the program for what a node of this shape takes; `passes(frame)` runs it, `plainPasses(plain, frame)` the one for
 * the VIPs alone.
 */
template <class Load, class Passes, class PlainPasses>
Tally compare(const Shape& shape, uint32_t frames, uint64_t seed, bool isExact, Load load, Passes passes, PlainPasses plainPasses) {
  Random random(seed);
  Node node(shape);
  for (uint8_t plan = 0; plan < kMaxPlans; plan++) node.own(plan, bucketsOf(random, 3));
  SystemError error;
  const auto plain = prefilterFor(shape, &error);
  load(node.filter.sieve(), plain);
  Tally tally;
  for (uint32_t i = 0; i < frames; i++) {
    const Bytes frame = randomFrame(random);
    const Verdict verdict = node.classify(frame);
    const bool isPassed = passes(frame);
    const bool isMine = verdict.kind != VerdictKind::reject;
    tally.heldBack += !isPassed;
    tally.accepted += verdict.kind == VerdictKind::accept;
    // A frame that `plain` holds back is none of ours; `control` comes by another socket.
    tally.wronglyHeldBack += !isPassed && isMine && verdict.kind != VerdictKind::control && plainPasses(plain, frame);
    tally.wronglyPassed += isExact && isPassed && mustBeHeldBack(verdict) && isPlainForm(frame);
  }
  return tally;
}

}  // namespace comparison

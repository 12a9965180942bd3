// What the microbenchmarks share: a node that owns everything, CPU time, medians.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <vector>

#include "filter/filter.h"
#include "filter/rule_counters.h"
#include "packets.h"

namespace bench {

// CPU time of this thread: another program on the same core does not count, but for the caches that it takes.
inline double cpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

inline double quantile(std::vector<double> values, double part) {
  const auto at = values.begin() + static_cast<long>(static_cast<double>(values.size() - 1) * part);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}
inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

// What reading the clock costs.
inline double clockNs() {
  std::vector<double> looks;
  for (int i = 0; i < 101; i++) {
    const double start = cpuNs();
    looks.push_back(cpuNs() - start);
  }
  return median(looks);
}

class NullSink : public covey::Sink {
 public:
  void inject(const covey::Accepted& accepted) override { bytes += accepted.length; }
  void answer(const uint8_t*, size_t length) override { bytes += length; }
  void relay(const covey::FrameView& frame, const covey::Accepted&, const covey::Mac&) override {
    bytes += frame.capturedLength;
  }
  uint64_t bytes = 0;
};

inline covey::Vip vip(std::initializer_list<uint8_t> address, bool isIpv6) {
  covey::Vip result;
  std::copy(address.begin(), address.end(), result.address.begin());
  result.isIpv6 = isIpv6;
  return result;
}

// tcp 80 by connection in plan 0, tcp 8000 by client in plan 1.
inline covey::Shape shape() {
  covey::Shape result;
  result.vips = {vip({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 0, 50}, false),
                 vip({0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50}, true)};
  result.rules = {{0, covey::Protocol::tcp, 80, 80, covey::Affinity::connection, 0, false, 0, 0},
                  {1, covey::Protocol::tcp, 8000, 8000, covey::Affinity::client, 1, false, 0, 1}};
  result.hashSeed = 0x12345678;
  result.vmac = {2, 0xc0, 0xff, 0xee, 0, 1};
  return result;
}

inline covey::Bitmap allBuckets() {
  covey::Bitmap all;
  all.fill(0xff);
  return all;
}

class Node : private covey::Pace {
 public:
  explicit Node(bool isOwner = true, uint32_t maxKeys = 262144)
      : slots_(covey::kCounterCount + kRuleSlots * covey::kRuleOutcomes.size()), filter(options(maxKeys)) {
    filter.setShape(shape());
    for (uint8_t plan = 0; isOwner && plan < 2; plan++) filter.own(plan, allBuckets(), now, sink);
  }

  // As the packet thread does it: keys expire after each batch that it takes from the ring. 512 frames take a ms.
  void handle(const Batch& batch) {
    std::array<covey::FrameView, kGroup> group;
    for (size_t i = 0; i < Batch::kFrames; i += kGroup) {
      for (size_t k = 0; k < kGroup; k++) group[k] = batch.frame(i + k);
      filter.handle(group.data(), kGroup, *this, sink);
      if ((i + kGroup) % kFramesATurn == 0) filter.expire(now);
    }
    now++;
  }
  // Each connection's first two packets, so that the table knows it.
  void open(const Packets& packets, uint32_t keys) {
    Batch batch(packets);
    for (uint32_t done = 0; done < keys; done += Batch::kFrames) {
      batch.fill(keys, Order::kSequential);
      for (int twice = 0; twice < 2; twice++) handle(batch);
    }
    // A benchmark of frames that are all rejected would look good.
    if (count(covey::Counter::accepted) == count(covey::Counter::framesSeen)) return;
    std::fprintf(stderr, "not all frames of open connections were accepted: the figures would mean nothing\n");
    std::exit(1);
  }
  uint64_t count(covey::Counter counter) const { return slots_[static_cast<size_t>(counter)]; }

 private:
  static constexpr size_t kFramesATurn = 64;
  // Packets are counted by rule, as a farm does it.
  static constexpr size_t kRuleSlots = 2;
  // As many as the packet thread finds in a ring under load.
  static constexpr size_t kGroup = covey::Filter::kMostFrames;
  static_assert(kFramesATurn % kGroup == 0 && Batch::kFrames % kFramesATurn == 0);

  covey::Moment next(size_t) override { return {true, now}; }

  covey::FilterOptions options(uint32_t maxKeys) {
    covey::FilterOptions result;
    result.mac = {2, 0, 0, 0, 0, 1};
    result.maxKeys = maxKeys;
    result.counters = slots_.data();
    result.ruleSlots = kRuleSlots;
    return result;
  }

  std::vector<uint64_t> slots_;

 public:
  covey::Filter filter;
  NullSink sink;
  uint64_t now = 1000;
};

}  // namespace bench

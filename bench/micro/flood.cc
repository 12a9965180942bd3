// What a SYN flood from random sources costs others: `make -C bench/micro flood`. Batches of packets of 10,000 open connections
// are timed; between any two, a batch goes by that is not: frames that touch no table, or as many SYNs of new sources.
#include <cstdio>
#include <vector>

#include "harness.h"

namespace {

using bench::Batch;
using bench::Node;
using bench::Order;
using bench::Packets;

constexpr uint32_t kConnections = 10000;
constexpr int kRounds = 101;
constexpr size_t kBatchesARound = 100;

struct Cost {
  double perAccepted;
  double perOther;
};

/** One round: ns for each frame of the connections, and of what goes by between them. */
Cost round(Node& node, Batch& open, Batch& other, uint32_t sources) {
  Cost sum{0, 0};
  for (size_t done = 0; done < kBatchesARound; done++) {
    open.fill(kConnections, Order::kRandom);
    other.fill(sources, Order::kRandom);
    const double start = bench::cpuNs();
    node.handle(other);
    const double between = bench::cpuNs();
    node.handle(open);
    sum.perAccepted += bench::cpuNs() - between;
    sum.perOther += between - start;
  }
  const double frames = static_cast<double>(kBatchesARound * Batch::kFrames);
  return {sum.perAccepted / frames, sum.perOther / frames};
}

}  // namespace

int main() {
  Node quiet, flooded;
  const Packets open(false, 80, bench::kTcpAck), noRule(false, 81, bench::kTcpSyn), syn(false, 80, bench::kTcpSyn);
  quiet.open(open, kConnections);
  flooded.open(open, kConnections);
  Batch openBatch(open), noRuleBatch(noRule), synBatch(syn);
  std::vector<double> without, with, syns;
  // In turn, so that what else this machine does falls on both alike.
  for (int i = 0; i < kRounds; i++) {
    const Cost calm = round(quiet, openBatch, noRuleBatch, 1u << 24);
    const Cost storm = round(flooded, openBatch, synBatch, 0xffffffffu);
    without.push_back(calm.perAccepted);
    with.push_back(storm.perAccepted);
    syns.push_back(storm.perOther);
  }
  // The lower quartile: what comes on top of it in other rounds is the machine's other work, not ours.
  const double calm = bench::quantile(without, 0.25), storm = bench::quantile(with, 0.25);
  std::printf("accepted, 10,000 connections, no flood        %7.1f ns\n", calm);
  std::printf("accepted, 10,000 connections, one SYN each    %7.1f ns  (%+.1f %%)\n", storm, (storm / calm - 1) * 100);
  std::printf("SYN of a random source                        %7.1f ns\n", bench::quantile(syns, 0.25));
  const auto count = [&](covey::Counter counter) { return static_cast<unsigned long long>(flooded.count(counter)); };
  std::printf("keys %llu of 262144, embryos evicted %llu, other keys evicted %llu\n", count(covey::Counter::keys),
              count(covey::Counter::embryosEvicted), count(covey::Counter::keysEvicted));
  return 0;
}

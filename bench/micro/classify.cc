// Cost of a packet in the filter library, in ns: `make -C bench/micro run`. One thread; capture and injection are not in it.
// `build/classify WORD` runs the cases of accepted packets in whose name the word occurs. Each figure is the lower quartile
// of several rounds of CPU time, housekeeping (expire) after every 64 frames included.
#include <cstdio>
#include <string>
#include <vector>

#include "filter/pages.h"
#include "harness.h"

namespace {

using bench::Batch;
using bench::kTcpAck;
using bench::Node;
using bench::Order;
using bench::Packets;

constexpr int kRounds = 41;
constexpr size_t kBatchesARound = 128;

/** Ns per frame: the lower quartile, for what comes on top of it in other rounds is the machine's other work. */
double measure(Node& node, const Packets& packets, uint32_t keys, Order order) {
  Batch batch(packets);
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; round++) {
    double sum = 0;
    for (size_t done = 0; done < kBatchesARound; done++) {
      batch.fill(keys, order);
      const double start = bench::cpuNs();
      node.handle(batch);
      sum += bench::cpuNs() - start;
    }
    rounds.push_back(sum / static_cast<double>(kBatchesARound * Batch::kFrames));
  }
  return bench::quantile(rounds, 0.25) - bench::clockNs() / static_cast<double>(Batch::kFrames);
}

/** Names of the cases to run, as far as the command line goes: all, or those in which its word occurs. */
std::string wanted;

bool isWanted(const std::string& what) { return what.find(wanted) != std::string::npos; }

void report(const std::string& what, double ns) { std::printf("%-64s %7.1f ns\n", what.c_str(), ns); }

void accepted(bool isIpv6, uint32_t keys, Order order) {
  const std::string how = order == Order::kRandom ? "at random" : "in turn";
  const std::string what =
      std::string("accepted, ") + (isIpv6 ? "IPv6, " : "IPv4, ") + std::to_string(keys) + " connections " + how;
  if (!isWanted(what)) return;
  Node node;
  const Packets packets(isIpv6, 80, kTcpAck);
  node.open(packets, keys);
  report(what, measure(node, packets, keys, order));
  if (node.count(covey::Counter::keysEvicted) > 0) std::printf("  keys were evicted: the figure means nothing\n");
}

void others() {
  Node owner;
  const Packets client(false, 8000, kTcpAck);
  owner.open(client, 4096);
  report("accepted, affinity client, 16 clients of 256 connections", measure(owner, client, 4096, Order::kRandom));
  Node stranger(false);
  report("rejected: not owner", measure(stranger, Packets(false, 80, kTcpAck), 100000, Order::kRandom));
  report("rejected: no rule", measure(stranger, Packets(false, 81, kTcpAck), 100000, Order::kRandom));
}

/** What this machine's memory takes for one read at random, each read depending on the one before. */
void memory() {
  covey::TableVector<uint32_t> places(size_t{24} << 18);
  const uint32_t count = static_cast<uint32_t>(places.size());
  for (uint32_t i = 0; i < count; i++) places[i] = static_cast<uint32_t>((uint64_t{i} * 2654435761u + 12345) % count);
  uint32_t at = 1;
  constexpr int kReads = 2000000;
  const double start = bench::cpuNs();
  for (int read = 0; read < kReads; read++) at = places[at];
  const double ns = (bench::cpuNs() - start) / kReads;
  report(at == 0xffffffff ? "" : "for comparison: one read at random of 24 MiB", ns);
}

}  // namespace

int main(int count, char** words) {
  if (count > 1) wanted = words[1];
  for (const bool isIpv6 : {false, true}) {
    for (const uint32_t keys : {1u, 1000u, 10000u, 262144u}) {
      accepted(isIpv6, keys, Order::kSequential);
      if (keys > 1) accepted(isIpv6, keys, Order::kRandom);
    }
  }
  if (!wanted.empty()) return 0;
  others();
  memory();
  return 0;
}

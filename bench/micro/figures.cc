// The figures of `covey bench micro`: build/figures 4|6 prints them as one line of JSON. One thread, CPU time, frames in the cache;
// neither capture nor injection is in it. Each figure of packets is the lower quartile of some rounds, as in classify.cc.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "fast_path_run.h"
#include "filter/table_ops.h"
#include "filter_run.h"
#include "harness.h"
#include "io/bpf_program.h"
#include "io/bucket_program.h"
#include "io/prefilter.h"

namespace {

using bench::Batch;
using bench::kTcpAck;
using bench::Node;
using bench::Order;
using bench::Packets;

constexpr int kRounds = 11;
constexpr size_t kBatchesARound = 64;
constexpr uint32_t kTableKeys = 1200000;
constexpr uint16_t kPort = 80;

const char* separator = "{";

void print(const char* id, double value) {
  std::printf("%s\"%s\":%.2f", separator, id, value);
  separator = ",";
}

double nsPerFrame(Node& node, const Packets& packets, uint32_t keys) {
  Batch batch(packets);
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; round++) {
    double sum = 0;
    for (size_t done = 0; done < kBatchesARound; done++) {
      batch.fill(keys, Order::kRandom);
      const double start = bench::cpuNs();
      node.handle(batch);
      sum += bench::cpuNs() - start;
    }
    rounds.push_back(sum / double(kBatchesARound * Batch::kFrames));
  }
  return bench::quantile(rounds, 0.25) - bench::clockNs() / double(Batch::kFrames);
}

void packetFigures(bool isIpv6) {
  const Packets packets(isIpv6, kPort, kTcpAck);
  const struct {
    const char* id;
    uint32_t keys;
  } trials[] = {{"keys-1", 1}, {"keys-1e3", 1000}, {"keys-1e4", 10000}, {"keys-1e5", 100000}, {"keys-1e6", 1000000}};
  for (const auto& trial : trials) {
    Node node(true, kTableKeys);
    node.open(packets, trial.keys);
    print(trial.id, nsPerFrame(node, packets, trial.keys));
  }
  Node stranger(false);
  print("rejected", nsPerFrame(stranger, packets, 100000));
}

// The rule for kPort is the last of `rules`, and the VIP the last of `vips`.
covey::Shape grown(bool isIpv6, uint16_t rules, uint8_t vips) {
  covey::Shape shape = bench::shape();
  const covey::RuleEntry last = shape.rules[0];
  shape.rules.clear();
  for (uint16_t i = 1; i < rules; i++) {
    shape.rules.push_back({i, covey::Protocol::tcp, uint16_t(20000 + i), uint16_t(20000 + i), covey::Affinity::connection, 0, false, 0});
  }
  shape.rules.push_back(last);
  const covey::Vip own = shape.vips[isIpv6 ? 1 : 0];
  shape.vips.clear();
  for (uint8_t i = 1; i < vips; i++) {
    shape.vips.push_back(own);
    shape.vips.back().address[15] = uint8_t(100 + i);
  }
  shape.vips.push_back(own);
  return shape;
}

void growthFigures(bool isIpv6) {
  const Packets packets(isIpv6, kPort, kTcpAck);
  const struct {
    const char* id;
    uint16_t rules;
    uint8_t vips;
  } trials[] = {{"rules-1", 1, 1},   {"rules-8", 8, 1}, {"rules-64", 64, 1},
                {"vips-1", 1, 1}, {"vips-8", 1, 8},  {"vips-32", 1, 32}};
  for (const auto& trial : trials) {
    Node node;
    node.filter.setShape(grown(isIpv6, trial.rules, trial.vips));
    node.open(packets, 1000);
    print(trial.id, nsPerFrame(node, packets, 1000));
  }
}

// Half of the buckets, as no tree can make short.
covey::Sieve halfOf() {
  covey::Sieve sieve{};
  uint64_t random = 0x9e3779b97f4a7c15u;
  for (uint8_t& byte : sieve[0]) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    byte = uint8_t(random >> 32);
  }
  return sieve;
}

// Building and attaching the exact pre-filter without the fast path, microseconds; its length; nanoseconds that it takes a frame.
bool filterFigures(bool isIpv6) {
  covey::Shape shape = grown(isIpv6, 1, 1);
  covey::io::SystemError error;
  const auto plain = covey::io::prefilterFor(shape, &error);
  if (error) return false;
  const covey::Sieve sieve = halfOf();
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  std::vector<double> builds, swaps;
  std::vector<sock_filter> program;
  bool isAttached = true;
  for (int round = 0; round < 101; round++) {
    const double start = bench::cpuNs();
    program = covey::io::bucketProgram(shape, sieve, plain);
    const double built = bench::cpuNs();
    isAttached = covey::io::attachBpf(socket, program, &error) && isAttached;
    builds.push_back((built - start) / 1000);
    swaps.push_back((bench::cpuNs() - built) / 1000);
  }
  ::close(socket);
  print("filter-build", bench::median(builds));
  print("filter-length", double(program.size()));
  // A kernel with little optmem refuses it; then there are no such figures.
  if (isAttached) print("filter-swap", bench::median(swaps));
  if (isAttached) print("filter-run", bench::filterNs(program, Packets(isIpv6, kPort, kTcpAck), 100000));
  return true;
}

void printIfMeasured(const char* id, double value) {
  if (value >= 0) print(id, value);
}

// With the fast path. Where this kernel has none, or this process may not load its programs, there are no such figures.
void fastPathFigures(bool isIpv6) {
  constexpr uint32_t kMany = 48000;
  const Packets packets(isIpv6, kPort, kTcpAck);
  covey::io::SystemError error;
  const auto path = covey::io::KernelFastPath::open("lo", &error);
  bench::FastPathBed bed;
  if (!path || !bed.open(bench::shape())) return;
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  std::vector<double> loads, swaps;
  for (int round = 0; round < 11; round++) loads.push_back(bed.loadMs(*path, socket));
  for (int round = 0; round < 101; round++) swaps.push_back(bed.swapUs(*path, halfOf()));
  ::close(socket);
  printIfMeasured("fast-load", bench::median(loads));
  print("fast-swap", bench::median(swaps));
  bed.letPass(false);
  printIfMeasured("fast-other", bed.runNs(packets, false));
  bed.letPass(true);
  printIfMeasured("fast-up", bed.runNs(packets, false));
  Node node;
  bed.openConnections(node, packets, bench::FastPathBed::kConnections);
  printIfMeasured("fast-taken", bed.runNs(packets, true));
  bed.openConnections(node, packets, kMany);
  printIfMeasured("fast-close", bed.closeMs(node));
}

}  // namespace

int main(int count, char** words) {
  const bool isIpv6 = count > 1 && std::strcmp(words[1], "6") == 0;
  packetFigures(isIpv6);
  growthFigures(isIpv6);
  if (!filterFigures(isIpv6)) return 1;
  fastPathFigures(isIpv6);
  std::printf("}\n");
  return 0;
}

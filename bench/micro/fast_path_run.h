// What the fast path costs in the kernel, by the kernel's own test runs, and the packet thread when it closes all connections.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "harness.h"
#include "io/bucket_program.h"
#include "io/ebpf.h"
#include "io/fast_path_program.h"
#include "io/kernel_fast_path.h"
#include "io/prefilter.h"
#include "io/shared_table.h"

namespace bench {

class FastPathBed {
 public:
  static constexpr uint32_t kConnections = 10000;

  // False: this kernel has no such programs, or this process may not load them.
  bool open(const covey::Shape& shape) {
    covey::io::SystemError error;
    const auto plain = covey::io::prefilterFor(shape, &error);
    classic_ = covey::io::sieveProgram(shape, plain);
    if (error || classic_.empty() || !shared_.open(sizeof(covey::FastTable), &error)) return false;
    table().header.generation = 1;
    // As the lock of a thread that lives.
    const uint32_t lock = 1;
    std::memcpy(table().header.life.data(), &lock, sizeof lock);
    const auto program = covey::io::socketProgram(shared_.descriptor(), classic_);
    program_ = covey::io::loadProgram(BPF_PROG_TYPE_SOCKET_FILTER, program, &error);
    return bool(program_);
  }

  // To another sieve; microseconds.
  static double swapUs(covey::io::KernelFastPath& path, const covey::Sieve& sieve) {
    const double start = cpuNs();
    path.setSieve(sieve);
    return (cpuNs() - start) / 1000;
  }
  // To other rules: the program is checked, compiled and attached; milliseconds. Negative: refused.
  double loadMs(covey::io::KernelFastPath& path, int socket) const {
    covey::io::SystemError error;
    const double start = cpuNs();
    const bool isAttached = path.setFilter(socket, classic_, &error);
    return isAttached ? (cpuNs() - start) / 1e6 : -1;
  }

  void letPass(bool all) {
    for (auto& plan : table().sieve) plan.fill(all ? 0xffffffffu : 0);
  }
  // All connections are known to the filter and proven; those that find a slot lie open.
  void openConnections(Node& node, const Packets& packets, uint32_t count) {
    node.filter.useFastPath(&table());
    node.filter.setFastLease(std::numeric_limits<int64_t>::max());
    node.open(packets, count);
    Batch batch(packets);
    for (uint32_t done = 0; done < kProofs * count; done += Batch::kFrames) {
      batch.fill(count, Order::kSequential);
      node.handle(batch);
      node.filter.openFastPath(true, node.now);
    }
  }
  // Each of them has had a packet since; milliseconds in which no table command can begin. Negative: none was open.
  double closeMs(Node& node) {
    size_t open = 0;
    for (covey::FastSlot& slot : table().slots) {
      if (slot.generation != table().header.generation) continue;
      slot.packets++;
      slot.lastSeenMs = uint32_t(node.now);
      open++;
    }
    const double start = cpuNs();
    node.filter.useFastPath(nullptr);
    return open == 0 ? -1 : (cpuNs() - start) / 1e6;
  }

  // Nanoseconds that the program needs for a frame, of those that it takes (or not) by itself. Negative: there were none.
  double runNs(const Packets& packets, bool taken) {
    Batch batch(packets);
    batch.fill(kConnections, Order::kRandom);
    std::vector<double> times;
    for (size_t i = 0; i < Batch::kFrames; i++) {
      const uint64_t before = noted();
      const double ns = testRunNs(batch.frame(i));
      if ((noted() != before) == taken && ns >= 0) times.push_back(ns);
    }
    return times.empty() ? -1 : median(times);
  }

 private:
  static constexpr uint32_t kProofs = 8;
  static constexpr uint32_t kRepeats = 2000;
  // The kernel takes such a header off before it runs a socket's program here, and not on a socket.
  static constexpr size_t kTakenOff = 14;

  covey::FastTable& table() const { return *static_cast<covey::FastTable*>(shared_.memory()); }
  uint64_t noted() const {
    uint64_t sum = 0;
    for (const covey::FastCore& core : table().cores) sum += core.noted;
    return sum;
  }
  double testRunNs(const covey::FrameView& frame) const {
    std::vector<uint8_t> bytes(kTakenOff);
    bytes.insert(bytes.end(), frame.data, frame.data + frame.capturedLength);
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.test.prog_fd = uint32_t(program_.get());
    attributes.test.data_in = reinterpret_cast<uintptr_t>(bytes.data());
    attributes.test.data_size_in = uint32_t(bytes.size());
    attributes.test.repeat = kRepeats;
    const long failed = ::syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes);
    return failed != 0 ? -1 : double(attributes.test.duration);
  }

  covey::io::SharedTable shared_;
  covey::io::UniqueFd program_;
  std::vector<sock_filter> classic_;
};

}  // namespace bench

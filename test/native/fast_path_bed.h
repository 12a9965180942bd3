// A node with a fast path and the model of a kernel before it, for tests.
#ifndef COVEY_TEST_FAST_PATH_BED_H
#define COVEY_TEST_FAST_PATH_BED_H

#include <algorithm>
#include <limits>
#include <memory>
#include <random>

#include "farm.h"
#include "fast_path_model.h"
#include "filter/fast_path.h"

namespace fastpath {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
const covey::Mac kGroupVmac = covey::groupOf(packets::kVmac);

inline Bytes to(const covey::Mac& destination, Bytes frame) {
  std::copy(destination.begin(), destination.end(), frame.begin());
  return frame;
}

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  uint32_t below(uint32_t end) { return std::uniform_int_distribution<uint32_t>(0, end - 1)(engine_); }
  bool chance(uint32_t ofHundred) { return below(100) < ofHundred; }

 private:
  std::mt19937 engine_;
};

inline covey::TableOp opOf(covey::TableOpKind kind, uint8_t plan = 0) {
  covey::TableOp op;
  op.kind = kind;
  op.plan = plan;
  op.buckets = farm::allBuckets();
  return op;
}

/** A node with the model of a kernel before it. */
struct Bed {
  explicit Bed(uint32_t maxKeys = 1024) : node(maxKeys), table(std::make_unique<covey::FastTable>()) {
    setLife(*table, 1);
    node.filter.useFastPath(table.get());
    node.filter.setFastLease(kForever);
    node.ownAll();
  }

  bool takes(const Bytes& frame) { return kernelTakes(*table, frame, static_cast<int64_t>(node.now) * 1'000'000); }
  void arrive(const Bytes& frame) {
    if (!takes(frame)) node.handle(frame);
  }
  /** Whether it would be taken; nothing changes. */
  bool isOpen(const Bytes& frame) const {
    covey::FastIdentity identity;
    return identify(frame, identity) && openSlotOf(*table, identity) != nullptr;
  }
  /** A packet that changes nothing, long enough for its connection to be proposed. */
  void prove(const Bytes& frame) {
    node.handle(frame);
    node.now += 5;
    node.handle(frame);
  }
  void open() { node.filter.openFastPath(true, node.now); }
  Bytes establish(uint16_t port, uint16_t service = 80, const Bytes& client = packets::kClient) {
    node.handle(packets::tcpFrame(port, service, packets::kSyn, {}, client));
    const Bytes frame = packets::tcpFrame(port, service, packets::kAck, {}, client);
    prove(frame);
    open();
    return frame;
  }
  void collect() { node.filter.collectFastPath(node.now); }

  farm::Node node;
  std::unique_ptr<covey::FastTable> table;
};

}  // namespace fastpath

#endif

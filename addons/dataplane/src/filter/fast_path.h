// Connections whose packets the kernel takes by itself: of those that are open, a packet changes nothing but the time of its key.
//
//     kernel:   frame --> slot of its connection, open? --yes--> into TUN, "one more, at this time"
//                                                   `--no--> as ever: capture, Filter::handle
//     here:     packets that changed nothing, for some ms --> proposed --> (nothing of the ring waits) opened
//               now and then                   --> collected: the key was seen, packets are counted
//               before any command to the tables, a lapse, new rules --> all closed by one store
//
// The kernel knows no buckets: it compares a frame with the slots that lie open, word by word, and asks whether the lease runs. So
// whatever decides about packets stays in Classifier, and nothing is taken here that it has not taken before.
#ifndef COVEY_FILTER_FAST_PATH_H
#define COVEY_FILTER_FAST_PATH_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flow_life.h"
#include "key.h"
#include "table_ops.h"

namespace covey {

/** Of a connection, as numbers that were read from the frame in network order: what must be equal. */
struct FastIdentity {
  /** Ethernet destination: its first four bytes, and its last two. */
  uint32_t macHigh = 0;
  uint32_t macLow = 0;
  /** EtherType, and in the low half the protocol. */
  uint32_t kind = 0;
  /** Source and destination port, as they lie. */
  uint32_t ports = 0;
  /** IPv4: the first word only. */
  std::array<uint32_t, 4> source{};
  std::array<uint32_t, 4> destination{};

  bool operator==(const FastIdentity& other) const {
    return macHigh == other.macHigh && macLow == other.macLow && kind == other.kind && ports == other.ports &&
           source == other.source && destination == other.destination;
  }
};

/** Shared with the kernel's program (io/fast_path_program.cc), which reads everything and writes the last two. */
struct alignas(64) FastSlot {
  /** Open while it is FastHeader::generation, which never is 0. */
  uint32_t generation = 0;
  FastIdentity identity;
  /** Low 32 bits of the boot time in ms; of the last packet. */
  uint32_t lastSeenMs = 0;
  /** Modulo 2^32. */
  uint32_t packets = 0;
};
static_assert(sizeof(FastSlot) == 64, "one cache line per slot");

struct alignas(64) FastHeader {
  /** Boot time, ns: nothing is taken from then on. 0: no lease. */
  int64_t leaseEndNs = 0;
  uint32_t generation = 1;
  /** How many of FastTable::cores there are. */
  uint32_t cores = 1;
  /**
   * A robust mutex that the packet thread has locked for as long as it lives; the kernel reads its first word. Of a process that is killed
   * this is the first thing that shows: the kernel says so there (FUTEX_OWNER_DIED) before it closes any file, and others may take
   * this node's buckets when the files begin to be closed.
   */
  alignas(64) std::array<uint8_t, 64> life{};
};

/** One for each core: what the socket's filter says of the frame at hand, for the program that comes next on that core. */
struct alignas(64) FastCore {
  /** Bytes of the frame, with kFastDrop if it is another node's, else it is to be taken; 0: nothing is said. */
  uint32_t verdict = 0;
  /** Frames of this core of which the socket's filter said that they are to be taken, since the table was made. */
  uint64_t noted = 0;
  /** Of those, what the next program did take. It does not come to run where another program ends the row before it. */
  uint64_t taken = 0;
};
constexpr uint32_t kFastDrop = 0x80000000u;

constexpr uint32_t kFastSlots = 1u << 16;
/** Cores with a number beyond share a place with others, which must not be: no fast path there. */
constexpr uint32_t kFastCores = 1024;

struct FastTable {
  FastHeader header;
  /** By plan, wordOf of a Sieve: other buckets are other nodes'. */
  std::array<std::array<uint32_t, kBitmapWords>, kMaxPlans> sieve;
  std::array<FastCore, kFastCores> cores;
  std::array<FastSlot, kFastSlots> slots;
};

inline uint32_t fastHashOf(const FastIdentity& identity) {
  const uint32_t source = identity.source[0] ^ identity.source[1] ^ identity.source[2] ^ identity.source[3];
  uint32_t hash = source * 0x9e3779b1u + identity.ports * 0x85ebca6bu;
  return (hash ^ (hash >> 15)) * 0xc2b2ae35u;
}
/** One of two neighbours; the other one is this with its lowest bit turned. */
inline uint32_t fastSlotOf(const FastIdentity& identity) { return fastHashOf(identity) >> 16; }
static_assert(kFastSlots == 1u << 16, "fastSlotOf gives 16 bits");

/** A connection that the kernel may take, and what is to be done in its name. */
struct FastFlow {
  FastIdentity identity;
  KeyRecord key;
  uint32_t hash = 0;
  /** One of its packets that changes nothing. */
  FlowEvent event;
  uint32_t holdMs = 0;
  /** RuleEntry::slot. */
  uint16_t ruleSlot = 0;
  /** Decision::isIngress. */
  bool isIngress = false;
};

class FastPath {
 public:
  /** Without a table nothing is ever proposed. */
  void use(FastTable* table);
  bool isOn() const { return table_ != nullptr; }

  /** A packet of it was taken, and changed nothing. What ends within some ms is not worth a slot. */
  void propose(const FastFlow& flow, uint32_t nowMs);
  /**
   * Nothing that was captured before waits any longer, so that what the kernel takes from now on overtakes no packet of its own
   * connection, but for one that comes this very moment: those that were proposed are opened. Under a load that never ends they are opened
   * after a while all the same, for that is how the load ends; then a connection may be overtaken once by what waits in the ring.
   */
  void open(bool isRingEmpty, uint32_t nowMs);
  bool isOpen(const FastIdentity& identity) const { return find(identity) != kNoFlow; }

  /**
   * `take(flow, packets, lastSeenMs)` for what was seen of some hundreds of connections since the last time; idle ones are closed. It
   * must not forget a key.
   */
  template <class Take>
  void collect(uint32_t nowMs, Take take) {
    takeForgotten(take);
    for (uint32_t done = 0; done < kCollectedAtOnce && !flows_.empty(); done++) {
      if (next_ >= flows_.size()) {
        next_ = 0;
        if (done > 0) break;
      }
      collectOne(flows_[next_], take);
      // The kernel reads the clock later than who calls this: a packet may have come after `nowMs`.
      const uint32_t lastSeenMs = __atomic_load_n(&slotOf(flows_[next_]).lastSeenMs, __ATOMIC_RELAXED);
      if (static_cast<int32_t>(nowMs - lastSeenMs) >= kIdleMs) {
        closeAt(next_);
      } else {
        next_++;
      }
    }
  }
  /** The kernel takes nothing by itself from now on; `take` as in `collect`, for all. */
  template <class Take>
  void closeAll(Take take) {
    takeForgotten(take);
    if (!isOn() || (flows_.empty() && proposed_.empty())) return;
    shut();
    for (Flow& flow : flows_) collectOne(flow, take);
    forgetAll();
  }
  template <class Take>
  void close(const FastIdentity& identity, Take take) {
    withdraw([&](const FastFlow& flow) { return flow.identity == identity; });
    const uint32_t at = find(identity);
    if (at == kNoFlow) return;
    __atomic_store_n(&slotOf(flows_[at]).generation, 0u, __ATOMIC_RELEASE);
    collectOne(flows_[at], take);
    closeAt(at);
  }
  /** All connections of a key, which is about to be forgotten. What was seen of them is taken the next time. */
  void forget(const KeyRecord& key, uint32_t hash);

  /** Until when the kernel may take anything; boot time, ns. */
  void setLease(int64_t endNs) {
    if (isOn()) __atomic_store_n(&table_->header.leaseEndNs, endNs, __ATOMIC_RELAXED);
  }
  size_t count() const { return flows_.size(); }
  /** Packets that the kernel took since the last call. */
  uint64_t takenSinceLast();
  /** Packets that were noted and not taken, as far as can be told: those under way may be among them. */
  uint64_t missing() const;

 private:
  static constexpr uint32_t kNoFlow = 0xffffffffu;
  static constexpr uint32_t kCollectedAtOnce = 512;
  static constexpr size_t kMostProposed = 1024;
  static constexpr int32_t kIdleMs = 10'000;
  static constexpr uint32_t kProvenMs = 5;
  static constexpr size_t kCandidates = size_t{1} << 14;
  /** So long a candidate has its place. If the last comer had it, of many that take turns none would ever be proven. */
  static constexpr uint32_t kCandidateMs = 1000;
  static constexpr uint32_t kLongestWaitMs = 20;

  /** Of a connection that is not open here: when it was first seen. Of several with one place the first one has it. */
  struct Candidate {
    uint32_t hash = 0;
    uint32_t sinceMs = 0;
  };

  struct Flow : FastFlow {
    uint32_t slot = 0;
    /** FastSlot::packets at the last look. */
    uint32_t packets = 0;
    /** Others whose hash has the same chain. */
    uint32_t next = kNoFlow;
    uint32_t previous = kNoFlow;
  };

  struct Forgotten {
    FastFlow flow;
    uint32_t packets = 0;
    uint32_t lastSeenMs = 0;
  };

  /** Those that are not open yet will not be. */
  template <class IsMeant>
  void withdraw(IsMeant isMeant) {
    if (proposed_.empty()) return;
    proposed_.erase(std::remove_if(proposed_.begin(), proposed_.end(), isMeant), proposed_.end());
  }
  template <class Take>
  void takeForgotten(Take take) {
    for (const Forgotten& one : forgotten_) take(one.flow, one.packets, one.lastSeenMs);
    forgotten_.clear();
  }

  FastSlot& slotOf(const Flow& flow) const { return table_->slots[flow.slot]; }
  uint32_t find(const FastIdentity& identity) const;
  void openOne(const FastFlow& flow, uint32_t nowMs);
  uint32_t placeFor(const FastIdentity& identity) const;
  void closeAt(uint32_t at);
  static void clear(FastSlot& slot);
  void shut();
  void forgetAll();
  static uint32_t chainOf(uint32_t hash) { return (hash * 0x9e3779b1u) >> 16; }
  void link(uint32_t at);
  void unlink(uint32_t at);

  template <class Take>
  void collectOne(Flow& flow, Take take) {
    const FastSlot& slot = slotOf(flow);
    const uint32_t packets = __atomic_load_n(&slot.packets, __ATOMIC_RELAXED);
    if (packets == flow.packets) return;
    const uint32_t taken = packets - flow.packets;
    flow.packets = packets;
    take(static_cast<const FastFlow&>(flow), taken, __atomic_load_n(&slot.lastSeenMs, __ATOMIC_RELAXED));
  }

  FastTable* table_ = nullptr;
  std::vector<Flow> flows_;
  /** By slot: the flow that has it. */
  std::vector<uint32_t> owners_;
  /** By chainOf(hash): the first flow. */
  std::vector<uint32_t> chains_;
  std::vector<Candidate> candidates_;
  std::vector<FastFlow> proposed_;
  std::vector<Forgotten> forgotten_;
  uint32_t proposedAtMs_ = 0;
  /** Sum of FastCore::taken at the last look. */
  uint64_t taken_ = 0;
  uint32_t next_ = 0;
};

}  // namespace covey

#endif

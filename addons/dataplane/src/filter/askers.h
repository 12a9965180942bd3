// Who asked for which VIP, from which MAC; and steering, which tells those of them who become ours where the VIP is now.
// The C++ twin of src/dataplane/memory-askers.ts. Bounded: the asker heard least recently goes.
#ifndef COVEY_FILTER_ASKERS_H
#define COVEY_FILTER_ASKERS_H

#include <array>
#include <cstdint>
#include <vector>

#include "counters.h"
#include "hash_index.h"
#include "shape.h"

namespace covey {

/** A record of `take` and `learn`; its layout is drawn at ASKER_BYTES in src/dataplane/contract.ts. */
constexpr size_t kAskerBytes = 40;
constexpr uint32_t kMostAskers = 4096;
/** When an asker that becomes ours is told so, in ms since then, until its reply. */
constexpr std::array<uint64_t, 4> kSteeringAtMs = {0, 100, 300, 1000};

struct Asker {
  Address address{};
  Address vip{};
  Mac mac{};
  /** Seen by ourselves since the last `take`. */
  bool isNew = false;
  bool isSteered = false;
  /** Tries so far, while it is being steered. */
  uint8_t tries = 0;
  uint64_t seenMs = 0;
  uint64_t steeredSinceMs = 0;
};

class AskerTable {
 public:
  explicit AskerTable(Counters counters);

  /** We saw the question ourselves. */
  void saw(const Address& address, const Address& vip, const Mac& mac, uint64_t nowMs);

  /** Records of another member. Calls `isFresh(index)` for each asker that we did not know. */
  template <class Visit>
  void learn(const uint8_t* records, size_t length, uint64_t nowMs, Visit isFresh) {
    for (size_t at = 0; at + kAskerBytes <= length; at += kAskerBytes) {
      const uint32_t index = learnOne(records + at, nowMs);
      if (index != kNone) isFresh(index);
    }
  }
  /** Records of the askers that are new, or of all, longest unseen first. */
  std::vector<uint8_t> take(bool all, uint64_t nowMs);

  uint32_t count() const { return count_; }
  const Asker& at(uint32_t index) const { return entries_[index].asker; }
  template <class Visit>
  void forEach(Visit visit) const {
    for (uint32_t index = oldest_; index != kNone; index = entries_[index].next) visit(index);
  }

  /** It is to be told from now on. */
  void steer(uint32_t index, uint64_t nowMs);
  void stopSteering(uint32_t index);
  /** It replied to us: it has understood. */
  void confirm(const Address& address, const Address& vip);
  /** Calls `tell(asker)` for those that are to be told now, some dozens at most. */
  template <class Tell>
  void tend(uint64_t nowMs, Tell tell) {
    if (steered_ == 0 || nowMs < nextDueMs_) return;
    collectDue(nowMs);
    for (uint32_t index : due_) tell(entries_[index].asker);
  }

 private:
  struct Entry {
    Asker asker;
    uint32_t next = kNone;
    uint32_t previous = kNone;
  };

  static uint32_t hashOf(const Address& address, const Address& vip);
  uint32_t find(const Address& address, const Address& vip, uint32_t hash) const;
  uint32_t enter(const Address& address, const Address& vip, const Mac& mac, uint64_t seenMs);
  uint32_t place(const Address& address, const Address& vip, uint32_t hash);
  uint32_t learnOne(const uint8_t* record, uint64_t nowMs);
  void append(uint32_t index);
  void unlink(uint32_t index);
  void collectDue(uint64_t nowMs);

  Counters counters_;
  HashIndex index_{kMostAskers};
  std::vector<Entry> entries_;
  std::vector<uint32_t> due_;
  uint32_t oldest_ = kNone;
  uint32_t newest_ = kNone;
  uint32_t count_ = 0;
  uint32_t steered_ = 0;
  uint64_t nextDueMs_ = 0;
};

}  // namespace covey

#endif

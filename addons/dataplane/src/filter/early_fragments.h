// Later fragments that come before the first one of their datagram: they show no ports, so nobody knows yet whose they
// are, and every node keeps them for a moment. Reordering takes less than a millisecond; so a ring of a few frames, from
// which the newest pushes the oldest, and a short life. Who sends fragments without a first one fills nothing but this.
#ifndef COVEY_FILTER_EARLY_FRAGMENTS_H
#define COVEY_FILTER_EARLY_FRAGMENTS_H

#include <cstdint>
#include <vector>

#include "fragment_table.h"
#include "frame.h"

namespace covey {

constexpr uint32_t kEarlyFragments = 128;
/** Room for a jumbo frame; a larger one is lost at once. */
constexpr uint32_t kEarlyFragmentBytes = 9216;
constexpr uint64_t kEarlyFragmentLifeMs = 1000;

class EarlyFragments {
 public:
  EarlyFragments() : bytes_(size_t{kEarlyFragments} * kEarlyFragmentBytes), slots_(kEarlyFragments) {}

  /** Copies the frame. Gives how many frames are lost by it: the oldest, to make room, or itself when it is too long. */
  uint32_t push(const FrameView& frame, const Datagram& datagram, uint64_t nowMs);

  /** Calls `visit(frame)` for those of the datagram, in order of arrival; they are no longer here then. */
  template <class Visit>
  void take(const Datagram& datagram, Visit visit) {
    for (uint32_t step = 0; step < kEarlyFragments && count_ > 0; step++) {
      const uint32_t at = (next_ + step) % kEarlyFragments;
      Slot& slot = slots_[at];
      if (slot.endMs == 0 || !(slot.datagram == datagram)) continue;
      slot.endMs = 0;
      count_--;
      visit(FrameView{&bytes_[size_t{at} * kEarlyFragmentBytes], slot.length, slot.length, slot.strippedVlan});
    }
  }
  /** Gives how many have waited too long; they are gone. */
  uint32_t expire(uint64_t nowMs);
  uint32_t count() const { return count_; }
  void clear();

 private:
  struct Slot {
    Datagram datagram;
    uint32_t length = 0;
    int32_t strippedVlan = kNoStrippedVlan;
    /** 0: nothing is in it. */
    uint64_t endMs = 0;
  };

  std::vector<uint8_t> bytes_;
  std::vector<Slot> slots_;
  /** The next to be used, and so the oldest. */
  uint32_t next_ = 0;
  uint32_t count_ = 0;
};

}  // namespace covey

#endif

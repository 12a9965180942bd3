// Open addressing from a 32-bit hash to an index into a preallocated pool. Linear probing at a load of at most 1/2 with
// backward-shift deletion, so there are no tombstones and nothing to rebuild.
#ifndef COVEY_FILTER_HASH_INDEX_H
#define COVEY_FILTER_HASH_INDEX_H

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "flow_table.h"
#include "pages.h"

namespace covey {


class HashIndex {
 public:
  explicit HashIndex(uint32_t most) {
    while ((size_t{1} << bits_) < size_t{most} * 2) bits_++;
    slots_.resize(size_t{1} << bits_);
  }

  /** The index with this hash for which `isIt(index)` holds, or kNone. */
  template <class IsIt>
  uint32_t find(uint32_t hash, IsIt isIt) const {
    for (size_t at = home(hash);; at = next(at)) {
      const Slot& slot = slots_[at];
      if (slot.index == kNone) return kNone;
      if (slot.hash == hash && isIt(slot.index)) return slot.index;
    }
  }

  /** The caller keeps to `most` entries. */
  void add(uint32_t hash, uint32_t index) {
    size_t at = home(hash);
    while (slots_[at].index != kNone) at = next(at);
    slots_[at] = {hash, index};
  }

  void remove(uint32_t hash, uint32_t index) {
    size_t hole = home(hash);
    while (slots_[hole].index != index) {
      if (slots_[hole].index == kNone) return;
      hole = next(hole);
    }
    for (size_t at = next(hole); slots_[at].index != kNone; at = next(at)) {
      if (distance(home(slots_[at].hash), at) < distance(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = Slot{};
  }

  void clear() { std::fill(slots_.begin(), slots_.end(), Slot{}); }

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t index = kNone;
  };

  /**
   * Fibonacci hashing: the low 12 bits are the bucket, and a node sees only its own buckets, so they must not place.
   */
  size_t home(uint32_t hash) const { return (hash * 0x9e3779b1u) >> (32 - bits_); }
  size_t next(size_t at) const { return (at + 1) & (slots_.size() - 1); }
  size_t distance(size_t from, size_t to) const { return (to - from) & (slots_.size() - 1); }

  uint32_t bits_ = 4;
  TableVector<Slot> slots_;
};

}  // namespace covey

#endif

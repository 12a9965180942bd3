// What this node does with each bucket of each plan: one byte, so that the verdict's first look costs one load.
#ifndef COVEY_FILTER_BUCKET_TABLE_H
#define COVEY_FILTER_BUCKET_TABLE_H

#include <array>
#include <cstdint>

#include "shape.h"
#include "table_ops.h"

namespace covey {

constexpr uint8_t kOwned = 1;
/** Being granted to us. */
constexpr uint8_t kPending = 2;
/** At least one own keep is in it. */
constexpr uint8_t kHasKeeps = 4;
/** Being granted by us: its keys neither expire nor are evicted, and nothing in it is accepted without an entry. */
constexpr uint8_t kOffered = 8;
/** Ours until a moment ago: a pinned entry in it is one of our keeps, and will soon be marked as such. */
constexpr uint8_t kCutting = 16;

/** Whether a frame of such a bucket may be accepted or held; of all others none is. */
inline bool mayTake(uint8_t cell) { return (cell & (kOwned | kPending | kHasKeeps | kCutting)) != 0; }

inline bool hasBucket(const Bitmap& bitmap, uint32_t bucket) { return (bitmap[bucket >> 3] >> (bucket & 7)) & 1; }
inline void addBucket(Bitmap& bitmap, uint32_t bucket) {
  bitmap[bucket >> 3] = static_cast<uint8_t>(bitmap[bucket >> 3] | (1 << (bucket & 7)));
}

/** Calls `visit(bucket)` for each bucket of the set, in ascending order. */
template <class Visit>
void forEachBucket(const Bitmap& bitmap, Visit visit) {
  for (uint32_t byte = 0; byte < bitmap.size(); byte++) {
    for (uint32_t bits = bitmap[byte], bit = 0; bits != 0; bits >>= 1, bit++) {
      if (bits & 1) visit(byte * 8 + bit);
    }
  }
}

class BucketTable {
 public:
  /** Place of a bucket among those of all plans. */
  static uint32_t cellOf(uint8_t plan, uint32_t bucket) { return plan * static_cast<uint32_t>(kBuckets) + bucket; }

  uint8_t at(uint8_t plan, uint32_t bucket) const { return cells_[cellOf(plan, bucket)]; }
  void add(uint8_t plan, uint32_t bucket, uint8_t flag) {
    set(cells_[cellOf(plan, bucket)], flag);
  }
  void remove(uint8_t plan, uint32_t bucket, uint8_t flag) {
    uint8_t& cell = cells_[cellOf(plan, bucket)];
    if ((cell & flag) == 0) return;
    cell = static_cast<uint8_t>(cell & ~flag);
    version_++;
  }
  void clear() {
    cells_.fill(0);
    version_++;
  }
  /** Grows with every change. */
  uint64_t version() const { return version_; }

 private:
  void set(uint8_t& cell, uint8_t flag) {
    if ((cell & flag) == flag) return;
    cell = static_cast<uint8_t>(cell | flag);
    version_++;
  }

  uint64_t version_ = 0;
  std::array<uint8_t, kMaxPlans * kBuckets> cells_{};
};

}  // namespace covey

#endif

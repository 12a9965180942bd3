// Keeps, packed back to back (KEEP_BYTES in src/buckets/contract.ts), read and written.
#ifndef COVEY_FILTER_KEEP_LIST_H
#define COVEY_FILTER_KEEP_LIST_H

#include <cstdint>
#include <vector>

#include "cursor.h"
#include "key.h"
#include "table_ops.h"

namespace covey {

struct Keep {
  KeyRecord key;
  uint32_t serial = 0;
};

/** Reads kKeepBytes at `bytes`. False: it names a plan or affinity that does not exist. */
inline bool readKeep(const uint8_t* bytes, Keep& keep) {
  std::memcpy(keep.key.bytes.data(), bytes, kKeyBytes);
  keep.serial = readU32(bytes + kKeyBytes);
  return keep.key.plan() < kMaxPlans && keep.key.affinity() <= Affinity::network;
}

/** Calls `visit(keep)` for each whole keep that names an existing plan and affinity. */
template <class Visit>
void forEachKeep(const std::vector<uint8_t>& keeps, Visit visit) {
  Cursor cursor(keeps.data(), keeps.size());
  while (const uint8_t* bytes = cursor.take(kKeepBytes)) {
    Keep keep;
    if (readKeep(bytes, keep)) visit(keep);
  }
}

/** Collects keeps by keeper. */
class KeepGroups {
 public:
  void add(KeeperSlot keeper, const KeyRecord& key, uint32_t serial) {
    std::vector<uint8_t>& keeps = groupOf(keeper).keeps;
    const size_t at = keeps.size();
    keeps.resize(at + kKeepBytes);
    std::memcpy(&keeps[at], key.bytes.data(), kKeyBytes);
    writeU32(&keeps[at + kKeyBytes], serial);
    count_++;
  }
  uint32_t count() const { return count_; }
  TableResult take() { return TableResult{std::move(groups_)}; }

 private:
  /** A farm has few keepers, and entries of one keeper come in runs. */
  KeeperKeeps& groupOf(KeeperSlot keeper) {
    for (KeeperKeeps& group : groups_) {
      if (group.keeper == keeper) return group;
    }
    groups_.push_back({keeper, {}});
    return groups_.back();
  }

  std::vector<KeeperKeeps> groups_;
  uint32_t count_ = 0;
};

}  // namespace covey

#endif

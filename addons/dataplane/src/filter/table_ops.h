// Table commands, decoded: the C++ twin of TableOp, TableResult and KeptState in src/buckets/contract.ts.
#ifndef COVEY_FILTER_TABLE_OPS_H
#define COVEY_FILTER_TABLE_OPS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "reach.h"
#include "shape.h"

namespace covey {

/** Bytes of a key record and of a keep (key record, big-endian uint32 serial). */
constexpr size_t kKeyBytes = 20;
constexpr size_t kKeepBytes = kKeyBytes + 4;

/** Bit b is bytes[b >> 3] & (1 << (b & 7)). */
using Bitmap = std::array<uint8_t, kBuckets / 8>;

constexpr size_t kBitmapWords = kBuckets / 32;
/** Bit b is wordOf(bitmap, b >> 5) & (1 << (b & 31)). */
inline uint32_t wordOf(const Bitmap& bitmap, size_t word) {
  uint32_t bits = 0;
  for (size_t byte = 0; byte < 4; byte++) bits |= uint32_t{bitmap[word * 4 + byte]} << (8 * byte);
  return bits;
}

/** By plan, the buckets of which this node may take something: owned, pending, or with a keep of ours. */
using Sieve = std::array<Bitmap, kMaxPlans>;

/** 0: this node. */
using KeeperSlot = uint16_t;

/** Keeps of one keeper, packed back to back. A trailing part of a keep, or a keep whose plan is above 7, is ignored. */
struct KeeperKeeps {
  KeeperSlot keeper = 0;
  std::vector<uint8_t> keeps;
};

enum class TableOpKind : uint8_t {
  own,
  hold,
  unhold,
  offer,
  withdraw,
  cut,
  honour,
  holdKeys,
  release,
  unholdKeys,
  dropKeeper,
  forget,
  dropKeeps,
  listEnded,
  reach,
};

/** One command; fields that a kind does not name are ignored. */
struct TableOp {
  TableOpKind kind = TableOpKind::own;
  /** 0..7; a higher one makes the command do nothing. */
  uint8_t plan = 0;
  Bitmap buckets{};
  /** offer, cut. */
  uint32_t serial = 0;
  /** honour, holdKeys, release, unholdKeys; for dropKeeps one group, whose keeper is ignored. */
  std::vector<KeeperKeeps> groups;
  /** dropKeeper. */
  KeeperSlot keeper = 0;
  /** dropKeeper, listEnded: only entries in `buckets` of `plan`; else those of every plan. */
  bool hasBuckets = false;
  /** listEnded. */
  uint32_t limit = 0;
  bool all = false;
  /** reach. */
  std::shared_ptr<const ReachSetting> reach;
};

/**
 * Filled by offer, cut, dropKeeps and listEnded; and by honour with the keeps for which the table had no room (counted
 * as tableFull): a grant that gets such a result must be refused.
 */
struct TableResult {
  std::vector<KeeperKeeps> groups;
};

struct KeptState {
  /** Per plan: buckets that we do not own and in which we have keeps. */
  std::array<Bitmap, kMaxPlans> kept{};
  /** Own keeps in all. */
  uint32_t count = 0;
};

}  // namespace covey

#endif

// A table command that is carried out in slices, so that 100,000 keys do not keep frames waiting for 20 ms.
//
// What a command does to ownership it does in its first slice, at once. What it then does entry by entry may be
// interrupted by frames, because none of them can tell: until a key of a bucket that was cut has become a keep, its
// entry counts as one (kCutting); all other commands deal with keys that have nothing to do with one another.
#ifndef COVEY_FILTER_TABLE_WORK_H
#define COVEY_FILTER_TABLE_WORK_H

#include <cstddef>
#include <cstdint>

#include "keep_list.h"
#include "table_ops.h"

namespace covey {

class TableWork {
 public:
  /** `op` outlives the work. */
  explicit TableWork(const TableOp& op) : op_(op) {}
  const TableOp& op() const { return op_; }
  TableResult take() { return result_.take(); }

 private:
  friend class TableWorker;

  const TableOp& op_;
  bool isBegun_ = false;
  /** Of the walk over buckets: those that remain to be visited start at (plan_, bucket_). */
  Bitmap buckets_{};
  uint32_t plan_ = 0;
  uint32_t lastPlan_ = 0;
  uint32_t bucket_ = 0;
  /** Of the walk over the keeps that the command names. */
  size_t group_ = 0;
  size_t offset_ = 0;
  /** Of the walk over the list of our own keeps. */
  uint32_t looks_ = 0;
  /** Must be done in one slice. */
  bool isWhole_ = false;
  KeepGroups result_;
};

}  // namespace covey

#endif

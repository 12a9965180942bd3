// Carries out table commands; what each promises stands at TableOp in src/buckets/contract.ts.
#ifndef COVEY_FILTER_TABLE_WORKER_H
#define COVEY_FILTER_TABLE_WORKER_H

#include "filter.h"
#include "filter_state.h"
#include "table_work.h"

namespace covey {

class TableWorker {
 public:
  TableWorker(Filter::State& state, TableWork& work, uint64_t nowMs, Sink& sink)
      : state_(state), work_(work), op_(work.op_), nowMs_(nowMs), sink_(sink) {}

  /** Goes on for about `mostEntries` entries; true: done. */
  bool advance(uint32_t mostEntries);

 private:
  /** The first slice: what happens at once. */
  void begin();
  void own();
  void offer();
  void cut();
  void endSlice(bool isDone);

  bool walk(uint32_t mostEntries);
  bool walkBuckets(uint32_t mostEntries);
  uint32_t visitBucket(uint8_t plan, uint32_t bucket);
  bool walkKeeps(uint32_t mostEntries);
  bool walkOwnKeeps(uint32_t mostEntries);

  void visit(uint32_t index);
  void offerEntry(uint32_t index);
  void withdrawEntry(uint32_t index);
  void cutEntry(uint32_t index);
  void listIfEnded(uint32_t index);
  void visitKeep(KeeperSlot keeper, const Keep& keep);
  void dropKeep(const Keep& keep);
  void visitNamed(uint32_t index);

  void walkOver(const Bitmap& buckets);
  bool isIn(const HeldFrame& held) const {
    return held.key.plan() == op_.plan && hasBucket(op_.buckets, bucketOf(held.hash));
  }
  FlowEntry& entry(uint32_t index) { return state_.entry(index); }

  Filter::State& state_;
  TableWork& work_;
  const TableOp& op_;
  uint64_t nowMs_;
  Sink& sink_;
};

}  // namespace covey

#endif

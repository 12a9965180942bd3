// Table commands through the Filter's door: in slices, whole, or one method each.
#include "filter.h"
#include "filter_state.h"
#include "table_work.h"
#include "table_worker.h"

namespace covey {
namespace {

/** A command whose groups, where it has some, are still to be filled in. */
TableOp op(TableOpKind kind, uint8_t plan = 0, const Bitmap& buckets = {}, uint32_t serial = 0) {
  TableOp result;
  result.kind = kind;
  result.plan = plan;
  result.buckets = buckets;
  result.serial = serial;
  return result;
}

TableOp named(TableOpKind kind, const std::vector<KeeperKeeps>& groups) {
  TableOp result = op(kind);
  result.groups = groups;
  return result;
}

/** Commands that replay nothing need nowhere to send frames. */
class NoSink : public Sink {
 public:
  void inject(const Accepted&) override {}
  void answer(const uint8_t*, size_t) override {}
  void relay(const FrameView&, const Accepted&, const Mac&) override {}
};

}  // namespace

bool Filter::advance(TableWork& work, uint32_t mostEntries, uint64_t nowMs, Sink& sink) {
  state_->sawTime(nowMs);
  const bool mayChangeVerdicts = work.op().kind != TableOpKind::listEnded;
  if (mayChangeVerdicts) state_->closeFastPath();
  const bool isDone = TableWorker(*state_, work, nowMs, sink).advance(mostEntries);
  // What was replayed meanwhile was judged by tables that are other ones by now.
  if (mayChangeVerdicts) state_->closeFastPath();
  return isDone;
}

TableResult Filter::apply(const TableOp& op, uint64_t nowMs, Sink& sink) {
  TableWork work(op);
  while (!advance(work, 0xffffffffu, nowMs, sink)) {
  }
  return work.take();
}

std::vector<TableResult> Filter::apply(const std::vector<TableOp>& ops, uint64_t nowMs, Sink& sink) {
  std::vector<TableResult> results;
  results.reserve(ops.size());
  for (const TableOp& op : ops) results.push_back(apply(op, nowMs, sink));
  return results;
}

void Filter::own(uint8_t plan, const Bitmap& buckets, uint64_t nowMs, Sink& sink) {
  apply(op(TableOpKind::own, plan, buckets), nowMs, sink);
}

void Filter::hold(uint8_t plan, const Bitmap& buckets) {
  NoSink sink;
  apply(op(TableOpKind::hold, plan, buckets), 0, sink);
}

void Filter::unhold(uint8_t plan, const Bitmap& buckets) {
  NoSink sink;
  apply(op(TableOpKind::unhold, plan, buckets), 0, sink);
}

TableResult Filter::offer(uint8_t plan, const Bitmap& buckets, uint32_t serial, uint64_t nowMs) {
  NoSink sink;
  return apply(op(TableOpKind::offer, plan, buckets, serial), nowMs, sink);
}

void Filter::withdraw(uint8_t plan, const Bitmap& buckets) {
  NoSink sink;
  apply(op(TableOpKind::withdraw, plan, buckets), 0, sink);
}

TableResult Filter::cut(uint8_t plan, const Bitmap& buckets, uint32_t serial, uint64_t nowMs, Sink& sink) {
  return apply(op(TableOpKind::cut, plan, buckets, serial), nowMs, sink);
}

TableResult Filter::honour(const std::vector<KeeperKeeps>& groups, uint64_t nowMs) {
  NoSink sink;
  return apply(named(TableOpKind::honour, groups), nowMs, sink);
}

void Filter::holdKeys(const std::vector<KeeperKeeps>& groups) {
  NoSink sink;
  apply(named(TableOpKind::holdKeys, groups), 0, sink);
}

void Filter::release(const std::vector<KeeperKeeps>& groups, uint64_t nowMs, Sink& sink) {
  apply(named(TableOpKind::release, groups), nowMs, sink);
}

void Filter::unholdKeys(const std::vector<KeeperKeeps>& groups) {
  NoSink sink;
  apply(named(TableOpKind::unholdKeys, groups), 0, sink);
}

void Filter::dropKeeper(KeeperSlot keeper, uint64_t nowMs, Sink& sink) {
  TableOp drop = op(TableOpKind::dropKeeper);
  drop.keeper = keeper;
  apply(drop, nowMs, sink);
}

void Filter::dropKeeper(KeeperSlot keeper, uint8_t plan, const Bitmap& buckets, uint64_t nowMs, Sink& sink) {
  TableOp drop = op(TableOpKind::dropKeeper, plan, buckets);
  drop.keeper = keeper;
  drop.hasBuckets = true;
  apply(drop, nowMs, sink);
}

void Filter::forget(uint8_t plan, const Bitmap& buckets, uint64_t nowMs, Sink& sink) {
  apply(op(TableOpKind::forget, plan, buckets), nowMs, sink);
}

TableResult Filter::dropKeeps(const std::vector<uint8_t>& keeps, uint64_t nowMs) {
  NoSink sink;
  return apply(named(TableOpKind::dropKeeps, {{0, keeps}}), nowMs, sink);
}

TableResult Filter::listEnded(uint32_t limit, bool all, uint64_t nowMs) {
  NoSink sink;
  TableOp list = op(TableOpKind::listEnded);
  list.limit = limit;
  list.all = all;
  return apply(list, nowMs, sink);
}

TableResult Filter::listEnded(uint32_t limit, bool all, uint8_t plan, const Bitmap& buckets, uint64_t nowMs) {
  NoSink sink;
  TableOp list = op(TableOpKind::listEnded, plan, buckets);
  list.limit = limit;
  list.all = all;
  list.hasBuckets = true;
  return apply(list, nowMs, sink);
}

Sieve Filter::sieve() const {
  Sieve sieve{};
  for (uint8_t plan = 0; plan < kMaxPlans; plan++) {
    for (uint32_t bucket = 0; bucket < kBuckets; bucket++) {
      if (mayTake(state_->buckets.at(plan, bucket))) addBucket(sieve[plan], bucket);
    }
  }
  return sieve;
}

uint64_t Filter::tableVersion() const { return state_->buckets.version(); }

KeptState Filter::kept() const {
  const FlowTable& table = state_->flows.table();
  KeptState kept;
  kept.count = table.count(FlowList::ownKeep);
  for (uint8_t plan = 0; plan < kMaxPlans; plan++) {
    for (uint32_t bucket = 0; bucket < kBuckets; bucket++) {
      const uint8_t cell = state_->buckets.at(plan, bucket);
      if ((cell & kHasKeeps) != 0 && (cell & kOwned) == 0) addBucket(kept.kept[plan], bucket);
    }
  }
  return kept;
}

}  // namespace covey

#include "table_worker.h"

#include <algorithm>

namespace covey {
namespace {

/** Asked for ended keeps only, a command looks at so many at most; the next one sees others. */
constexpr uint32_t kMostLooks = 65536;

void clearFlags(FlowEntry& entry, uint8_t flags) { entry.flags = static_cast<uint8_t>(entry.flags & ~flags); }

}  // namespace

bool TableWorker::advance(uint32_t mostEntries) {
  if (op_.plan >= kMaxPlans) return true;
  if (!work_.isBegun_) begin();
  work_.isBegun_ = true;
  const bool isDone = walk(work_.isWhole_ ? 0xffffffffu : mostEntries);
  endSlice(isDone);
  return isDone;
}

void TableWorker::begin() {
  switch (op_.kind) {
    case TableOpKind::own:
      return own();
    case TableOpKind::hold:
      return forEachBucket(op_.buckets, [&](uint32_t bucket) { state_.buckets.add(op_.plan, bucket, kPending); });
    case TableOpKind::unhold:
      forEachBucket(op_.buckets, [&](uint32_t bucket) { state_.buckets.remove(op_.plan, bucket, kPending); });
      return state_.discardFreed();
    case TableOpKind::offer:
      return offer();
    case TableOpKind::withdraw:
      forEachBucket(op_.buckets, [&](uint32_t bucket) { state_.buckets.remove(op_.plan, bucket, kOffered); });
      return walkOver(op_.buckets);
    case TableOpKind::cut:
      return cut();
    case TableOpKind::forget:
      return walkOver(op_.buckets);
    case TableOpKind::dropKeeper:
    case TableOpKind::listEnded:
      if (op_.hasBuckets) return walkOver(op_.buckets);
      work_.buckets_.fill(0xff);
      work_.lastPlan_ = kMaxPlans - 1;
      return;
    case TableOpKind::reach:
      if (op_.reach) state_.setReach(op_.reach, nowMs_, sink_);
      return;
    default:
      return;
  }
}

/** The walk goes over these buckets of the command's plan. */
void TableWorker::walkOver(const Bitmap& buckets) {
  work_.buckets_ = buckets;
  work_.plan_ = work_.lastPlan_ = op_.plan;
}

void TableWorker::own() {
  forEachBucket(op_.buckets, [&](uint32_t bucket) {
    state_.buckets.remove(op_.plan, bucket, kPending);
    state_.buckets.add(op_.plan, bucket, kOwned);
  });
  state_.replay([&](const HeldFrame& held) { return isIn(held); }, nowMs_, sink_);
  walkOver(op_.buckets);
}

void TableWorker::offer() {
  Bitmap owned{};
  forEachBucket(op_.buckets, [&](uint32_t bucket) {
    if ((state_.buckets.at(op_.plan, bucket) & kOwned) == 0) return;
    state_.buckets.add(op_.plan, bucket, kOffered);
    addBucket(owned, bucket);
  });
  walkOver(owned);
}

void TableWorker::cut() {
  Bitmap owned{};
  forEachBucket(op_.buckets, [&](uint32_t bucket) {
    const uint8_t cell = state_.buckets.at(op_.plan, bucket);
    if ((cell & kOwned) == 0) return;
    // Without an offer nothing is pinned, and so nothing tells which entries will be keeps.
    if ((cell & kOffered) == 0) work_.isWhole_ = true;
    state_.buckets.remove(op_.plan, bucket, kOwned | kOffered);
    state_.buckets.add(op_.plan, bucket, kCutting);
    addBucket(owned, bucket);
  });
  walkOver(owned);
}

void TableWorker::endSlice(bool isDone) {
  switch (op_.kind) {
    case TableOpKind::forget:
    case TableOpKind::dropKeeper:
    case TableOpKind::release:
      // Before any newer frame of the keys that are free now.
      if (state_.ring.count() > 0) state_.replayFreed(nowMs_, sink_);
      break;
    case TableOpKind::unholdKeys:
      if (isDone) state_.discardFreed();
      break;
    case TableOpKind::cut:
      // Keys are held only by the owner of their bucket: their frames get the verdict that they would get now.
      if (isDone) state_.replay([&](const HeldFrame& held) { return isIn(held); }, nowMs_, sink_);
      break;
    default:
      break;
  }
  if (isDone) state_.flows.publish();
}

bool TableWorker::walk(uint32_t mostEntries) {
  switch (op_.kind) {
    case TableOpKind::hold:
    case TableOpKind::unhold:
    case TableOpKind::reach:
      return true;
    case TableOpKind::honour:
    case TableOpKind::holdKeys:
    case TableOpKind::release:
    case TableOpKind::unholdKeys:
    case TableOpKind::dropKeeps:
      return walkKeeps(mostEntries);
    case TableOpKind::listEnded:
      return op_.hasBuckets ? walkBuckets(mostEntries) : walkOwnKeeps(mostEntries);
    default:
      return walkBuckets(mostEntries);
  }
}

bool TableWorker::walkBuckets(uint32_t mostEntries) {
  uint32_t visited = 0;
  // Nothing to visit, as at a node's start; a cut still has its buckets to mark.
  if (state_.flows.table().used() == 0 && op_.kind != TableOpKind::cut) return true;
  for (; work_.plan_ <= work_.lastPlan_; work_.plan_++, work_.bucket_ = 0) {
    for (; work_.bucket_ < kBuckets; work_.bucket_++) {
      if (visited >= mostEntries) return false;
      if (!hasBucket(work_.buckets_, work_.bucket_)) continue;
      visited += visitBucket(static_cast<uint8_t>(work_.plan_), work_.bucket_);
    }
  }
  return true;
}

/** All entries of the bucket: a visit may remove the entry it is given. */
uint32_t TableWorker::visitBucket(uint8_t plan, uint32_t bucket) {
  const FlowTable& table = state_.flows.table();
  uint32_t visited = 0;
  for (uint32_t index = table.firstIn(plan, bucket); index != kNone; visited++) {
    const uint32_t next = table.nextInBucket(index);
    visit(index);
    index = next;
  }
  if (op_.kind == TableOpKind::cut) state_.buckets.remove(plan, bucket, kCutting);
  return visited;
}

void TableWorker::visit(uint32_t index) {
  switch (op_.kind) {
    case TableOpKind::own:
      if (!entry(index).has(kIsOwnKeep)) return;
      clearFlags(entry(index), kIsOwnKeep);
      return state_.flows.relist(index);
    case TableOpKind::offer:
      return offerEntry(index);
    case TableOpKind::withdraw:
      return withdrawEntry(index);
    case TableOpKind::cut:
      return cutEntry(index);
    case TableOpKind::forget:
      if (entry(index).isForeign()) state_.flows.drop(index);
      return;
    case TableOpKind::dropKeeper:
      if (op_.keeper != 0 && entry(index).keeper == op_.keeper) state_.flows.drop(index);
      return;
    case TableOpKind::listEnded:
      return listIfEnded(index);
    default:
      return;
  }
}

void TableWorker::offerEntry(uint32_t index) {
  FlowEntry& one = entry(index);
  if (one.isForeign()) return work_.result_.add(one.keeper, one.key, one.serial);
  if (!one.has(kIsPinned) && !state_.flows.isAlive(index, nowMs_)) return;
  one.flags |= kIsPinned | kIsListed;
  state_.flows.relist(index);
  work_.result_.add(0, one.key, op_.serial);
}

void TableWorker::withdrawEntry(uint32_t index) {
  FlowEntry& one = entry(index);
  if (!one.has(kIsPinned | kIsListed)) return;
  clearFlags(one, kIsPinned | kIsListed);
  state_.flows.relist(index);
}

void TableWorker::cutEntry(uint32_t index) {
  FlowEntry& one = entry(index);
  if (one.isForeign()) return;
  if (!one.has(kIsPinned) && !state_.flows.isAlive(index, nowMs_)) return state_.flows.drop(index);
  if (!one.has(kIsListed)) work_.result_.add(0, one.key, op_.serial);
  clearFlags(one, kIsPinned | kIsListed);
  one.flags |= kIsOwnKeep;
  one.serial = op_.serial;
  state_.flows.relist(index);
}

void TableWorker::listIfEnded(uint32_t index) {
  const FlowEntry& one = entry(index);
  if (!one.has(kIsOwnKeep) || work_.result_.count() >= op_.limit) return;
  if (op_.all || !state_.flows.isAlive(index, nowMs_)) work_.result_.add(0, one.key, one.serial);
}

bool TableWorker::walkOwnKeeps(uint32_t mostEntries) {
  // What it saw goes to the end of the list. Frames between two slices neither make own keeps nor end them.
  FlowTable& table = state_.flows.table();
  const uint32_t count = table.count(FlowList::ownKeep);
  const uint32_t looks = op_.all ? count : std::min(count, kMostLooks);
  for (uint32_t visited = 0; work_.looks_ < looks && work_.result_.count() < op_.limit; work_.looks_++, visited++) {
    if (visited >= mostEntries) return false;
    const uint32_t index = table.oldest(FlowList::ownKeep);
    listIfEnded(index);
    table.move(index, FlowList::ownKeep);
  }
  return true;
}

bool TableWorker::walkKeeps(uint32_t mostEntries) {
  uint32_t visited = 0;
  for (; work_.group_ < op_.groups.size(); work_.group_++, work_.offset_ = 0) {
    const KeeperKeeps& group = op_.groups[work_.group_];
    // Slot 0 is this node: its own keeps are in the table already, or have ended. Those to drop are named without slot.
    if (group.keeper == 0 && op_.kind != TableOpKind::dropKeeps) continue;
    for (; work_.offset_ + kKeepBytes <= group.keeps.size(); work_.offset_ += kKeepBytes) {
      if (visited++ >= mostEntries) return false;
      Keep keep;
      if (readKeep(&group.keeps[work_.offset_], keep)) visitKeep(group.keeper, keep);
    }
  }
  return true;
}

void TableWorker::visitKeep(KeeperSlot keeper, const Keep& keep) {
  const uint32_t hash = state_.hashOf(keep.key);
  if (op_.kind == TableOpKind::honour) {
    const bool isSet = state_.flows.setForeign(keep.key, hash, keeper, keep.serial, nowMs_);
    if (!isSet) work_.result_.add(keeper, keep.key, keep.serial);
    return;
  }
  if (op_.kind == TableOpKind::dropKeeps) return dropKeep(keep);
  // The entry that is meant has the same keeper, and a serial that is not newer than the named one.
  const uint32_t index = state_.flows.table().find(keep.key, hash);
  if (index == kNone || entry(index).keeper != keeper || entry(index).serial > keep.serial) return;
  visitNamed(index);
}

void TableWorker::dropKeep(const Keep& keep) {
  const uint32_t index = state_.flows.table().find(keep.key, state_.hashOf(keep.key));
  if (index == kNone) return;
  const FlowEntry& one = entry(index);
  if (!one.has(kIsOwnKeep) || one.serial > keep.serial || state_.flows.isAlive(index, nowMs_)) return;
  work_.result_.add(0, one.key, one.serial);
  state_.flows.drop(index);
}

void TableWorker::visitNamed(uint32_t index) {
  switch (op_.kind) {
    case TableOpKind::holdKeys:
      entry(index).flags |= kIsHeldKey;
      return;
    case TableOpKind::unholdKeys:
      return clearFlags(entry(index), kIsHeldKey);
    case TableOpKind::release:
      return state_.flows.drop(index);
    default:
      return;
  }
}

}  // namespace covey

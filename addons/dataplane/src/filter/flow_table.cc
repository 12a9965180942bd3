#include "flow_table.h"

#include <algorithm>

namespace covey {

namespace {

/** At most 2/3 full: finding a key then looks at two places on average, and these mostly share a cache line pair. */
size_t placesFor(uint32_t maxKeys) { return size_t{maxKeys} + maxKeys / 2 + 16; }

}  // namespace

FlowTable::FlowTable(uint32_t maxKeys, BucketTable& buckets)
    : buckets_(buckets), maxKeys_(maxKeys), entries_(placesFor(maxKeys)), cells_(kMaxPlans * kBuckets) {
  free_ = static_cast<uint32_t>(entries_.size());
}

uint32_t FlowTable::add(const KeyRecord& key, uint32_t hash, FlowList list) {
  FlowEntry entry;
  entry.key = key;
  entry.list = list;
  return place(entry, hash);
}

uint32_t FlowTable::place(const FlowEntry& entry, uint32_t hash) {
  uint32_t index = home(entry.key, hash);
  while (isUsed(entries_[index])) index = after(index);
  if (entries_[index].list == FlowList::free) free_--;
  entries_[index] = entry;
  entries_[index].hash = hash;
  used_++;
  enterBucket(index);
  link(index, entry.list);
  return index;
}

void FlowTable::remove(uint32_t index) {
  leaveBucket(index);
  unlink(index);
  leavePlace(index);
}

/** A place before a free one need not be passed by anyone who probes: so gaps before it become free again. */
void FlowTable::leavePlace(uint32_t index) {
  used_--;
  entries_[index].list = FlowList::gap;
  if (entries_[after(index)].list != FlowList::free) return;
  for (uint32_t at = index; entries_[at].list == FlowList::gap; at = before(at)) becomeFree(at);
}

uint32_t FlowTable::placeBefore(uint32_t index) const {
  uint32_t at = home(entries_[index].key, entries_[index].hash);
  while (at != index && isUsed(entries_[at])) at = after(at);
  return at;
}

/** What points to the entry, in its bucket and in its list, points to the new place. */
FlowEntry& FlowTable::relocate(uint32_t from, uint32_t to) {
  FlowEntry& entry = entries_[to];
  entry = entries_[from];
  free_--;
  becomeFree(from);
  Cell& cell = cells_[BucketTable::cellOf(entry.key.plan(), entry.bucket())];
  (entry.bucketPrevious == kNone ? cell.first : entries_[entry.bucketPrevious].bucketNext) = to;
  if (entry.bucketNext != kNone) entries_[entry.bucketNext].bucketPrevious = to;
  List& list = lists_[static_cast<size_t>(entry.list)];
  (entry.listPrevious == kNone ? list.first : entries_[entry.listPrevious].listNext) = to;
  (entry.listNext == kNone ? list.last : entries_[entry.listNext].listPrevious) = to;
  return entry;
}

void FlowTable::move(uint32_t index, FlowList list) {
  unlink(index);
  link(index, list);
}

void FlowTable::link(uint32_t index, FlowList list) {
  FlowEntry& entry = entries_[index];
  List& to = lists_[static_cast<size_t>(list)];
  entry.list = list;
  entry.listedAt = tick_;
  entry.listNext = kNone;
  entry.listPrevious = to.last;
  (to.last == kNone ? to.first : entries_[to.last].listNext) = index;
  to.last = index;
  to.count++;
  if (list == FlowList::ownKeep) countKeep(entry, 1);
}

void FlowTable::unlink(uint32_t index) {
  FlowEntry& entry = entries_[index];
  List& from = lists_[static_cast<size_t>(entry.list)];
  (entry.listPrevious == kNone ? from.first : entries_[entry.listPrevious].listNext) = entry.listNext;
  (entry.listNext == kNone ? from.last : entries_[entry.listNext].listPrevious) = entry.listPrevious;
  from.count--;
  if (entry.list == FlowList::ownKeep) countKeep(entry, -1);
}

void FlowTable::enterBucket(uint32_t index) {
  FlowEntry& entry = entries_[index];
  Cell& cell = cells_[BucketTable::cellOf(entry.key.plan(), entry.bucket())];
  entry.bucketPrevious = kNone;
  entry.bucketNext = cell.first;
  if (cell.first != kNone) entries_[cell.first].bucketPrevious = index;
  cell.first = index;
}

void FlowTable::leaveBucket(uint32_t index) {
  const FlowEntry& entry = entries_[index];
  Cell& cell = cells_[BucketTable::cellOf(entry.key.plan(), entry.bucket())];
  (entry.bucketPrevious == kNone ? cell.first : entries_[entry.bucketPrevious].bucketNext) = entry.bucketNext;
  if (entry.bucketNext != kNone) entries_[entry.bucketNext].bucketPrevious = entry.bucketPrevious;
}

void FlowTable::countKeep(const FlowEntry& entry, int change) {
  Cell& cell = cells_[BucketTable::cellOf(entry.key.plan(), entry.bucket())];
  cell.ownKeeps += static_cast<uint32_t>(change);
  if (cell.ownKeeps == 0) {
    buckets_.remove(entry.key.plan(), entry.bucket(), kHasKeeps);
  } else {
    buckets_.add(entry.key.plan(), entry.bucket(), kHasKeeps);
  }
}

std::vector<FlowEntry> FlowTable::takeAll() {
  std::vector<FlowEntry> all;
  all.reserve(used_);
  for (const List& list : lists_) {
    for (uint32_t index = list.first; index != kNone; index = next(index)) all.push_back(entries_[index]);
  }
  clear();
  return all;
}

void FlowTable::clear() {
  // A sparse table is emptied entry by entry: a node that lapses again and again should not touch megabytes each time.
  if (used_ <= std::max<uint32_t>(maxKeys_ / 16, 64)) {
    for (List& list : lists_) {
      while (list.first != kNone) remove(list.first);
    }
    return;
  }
  for (uint32_t index = oldest(FlowList::ownKeep); index != kNone; index = next(index)) countKeep(entries_[index], -1);
  std::fill(entries_.begin(), entries_.end(), FlowEntry{});
  std::fill(cells_.begin(), cells_.end(), Cell{});
  lists_.fill(List{});
  used_ = 0;
  free_ = static_cast<uint32_t>(entries_.size());
}

}  // namespace covey

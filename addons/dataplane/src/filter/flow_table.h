// Storage of affinity keys: a preallocated hash table, a list per bucket, and one list per kind of entry.
//
// Entries lie in the hash table itself (open addressing, linear probing, at most 2/3 full), so that a packet of a known
// key touches one cache line of it; an index beside a pool would be a second one, of other memory. A removed entry leaves a
// gap that probing passes, until what lies behind it is free too. A table that stays nearly full would so lose all its free
// places, and with them the end of every search: so where they become few, each new entry first tidies a run of places, in
// which entries move into the gaps. No index of an entry may be held while another is added.
//
// A list is in the order in which its entries were put into it, and a packet moves none of them: that would touch two
// neighbours, three cache lines instead of one. Who takes from a list's head looks whether the entry was seen since it
// was put there, and if so moves it to the end and takes the next (a second chance, as page caches give it).
#ifndef COVEY_FILTER_FLOW_TABLE_H
#define COVEY_FILTER_FLOW_TABLE_H

#include <array>
#include <cstdint>
#include <vector>

#include "bucket_table.h"
#include "flow_life.h"
#include "key.h"
#include "pages.h"

namespace covey {

/** No index: the end of a list, not found. */
constexpr uint32_t kNone = 0xffffffffu;

/**
 * The list an entry is in; each has one reason to end. Order of eviction: closing, embryo, then the oldest of the next
 * three.
 */
enum class FlowList : uint8_t {
  /** Ended but for the linger. */
  closing,
  embryo,
  stream,
  open,
  /** Rules with `hold`: alive that long after the last packet. */
  held,
  /** In an offered bucket: neither expires nor is evicted. */
  pinned,
  ownKeep,
  foreign,
  /** No list: places without an entry. */
  free,
  gap,
};
constexpr size_t kFlowLists = 8;

/** FlowEntry::flags. */
constexpr uint8_t kIsOwnKeep = 1;
constexpr uint8_t kIsPinned = 2;
/** Listed by `offer`, so `cut` need not list it again. */
constexpr uint8_t kIsListed = 4;
/** Foreign, and its frames are held (`hold-keys`). */
constexpr uint8_t kIsHeldKey = 8;
/** One of its connections was forgotten for want of room: the key lives as long as an idle TCP connection. */
constexpr uint8_t kIsUncertain = 16;
/** Was once more than an embryo, so more than one packet came from there. */
constexpr uint8_t kIsConfirmed = 32;
/** Connections of it may lie open in FastPath. */
constexpr uint8_t kIsFast = 64;

/** Coarse time for the order of lists: 4.1 s a tick. 16 bits of it last three days, and differences half as long. */
inline uint16_t tickOf(uint32_t timeMs) { return static_cast<uint16_t>(timeMs >> 12); }

struct alignas(64) FlowEntry {
  KeyRecord key;
  /** hashKey of the key; the bucket is in its low bits. */
  uint32_t hash = 0;
  uint32_t bucketNext = kNone;
  uint32_t bucketPrevious = kNone;
  uint32_t listNext = kNone;
  uint32_t listPrevious = kNone;
  /** Low 32 bits of the time of the last packet, ms: ages are differences modulo 2^32 (49 days). */
  uint32_t lastSeenMs = 0;
  uint32_t serial = 0;
  uint32_t holdMs = 0;
  /** FlowEvent::connection of the only connection; with Phase::several the index of the first one's record. */
  uint32_t connection = kNone;
  /** FlowTable::tick when it was put into its list. */
  uint16_t listedAt = 0;
  KeeperSlot keeper = 0;
  FlowList list = FlowList::free;
  Phase phase = Phase::trace;
  uint8_t flags = 0;

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
  bool isForeign() const { return keeper != 0; }
  /** A packet came in a later tick than the one in which the entry was put into its list. */
  bool wasSeenSinceListed() const { return static_cast<int16_t>(tickOf(lastSeenMs) - listedAt) > 0; }
  uint32_t bucket() const { return bucketOf(hash); }
};
static_assert(sizeof(FlowEntry) == 64, "one cache line per entry");

class FlowTable {
 public:
  /** `buckets` is told where own keeps are (kHasKeeps). */
  FlowTable(uint32_t maxKeys, BucketTable& buckets);

  uint32_t find(const KeyRecord& key, uint32_t hash) const {
    for (uint32_t at = home(key, hash);; at = after(at)) {
      const FlowEntry& entry = entries_[at];
      if (entry.hash == hash && entry.key == key && isUsed(entry)) return at;
      if (entry.list == FlowList::free) return kNone;
    }
  }
  /**
   * A look-up follows that will probably find nothing: its cache line is fetched past the second level, so that a flood of
   * new keys pushes out fewer lines of known ones.
   */
  void expectNew(const KeyRecord& key, uint32_t hash) const { __builtin_prefetch(&entries_[home(key, hash)], 1, 0); }
  /** A look-up follows that will probably find the key. */
  void expectKnown(const KeyRecord& key, uint32_t hash) const { __builtin_prefetch(&entries_[home(key, hash)], 1, 3); }
  FlowEntry& at(uint32_t index) { return entries_[index]; }
  const FlowEntry& at(uint32_t index) const { return entries_[index]; }

  bool isFull() const { return used_ == maxKeys_; }
  uint32_t used() const { return used_; }
  /**
   * To be called before `add`. Where free places have become few, closes the gaps of some runs; `moved(entry, index)` hears of
   * each entry that has another index by now.
   */
  template <class Moved>
  void tidy(Moved moved) {
    for (int runs = 0; isCluttered() && runs < kRunsATime; runs++) tidyRun(moved);
  }
  /** A new entry at the end of `list`; the caller has made room, and has tidied. The key's plan is at most 7. */
  uint32_t add(const KeyRecord& key, uint32_t hash, FlowList list);
  void remove(uint32_t index);
  /** To the end of `list`, also when it is there already. */
  void move(uint32_t index, FlowList list);
  /** The time from which entries put into lists count as put there; it may lag by some seconds. */
  void setTime(uint64_t nowMs) { tick_ = tickOf(static_cast<uint32_t>(nowMs)); }
  uint16_t tick() const { return tick_; }

  uint32_t oldest(FlowList list) const { return lists_[static_cast<size_t>(list)].first; }
  uint32_t next(uint32_t index) const { return entries_[index].listNext; }
  uint32_t count(FlowList list) const { return lists_[static_cast<size_t>(list)].count; }

  uint32_t firstIn(uint8_t plan, uint32_t bucket) const { return cells_[BucketTable::cellOf(plan, bucket)].first; }
  uint32_t nextInBucket(uint32_t index) const { return entries_[index].bucketNext; }

  /** All entries to the buckets, and places, that the new seed gives them; `moved(entry, index)` hears of each. */
  template <class Moved>
  void rehash(uint32_t seed, Moved moved) {
    for (const FlowEntry& before : takeAll()) {
      const uint32_t index = place(before, hashKey(before.key, seed));
      moved(entries_[index], index);
    }
  }
  void clear();

 private:
  struct List {
    uint32_t first = kNone;
    uint32_t last = kNone;
    uint32_t count = 0;
  };
  struct Cell {
    uint32_t first = kNone;
    uint32_t ownKeeps = 0;
  };

  /** At an eighth of free places a search that finds nothing looks at some dozens at most, nearly always. */
  bool isCluttered() const { return free_ < entries_.size() / 8; }
  /** The run of places behind the last one that was tidied, from a free place to the next. */
  template <class Moved>
  void tidyRun(Moved moved) {
    uint32_t at = tidied_;
    while (entries_[at].list != FlowList::free) at = after(at);
    while (entries_[at].list == FlowList::free) at = after(at);
    for (; entries_[at].list != FlowList::free; at = after(at)) {
      if (entries_[at].list == FlowList::gap) {
        becomeFree(at);
        continue;
      }
      const uint32_t to = placeBefore(at);
      if (to != at) moved(relocate(at, to), to);
    }
    tidied_ = at;
  }
  /** The first place on the way from its home on which the entry could lie: itself, if there is none before. */
  uint32_t placeBefore(uint32_t index) const;
  FlowEntry& relocate(uint32_t from, uint32_t to);
  void becomeFree(uint32_t index) {
    entries_[index].list = FlowList::free;
    free_++;
  }

  static bool isUsed(const FlowEntry& entry) { return entry.list < FlowList::free; }
  /**
   * Keys of several plans have one hash: the plan is mixed in, else they would share a home. Fibonacci hashing, since the
   * low 12 bits are the bucket, and a node sees only its own buckets; the product's upper half gives any table size.
   */
  uint32_t home(const KeyRecord& key, uint32_t hash) const {
    const uint32_t mixed = (hash ^ (key.plan() * 0x85ebca6bu)) * 0x9e3779b1u;
    return static_cast<uint32_t>((uint64_t{mixed} * entries_.size()) >> 32);
  }
  uint32_t after(uint32_t at) const { return at + 1 == entries_.size() ? 0 : at + 1; }
  uint32_t before(uint32_t at) const { return at == 0 ? static_cast<uint32_t>(entries_.size()) - 1 : at - 1; }
  /** A copy of `entry` under a new hash; its links are made anew. */
  uint32_t place(const FlowEntry& entry, uint32_t hash);
  void leavePlace(uint32_t index);
  /** Empties the table. */
  std::vector<FlowEntry> takeAll();
  void link(uint32_t index, FlowList list);
  void unlink(uint32_t index);
  void enterBucket(uint32_t index);
  void leaveBucket(uint32_t index);
  void countKeep(const FlowEntry& entry, int change);

  BucketTable& buckets_;
  uint32_t maxKeys_;
  static constexpr int kRunsATime = 2;
  uint32_t used_ = 0;
  /** Places that are free, gaps not counted. */
  uint32_t free_ = 0;
  uint32_t tidied_ = 0;
  TableVector<FlowEntry> entries_;
  std::vector<Cell> cells_;
  std::array<List, kFlowLists> lists_{};
  uint16_t tick_ = 0;
};

}  // namespace covey

#endif

// Which affinity keys are alive. Every accepted frame leaves an entry: a grant must be able to tell which keys this
// node took.
//
// A key of affinity `connection` normally is one connection, and its phase is kept in the entry. A key of affinity
// `client` or `network` lives while any of its connections does: from the second living one on, each has a record in
// ConnectionTable (a bounded pool). The key ends a linger after the last of them ended, never by one FIN of many. When
// that pool is full the connection that is idle longest is forgotten and its key marked uncertain: it then lives as
// long as an idle TCP connection might. A rule's `hold` lengthens all of this.
#ifndef COVEY_FILTER_FLOW_TRACKER_H
#define COVEY_FILTER_FLOW_TRACKER_H

#include <cstdint>

#include "connection_table.h"
#include "counters.h"
#include "fast_path.h"
#include "flow_table.h"

namespace covey {

class FlowTracker {
 public:
  FlowTracker(uint32_t maxKeys, BucketTable& buckets, Counters& counters, FastPath& fastPath);

  FlowTable& table() { return table_; }
  const FlowTable& table() const { return table_; }

  /** Whether a key that is not in the table could get an entry: there is room, or something may be evicted. */
  bool hasRoom() const;
  bool isAlive(uint32_t index, uint64_t nowMs) const;

  /**
   * A frame of the key was accepted. `index` is its entry, kNone for a new key. In an offered bucket (`isOffered`) the
   * entry is pinned. False: there was no room (counted as tableFull), nothing is remembered.
   */
  bool accept(uint32_t index, const KeyRecord& key, uint32_t hash, const FlowEvent& event, uint32_t holdMs,
              bool isOffered, uint64_t nowMs);

  /** Whether one more packet like this one, which was accepted just now, would change nothing but the time. */
  bool isSettled(uint32_t index, const FlowEvent& event) const;

  /**
   * A foreign keep; replaces whatever entry the key had. Evicts no living key. False: there was no room (counted as
   * tableFull).
   */
  bool setForeign(const KeyRecord& key, uint32_t hash, KeeperSlot keeper, uint32_t serial, uint64_t nowMs);

  /** Puts the entry into the list that its flags and phase ask for. */
  void relist(uint32_t index) { table_.move(index, listFor(table_.at(index))); }
  void drop(uint32_t index);
  /** See FlowTable::rehash. */
  template <class Moved>
  void rehash(uint32_t seed, Moved moved) {
    table_.rehash(seed, [&](FlowEntry& entry, uint32_t index) {
      if (entry.phase == Phase::several) connections_.reown(entry.connection, index);
      moved(entry, index);
    });
  }
  void expire(uint64_t nowMs);
  void clear();
  /** Writes the gauges keys, keepsOwn, keepsForeign. */
  void publish();

 private:
  static FlowList listFor(const FlowEntry& entry);
  static bool isMoreOfTheSame(const FlowEntry& entry, const FlowEvent& event, uint32_t holdMs, bool isOffered,
                              uint32_t nowMs);
  uint32_t addNew(const KeyRecord& key, uint32_t hash, const FlowEvent& event, uint64_t nowMs);
  /** Before a key is added. */
  void tidy();
  void startAnew(FlowEntry& entry);
  void update(uint32_t index, const FlowEvent& event, uint32_t nowMs);
  void updateSingle(uint32_t index, const FlowEvent& event, uint32_t nowMs);
  void updateOther(uint32_t index, const FlowEvent& event, uint32_t nowMs);
  void updateOneOfSeveral(uint32_t index, const FlowEvent& event, uint32_t nowMs);
  void addConnection(uint32_t index, const FlowEvent& event, uint32_t nowMs);
  void makeConnectionRoom();
  void forgetConnection(uint32_t connection);
  void settleSeveral(uint32_t index, uint32_t first);
  void freeConnections(FlowEntry& entry);
  bool canEvict() const;
  uint32_t evictable();
  uint32_t longestIdle(FlowList list);
  bool isLongerIdle(uint32_t one, uint32_t other) const;
  bool expireFirst(FlowList list, uint64_t nowMs);
  bool makeRoom(uint64_t nowMs);
  void evict(uint32_t index, uint64_t nowMs);

  Counters& counters_;
  FastPath& fastPath_;
  FlowTable table_;
  ConnectionTable connections_;
  /**
   * Most embryos, a 128th of the table (2048 by default): a flood of forged sources replaces only its own kind, and its keys
   * leave room in the cache for those of living connections. An honest client whose SYN was pushed out loses nothing: its
   * next packet makes a new entry.
   */
  uint32_t mostEmbryos_;
};

}  // namespace covey

#endif

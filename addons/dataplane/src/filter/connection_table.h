// The connections of keys that have several: a client's with affinity `client` or `network`, and one source port used
// towards two services. A key's connections form a ring, living ones first, so that one look says whether any lives.
#ifndef COVEY_FILTER_CONNECTION_TABLE_H
#define COVEY_FILTER_CONNECTION_TABLE_H

#include <array>
#include <cstdint>

#include "flow_life.h"
#include "hash_index.h"
#include "pages.h"

namespace covey {

struct Connection {
  /** Index of the key's entry. */
  uint32_t owner = kNone;
  /** FlowEvent::connection. */
  uint32_t name = 0;
  uint32_t ringNext = kNone;
  uint32_t ringPrevious = kNone;
  uint32_t listNext = kNone;
  uint32_t listPrevious = kNone;
  uint32_t lastSeenMs = 0;
  Phase phase = Phase::trace;
  uint8_t list = 0;
};
static_assert(sizeof(Connection) == 32, "two per cache line");

class ConnectionTable {
 public:
  explicit ConnectionTable(uint32_t most);

  uint32_t find(uint32_t owner, uint32_t name) const {
    return index_.find(indexHash(owner, name), [&](uint32_t at) {
      return connections_[at].owner == owner && connections_[at].name == name;
    });
  }
  const Connection& at(uint32_t index) const { return connections_[index]; }
  bool isFull() const { return free_ == kNone; }
  bool isOver(uint32_t index, uint32_t nowMs) const {
    return nowMs - connections_[index].lastSeenMs >= lifeMs(connections_[index].phase);
  }

  /** Joins the ring that starts at `first` (kNone: a new one); gives the ring's first. The caller has made room. */
  uint32_t add(uint32_t owner, uint32_t name, Phase phase, uint32_t lastSeenMs, uint32_t first);
  /** One more packet; gives the ring's first, which changes when the connection begins or stops living. */
  uint32_t touch(uint32_t index, Phase phase, uint32_t nowMs, uint32_t first);
  /** Gives the ring's first after it, kNone when it was the last one. */
  uint32_t remove(uint32_t index, uint32_t first);

  /** The key of the ring that starts at `first` has its entry elsewhere now. */
  void reown(uint32_t first, uint32_t owner);

  /** The connection to forget first: ended ones, embryos, then the longest idle. kNone: the table is empty. */
  uint32_t evictable() const;
  /** A connection whose time is over, kNone when the ends of the lists know none. */
  uint32_t expired(uint32_t nowMs) const;
  void clear();

 private:
  enum List : uint8_t { kEnded, kEmbryo, kStream, kOpen };
  struct Ends {
    uint32_t first = kNone;
    uint32_t last = kNone;
  };

  static uint32_t indexHash(uint32_t owner, uint32_t name) { return name ^ (owner * 0xc2b2ae35u); }
  static List listFor(Phase phase);
  uint32_t joinRing(uint32_t index, uint32_t first);
  uint32_t leaveRing(uint32_t index, uint32_t first);
  void link(uint32_t index, List list);
  void unlink(uint32_t index);

  HashIndex index_;
  TableVector<Connection> connections_;
  std::array<Ends, 4> lists_{};
  uint32_t free_ = kNone;
};

}  // namespace covey

#endif

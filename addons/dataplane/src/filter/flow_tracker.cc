#include "flow_tracker.h"

#include <algorithm>

#include "ip.h"
#include "transport.h"

namespace covey {
namespace {

constexpr int kExpireBudget = 16;
/** How many of a list's oldest entries are compared for one to evict, and how many may have their second chance first. */
constexpr int kEvictionLooks = 4;
constexpr int kSecondChances = 16;
/** An entry that was seen goes to the end of its list after so many ticks at the earliest: the cost is three cache lines. */
constexpr uint16_t kTicksInPlace = 4;
/** Small tables need not spare room for anyone but embryos. */
constexpr uint32_t kLeastEmbryos = 1024;
constexpr FlowList kExpiring[] = {FlowList::closing, FlowList::embryo, FlowList::stream, FlowList::open,
    FlowList::held};

bool isConnection(const FlowEvent& event) { return event.protocol == kIpTcp || event.protocol == kIpUdp; }

}  // namespace

FlowTracker::FlowTracker(uint32_t maxKeys, BucketTable& buckets, Counters& counters, FastPath& fastPath)
    : counters_(counters),
      fastPath_(fastPath),
      table_(maxKeys, buckets),
      connections_(maxKeys),
      mostEmbryos_(std::max(maxKeys / 128, std::min(maxKeys, kLeastEmbryos))) {}

FlowList FlowTracker::listFor(const FlowEntry& entry) {
  if (entry.isForeign()) return FlowList::foreign;
  if (entry.has(kIsOwnKeep)) return FlowList::ownKeep;
  if (entry.has(kIsPinned)) return FlowList::pinned;
  if (isEmbryo(entry.phase) || (entry.phase == Phase::several && !entry.has(kIsConfirmed))) return FlowList::embryo;
  if (entry.holdMs > 0) return FlowList::held;
  if (entry.has(kIsUncertain)) return FlowList::open;
  if (!isLiving(entry.phase)) return FlowList::closing;
  return entry.phase == Phase::stream ? FlowList::stream : FlowList::open;
}

bool FlowTracker::hasRoom() const { return !table_.isFull() || canEvict(); }

bool FlowTracker::isAlive(uint32_t index, uint64_t nowMs) const {
  const FlowEntry& entry = table_.at(index);
  const uint32_t now = static_cast<uint32_t>(nowMs);
  const uint32_t age = now - entry.lastSeenMs;
  if (age < entry.holdMs || age < kLingerMs) return true;
  if (entry.has(kIsUncertain) && age < kTcpIdleMs) return true;
  if (entry.phase != Phase::several) return age < lifeMs(entry.phase);
  uint32_t at = entry.connection;
  do {
    const Connection& connection = connections_.at(at);
    if (!isLiving(connection.phase)) return false;
    if (now - connection.lastSeenMs < lifeMs(connection.phase)) return true;
    at = connection.ringNext;
  } while (at != entry.connection);
  return false;
}

bool FlowTracker::accept(uint32_t index, const KeyRecord& key, uint32_t hash, const FlowEvent& event, uint32_t holdMs,
                         bool isOffered, uint64_t nowMs) {
  const uint32_t now = static_cast<uint32_t>(nowMs);
  if (index == kNone) {
    index = addNew(key, hash, event, nowMs);
    if (index == kNone) return false;
  } else {
    FlowEntry& entry = table_.at(index);
    if (isMoreOfTheSame(entry, event, holdMs, isOffered, now)) {
      entry.lastSeenMs = now;
      return true;
    }
    // Expiry is lazy: an entry whose time is over must not differ from one that has gone.
    if (!isAlive(index, nowMs)) startAnew(entry);
    update(index, event, now);
  }
  FlowEntry& entry = table_.at(index);
  if (isConnection(event)) entry.holdMs = holdMs;
  if (isOffered) entry.flags |= kIsPinned;
  if (entry.phase == Phase::open || entry.phase == Phase::stream) entry.flags |= kIsConfirmed;
  const FlowList list = listFor(entry);
  if (list != entry.list) table_.move(index, list);
  return true;
}

/** One more segment of an open connection, which is what most packets are: nothing changes but the time. */
bool FlowTracker::isMoreOfTheSame(const FlowEntry& entry, const FlowEvent& event, uint32_t holdMs, bool isOffered,
                                  uint32_t nowMs) {
  return entry.phase == Phase::open && entry.connection == event.connection && event.protocol == kIpTcp &&
         (event.tcpFlags & (kTcpSyn | kTcpFin | kTcpRst)) == 0 && entry.holdMs == holdMs &&
         nowMs - entry.lastSeenMs < kTcpIdleMs && (!isOffered || entry.has(kIsPinned));
}

bool FlowTracker::isSettled(uint32_t index, const FlowEvent& event) const {
  const FlowEntry& entry = table_.at(index);
  if (entry.isForeign() || !isConnection(event) || (event.tcpFlags & (kTcpSyn | kTcpFin | kTcpRst)) != 0) return false;
  const Phase settled = event.protocol == kIpTcp ? Phase::open : Phase::stream;
  if (entry.phase != Phase::several) return entry.phase == settled && entry.connection == event.connection;
  const uint32_t at = connections_.find(index, event.connection);
  return at != kNone && connections_.at(at).phase == settled;
}

uint32_t FlowTracker::addNew(const KeyRecord& key, uint32_t hash, const FlowEvent& event, uint64_t nowMs) {
  const Phase phase = advance(Phase::trace, event);
  if (isEmbryo(phase) && table_.count(FlowList::embryo) >= mostEmbryos_) evict(table_.oldest(FlowList::embryo), nowMs);
  if (!makeRoom(nowMs)) return kNone;
  tidy();
  const uint32_t index = table_.add(key, hash, FlowList::closing);
  FlowEntry& entry = table_.at(index);
  entry.phase = phase;
  entry.connection = event.connection;
  entry.lastSeenMs = static_cast<uint32_t>(nowMs);
  return index;
}

void FlowTracker::tidy() {
  table_.tidy([this](const FlowEntry& entry, uint32_t index) {
    if (entry.phase == Phase::several) connections_.reown(entry.connection, index);
  });
}

void FlowTracker::startAnew(FlowEntry& entry) {
  if (entry.phase == Phase::several) freeConnections(entry);
  entry.phase = Phase::trace;
  entry.holdMs = 0;
  entry.flags = static_cast<uint8_t>(entry.flags & ~(kIsUncertain | kIsConfirmed));
}

void FlowTracker::update(uint32_t index, const FlowEvent& event, uint32_t nowMs) {
  FlowEntry& entry = table_.at(index);
  // A key that only `hold` keeps alive knows no connection any longer.
  const bool isSingle = entry.phase != Phase::several;
  if (isSingle && nowMs - entry.lastSeenMs >= lifeMs(entry.phase)) entry.phase = Phase::trace;
  if (!isConnection(event)) {
    // An echo or an ICMP error proves no connection; it keeps only its own trace.
    if (entry.phase == Phase::trace) entry.lastSeenMs = nowMs;
    return;
  }
  if (entry.phase == Phase::several) {
    updateOneOfSeveral(index, event, nowMs);
  } else {
    updateSingle(index, event, nowMs);
  }
  entry.lastSeenMs = nowMs;
}

void FlowTracker::updateSingle(uint32_t index, const FlowEvent& event, uint32_t nowMs) {
  FlowEntry& entry = table_.at(index);
  if (entry.phase != Phase::trace && entry.connection != event.connection) return updateOther(index, event, nowMs);
  entry.connection = event.connection;
  entry.phase = advance(entry.phase, event);
}

/** A packet of another connection than the one that the entry knows. */
void FlowTracker::updateOther(uint32_t index, const FlowEvent& event, uint32_t nowMs) {
  if (!startsConnection(event)) return;
  FlowEntry& entry = table_.at(index);
  if (!isLiving(entry.phase)) {
    entry.connection = event.connection;
    entry.phase = advance(Phase::trace, event);
    return;
  }
  makeConnectionRoom();
  entry.connection = connections_.add(index, entry.connection, entry.phase, entry.lastSeenMs, kNone);
  entry.phase = Phase::several;
  addConnection(index, event, nowMs);
}

void FlowTracker::updateOneOfSeveral(uint32_t index, const FlowEvent& event, uint32_t nowMs) {
  FlowEntry& entry = table_.at(index);
  uint32_t at = connections_.find(index, event.connection);
  if (at != kNone && connections_.isOver(at, nowMs)) {
    settleSeveral(index, connections_.remove(at, entry.connection));
    if (entry.phase != Phase::several) return updateSingle(index, event, nowMs);
    at = kNone;
  }
  if (at == kNone) {
    if (startsConnection(event)) addConnection(index, event, nowMs);
    return;
  }
  const Phase phase = advance(connections_.at(at).phase, event);
  if (phase == Phase::open || phase == Phase::stream) entry.flags |= kIsConfirmed;
  settleSeveral(index, connections_.touch(at, phase, nowMs, entry.connection));
  // Where that was the last living one, it is the one that is remembered.
  if (entry.phase != Phase::several) entry.connection = event.connection;
}

void FlowTracker::addConnection(uint32_t index, const FlowEvent& event, uint32_t nowMs) {
  makeConnectionRoom();
  FlowEntry& entry = table_.at(index);
  const Phase phase = advance(Phase::trace, event);
  if (entry.phase == Phase::several) {
    entry.connection = connections_.add(index, event.connection, phase, nowMs, entry.connection);
    return;
  }
  // Making room took this key's own last connection.
  entry.connection = event.connection;
  entry.phase = phase;
}

void FlowTracker::makeConnectionRoom() {
  if (connections_.isFull()) forgetConnection(connections_.evictable());
}

void FlowTracker::forgetConnection(uint32_t connection) {
  const uint32_t owner = connections_.at(connection).owner;
  FlowEntry& entry = table_.at(owner);
  if (connections_.at(connection).phase == Phase::open) entry.flags |= kIsUncertain;
  settleSeveral(owner, connections_.remove(connection, entry.connection));
  if (table_.at(owner).phase != Phase::several) relist(owner);
}

/** Living connections come first in the ring: when the first does not live, all have ended, and the entry closes. */
void FlowTracker::settleSeveral(uint32_t index, uint32_t first) {
  FlowEntry& entry = table_.at(index);
  entry.connection = first;
  if (first != kNone && isLiving(connections_.at(first).phase)) return;
  const uint32_t name = first == kNone ? 0 : connections_.at(first).name;
  freeConnections(entry);
  entry.connection = name;
  entry.phase = Phase::closing;
}

void FlowTracker::freeConnections(FlowEntry& entry) {
  while (entry.connection != kNone) entry.connection = connections_.remove(entry.connection, entry.connection);
}

bool FlowTracker::setForeign(const KeyRecord& key, uint32_t hash, KeeperSlot keeper, uint32_t serial, uint64_t nowMs) {
  const uint32_t known = table_.find(key, hash);
  if (known != kNone) {
    const FlowEntry& entry = table_.at(known);
    if (entry.keeper == keeper && entry.serial >= serial) return true;
    drop(known);
  }
  if (table_.isFull()) expire(nowMs);
  if (table_.isFull()) {
    // Rather no grant than a forgotten key: nothing living is evicted for a keep.
    counters_.add(Counter::tableFull);
    return false;
  }
  tidy();
  FlowEntry& entry = table_.at(table_.add(key, hash, FlowList::foreign));
  entry.keeper = keeper;
  entry.serial = serial;
  entry.lastSeenMs = static_cast<uint32_t>(nowMs);
  return true;
}

void FlowTracker::drop(uint32_t index) {
  FlowEntry& entry = table_.at(index);
  if (entry.has(kIsFast)) fastPath_.forget(entry.key, entry.hash);
  if (entry.phase == Phase::several) freeConnections(entry);
  table_.remove(index);
}

bool FlowTracker::canEvict() const {
  for (FlowList list : kExpiring) {
    if (table_.count(list) > 0) return true;
  }
  return false;
}

uint32_t FlowTracker::evictable() {
  for (FlowList list : {FlowList::closing, FlowList::embryo}) {
    if (table_.count(list) > 0) return table_.oldest(list);
  }
  uint32_t oldest = kNone;
  for (FlowList list : {FlowList::stream, FlowList::open, FlowList::held}) {
    const uint32_t candidate = longestIdle(list);
    if (candidate != kNone && (oldest == kNone || isLongerIdle(candidate, oldest))) oldest = candidate;
  }
  return oldest;
}

/** Of the list's first entries, once those that were seen since they got there have made way. */
uint32_t FlowTracker::longestIdle(FlowList list) {
  for (int chance = 0; chance < kSecondChances; chance++) {
    const uint32_t first = table_.oldest(list);
    if (first == kNone || !table_.at(first).wasSeenSinceListed()) break;
    table_.move(first, list);
  }
  uint32_t oldest = table_.oldest(list);
  uint32_t index = oldest;
  for (int look = 1; look < kEvictionLooks && index != kNone; look++) {
    index = table_.next(index);
    if (index != kNone && isLongerIdle(index, oldest)) oldest = index;
  }
  return oldest;
}

/** By wrapping difference: the clock's low 32 bits may have wrapped between the two. */
bool FlowTracker::isLongerIdle(uint32_t one, uint32_t other) const {
  return static_cast<int32_t>(table_.at(one).lastSeenMs - table_.at(other).lastSeenMs) < 0;
}

bool FlowTracker::makeRoom(uint64_t nowMs) {
  if (!table_.isFull()) return true;
  const uint32_t index = evictable();
  if (index == kNone) {
    counters_.add(Counter::tableFull);
    return false;
  }
  evict(index, nowMs);
  return true;
}

void FlowTracker::evict(uint32_t index, uint64_t nowMs) {
  const bool isEmbryo = table_.at(index).list == FlowList::embryo;
  if (isAlive(index, nowMs)) counters_.add(isEmbryo ? Counter::embryosEvicted : Counter::keysEvicted);
  drop(index);
}

void FlowTracker::expire(uint64_t nowMs) {
  const uint32_t now = static_cast<uint32_t>(nowMs);
  for (int done = 0; done < kExpireBudget; done++) {
    const uint32_t connection = connections_.expired(now);
    if (connection == kNone) break;
    const uint32_t owner = connections_.at(connection).owner;
    settleSeveral(owner, connections_.remove(connection, table_.at(owner).connection));
    if (table_.at(owner).phase != Phase::several) relist(owner);
  }
  table_.setTime(nowMs);
  for (FlowList list : kExpiring) {
    for (int done = 0; done < kExpireBudget && expireFirst(list, nowMs); done++) {
    }
  }
}

/** False: the list's first entry stays where it is, and so do those behind it. */
bool FlowTracker::expireFirst(FlowList list, uint64_t nowMs) {
  const uint32_t index = table_.oldest(list);
  if (index == kNone) return false;
  if (!isAlive(index, nowMs)) {
    drop(index);
    return true;
  }
  const FlowEntry& entry = table_.at(index);
  const uint16_t inPlace = static_cast<uint16_t>(table_.tick() - entry.listedAt);
  if (!entry.wasSeenSinceListed() || inPlace < kTicksInPlace) return false;
  table_.move(index, list);
  return true;
}

void FlowTracker::clear() {
  table_.clear();
  connections_.clear();
}

void FlowTracker::publish() {
  counters_.set(Counter::keepsOwn, table_.count(FlowList::ownKeep));
  counters_.set(Counter::keepsForeign, table_.count(FlowList::foreign));
  counters_.set(Counter::keys, table_.used() - table_.count(FlowList::foreign));
}

}  // namespace covey

#include "connection_table.h"

namespace covey {

ConnectionTable::ConnectionTable(uint32_t most) : index_(most), connections_(most) { clear(); }

ConnectionTable::List ConnectionTable::listFor(Phase phase) {
  if (!isLiving(phase)) return kEnded;
  if (isEmbryo(phase)) return kEmbryo;
  return phase == Phase::stream ? kStream : kOpen;
}

uint32_t ConnectionTable::add(uint32_t owner, uint32_t name, Phase phase, uint32_t lastSeenMs, uint32_t first) {
  const uint32_t index = free_;
  Connection& connection = connections_[index];
  free_ = connection.listNext;
  connection = Connection{};
  connection.owner = owner;
  connection.name = name;
  connection.phase = phase;
  connection.lastSeenMs = lastSeenMs;
  index_.add(indexHash(owner, name), index);
  link(index, listFor(phase));
  return joinRing(index, first);
}

uint32_t ConnectionTable::touch(uint32_t index, Phase phase, uint32_t nowMs, uint32_t first) {
  Connection& connection = connections_[index];
  const bool changesSide = isLiving(connection.phase) != isLiving(phase);
  const List list = listFor(phase);
  // The lists are in order of the last packet to a second, which is what expiry and eviction need.
  const bool movesOn = list != connection.list || (connection.lastSeenMs >> 10) != (nowMs >> 10);
  connection.phase = phase;
  connection.lastSeenMs = nowMs;
  if (movesOn) {
    unlink(index);
    link(index, list);
  }
  return changesSide ? joinRing(index, leaveRing(index, first)) : first;
}

uint32_t ConnectionTable::remove(uint32_t index, uint32_t first) {
  Connection& connection = connections_[index];
  index_.remove(indexHash(connection.owner, connection.name), index);
  unlink(index);
  const uint32_t rest = leaveRing(index, first);
  connection.owner = kNone;
  connection.listNext = free_;
  free_ = index;
  return rest;
}

void ConnectionTable::reown(uint32_t first, uint32_t owner) {
  uint32_t at = first;
  do {
    Connection& connection = connections_[at];
    index_.remove(indexHash(connection.owner, connection.name), at);
    connection.owner = owner;
    index_.add(indexHash(owner, connection.name), at);
    at = connection.ringNext;
  } while (at != first);
}

uint32_t ConnectionTable::evictable() const {
  for (const Ends& list : lists_) {
    if (list.first != kNone) return list.first;
  }
  return kNone;
}

uint32_t ConnectionTable::expired(uint32_t nowMs) const {
  for (const Ends& list : lists_) {
    if (list.first == kNone) continue;
    if (isOver(list.first, nowMs)) return list.first;
  }
  return kNone;
}

void ConnectionTable::clear() {
  if (evictable() == kNone && free_ != kNone) return;
  index_.clear();
  lists_.fill(Ends{});
  free_ = kNone;
  for (uint32_t index = static_cast<uint32_t>(connections_.size()); index-- > 0;) {
    connections_[index] = Connection{};
    connections_[index].listNext = free_;
    free_ = index;
  }
}

/** Living connections go to the front, ended ones to the back: the place before the first is the back. */
uint32_t ConnectionTable::joinRing(uint32_t index, uint32_t first) {
  Connection& connection = connections_[index];
  if (first == kNone) {
    connection.ringNext = connection.ringPrevious = index;
    return index;
  }
  const uint32_t last = connections_[first].ringPrevious;
  connection.ringNext = first;
  connection.ringPrevious = last;
  connections_[first].ringPrevious = index;
  connections_[last].ringNext = index;
  return isLiving(connection.phase) ? index : first;
}

uint32_t ConnectionTable::leaveRing(uint32_t index, uint32_t first) {
  const Connection& connection = connections_[index];
  if (connection.ringNext == index) return kNone;
  connections_[connection.ringPrevious].ringNext = connection.ringNext;
  connections_[connection.ringNext].ringPrevious = connection.ringPrevious;
  return first == index ? connection.ringNext : first;
}

void ConnectionTable::link(uint32_t index, List list) {
  Connection& connection = connections_[index];
  Ends& ends = lists_[list];
  connection.list = list;
  connection.listNext = kNone;
  connection.listPrevious = ends.last;
  (ends.last == kNone ? ends.first : connections_[ends.last].listNext) = index;
  ends.last = index;
}

void ConnectionTable::unlink(uint32_t index) {
  const Connection& connection = connections_[index];
  Ends& ends = lists_[connection.list];
  (connection.listPrevious == kNone ? ends.first : connections_[connection.listPrevious].listNext) =
      connection.listNext;
  (connection.listNext == kNone ? ends.last : connections_[connection.listNext].listPrevious) = connection.listPrevious;
}

}  // namespace covey

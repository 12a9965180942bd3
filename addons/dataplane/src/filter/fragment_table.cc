#include "fragment_table.h"

#include <algorithm>

namespace covey {
namespace {

constexpr size_t kSets = 1024;
constexpr size_t kWays = 4;
constexpr uint64_t kLifeMs = 30 * 1000;

}  // namespace

FragmentTable::FragmentTable() : slots_(kSets * kWays) {}

const FragmentOrigin* FragmentTable::find(const IpPacket& ip, uint32_t seed, uint64_t nowMs) const {
  const Datagram datagram = datagramOf(ip);
  const Slot* set = &slots_[setOf(datagram, seed)];
  for (size_t way = 0; way < kWays; way++) {
    if (set[way].endMs > nowMs && set[way].datagram == datagram) return &set[way].origin;
  }
  return nullptr;
}

void FragmentTable::remember(const IpPacket& ip, const FragmentOrigin& origin, uint32_t seed, uint64_t nowMs) {
  const Datagram datagram = datagramOf(ip);
  Slot* set = &slots_[setOf(datagram, seed)];
  Slot* chosen = set;
  for (size_t way = 0; way < kWays; way++) {
    if (set[way].endMs < chosen->endMs) chosen = &set[way];
  }
  for (size_t way = 0; way < kWays; way++) {
    if (set[way].datagram == datagram) chosen = &set[way];
  }
  *chosen = Slot{datagram, origin, nowMs + kLifeMs};
  isEmpty_ = false;
}

void FragmentTable::clear() {
  if (isEmpty_) return;
  std::fill(slots_.begin(), slots_.end(), Slot{});
  isEmpty_ = true;
}

Datagram datagramOf(const IpPacket& ip) {
  Datagram datagram;
  datagram.source = ip.source;
  datagram.destination = ip.destination;
  datagram.id = ip.fragmentId;
  datagram.protocol = ip.isIpv6 ? 0 : ip.protocol;
  datagram.isIpv6 = ip.isIpv6;
  return datagram;
}

size_t FragmentTable::setOf(const Datagram& datagram, uint32_t seed) {
  const uint32_t hash = hashBytes(datagram.source.data(), datagram.source.size(), seed ^ datagram.id);
  return (hash & (kSets - 1)) * kWays;
}

}  // namespace covey

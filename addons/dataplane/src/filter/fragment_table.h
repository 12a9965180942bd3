// Later fragments show no ports: they follow the first one of their datagram. Bounded: 4096 datagrams in sets of four,
// the oldest of a set goes. Entries end after the 30 s for which Linux reassembles (net.ipv4.ipfrag_time).
#ifndef COVEY_FILTER_FRAGMENT_TABLE_H
#define COVEY_FILTER_FRAGMENT_TABLE_H

#include <cstdint>
#include <vector>

#include "ip.h"
#include "key.h"

namespace covey {

/**
 * What the fragments of one datagram have in common. RFC 791: source, destination, protocol, id; RFC 8200: without the
 * protocol.
 */
struct Datagram {
  Address source{};
  Address destination{};
  uint32_t id = 0;
  uint8_t protocol = 0;
  bool isIpv6 = false;
  bool operator==(const Datagram& other) const {
    return id == other.id && isSame(source, other.source) && isSame(destination, other.destination) &&
           protocol == other.protocol && isIpv6 == other.isIpv6;
  }
};

Datagram datagramOf(const IpPacket& ip);

/** What the first fragment said of its datagram. */
struct FragmentOrigin {
  KeyRecord key;
  uint32_t hash = 0;
  int32_t rule = -1;
  uint32_t holdMs = 0;
  uint16_t slot = kUncounted;
};

class FragmentTable {
 public:
  FragmentTable();

  /** nullptr: the first fragment was not seen, or too long ago. */
  const FragmentOrigin* find(const IpPacket& ip, uint32_t seed, uint64_t nowMs) const;
  void remember(const IpPacket& ip, const FragmentOrigin& origin, uint32_t seed, uint64_t nowMs);
  void clear();

 private:
  struct Slot {
    Datagram datagram;
    FragmentOrigin origin;
    uint64_t endMs = 0;
  };

  static size_t setOf(const Datagram& datagram, uint32_t seed);

  std::vector<Slot> slots_;
  bool isEmpty_ = true;
};

}  // namespace covey

#endif

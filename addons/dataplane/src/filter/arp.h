// ARP for IPv4 over Ethernet (RFC 826), with the probes of RFC 5227.
#ifndef COVEY_FILTER_ARP_H
#define COVEY_FILTER_ARP_H

#include <cstdint>
#include <vector>

#include "cursor.h"
#include "shape.h"

namespace covey {

struct ArpPacket {
  uint16_t operation = 0;
  Mac senderMac{};
  /** As ::ffff:a.b.c.d; 0.0.0.0 in a probe. */
  Address senderAddress{};
  Address targetAddress{};
};

constexpr uint16_t kArpRequest = 1;
constexpr uint16_t kArpReply = 2;

/** False: not a whole ARP packet for IPv4 over Ethernet, or a sender MAC that no host can have (zero or a group). */
bool parseArp(Cursor cursor, ArpPacket& arp);

/** A broadcast ARP probe (RFC 5227 2.1.1: sender address 0.0.0.0, so it changes nobody's cache) for the IPv4 `address` (4 bytes). */
std::vector<uint8_t> arpProbe(const Mac& own, const uint8_t* address);

}  // namespace covey

#endif

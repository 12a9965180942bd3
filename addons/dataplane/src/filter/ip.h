// The facts of an IP packet that the verdict looks at; IPv4 (RFC 791) and IPv6 (RFC 8200).
#ifndef COVEY_FILTER_IP_H
#define COVEY_FILTER_IP_H

#include <cstdint>
#include <optional>

#include "counters.h"
#include "cursor.h"
#include "shape.h"

namespace covey {

constexpr uint8_t kIpIcmp = 1;
constexpr uint8_t kIpTcp = 6;
constexpr uint8_t kIpUdp = 17;
constexpr uint8_t kIpIcmpv6 = 58;

/** Extension headers walked before a packet is given up (RFC 8504 section 5.3 allows a limit of 8 or more options). */
constexpr int kMostExtensionHeaders = 8;

/** Why a packet is rejected; none: it is well formed. */
using Fault = std::optional<Counter>;

struct IpPacket {
  const uint8_t* packet = nullptr;
  /** Bytes of the IP packet, padding left out. */
  uint32_t length = 0;
  bool isIpv6 = false;
  /** TTL or hop limit. */
  uint8_t hopLimit = 0;
  /** IANA number of what starts at transportOffset. */
  uint8_t protocol = 0;
  uint32_t transportOffset = 0;
  /** Not zeroed: the parser writes them before anyone reads, and the packet path makes one of these per frame. */
  Address source;
  Address destination;
  /** True for any fragment but an "atomic" one (offset 0 and no more fragments), which is a whole packet. */
  bool isFragment = false;
  /** In bytes; ports can be read only where it is 0. */
  uint32_t fragmentOffset = 0;
  uint32_t fragmentId = 0;

  bool hasTransportHeader() const { return fragmentOffset == 0; }
  Cursor transport() const { return Cursor(packet + transportOffset, length - transportOffset); }
};

/** Does all but the header checksum, which `isIpv4HeaderIntact` verifies once the packet turns out to be for us. */
Fault parseIpv4(Cursor cursor, IpPacket& ip);
bool isIpv4HeaderIntact(const IpPacket& ip);
Fault parseIpv6(Cursor cursor, IpPacket& ip);

/**
 * The start of a packet of ours, quoted by an ICMP error (RFC 792, RFC 4443): it may be cut after the first bytes of
 * its transport header, so its length is not compared with what is there. Faults are malformedIcmp or
 * tooManyExtensionHeaders.
 */
Fault parseQuotedIpv4(Cursor cursor, IpPacket& ip);
Fault parseQuotedIpv6(Cursor cursor, IpPacket& ip);

}  // namespace covey

#endif

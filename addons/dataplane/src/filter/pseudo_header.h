// The pseudo-header of TCP, UDP and ICMPv6 checksums (RFC 9293 section 3.1, RFC 8200 section 8.1).
#ifndef COVEY_FILTER_PSEUDO_HEADER_H
#define COVEY_FILTER_PSEUDO_HEADER_H

#include "checksum.h"
#include "ip.h"

namespace covey {

/** Unfolded sum; `addresses` are the packet's own bytes, source then destination (8 or 32 bytes). */
inline uint32_t pseudoHeaderSum(const uint8_t* addresses, bool isIpv6, uint8_t protocol, uint32_t transportLength) {
  const uint32_t sum = sumWords(addresses, isIpv6 ? 32 : 8);
  return sum + protocol + (transportLength >> 16) + (transportLength & 0xffff);
}

inline uint32_t pseudoHeaderSum(const IpPacket& ip, uint32_t transportLength) {
  return pseudoHeaderSum(ip.packet + (ip.isIpv6 ? 8 : 12), ip.isIpv6, ip.protocol, transportLength);
}

}  // namespace covey

#endif

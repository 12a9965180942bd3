// ICMP (RFC 792) and ICMPv6 (RFC 4443): echo requests, and errors about packets that we sent.
#ifndef COVEY_FILTER_ICMP_H
#define COVEY_FILTER_ICMP_H

#include <cstdint>

#include "ip.h"

namespace covey {

constexpr uint8_t kNeighbourSolicitation = 135;
constexpr uint8_t kNeighbourAdvertisement = 136;

struct IcmpMessage {
  /** True: echo request, or an error about an echo reply of ours. It has no ports and goes by the client's address. */
  bool isEcho = false;
  /** The far end: who asks, or to whom the quoted packet of ours went. */
  Address client{};
  /** Of an error about TCP or UDP: its protocol and ports as the client's packets carry them (ends swapped). */
  uint8_t protocol = 0;
  uint16_t clientPort = 0;
  uint16_t servicePort = 0;
};

/**
 * `ip` has its transport header, and is addressed to a VIP. Rejects with malformedIcmp, rejectedIcmpType (also quoted
 * packets of other protocols), rejectedFragmentUnknown (the quoted packet is a later fragment and shows no ports) or
 * tooManyExtensionHeaders. The quoted packet must come from the address that the error goes to.
 */
Fault parseIcmp(const IpPacket& ip, IcmpMessage& message);

}  // namespace covey

#endif

// Neighbour solicitations (RFC 4861 section 7.1.1, RFC 4862 for the probes of duplicate address detection).
#ifndef COVEY_FILTER_NEIGHBOUR_H
#define COVEY_FILTER_NEIGHBOUR_H

#include "ip.h"

namespace covey {

struct Solicitation {
  Address target{};
  /** The asker; `::` in a probe of duplicate address detection. */
  Address source{};
  bool isProbe = false;
  /** Of the source link-layer address option; where there is none the answer goes to the frame's Ethernet source. */
  bool hasSourceMac = false;
  Mac sourceMac{};
};

/** True for an unfragmented ICMPv6 message of type 135 whose header is whole enough to say so. */
bool isSolicitation(const IpPacket& ip);

/** Faults: malformedIcmp, badChecksum. */
Fault parseSolicitation(const IpPacket& ip, Solicitation& solicitation);

}  // namespace covey

#endif

// Ethernet II and 802.1Q.
#ifndef COVEY_FILTER_ETHERNET_H
#define COVEY_FILTER_ETHERNET_H

#include <cstdint>

#include "frame.h"
#include "shape.h"

namespace covey {

constexpr uint16_t kEtherIpv4 = 0x0800;
constexpr uint16_t kEtherArp = 0x0806;
constexpr uint16_t kEtherVlan = 0x8100;
constexpr uint16_t kEtherIpv6 = 0x86dd;
constexpr uint16_t kEtherQinq = 0x88a8;
constexpr uint16_t kEtherCovey = 0x88b5;

struct EthernetHeader {
  /** Not zeroed, see IpPacket. */
  Mac destination;
  Mac source;
  /** After the tag, if there is one. */
  uint16_t etherType = 0;
  /** VLAN id; kUntagged for untagged and priority-tagged (id 0) frames. */
  int32_t vlan = kUntagged;
  /** Where the payload starts in the frame: 14, or 18 behind a tag. */
  uint32_t payloadOffset = 0;
};

/** False: the frame is too short for its header. A second tag (QinQ) is not taken off: `etherType` then says so. */
bool parseEthernet(const FrameView& frame, EthernetHeader& header);

}  // namespace covey

#endif

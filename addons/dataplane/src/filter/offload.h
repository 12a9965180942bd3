// What to put into the virtio_net_hdr of an injected packet.
#ifndef COVEY_FILTER_OFFLOAD_H
#define COVEY_FILTER_OFFLOAD_H

#include <cstdint>

#include "verdict.h"

namespace covey {

/**
 * The fields of struct virtio_net_hdr (legacy layout, 10 bytes, host order), under the same names. Own, because
 * linux/virtio_net.h does not compile as C++. csumStart and hdrLen count from the first byte of the IP header.
 */
struct VirtioHeader {
  uint8_t flags = 0;
  uint8_t gsoType = 0;
  uint16_t hdrLen = 0;
  uint16_t gsoSize = 0;
  uint16_t csumStart = 0;
  uint16_t csumOffset = 0;
};
static_assert(sizeof(VirtioHeader) == 10, "struct virtio_net_hdr has 10 bytes");

constexpr uint8_t kVirtioNeedsCsum = 1;
constexpr uint8_t kVirtioDataValid = 2;
constexpr uint8_t kVirtioGsoNone = 0;
constexpr uint8_t kVirtioGsoTcpV4 = 1;
constexpr uint8_t kVirtioGsoTcpV6 = 4;
constexpr uint8_t kVirtioGsoUdpL4 = 5;
constexpr uint8_t kVirtioGsoEcn = 0x80;

/**
 * For captures that tell nothing about offloads (libpcap). NEEDS_CSUM only where the checksum field holds exactly the
 * folded pseudo-header sum, which is what an offloading sender leaves there: a complete checksum is left to the stack
 * to verify, so a corrupt packet is never vouched for. (A corrupt one equals that sum by chance in 1 of 65536, as often
 * as it would pass the checksum itself.) A partial TCP packet longer than `mtu` (of the interface, bytes of IP packet)
 * is a super-frame: segments of mtu minus headers. A partial UDP super-frame has lost its datagram borders:
 * `isSplittable` is false and it must not be injected. A longer packet with a complete checksum goes as it is; the
 * stack takes it.
 */
struct Offload {
  VirtioHeader header;
  bool isSplittable = true;
};
Offload describeOffload(const Accepted& accepted, uint32_t mtu);

/**
 * For captures with PACKET_VNET_HDR: the kernel's own header, moved from the Ethernet header to the IP header.
 * DATA_VALID is dropped, a TUN ignores it. Where its numbers do not fit the packet, gives describeOffload's instead of
 * them.
 */
VirtioHeader carryOffload(const VirtioHeader& captured, const Accepted& accepted, uint32_t mtu);

}  // namespace covey

#endif

#include "offload.h"

#include "cursor.h"
#include "ip.h"
#include "pseudo_header.h"
#include "transport.h"

namespace covey {
namespace {

constexpr uint16_t kTcpChecksumAt = 16;
constexpr uint16_t kUdpChecksumAt = 6;

bool isPartial(const Accepted& accepted, uint16_t checksumAt) {
  const uint8_t* addresses = accepted.packet + (accepted.isIpv6 ? 8 : 12);
  const uint32_t length = accepted.length - accepted.transportOffset;
  const uint32_t sum = pseudoHeaderSum(addresses, accepted.isIpv6, accepted.protocol, length);
  return readU16(accepted.packet + accepted.transportOffset + checksumAt) == foldSum(sum);
}

void describeTcpSegments(const Accepted& accepted, uint32_t mtu, VirtioHeader& header) {
  const uint8_t* tcp = accepted.packet + accepted.transportOffset;
  const uint32_t headers = accepted.transportOffset + (tcp[12] >> 4) * 4u;
  if (headers >= mtu) return;
  header.gsoType = accepted.isIpv6 ? kVirtioGsoTcpV6 : kVirtioGsoTcpV4;
  // CWR is for the first segment alone; the stack must know not to copy it (linux/virtio_net.h, GSO_ECN).
  if (tcp[13] & kTcpCwr) header.gsoType |= kVirtioGsoEcn;
  header.gsoSize = static_cast<uint16_t>(mtu - headers);
  header.hdrLen = static_cast<uint16_t>(headers);
}

}  // namespace

Offload describeOffload(const Accepted& accepted, uint32_t mtu) {
  Offload offload;
  const bool isTcp = accepted.protocol == kIpTcp;
  if (accepted.isFragment || (!isTcp && accepted.protocol != kIpUdp)) return offload;
  const uint16_t checksumAt = isTcp ? kTcpChecksumAt : kUdpChecksumAt;
  if (accepted.length < accepted.transportOffset + checksumAt + 4u) return offload;
  if (!isPartial(accepted, checksumAt)) return offload;
  VirtioHeader& header = offload.header;
  header.flags = kVirtioNeedsCsum;
  header.csumStart = static_cast<uint16_t>(accepted.transportOffset);
  header.csumOffset = checksumAt;
  if (accepted.length <= mtu) return offload;
  if (isTcp) {
    describeTcpSegments(accepted, mtu, header);
  } else {
    offload.isSplittable = false;
  }
  return offload;
}

VirtioHeader carryOffload(const VirtioHeader& captured, const Accepted& accepted, uint32_t mtu) {
  VirtioHeader header = captured;
  header.flags = captured.flags & kVirtioNeedsCsum;
  const bool needsChecksum = header.flags != 0;
  const bool isSegmented = header.gsoType != kVirtioGsoNone;
  const uint32_t offset = accepted.packetOffset;
  if ((needsChecksum && captured.csumStart < offset) || (isSegmented && captured.hdrLen < offset)) {
    return describeOffload(accepted, mtu).header;
  }
  header.csumStart = needsChecksum ? static_cast<uint16_t>(captured.csumStart - offset) : uint16_t{0};
  header.csumOffset = needsChecksum ? captured.csumOffset : uint16_t{0};
  header.hdrLen = isSegmented ? static_cast<uint16_t>(captured.hdrLen - offset) : uint16_t{0};
  if (!isSegmented) header.gsoSize = 0;
  const bool isInside = header.csumStart + header.csumOffset + 2u <= accepted.length &&
      header.hdrLen <= accepted.length;
  return isInside ? header : describeOffload(accepted, mtu).header;
}

}  // namespace covey

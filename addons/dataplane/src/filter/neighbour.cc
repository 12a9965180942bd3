#include "neighbour.h"

#include <cstring>

#include "checksum.h"
#include "icmp.h"
#include "pseudo_header.h"

namespace covey {
namespace {

constexpr uint8_t kSourceLinkLayer = 1;

/** Options: type, length in units of 8 bytes, never 0. */
bool readOptions(Cursor cursor, Solicitation& solicitation) {
  while (cursor.left() > 0) {
    const uint8_t* start = cursor.peek(8);
    if (start == nullptr || start[1] == 0 || cursor.take(start[1] * 8u) == nullptr) return false;
    if (start[0] != kSourceLinkLayer || start[1] != 1) continue;
    std::memcpy(solicitation.sourceMac.data(), start + 2, 6);
    solicitation.hasSourceMac = true;
  }
  return true;
}

bool isIntact(const IpPacket& ip) {
  const uint32_t length = ip.length - ip.transportOffset;
  return foldSum(sumWords(ip.packet + ip.transportOffset, length, pseudoHeaderSum(ip, length))) == 0xffff;
}

}  // namespace

bool isSolicitation(const IpPacket& ip) {
  if (!ip.isIpv6 || ip.protocol != kIpIcmpv6 || ip.isFragment) return false;
  const uint8_t* type = ip.transport().peek(1);
  return type != nullptr && *type == kNeighbourSolicitation;
}

Fault parseSolicitation(const IpPacket& ip, Solicitation& solicitation) {
  Cursor cursor = ip.transport();
  const uint8_t* bytes = cursor.take(24);
  // Hop limit 255 proves that no router forwarded it: only neighbours may ask.
  if (bytes == nullptr || bytes[1] != 0 || ip.hopLimit != 255) return Counter::malformedIcmp;
  solicitation = Solicitation{};
  std::memcpy(solicitation.target.data(), bytes + 8, 16);
  solicitation.source = ip.source;
  solicitation.isProbe = ip.source == Address{};
  if (!readOptions(cursor, solicitation)) return Counter::malformedIcmp;
  const bool isGroupMac = solicitation.hasSourceMac && (solicitation.sourceMac[0] & 1) != 0;
  const bool isGroupSource = ip.source[0] == 0xff;
  if (isGroupMac || isGroupSource) return Counter::malformedIcmp;
  if (solicitation.isProbe && (solicitation.hasSourceMac || ip.destination[0] != 0xff)) return Counter::malformedIcmp;
  if (!isIntact(ip)) return Counter::badChecksum;
  return {};
}

}  // namespace covey

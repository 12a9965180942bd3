#include "ip.h"

#include <cstring>

#include "checksum.h"

namespace covey {
namespace {

constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kDestinationOptions = 60;

/**
 * In two words of 8 bytes: they are soon read as such, and a word that two smaller stores made up is not forwarded to its
 * load but waited for, a dozen cycles each time.
 */
void setMapped(Address& address, const uint8_t* ipv4) {
  uint8_t lower[8] = {0, 0, 0xff, 0xff, ipv4[0], ipv4[1], ipv4[2], ipv4[3]};
  uint64_t word = 0;
  std::memset(address.data(), 0, 8);
  std::memcpy(&word, lower, 8);
  std::memcpy(&address[8], &word, 8);
}

/** Reads the header; false when it is not a whole IPv4 header. Gives the packet's total length apart. */
bool readIpv4Header(const Cursor& cursor, IpPacket& ip, uint32_t& totalLength) {
  const uint8_t* bytes = cursor.peek(20);
  if (bytes == nullptr || bytes[0] >> 4 != 4) return false;
  const uint32_t headerLength = (bytes[0] & 15u) * 4;
  totalLength = readU16(bytes + 2);
  if (headerLength < 20 || totalLength < headerLength || cursor.peek(headerLength) == nullptr) return false;
  const uint32_t fragment = readU16(bytes + 6);
  ip.packet = bytes;
  ip.isIpv6 = false;
  ip.hopLimit = bytes[8];
  ip.protocol = bytes[9];
  ip.transportOffset = headerLength;
  ip.fragmentOffset = (fragment & 0x1fff) * 8;
  ip.isFragment = (fragment & 0x3fff) != 0;
  ip.fragmentId = readU16(bytes + 4);
  setMapped(ip.source, bytes + 12);
  setMapped(ip.destination, bytes + 16);
  return true;
}

/** Reads the fixed header; false when it is not a whole IPv6 header. */
bool readIpv6Header(Cursor& cursor, IpPacket& ip, uint32_t& payloadLength) {
  const uint8_t* bytes = cursor.take(40);
  if (bytes == nullptr || bytes[0] >> 4 != 6) return false;
  payloadLength = readU16(bytes + 4);
  ip.packet = bytes;
  ip.isIpv6 = true;
  ip.protocol = bytes[6];
  ip.hopLimit = bytes[7];
  ip.transportOffset = 40;
  ip.isFragment = false;
  ip.fragmentOffset = 0;
  ip.fragmentId = 0;
  std::memcpy(ip.source.data(), bytes + 8, 16);
  std::memcpy(ip.destination.data(), bytes + 24, 16);
  return true;
}

bool isExtension(uint8_t header) {
  return header == kHopByHop || header == kRouting || header == kFragment || header == kAuthentication ||
         header == kDestinationOptions;
}

/** Bytes of an extension header (RFC 8200 section 4; AH counts in 4-byte units, RFC 4302). */
uint32_t extensionLength(uint8_t header, uint8_t lengthByte) {
  if (header == kFragment) return 8;
  if (header == kAuthentication) return (lengthByte + 2u) * 4;
  return (lengthByte + 1u) * 8;
}

void readFragmentHeader(const uint8_t* bytes, IpPacket& ip) {
  const uint32_t offsetAndMore = readU16(bytes + 2);
  ip.fragmentOffset = offsetAndMore & 0xfff8;
  ip.isFragment = ip.fragmentOffset != 0 || (offsetAndMore & 1) != 0;
  ip.fragmentId = readU32(bytes + 4);
}

/** Walks to the transport header. Behind a non-first fragment header nothing can be read, so the walk ends there. */
Fault walkExtensions(Cursor& cursor, IpPacket& ip, Counter malformed) {
  bool sawFragment = false;
  for (int walked = 0; isExtension(ip.protocol); walked++) {
    if (walked == kMostExtensionHeaders) return Counter::tooManyExtensionHeaders;
    if (ip.protocol == kHopByHop && walked != 0) return malformed;
    const uint8_t* start = cursor.peek(8);
    if (start == nullptr) return malformed;
    const uint32_t length = extensionLength(ip.protocol, start[1]);
    const bool isFragment = ip.protocol == kFragment;
    if (cursor.take(length) == nullptr || (isFragment && sawFragment)) return malformed;
    sawFragment = sawFragment || isFragment;
    if (isFragment) readFragmentHeader(start, ip);
    ip.protocol = start[0];
    ip.transportOffset += length;
    if (ip.fragmentOffset != 0) return {};
  }
  return {};
}

}  // namespace

Fault parseIpv4(Cursor cursor, IpPacket& ip) {
  uint32_t totalLength = 0;
  if (!readIpv4Header(cursor, ip, totalLength) || !cursor.limit(totalLength)) return Counter::malformedIpv4;
  ip.length = totalLength;
  return {};
}

bool isIpv4HeaderIntact(const IpPacket& ip) { return sumsToOnes(ip.packet, ip.transportOffset); }

Fault parseIpv6(Cursor cursor, IpPacket& ip) {
  uint32_t payloadLength = 0;
  // A payload length of 0 announces a jumbogram (RFC 2675), which no link of a farm carries.
  if (!readIpv6Header(cursor, ip, payloadLength) || payloadLength == 0) return Counter::malformedIpv6;
  if (!cursor.limit(payloadLength)) return Counter::malformedIpv6;
  ip.length = 40 + payloadLength;
  return walkExtensions(cursor, ip, Counter::malformedIpv6);
}

Fault parseQuotedIpv4(Cursor cursor, IpPacket& ip) {
  uint32_t totalLength = 0;
  if (!readIpv4Header(cursor, ip, totalLength)) return Counter::malformedIcmp;
  ip.length = static_cast<uint32_t>(cursor.left());
  return {};
}

Fault parseQuotedIpv6(Cursor cursor, IpPacket& ip) {
  uint32_t payloadLength = 0;
  const uint32_t quoted = static_cast<uint32_t>(cursor.left());
  if (!readIpv6Header(cursor, ip, payloadLength)) return Counter::malformedIcmp;
  ip.length = quoted;
  return walkExtensions(cursor, ip, Counter::malformedIcmp);
}

}  // namespace covey

#include "icmp.h"

namespace covey {
namespace {

enum class Kind { echoRequest, error, other };

Kind kindOf(uint8_t type, bool isIpv6) {
  if (isIpv6) {
    // Destination unreachable, packet too big, time exceeded, parameter problem; 128 is an echo request.
    if (type >= 1 && type <= 4) return Kind::error;
    return type == 128 ? Kind::echoRequest : Kind::other;
  }
  // Destination unreachable, time exceeded, parameter problem. Source quench is obsolete (RFC 6633), redirects are for
  // the node itself and never about the VIP.
  if (type == 3 || type == 11 || type == 12) return Kind::error;
  return type == 8 ? Kind::echoRequest : Kind::other;
}

bool isEchoReply(const IpPacket& quoted, uint8_t type) {
  return quoted.isIpv6 ? quoted.protocol == kIpIcmpv6 && type == 129 : quoted.protocol == kIpIcmp && type == 0;
}

Fault readQuotedTransport(const IpPacket& quoted, IcmpMessage& message) {
  if (!quoted.hasTransportHeader()) return Counter::rejectedFragmentUnknown;
  const uint8_t* bytes = quoted.transport().peek(8);
  if (bytes == nullptr) return Counter::malformedIcmp;
  if (quoted.protocol == kIpTcp || quoted.protocol == kIpUdp) {
    message.protocol = quoted.protocol;
    message.servicePort = readU16(bytes);
    message.clientPort = readU16(bytes + 2);
    return {};
  }
  if (!isEchoReply(quoted, bytes[0])) return Counter::rejectedIcmpType;
  message.isEcho = true;
  return {};
}

}  // namespace

Fault parseIcmp(const IpPacket& ip, IcmpMessage& message) {
  Cursor cursor = ip.transport();
  const uint8_t* bytes = cursor.take(8);
  if (bytes == nullptr) return Counter::malformedIcmp;
  message = IcmpMessage{};
  const Kind kind = kindOf(bytes[0], ip.isIpv6);
  if (kind == Kind::other) return Counter::rejectedIcmpType;
  if (kind == Kind::echoRequest) {
    message.isEcho = true;
    message.client = ip.source;
    return {};
  }
  IpPacket quoted;
  const Fault fault = ip.isIpv6 ? parseQuotedIpv6(cursor, quoted) : parseQuotedIpv4(cursor, quoted);
  if (fault) return fault;
  if (quoted.source != ip.destination) return Counter::malformedIcmp;
  message.client = quoted.destination;
  return readQuotedTransport(quoted, message);
}

}  // namespace covey

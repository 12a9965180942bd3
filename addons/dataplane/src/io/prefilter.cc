#include "prefilter.h"

#include <arpa/inet.h>

#include <cstdio>

namespace covey::io {

namespace {

// A multicast neighbour solicitation: next header ICMPv6 (58), type 135, destination ff00::/8.
constexpr const char* kMulticastSolicitation = "(ip6[6] == 58 and ip6[40] == 135 and ip6[24] == 0xff)";

std::string textOf(const Vip& vip) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = vip.isIpv6 ? AF_INET6 : AF_INET;
  const uint8_t* address = vip.address.data() + (vip.isIpv6 ? 0 : 12);
  ::inet_ntop(family, address, text, sizeof text);
  return text;
}

std::string framesOf(const Vip& vip) {
  const std::string address = textOf(vip);
  if (vip.isIpv6) return "ip6 dst host " + address;
  return "ip dst host " + address + " or arp dst host " + address;
}

std::string fromMac(const Mac& mac) {
  char text[32];
  std::snprintf(text, sizeof text, "ether src %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
  return text;
}

// `vlan` shifts the offsets of all that follows it in the text, so the tagged form comes last.
std::string untaggedOrTagged(const std::string& frames) { return "(" + frames + ") or (vlan and (" + frames + "))"; }

}  // namespace

std::string prefilterExpression(const Shape& shape) {
  std::string frames = fromMac(shape.vmac);
  bool hasIpv6 = false;
  for (const Vip& vip : shape.vips) {
    frames += " or " + framesOf(vip);
    hasIpv6 = hasIpv6 || vip.isIpv6;
  }
  if (hasIpv6) frames += std::string(" or ") + kMulticastSolicitation;
  return untaggedOrTagged(frames);
}

std::string coarsePrefilterExpression() { return untaggedOrTagged("ip or ip6 or arp"); }

std::vector<sock_filter> prefilterFor(const Shape& shape, SystemError* error) {
  const bool isExact = shape.vips.size() <= kMaxExactVips;
  return compileBpf(isExact ? prefilterExpression(shape) : coarsePrefilterExpression(), error);
}

}  // namespace covey::io

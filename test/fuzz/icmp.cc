// ICMP errors and what they quote. First byte: IPv4 or IPv6; then type and the rest of the message.
#include "filter/icmp.h"

#include <algorithm>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  covey::IpPacket ip;
  ip.isIpv6 = (input.u8() & 1) != 0;
  ip.protocol = ip.isIpv6 ? covey::kIpIcmpv6 : covey::kIpIcmp;
  const std::vector<uint8_t> message = input.bytes(size);
  ip.packet = message.data();
  ip.length = static_cast<uint32_t>(message.size());
  ip.source.fill(1);
  ip.destination.fill(0);
  // The quoted source must be the destination: take it from where the header would be.
  const size_t at = 8 + (ip.isIpv6 ? 8 : 12), width = ip.isIpv6 ? 16 : 4;
  if (message.size() >= at + width) std::copy_n(message.begin() + static_cast<long>(at), width,
      ip.destination.end() - static_cast<long>(width));
  if (!ip.isIpv6) ip.destination[10] = ip.destination[11] = 0xff;
  covey::IcmpMessage parsed;
  if (covey::parseIcmp(ip, parsed)) return 0;
  fuzz::require(parsed.isEcho || parsed.protocol == covey::kIpTcp || parsed.protocol == covey::kIpUdp, "echo or ports");
  return 0;
}

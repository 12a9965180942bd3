#include "filter/ip.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  covey::IpPacket ip;
  if (covey::parseIpv4(covey::Cursor(data, size), ip)) return 0;
  fuzz::require(ip.length <= size && ip.transportOffset >= 20 && ip.transportOffset <= ip.length,
      "headers lie in the packet");
  fuzz::require(ip.isFragment || ip.fragmentOffset == 0, "an offset makes a fragment");
  covey::isIpv4HeaderIntact(ip);
  return 0;
}

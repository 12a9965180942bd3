#include "filter/ip.h"
#include "filter/neighbour.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  covey::IpPacket ip;
  if (covey::parseIpv6(covey::Cursor(data, size), ip)) return 0;
  fuzz::require(ip.length <= size && ip.transportOffset >= 40 && ip.transportOffset <= ip.length,
      "headers lie in the packet");
  covey::Solicitation solicitation;
  if (covey::isSolicitation(ip)) (void)covey::parseSolicitation(ip, solicitation);
  return 0;
}

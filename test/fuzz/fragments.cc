// Fragments of a few datagrams in any order, IPv4 and IPv6: none is accepted but behind its first.
#include <set>

#include "farm.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace packets;
  static farm::Node node(64, 8, 2048);
  node.filter.reset();
  node.sink.injected.clear();
  for (uint8_t plan = 0; plan < 3; plan++) node.filter.own(plan, farm::allBuckets(), node.now, node.sink);
  fuzz::Input input(data, size);
  std::set<uint32_t> begun;
  while (!input.isEmpty()) {
    const uint8_t what = input.u8(), id = input.u8() & 7;
    const uint16_t offset = static_cast<uint16_t>((what >> 2) & 15);
    const bool isIpv6 = (what & 1) != 0, more = (what & 2) != 0;
    const Bytes payload = (what & 0x40) ? udp(static_cast<uint16_t>(input.u8()), 53) : input.bytes(input.u8() & 31);
    const uint16_t field = static_cast<uint16_t>(isIpv6 ? offset << 3 | (more ? 1 : 0) : offset | (more ? 0x2000 : 0));
    const Bytes head = join({{17, 0}, u16(field), {0, 0, 0, id}});
    const std::string reason = farm::handleExactly(
        node, isIpv6 ? ethernet(0x86dd, ipv6(44, join({head, payload}))) : ethernet(0x0800, ipv4(17, payload,
            kClient, kVip, field, id)));
    const uint32_t datagram = id | (isIpv6 ? 256u : 0u);
    if (offset == 0 && reason == "accepted") begun.insert(datagram);
    fuzz::require(offset == 0 || reason != "accepted" || begun.count(datagram) == 1,
        "a later fragment follows a first one");
    node.now += what == 0xff ? 31000 : 0;
    if (what == 0xff) begun.clear();
  }
  return 0;
}

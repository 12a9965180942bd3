// The in-kernel pre-filter: which frames it lets through, by running its program over frames.
#include "io/prefilter.h"

#include <pcap/pcap.h>

#include "check.h"
#include "io/bpf_program.h"
#include "io/interface.h"

using namespace covey;
using namespace covey::io;

namespace {

using Bytes = std::vector<uint8_t>;

Shape shapeOf(size_t vips) {
  Shape shape;
  shape.vmac = {2, 0xc, 0, 0, 0, 1};
  for (size_t i = 0; i < vips; i++) {
    shape.vips.push_back({{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, uint8_t(i >> 8), uint8_t(50 + i)}, false});
  }
  shape.vips.push_back({{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50}, true});
  return shape;
}

bool passes(const std::vector<sock_filter>& program, const Bytes& frame) {
  bpf_program classic{u_int(program.size()), reinterpret_cast<bpf_insn*>(const_cast<sock_filter*>(program.data()))};
  pcap_pkthdr header{};
  header.caplen = header.len = bpf_u_int32(frame.size());
  return ::pcap_offline_filter(&classic, &header, frame.data()) != 0;
}

bool passes(const Bytes& frame) {
  SystemError error;
  return passes(prefilterFor(shapeOf(1), &error), frame);
}

Bytes ethernet(uint16_t type, const Bytes& payload, uint8_t sourceEnd = 9) {
  Bytes frame{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0xc, 0, 0, 0, sourceEnd, uint8_t(type >> 8), uint8_t(type)};
  frame.insert(frame.end(), payload.begin(), payload.end());
  frame.resize(std::max<size_t>(frame.size(), 60));
  return frame;
}

Bytes ipv4(uint8_t to) { return {0x45, 0, 0, 20, 0, 0, 0x20, 1, 64, 17, 0, 0, 10, 77, 0, 100, 10, 77, 0, to}; }

Bytes arp(uint8_t target) {
  return {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 77, 0, 100, 0, 0, 0, 0, 0, 0, 10, 77, 0, target};
}

Bytes ipv6(Bytes destination, uint8_t nextHeader, uint8_t type) {
  Bytes packet{0x60, 0, 0, 0, 0, 24, nextHeader, 255};
  packet.resize(24);
  destination.resize(16);
  packet.insert(packet.end(), destination.begin(), destination.end());
  packet.push_back(type);
  packet.resize(64);
  return packet;
}

Bytes tagged(Bytes frame, uint8_t vlan) {
  frame.insert(frame.begin() + 12, {0x81, 0, 0, vlan});
  return frame;
}

}  // namespace

TEST("the pre-filter passes what is for a VIP, fragments too, in any VLAN") {
  for (const Bytes& frame : {ethernet(0x800, ipv4(50)), ethernet(0x806, arp(50)),
                             ethernet(0x86dd, ipv6({0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50}, 6, 0))}) {
    CHECK(passes(frame));
    CHECK(passes(tagged(frame, 100)));
  }
}

TEST("the pre-filter passes multicast neighbour solicitations and frames from the vMAC") {
  CHECK(passes(ethernet(0x86dd, ipv6({0xff, 2}, 58, 135))));
  CHECK(passes(ethernet(0x88cc, {}, 1)));
}

TEST("the pre-filter holds back what is for others, and control frames") {
  CHECK(!passes(ethernet(0x800, ipv4(51))));
  CHECK(!passes(ethernet(0x806, arp(51))));
  CHECK(!passes(ethernet(0x86dd, ipv6({0xfd, 0x77}, 6, 0))));
  CHECK(!passes(ethernet(0x86dd, ipv6({0xff, 2}, 58, 136))));
  CHECK(!passes(ethernet(0x88b5, {0, 1, 1})));
  CHECK(!passes(tagged(ethernet(0x800, ipv4(51)), 100)));
}

TEST("more VIPs than an exact program is made for: the coarse one passes all that may be ours") {
  SystemError error;
  const auto coarse = prefilterFor(shapeOf(3000), &error);
  CHECK(!error);
  CHECK(passes(coarse, ethernet(0x800, ipv4(51))) && passes(coarse, tagged(ethernet(0x806, arp(50)), 3)));
  CHECK(!passes(coarse, ethernet(0x88b5, {})));
}

TEST("before the first shape nothing passes") { CHECK(!passes(rejectAllBpf(), ethernet(0x800, ipv4(50)))); }

TEST("received packets are read from the line of exactly this interface") {
  const std::string text =
      "Inter-|   Receive  |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes\n"
      "    lo:       1       2    0    0    0     0          0         0        1       2\n"
      " eth00:      10      20    0    0    0     0          0         0        1       2\n"
      "  eth0:1234567890123  987654321098    0    0    0     0          0         0        1       2\n";
  uint64_t packets = 0;
  CHECK(parseReceivedPackets(text, "eth0", &packets));
  CHECK_EQ(packets, 987654321098u);
  CHECK(parseReceivedPackets(text, "eth00", &packets));
  CHECK_EQ(packets, 20u);
  CHECK(!parseReceivedPackets(text, "eth1", &packets));
  CHECK(!parseReceivedPackets("", "eth1", &packets));
  CHECK(!parseReceivedPackets("face", "face", &packets));
}

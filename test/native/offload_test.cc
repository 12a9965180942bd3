// What is said about checksums and segments of injected packets.
#include "check.h"
#include "filter/offload.h"
#include "packets.h"

namespace {

using namespace packets;
constexpr uint32_t kMtu = 1500;

struct Packet {
  Bytes bytes;
  covey::Accepted accepted;
};

Packet packet4(uint8_t protocol, const Bytes& transport) {
  Packet packet{ipv4(protocol, transport), {}};
  packet.accepted.length = static_cast<uint32_t>(packet.bytes.size());
  packet.accepted.packetOffset = 14;
  packet.accepted.protocol = protocol;
  packet.accepted.transportOffset = 20;
  return packet;
}

Packet packet6(uint8_t protocol, const Bytes& transport) {
  Packet packet{ipv6(protocol, transport), {}};
  packet.accepted.length = static_cast<uint32_t>(packet.bytes.size());
  packet.accepted.packetOffset = 14;
  packet.accepted.isIpv6 = true;
  packet.accepted.protocol = protocol;
  packet.accepted.transportOffset = 40;
  return packet;
}

covey::Offload describe(Packet& packet) {
  packet.accepted.packet = packet.bytes.data();
  return covey::describeOffload(packet.accepted, kMtu);
}

bool isPlain(const covey::Offload& offload) {
  return offload.header.flags == 0 && offload.header.gsoType == 0 && offload.header.gsoSize == 0 &&
      offload.isSplittable;
}

}  // namespace

TEST("offload: a complete checksum is the stack's to verify") {
  Packet tcp4 = packet4(6, tcp(40000, 80, kAck, {1, 2, 3}));
  Packet udp6 = packet6(17, udp(40000, 53, {1}, kClient6, kVip6));
  CHECK(isPlain(describe(tcp4)));
  CHECK(isPlain(describe(udp6)));
}

TEST("offload: a corrupt packet is never vouched for") {
  Packet tcp4 = packet4(6, tcp(40000, 80, kAck, {1, 2, 3}, kClient, kVip, Sum::corrupt));
  CHECK(isPlain(describe(tcp4)));
}

TEST("offload: a partial TCP checksum, IPv4 and IPv6") {
  Packet tcp4 = packet4(6, tcp(40000, 80, kAck, {1, 2, 3}, kClient, kVip, Sum::partial));
  const covey::Offload four = describe(tcp4);
  CHECK_EQ(static_cast<int>(four.header.flags), 1);
  CHECK_EQ(four.header.csumStart, 20);
  CHECK_EQ(four.header.csumOffset, 16);
  CHECK_EQ(static_cast<int>(four.header.gsoType), 0);
  Packet tcp6 = packet6(6, tcp(40000, 80, kAck, {1, 2, 3}, kClient6, kVip6, Sum::partial));
  const covey::Offload six = describe(tcp6);
  CHECK_EQ(static_cast<int>(six.header.flags), 1);
  CHECK_EQ(six.header.csumStart, 40);
}

TEST("offload: a partial UDP checksum, IPv4 and IPv6") {
  Packet udp4 = packet4(17, udp(40000, 53, {1, 2}, kClient, kVip, Sum::partial));
  Packet udp6 = packet6(17, udp(40000, 53, {1, 2}, kClient6, kVip6, Sum::partial));
  for (Packet* packet : {&udp4, &udp6}) {
    const covey::Offload offload = describe(*packet);
    CHECK_EQ(static_cast<int>(offload.header.flags), 1);
    CHECK_EQ(offload.header.csumOffset, 6);
    CHECK(offload.isSplittable);
  }
}

TEST("offload: UDP without a checksum stays without") {
  Bytes datagram = udp(40000, 53);
  datagram[6] = datagram[7] = 0;
  Packet packet = packet4(17, datagram);
  CHECK(isPlain(describe(packet)));
}

TEST("offload: a TCP super-frame is split by the MTU") {
  Packet tcp4 = packet4(6, tcp(40000, 80, kAck, Bytes(5000, 7), kClient, kVip, Sum::partial));
  const covey::Offload four = describe(tcp4);
  CHECK_EQ(static_cast<int>(four.header.gsoType), static_cast<int>(covey::kVirtioGsoTcpV4));
  CHECK_EQ(four.header.gsoSize, 1460);
  CHECK_EQ(four.header.hdrLen, 40);
  Packet tcp6 = packet6(6, tcp(40000, 80, kAck, Bytes(5000, 7), kClient6, kVip6, Sum::partial));
  const covey::Offload six = describe(tcp6);
  CHECK_EQ(static_cast<int>(six.header.gsoType), static_cast<int>(covey::kVirtioGsoTcpV6));
  CHECK_EQ(six.header.gsoSize, 1440);
  CHECK_EQ(six.header.hdrLen, 60);
}

TEST("offload: CWR is for the first segment alone") {
  Packet packet = packet4(6, tcp(40000, 80, 0x90, Bytes(5000, 7), kClient, kVip, Sum::partial));
  CHECK_EQ(static_cast<int>(describe(packet).header.gsoType), 0x81);
}

TEST("offload: a packet of exactly the MTU is no super-frame") {
  Packet packet = packet4(6, tcp(40000, 80, kAck, Bytes(1460, 7), kClient, kVip, Sum::partial));
  CHECK_EQ(static_cast<int>(describe(packet).header.gsoType), 0);
}

TEST("offload: a long packet with a complete checksum goes as it is") {
  Packet packet = packet4(6, tcp(40000, 80, kAck, Bytes(5000, 7)));
  CHECK(isPlain(describe(packet)));
}

TEST("offload: a UDP super-frame has lost its borders") {
  Packet packet = packet4(17, udp(40000, 53, Bytes(5000, 7), kClient, kVip, Sum::partial));
  CHECK(!describe(packet).isSplittable);
}

TEST("offload: nothing is said of fragments and of other protocols") {
  Packet fragment = packet4(6, tcp(40000, 80, kAck, {1}, kClient, kVip, Sum::partial));
  fragment.accepted.isFragment = true;
  CHECK(isPlain(describe(fragment)));
  Packet icmp = packet4(1, Bytes(16, 0));
  CHECK(isPlain(describe(icmp)));
}

TEST("offload: the kernel's own header moves from Ethernet to IP") {
  Packet packet = packet4(6, tcp(40000, 80, kAck, Bytes(5000, 7), kClient, kVip, Sum::partial));
  packet.accepted.packet = packet.bytes.data();
  covey::VirtioHeader captured;
  captured.flags = covey::kVirtioNeedsCsum;
  captured.gsoType = covey::kVirtioGsoTcpV4;
  captured.gsoSize = 1448;
  captured.hdrLen = 54;
  captured.csumStart = 34;
  captured.csumOffset = 16;
  const covey::VirtioHeader header = covey::carryOffload(captured, packet.accepted, kMtu);
  CHECK_EQ(header.hdrLen, 40);
  CHECK_EQ(header.csumStart, 20);
  CHECK_EQ(header.gsoSize, 1448);
}

TEST("offload: DATA_VALID is dropped, nonsense is not carried") {
  Packet packet = packet4(6, tcp(40000, 80, kAck, {1}));
  packet.accepted.packet = packet.bytes.data();
  covey::VirtioHeader valid;
  valid.flags = covey::kVirtioDataValid;
  CHECK_EQ(static_cast<int>(covey::carryOffload(valid, packet.accepted, kMtu).flags), 0);
  covey::VirtioHeader beyond;
  beyond.flags = covey::kVirtioNeedsCsum;
  beyond.csumStart = 60000;
  beyond.csumOffset = 16;
  CHECK_EQ(static_cast<int>(covey::carryOffload(beyond, packet.accepted, kMtu).flags), 0);
  covey::VirtioHeader before = beyond;
  before.csumStart = 3;
  CHECK_EQ(static_cast<int>(covey::carryOffload(before, packet.accepted, kMtu).flags), 0);
}

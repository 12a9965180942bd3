// Named packets beside test/vectors/classify.txt: what only this side has (captured length, stripped tags), and what
// goes out for a frame that comes in, byte by byte.
#include "check.h"
#include "farm.h"
#include "filter/early_fragments.h"

namespace {

using namespace packets;
using farm::Counter;
using farm::Node;

const Bytes kSynFrame = tcpFrame(40000, 80, kSyn);

covey::Verdict handleView(Node& node, const Bytes& frame, uint32_t wireLength, int32_t strippedVlan) {
  covey::FrameView view;
  view.data = frame.data();
  view.capturedLength = static_cast<uint32_t>(frame.size());
  view.wireLength = wireLength;
  view.strippedVlan = strippedVlan;
  return node.filter.handle(view, true, node.now, node.sink);
}

}  // namespace

TEST("a frame longer than its slot is never injected") {
  Node node;
  node.ownAll();
  const covey::Verdict verdict =
      handleView(node, kSynFrame, static_cast<uint32_t>(kSynFrame.size()) + 1, covey::kNoStrippedVlan);
  CHECK(verdict.reason == Counter::truncatedCapture);
  CHECK(node.sink.injected.empty());
  CHECK_EQ(node.count(Counter::truncatedCapture), 1u);
}

TEST("a tag that the kernel took out counts as a tag") {
  Node node;
  node.ownAll();
  const uint32_t length = static_cast<uint32_t>(kSynFrame.size());
  CHECK(handleView(node, kSynFrame, length, 5).reason == Counter::rejectedOtherVlan);
  CHECK(handleView(node, kSynFrame, length, 0).reason == Counter::accepted);
  covey::Shape shape = farm::shape();
  shape.vlan = 5;
  node.filter.setShape(shape);
  CHECK(handleView(node, kSynFrame, length, 5).reason == Counter::accepted);
  CHECK(handleView(node, kSynFrame, length, covey::kNoStrippedVlan).reason == Counter::rejectedOtherVlan);
}

TEST("the injected packet starts at the IP header and ends with it") {
  Node node;
  node.ownAll();
  const Bytes packet = ipv4(6, tcp(40000, 80, kSyn));
  CHECK_EQ(node.handle(join({ethernet(0x0800, packet), Bytes(6, 0xee)})), std::string("accepted"));
  CHECK(node.sink.injected.back() == packet);
  CHECK_EQ(node.sink.last.packetOffset, 14u);
  CHECK_EQ(node.sink.last.transportOffset, 20u);
  CHECK_EQ(node.handle(tagged(0x2000, 0x0800, packet)), std::string("accepted"));
  CHECK(node.sink.injected.back() == packet);
  CHECK_EQ(node.sink.last.packetOffset, 18u);
}

TEST("an injected IPv6 packet keeps its extension headers") {
  Node node;
  node.ownAll();
  const Bytes segment = tcp(40000, 80, kSyn, {}, kClient6, kVip6);
  const Bytes packet = ipv6(60, join({{6, 0, 1, 4, 0, 0, 0, 0}, segment}));
  CHECK_EQ(node.handle(ethernet(0x86dd, packet)), std::string("accepted"));
  CHECK(node.sink.injected.back() == packet);
  CHECK_EQ(node.sink.last.transportOffset, 48u);
  CHECK_EQ(static_cast<int>(node.sink.last.protocol), 6);
  CHECK(node.sink.last.isIpv6);
}

TEST("the vMAC as source is counted, and never more than that") {
  Node node;
  node.ownAll();
  CHECK_EQ(node.handle(ethernet(0x0800, ipv4(6, tcp(40000, 80, kSyn)), kVmac)), std::string("accepted"));
  CHECK_EQ(node.count(Counter::vmacAsSource), 1u);
  CHECK_EQ(node.handle(Bytes(13, 0)), std::string("malformedEthernet"));
  CHECK_EQ(node.count(Counter::vmacAsSource), 1u);
}

TEST("an ARP request is answered with the vMAC in the payload and our own MAC as source") {
  Node node;
  CHECK_EQ(node.handle(ethernet(0x0806, arp(1, kClientMac, kClient, kVip))), std::string("arpAnswered"));
  Bytes wanted =
      fromHex("02000000000c" "020000000001" "0806" "0001080006040002" "02c0ffee0001" "0a4d0032" "02000000000c" "0a4d0064")
          ;
  wanted.resize(60);
  CHECK(node.sink.answers.back() == wanted);
  CHECK_EQ(node.count(Counter::arpAnswered), 1u);
}

TEST("an ARP answer is tagged where the VIP has a VLAN") {
  Node node;
  covey::Shape shape = farm::shape();
  shape.vlan = 5;
  node.filter.setShape(shape);
  CHECK_EQ(node.handle(tagged(5, 0x0806, arp(1, kClientMac, kClient, kVip))), std::string("arpAnswered"));
  const Bytes& answer = node.sink.answers.back();
  CHECK(Bytes(answer.begin() + 12, answer.begin() + 18) == fromHex("810000050806"));
  CHECK_EQ(answer.size(), 60u);
}

TEST("an ARP probe (sender 0.0.0.0) is answered: the address is taken") {
  Node node;
  CHECK_EQ(node.handle(ethernet(0x0806, arp(1, kClientMac, {0, 0, 0, 0}, kVip))), std::string("arpAnswered"));
  const Bytes& answer = node.sink.answers.back();
  CHECK(Bytes(answer.begin() + 38, answer.begin() + 42) == Bytes(4, 0));
}

TEST("a solicitation is answered with an advertisement whose checksum holds") {
  Node node;
  const Bytes group = fromHex("ff0200000000000000000001ff000050");
  const Bytes body = icmp6(join({{135, 0, 0, 0, 0, 0, 0, 0}, kVip6, {1, 1, 2, 0, 0, 0, 0, 0x0d}}), kClient6, group);
  CHECK_EQ(node.handle(ethernet(0x86dd, ipv6(58, body, kClient6, group, 255))), std::string("ndAnswered"));
  const Bytes& answer = node.sink.answers.back();
  CHECK_EQ(answer.size(), 86u);
  CHECK(Bytes(answer.begin(), answer.begin() + 14) == fromHex("02000000000d" "020000000001" "86dd"));
  CHECK(Bytes(answer.begin() + 14, answer.begin() + 22) == fromHex("6000000000203aff"));
  CHECK(Bytes(answer.begin() + 22, answer.begin() + 54) == join({kVip6, kClient6}));
  const Bytes message(answer.begin() + 54, answer.end());
  CHECK_EQ(checksum(join({pseudo(58, message.size(), kVip6, kClient6), message})), 0);
  CHECK(Bytes(message.begin() + 4, message.end()) == join({{0x40, 0, 0, 0}, kVip6, fromHex("020102c0ffee0001")}));
}

TEST("a probe of duplicate address detection is answered to all nodes") {
  Node node;
  const Bytes group = fromHex("ff0200000000000000000001ff000050");
  const Bytes nobody(16, 0);
  const Bytes body = icmp6(join({{135, 0, 0, 0, 0, 0, 0, 0}, kVip6}), nobody, group);
  CHECK_EQ(node.handle(ethernet(0x86dd, ipv6(58, body, nobody, group, 255))), std::string("ndAnswered"));
  const Bytes& answer = node.sink.answers.back();
  CHECK(Bytes(answer.begin(), answer.begin() + 6) == fromHex("333300000001"));
  CHECK(Bytes(answer.begin() + 38, answer.begin() + 54) == fromHex("ff020000000000000000000000000001"));
  CHECK_EQ(static_cast<int>(answer[58]), 0);
}

TEST("no answer ever has the vMAC as Ethernet source") {
  Node node;
  node.handle(ethernet(0x0806, arp(1, kClientMac, kClient, kVip)));
  node.handle(ethernet(0x0806, arp(1, kClientMac, {0, 0, 0, 0}, kVip)));
  const Bytes body = icmp6(join({{135, 0, 0, 0, 0, 0, 0, 0}, kVip6}), kClient6, kVip6);
  node.handle(ethernet(0x86dd, ipv6(58, body, kClient6, kVip6, 255)));
  CHECK_EQ(node.sink.answers.size(), 3u);
  for (const Bytes& answer : node.sink.answers) CHECK(!std::equal(kVmac.begin(), kVmac.end(), answer.begin() + 6));
}

TEST("every rejection is counted under its reason, and nothing is injected") {
  Node node;
  const std::vector<Bytes> frames = {kSynFrame, tcpFrame(40000, 81, kSyn), ethernet(0x88cc, Bytes(46, 0)),
                                     ethernet(0x0800, Bytes(10, 0)), Bytes(5, 0)};
  for (const Bytes& frame : frames) {
    const std::string reason = node.handle(frame);
    uint64_t counted = 0;
    for (size_t at = 0; at < covey::kCounterCount; at++) {
      if (covey::counterName(static_cast<Counter>(at)) == reason) counted = node.slots[at];
    }
    CHECK_EQ(counted, 1u);
  }
  CHECK_EQ(node.count(Counter::framesSeen), frames.size());
  CHECK(node.sink.injected.empty());
}

TEST("a control frame is named but not counted: its own socket counts it") {
  Node node;
  CHECK_EQ(node.handle(ethernet(0x88b5, {1, 2, 3})), std::string("controlReceived"));
  CHECK_EQ(node.count(Counter::controlReceived), 0u);
}

TEST("I6: with the lease closed nothing is accepted, answered or held") {
  Node node;
  node.ownAll();
  node.filter.hold(0, farm::allBuckets());
  node.leaseOpen = false;
  for (const Bytes& frame : {kSynFrame, udpFrame(40000, 53), ethernet(0x0806, arp(1, kClientMac, kClient, kVip))}) {
    CHECK_EQ(node.handle(frame), std::string("rejectedLeaseLapsed"));
  }
  CHECK(node.sink.injected.empty() && node.sink.answers.empty());
  CHECK_EQ(node.count(Counter::held), 0u);
}

TEST("I7: every prefix of every kind of frame is survived") {
  Node node;
  node.ownAll();
  const Bytes quoted = ipv4(6, tcp(80, 40000, kAck, {}, kVip, kClient), kVip, kClient);
  const Bytes error6 = icmp6(join({{2, 0, 0, 0, 0, 0, 5, 0}, ipv6(60, join({{6, 0, 1, 4, 0, 0, 0, 0}, tcp(80, 40000,
      kAck)}),
                                                                  kVip6, kClient6)}), kClient6, kVip6);
  const std::vector<Bytes> frames = {
      tcpFrame(40000, 80, kAck, Bytes(9, 1)),
      tagged(0, 0x0800, ipv4(17, udp(40000, 53))),
      ethernet(0x0806, arp(1, kClientMac, kClient, kVip)),
      ethernet(0x0800, ipv4(1, join({{3, 4, 0, 0, 0, 0, 5, 0}, quoted}))),
      ethernet(0x86dd, ipv6(0, join({{44, 0, 1, 4, 0, 0, 0, 0}, {6, 0, 0, 1, 0, 0, 0, 9}, tcp(40000, 80, kSyn)}))),
      ethernet(0x86dd, ipv6(58, error6))};
  for (const Bytes& frame : frames) {
    for (size_t length = 0; length <= frame.size(); length++) {
      farm::handleExactly(node, Bytes(frame.begin(), frame.begin() + static_cast<long>(length)));
    }
  }
  CHECK_EQ(node.count(Counter::accepted), 5u);
}

TEST("later fragments follow their first for 30 s, whatever their order, and no longer") {
  Node node;
  node.ownAll();
  const Bytes whole = udp(40000, 53, Bytes(64, 1));
  const auto part = [&](size_t from, size_t to, bool more) {
    const uint16_t field = static_cast<uint16_t>(from / 8 | (more ? 0x2000u : 0u));
    const Bytes bytes(whole.begin() + static_cast<long>(from), whole.begin() + static_cast<long>(to));
    return ethernet(0x0800, ipv4(17, bytes, kClient, kVip, field));
  };
  CHECK_EQ(node.handle(part(32, 72, false)), std::string("fragmentsHeld"));
  CHECK_EQ(node.handle(part(0, 16, true)), std::string("accepted"));
  CHECK_EQ(node.count(Counter::fragmentsReplayed), 1u);
  CHECK_EQ(node.sink.injected.size(), 2u);
  CHECK_EQ(node.handle(part(32, 72, false)), std::string("accepted"));
  CHECK_EQ(node.handle(part(16, 32, true)), std::string("accepted"));
  node.now += 29999;
  CHECK_EQ(node.classify(part(16, 32, true)), std::string("accepted"));
  node.now += 1;
  CHECK_EQ(node.classify(part(16, 32, true)), std::string("fragmentsHeld"));
}

TEST("early fragments are bounded in number, size and time, and each loss is counted") {
  Node node;
  node.ownAll();
  const auto later = [&](uint16_t id, size_t bytes) {
    return ethernet(0x0800, ipv4(17, Bytes(bytes, 1), kClient, kVip, 4, id));
  };
  for (uint16_t id = 0; id < covey::kEarlyFragments + 3; id++) node.handle(later(id, 32));
  CHECK_EQ(node.count(Counter::fragmentsHeld), covey::kEarlyFragments + 3);
  CHECK_EQ(node.count(Counter::fragmentsOverflow), 3u);
  node.handle(later(1, covey::kEarlyFragmentBytes));
  CHECK_EQ(node.count(Counter::fragmentsOverflow), 4u);
  node.now += covey::kEarlyFragmentLifeMs - 1;
  node.filter.expire(node.now);
  CHECK_EQ(node.count(Counter::fragmentsExpired), 0u);
  node.now += 1;
  node.filter.expire(node.now);
  CHECK_EQ(node.count(Counter::fragmentsExpired), covey::kEarlyFragments);
  node.handle(later(1, 32));
  node.filter.reset();
  CHECK_EQ(node.count(Counter::fragmentsExpired), covey::kEarlyFragments + 1);
  CHECK(node.sink.injected.empty());
}

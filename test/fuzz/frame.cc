// Any bytes as a frame, to a node that owns everything. First byte: lease, cut slot, stripped tag.
#include "farm.h"
#include "input.h"

namespace {

constexpr covey::Mac kPeerMac = {2, 0, 0, 0, 0, 2};

/** Two members; plan 0 is the other one's. */
std::shared_ptr<const covey::ReachSetting> relaySetting() {
  auto setting = std::make_shared<covey::ReachSetting>();
  covey::Mac own{};
  std::copy(packets::kOwnMac.begin(), packets::kOwnMac.end(), own.begin());
  setting->mode = covey::ReachMode::relay;
  setting->members = {{own, true}, {kPeerMac, true}};
  setting->self = 0;
  setting->plans.resize(1);
  setting->plans[0].targets.fill(3);
  return setting;
}

class InsideSink : public covey::Sink {
 public:
  void inject(const covey::Accepted& accepted) override {
    injected++;
    fuzz::require(accepted.packet == frame.data + accepted.packetOffset, "the packet starts where it says");
    fuzz::require(accepted.packetOffset + accepted.length <= frame.capturedLength, "the packet lies in the frame");
    fuzz::require(accepted.transportOffset <= accepted.length, "the transport header lies in the packet");
  }
  void answer(const uint8_t* bytes, size_t length) override {
    fuzz::require(length >= 60, "an answer is a whole frame");
    fuzz::require(std::equal(packets::kOwnMac.begin(), packets::kOwnMac.end(), bytes + 6),
        "I5: our own MAC is the source");
    // 33:33:... answers a probe to all nodes; a bridge lets no frame pass that has a group as source.
    const bool isFromGroup = (frame.data[6] & 1) != 0;
    fuzz::require((bytes[0] & 1) == 0 || bytes[0] == 0x33 || isFromGroup, "an answer is no broadcast");
  }
  void relay(const covey::FrameView& copied, const covey::Accepted& packet, const covey::Mac& destination) override {
    relayed++;
    fuzz::require(copied.data == frame.data, "the frame itself is relayed");
    fuzz::require(packet.packetOffset + packet.length <= frame.capturedLength, "the relayed packet lies in the frame");
    fuzz::require(destination == kPeerMac, "it goes to the other member");
    fuzz::require(!std::equal(kPeerMac.begin(), kPeerMac.end(), frame.data + 6), "nothing is relayed twice");
    fuzz::require(std::equal(packets::kOwnMac.begin(), packets::kOwnMac.end(), frame.data), "it came to our own MAC");
  }
  covey::FrameView frame;
  int relayed = 0;
  int injected = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static farm::Node node(64, 16, 4096);
  node.filter.reset();
  static const auto kRelaySetting = relaySetting();
  node.filter.setReach(kRelaySetting, node.now, node.sink);
  for (uint8_t plan = 1; plan < 3; plan++) node.filter.own(plan, farm::allBuckets(), node.now, node.sink);
  fuzz::Input input(data, size);
  const uint8_t mode = input.u8();
  const std::vector<uint8_t> bytes = input.bytes(size);
  InsideSink sink;
  sink.frame.data = bytes.data();
  sink.frame.capturedLength = sink.frame.wireLength = static_cast<uint32_t>(bytes.size());
  if (mode & 2) sink.frame.wireLength++;
  if (mode & 4) sink.frame.strippedVlan = mode >> 4;
  const bool leaseOpen = (mode & 1) == 0;
  const std::vector<uint64_t> before = node.slots;
  const covey::Verdict said = node.filter.classify(sink.frame, leaseOpen, node.now);
  fuzz::require(before == node.slots, "classify counts nothing");
  const covey::Verdict done = node.filter.handle(sink.frame, leaseOpen, node.now, sink);
  fuzz::require(said.reason == done.reason && said.bucket == done.bucket, "classify says what handle does");
  fuzz::require((done.kind == covey::VerdictKind::accept) == (sink.injected == 1), "accepted is injected");
  fuzz::require((done.kind == covey::VerdictKind::relay) == (sink.relayed == 1), "relayed is sent on");
  fuzz::require(leaseOpen || sink.injected + sink.relayed == 0, "I6: a closed lease accepts and relays nothing");
  fuzz::require((mode & 2) == 0 || done.reason == covey::Counter::truncatedCapture, "truncated frames are rejected");
  return 0;
}

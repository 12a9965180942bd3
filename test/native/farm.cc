#include "farm.h"

#include <algorithm>
#include <memory>

#include "filter/key.h"

namespace farm {
namespace {

covey::FilterOptions optionsFor(std::vector<uint64_t>& slots, uint32_t maxKeys, uint32_t holdFrames,
    uint32_t holdBytes) {
  covey::FilterOptions options;
  options.mac = packets::kOwnMac;
  options.maxKeys = maxKeys;
  options.holdFrames = holdFrames;
  options.holdBytes = holdBytes;
  options.counters = slots.data();
  options.ruleSlots = kRuleSlots;
  return options;
}

covey::RuleEntry rule(int32_t index, covey::Protocol protocol, uint16_t first, uint16_t last, covey::Affinity affinity,
                      uint8_t plan, uint32_t holdMs = 0) {
  return {index, protocol, first, last, affinity, plan, false, holdMs, static_cast<uint16_t>(index)};
}

covey::FrameView viewOf(const uint8_t* data, size_t length) {
  covey::FrameView view;
  view.data = data;
  view.capturedLength = view.wireLength = static_cast<uint32_t>(length);
  return view;
}

}  // namespace

covey::Shape shape() {
  using covey::Affinity;
  using covey::Protocol;
  covey::Shape result;
  result.vips = {{packets::address(packets::kVip), false}, {packets::address(packets::kVip6), true}};
  result.rules = {rule(0, Protocol::tcp, 80, 80, Affinity::connection, 0),
                  rule(0, Protocol::tcp, 443, 443, Affinity::connection, 0),
                  rule(1, Protocol::tcp, 8000, 8100, Affinity::client, 1),
                  rule(2, Protocol::tcp, 9000, 9000, Affinity::client, 1, 300000),
                  rule(3, Protocol::udp, 53, 53, Affinity::connection, 0),
                  rule(4, Protocol::udp, 5000, 5000, Affinity::network, 2)};
  result.hashSeed = kSeed;
  result.vmac = packets::kVmac;
  return result;
}

covey::Bitmap allBuckets() {
  covey::Bitmap all;
  all.fill(0xff);
  return all;
}

covey::Bitmap oneBucket(uint32_t bucket) {
  covey::Bitmap one{};
  one[bucket / 8] = static_cast<uint8_t>(1 << (bucket % 8));
  return one;
}

covey::KeyRecord connectionKey(uint16_t port, const Bytes& client, uint8_t plan) {
  return covey::makeKey(plan, covey::Affinity::connection, client.size() == 16, packets::address(client), port);
}

covey::KeyRecord clientKey(const Bytes& client, uint8_t plan) {
  return covey::makeKey(plan, covey::Affinity::client, client.size() == 16, packets::address(client), 0);
}

uint32_t bucketOf(const covey::KeyRecord& key) { return covey::bucketOf(covey::hashKey(key, kSeed)); }

covey::KeeperKeeps keeps(covey::KeeperSlot keeper, const std::vector<covey::KeyRecord>& keys, uint32_t serial) {
  covey::KeeperKeeps result{keeper, {}};
  for (const covey::KeyRecord& key : keys) {
    result.keeps.insert(result.keeps.end(), key.bytes.begin(), key.bytes.end());
    const Bytes upper = packets::u16(serial >> 16), lower = packets::u16(serial & 0xffff);
    result.keeps.insert(result.keeps.end(), upper.begin(), upper.end());
    result.keeps.insert(result.keeps.end(), lower.begin(), lower.end());
  }
  return result;
}

size_t countOf(const covey::TableResult& result, covey::KeeperSlot keeper) {
  size_t count = 0;
  for (const covey::KeeperKeeps& group : result.groups) {
    if (group.keeper == keeper) count += group.keeps.size() / covey::kKeepBytes;
  }
  return count;
}

bool lists(const covey::TableResult& result, covey::KeeperSlot keeper, const covey::KeyRecord& key, uint32_t serial) {
  bool isListed = false;
  for (const covey::KeeperKeeps& group : result.groups) {
    if (group.keeper != keeper) continue;
    covey::forEachKeep(group.keeps, [&](const covey::Keep& keep) {
      isListed = isListed || (keep.key == key && keep.serial == serial);
    });
  }
  return isListed;
}

Node::Node(uint32_t maxKeys, uint32_t holdFrames, uint32_t holdBytes)
    : slots(covey::kCounterCount + kRuleSlots * covey::kRuleOutcomes.size()), filter(optionsFor(slots, maxKeys, holdFrames, holdBytes)) {
  filter.setShape(shape());
}

std::string Node::handle(const Bytes& frame) {
  return covey::counterName(filter.handle(viewOf(frame.data(), frame.size()), leaseOpen, now, sink).reason);
}

uint64_t Node::countOfRule(size_t slot, Counter outcome) const {
  const auto at = std::find(covey::kRuleOutcomes.begin(), covey::kRuleOutcomes.end(), outcome);
  const auto place = static_cast<size_t>(at - covey::kRuleOutcomes.begin());
  return slots.at(covey::kCounterCount + slot * covey::kRuleOutcomes.size() + place);
}

std::string Node::classify(const Bytes& frame) const {
  return covey::counterName(filter.classify(viewOf(frame.data(), frame.size()), leaseOpen, now).reason);
}

std::string handleExactly(Node& node, const Bytes& frame) {
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[frame.size()]);
  std::copy(frame.begin(), frame.end(), copy.get());
  return covey::counterName(node.filter.handle(viewOf(copy.get(), frame.size()), node.leaseOpen, node.now,
      node.sink).reason);
}

}  // namespace farm

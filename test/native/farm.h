// One node's Filter for tests: a shape with a few rules, a clock that the test moves, and a sink that remembers.
#ifndef COVEY_TEST_FARM_H
#define COVEY_TEST_FARM_H

#include <cstdint>
#include <string>
#include <vector>

#include "filter/filter.h"
#include "filter/keep_list.h"
#include "filter/rule_counters.h"
#include "packets.h"

namespace farm {

using covey::Counter;
using packets::Bytes;

constexpr uint32_t kSeed = 0x12345678;
/** One for each rule of `shape`, whose index is its slot. */
constexpr size_t kRuleSlots = 5;

class RecordingSink : public covey::Sink {
 public:
  void inject(const covey::Accepted& accepted) override {
    injected.emplace_back(accepted.packet, accepted.packet + accepted.length);
    last = accepted;
  }
  void answer(const uint8_t* frame, size_t length) override { answers.emplace_back(frame, frame + length); }

  void relay(const covey::FrameView& frame, const covey::Accepted& packet, const covey::Mac& destination) override {
    relayed.push_back({destination, Bytes(frame.data, frame.data + frame.capturedLength)});
    last = packet;
  }

  struct Copy {
    covey::Mac destination{};
    /** As it was captured. */
    Bytes frame;
  };

  std::vector<Bytes> injected;
  std::vector<Bytes> answers;
  std::vector<Copy> relayed;
  /** Of the last injected or relayed packet; its pointer is stale. */
  covey::Accepted last;
};

/**
 * VIPs 10.77.0.50 and fd77::50; tcp 80 and 443 connection, 8000-8100 client, 9000 client with 5 min hold, udp 53
 * connection, 5000 network.
 */
covey::Shape shape();
covey::Bitmap allBuckets();
covey::Bitmap oneBucket(uint32_t bucket);

/** The key and its bucket, under the shape's rules, of a packet from there. */
covey::KeyRecord connectionKey(uint16_t port, const Bytes& client = packets::kClient, uint8_t plan = 0);
covey::KeyRecord clientKey(const Bytes& client = packets::kClient, uint8_t plan = 1);
uint32_t bucketOf(const covey::KeyRecord& key);

covey::KeeperKeeps keeps(covey::KeeperSlot keeper, const std::vector<covey::KeyRecord>& keys, uint32_t serial);
/** Keeps in all groups of one keeper, as text of "port" or "client" keys is of no use: just how many. */
size_t countOf(const covey::TableResult& result, covey::KeeperSlot keeper);
bool lists(const covey::TableResult& result, covey::KeeperSlot keeper, const covey::KeyRecord& key, uint32_t serial);

class Node {
 public:
  explicit Node(uint32_t maxKeys = 1024, uint32_t holdFrames = 64, uint32_t holdBytes = 64 * 1024);

  /** The reason of the verdict, by name. */
  std::string handle(const Bytes& frame);
  std::string classify(const Bytes& frame) const;
  uint64_t count(Counter counter) const { return slots[static_cast<size_t>(counter)]; }
  uint64_t countOfRule(size_t slot, Counter outcome) const;
  void ownAll() {
    for (uint8_t plan = 0; plan < 8; plan++) filter.own(plan, allBuckets(), now, sink);
  }
  /** Offers nothing, cuts everything: what is listed. */
  covey::TableResult cutAll(uint8_t plan, uint32_t serial = 1) {
    return filter.cut(plan, allBuckets(), serial, now, sink);
  }

  std::vector<uint64_t> slots;
  covey::Filter filter;
  RecordingSink sink;
  uint64_t now = 1000000;
  bool leaseOpen = true;
};

/** The frame in a buffer of exactly its size on the heap, so that the address sanitizer sees a read beyond it. */
std::string handleExactly(Node& node, const Bytes& frame);

}  // namespace farm

#endif

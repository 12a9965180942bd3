// The flow table against a stupid twin, kept nearly full for long: removed entries leave gaps, and a search must always end.
#include <map>
#include <random>
#include <vector>

#include "check.h"
#include "farm.h"
#include "filter/bucket_table.h"
#include "filter/flow_table.h"
#include "filter/key.h"

namespace {

using covey::FlowEntry;
using covey::FlowList;
using covey::FlowTable;
using covey::KeyRecord;

constexpr uint32_t kMaxKeys = 96;
constexpr int kSteps = 60000;
constexpr FlowList kLists[] = {FlowList::open, FlowList::embryo, FlowList::ownKeep};

struct Known {
  FlowList list;
  uint32_t index;
};

class Twins {
 public:
  explicit Twins(uint32_t seed) : engine_(seed), table_(kMaxKeys, buckets_) {}

  void step() {
    if (keys_.size() < kMaxKeys && (keys_.empty() || chance(55))) return add();
    chance(70) ? remove() : move();
  }

  /** Every key is found where it is, and no other; lists and buckets have each of them once. */
  void compare() {
    CHECK_EQ(table_.used(), static_cast<uint32_t>(keys_.size()));
    for (const auto& [number, known] : keys_) {
      const KeyRecord key = keyOf(number);
      const uint32_t index = table_.find(key, hashOf(key));
      CHECK_EQ(index, known.index);
      CHECK(table_.at(index).list == known.list);
      CHECK_EQ(table_.at(index).serial, number);
    }
    for (uint32_t number = next_; number < next_ + 50; number++) {
      const KeyRecord key = keyOf(number);
      CHECK_EQ(table_.find(key, hashOf(key)), covey::kNone);
    }
    size_t listed = 0, inBuckets = 0;
    for (const FlowList list : kLists) {
      uint32_t count = 0;
      for (uint32_t index = table_.oldest(list); index != covey::kNone; index = table_.next(index)) count++;
      CHECK_EQ(count, table_.count(list));
      listed += count;
    }
    for (uint32_t bucket = 0; bucket < covey::kBuckets; bucket++) {
      for (uint32_t index = table_.firstIn(0, bucket); index != covey::kNone; index = table_.nextInBucket(index)) {
        CHECK_EQ(table_.at(index).bucket(), bucket);
        inBuckets++;
      }
    }
    CHECK_EQ(listed, keys_.size());
    CHECK_EQ(inBuckets, keys_.size());
  }

  int moved() const { return moved_; }

 private:
  static KeyRecord keyOf(uint32_t number) {
    covey::Address address{};
    covey::writeU32(&address[12], number);
    return covey::makeKey(0, covey::Affinity::client, false, address, 0);
  }
  static uint32_t hashOf(const KeyRecord& key) { return covey::hashKey(key, farm::kSeed); }
  bool chance(uint32_t ofHundred) { return engine_() % 100 < ofHundred; }
  FlowList someList() { return kLists[engine_() % 3]; }
  std::map<uint32_t, Known>::iterator some() {
    auto at = keys_.lower_bound(static_cast<uint32_t>(engine_() % next_));
    return at == keys_.end() ? keys_.begin() : at;
  }

  void add() {
    table_.tidy([this](const FlowEntry& entry, uint32_t index) {
      keys_.at(entry.serial).index = index;
      moved_++;
    });
    const uint32_t number = next_++;
    const KeyRecord key = keyOf(number);
    const FlowList list = someList();
    const uint32_t index = table_.add(key, hashOf(key), list);
    table_.at(index).serial = number;
    keys_[number] = {list, index};
  }
  void remove() {
    const auto one = some();
    table_.remove(one->second.index);
    keys_.erase(one);
  }
  void move() {
    const auto one = some();
    one->second.list = someList();
    table_.move(one->second.index, one->second.list);
  }

  std::mt19937 engine_;
  covey::BucketTable buckets_;
  FlowTable table_;
  std::map<uint32_t, Known> keys_;
  uint32_t next_ = 1;
  int moved_ = 0;
};

}  // namespace

TEST("flow table: nearly full for 60,000 changes, it finds what it has, and every search ends") {
  for (uint32_t seed = 1; seed <= 3; seed++) {
    Twins twins(seed);
    for (int step = 0; step < kSteps; step++) {
      twins.step();
      if (step % 500 == 0) twins.compare();
    }
    twins.compare();
    CHECK(twins.moved() > 1000);
  }
}

TEST("flow table: a full one with a stream of new clients goes on serving") {
  farm::Node node(64);
  node.ownAll();
  for (uint32_t client = 0; client < 40000; client++) {
    const packets::Bytes source = {10, 78, static_cast<uint8_t>(client >> 8), static_cast<uint8_t>(client)};
    const auto port = static_cast<uint16_t>(1024 + client % 50000);
    CHECK_EQ(node.handle(packets::tcpFrame(port, 80, packets::kSyn, {}, source)), std::string("accepted"));
    CHECK_EQ(node.handle(packets::tcpFrame(port, 80, packets::kAck, {}, source)), std::string("accepted"));
  }
  CHECK(node.count(covey::Counter::keysEvicted) > 30000);
}

// The fast path's own lists, beside a list in which everything is looked for from the start.
#include <set>

#include "check.h"
#include "fast_path_bed.h"
#include "filter/key.h"

namespace {

using namespace fastpath;

/** FastPath with a list beside it in which everything is looked for from the start. */
struct Twin {
  struct Known {
    covey::FastFlow flow;
    uint32_t packets = 0;
    bool isOpen = false;
  };

  explicit Twin(uint32_t flows, Dice& dice) : table(std::make_unique<covey::FastTable>()) {
    path.use(table.get());
    path.setLease(kForever);
    for (uint32_t i = 0; i < flows; i++) {
      covey::FastFlow flow;
      flow.identity.source[0] = i;
      // So that some find no place, or their second one.
      flow.identity.ports = dice.below(4);
      flow.key = farm::connectionKey(static_cast<uint16_t>(dice.below(flows / 3)));
      // Of one key, and in part of others too.
      flow.hash = covey::hashKey(flow.key, 1) % 97;
      known.push_back({flow});
    }
  }

  covey::FastSlot* slotOf(const Known& one) { return openSlotOf(*table, one.flow.identity); }
  void open(Known& one) {
    path.propose(one.flow, nowMs);
    nowMs += 5;
    path.propose(one.flow, nowMs);
    path.open(true, nowMs);
    const uint32_t place = covey::fastSlotOf(one.flow.identity);
    const bool hadRoom = owners.count(place) == 0 || owners.count(place ^ 1) == 0;
    if (one.isOpen || !hadRoom) return;
    owners.insert(owners.count(place) == 0 ? place : place ^ 1);
    one.isOpen = true;
    one.packets = 0;
  }
  void wasClosed(Known& one) {
    const uint32_t place = static_cast<uint32_t>(place_(one));
    owners.erase(place);
    one.isOpen = false;
  }
  /** Every slot of one that is open is found, and no other lies open. */
  void check() {
    size_t open = 0;
    for (Known& one : known) {
      open += one.isOpen;
      CHECK_EQ(path.isOpen(one.flow.identity), one.isOpen);
      CHECK_EQ(slotOf(one) != nullptr, one.isOpen);
    }
    CHECK_EQ(path.count(), open);
    size_t slots = 0;
    for (const covey::FastSlot& slot : table->slots) slots += slot.generation == table->header.generation;
    CHECK_EQ(slots, open);
  }

  std::unique_ptr<covey::FastTable> table;
  covey::FastPath path;
  std::vector<Known> known;
  std::set<uint32_t> owners;
  uint32_t nowMs = 0xfffff000u;
  uint64_t taken = 0, collected = 0;

 private:
  size_t place_(const Known& one) {
    // Still in the table's memory: closing leaves what it says.
    const uint32_t first = covey::fastSlotOf(one.flow.identity);
    const bool isFirst = table->slots[first].identity == one.flow.identity && owners.count(first) != 0;
    return isFirst ? first : first ^ 1;
  }
};

}  // namespace

TEST("fast path: thousands of connections, opened and closed in any order, leave no trace in each other") {
  Dice dice(5);
  Twin twin(6000, dice);
  const auto take = [&](const covey::FastFlow&, uint32_t packets, uint32_t) { twin.collected += packets; };
  uint32_t mostOpen = 0;
  for (uint32_t step = 0; step < 60'000; step++) {
    Twin::Known& one = twin.known[dice.below(static_cast<uint32_t>(twin.known.size()))];
    const uint32_t what = dice.below(1000);
    if (what < 500) {
      twin.open(one);
    } else if (what < 700) {
      covey::FastSlot* const slot = twin.slotOf(one);
      if (slot != nullptr) slot->lastSeenMs = twin.nowMs, slot->packets++, twin.taken++;
    } else if (what < 900) {
      if (one.isOpen) twin.wasClosed(one);
      twin.path.close(one.flow.identity, take);
    } else if (what < 998) {
      for (Twin::Known& other : twin.known) {
        if (other.isOpen && other.flow.key == one.flow.key) twin.wasClosed(other);
      }
      twin.path.forget(one.flow.key, one.flow.hash);
    } else if (what == 998 && step % 10 == 0) {
      for (Twin::Known& other : twin.known) {
        if (other.isOpen) twin.wasClosed(other);
      }
      twin.path.closeAll(take);
    }
    mostOpen = std::max(mostOpen, static_cast<uint32_t>(twin.path.count()));
    if (step % 3000 == 0) twin.check();
  }
  twin.check();
  twin.path.closeAll(take);
  CHECK(mostOpen > 1000);
  CHECK_EQ(twin.collected, twin.taken);
}

TEST("fast path: looks at some hundreds of connections at once come round to all, while others are closed") {
  Dice dice(6);
  Twin twin(3000, dice);
  for (Twin::Known& one : twin.known) twin.open(one);
  twin.nowMs += 1;
  std::multiset<uint32_t> seen;
  for (Twin::Known& one : twin.known) {
    if (covey::FastSlot* const slot = twin.slotOf(one)) slot->lastSeenMs = twin.nowMs, slot->packets += 2;
  }
  uint32_t open = static_cast<uint32_t>(twin.path.count());
  const auto take = [&](const covey::FastFlow& flow, uint32_t packets, uint32_t lastSeenMs) {
    CHECK_EQ(packets, 2u);
    CHECK_EQ(lastSeenMs, twin.nowMs);
    seen.insert(flow.identity.source[0]);
  };
  for (uint32_t round = 0; round < 8; round++) twin.path.collect(twin.nowMs, take);
  CHECK_EQ(seen.size(), open);
  CHECK_EQ(std::set<uint32_t>(seen.begin(), seen.end()).size(), open);
  twin.nowMs += 10'000;
  for (uint32_t round = 0; round < 8; round++) twin.path.collect(twin.nowMs, take);
  CHECK_EQ(twin.path.count(), 0u);
  CHECK_EQ(seen.size(), open);
}

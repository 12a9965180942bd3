#include "fast_path.h"

namespace covey {

void FastPath::use(FastTable* table) {
  if (isOn()) shut();
  forgetAll();
  table_ = table;
  if (!isOn()) return;
  owners_.assign(kFastSlots, kNoFlow);
  chains_.assign(kFastSlots, kNoFlow);
  candidates_.assign(kCandidates, Candidate{});
  taken_ = 0;
  takenSinceLast();
}

uint64_t FastPath::takenSinceLast() {
  if (!isOn()) return 0;
  uint64_t sum = 0;
  for (uint32_t core = 0; core < table_->header.cores; core++) {
    sum += __atomic_load_n(&table_->cores[core].taken, __ATOMIC_RELAXED);
  }
  const uint64_t since = sum - taken_;
  taken_ = sum;
  return since;
}

uint64_t FastPath::missing() const {
  if (!isOn()) return 0;
  uint64_t noted = 0;
  uint64_t taken = 0;
  for (uint32_t core = 0; core < table_->header.cores; core++) {
    // In this order: what is noted after the first look may only be seen as taken, never as missing.
    noted += __atomic_load_n(&table_->cores[core].noted, __ATOMIC_ACQUIRE);
    taken += __atomic_load_n(&table_->cores[core].taken, __ATOMIC_ACQUIRE);
  }
  return noted > taken ? noted - taken : 0;
}

uint32_t FastPath::find(const FastIdentity& identity) const {
  if (!isOn()) return kNoFlow;
  const uint32_t first = fastSlotOf(identity);
  for (const uint32_t slot : {first, first ^ 1}) {
    const uint32_t at = owners_[slot];
    if (at != kNoFlow && flows_[at].identity == identity) return at;
  }
  return kNoFlow;
}

void FastPath::propose(const FastFlow& flow, uint32_t nowMs) {
  if (!isOn()) return;
  const uint32_t hash = fastHashOf(flow.identity);
  Candidate& candidate = candidates_[hash % kCandidates];
  if (candidate.hash != hash) {
    if (candidate.hash == 0 || nowMs - candidate.sinceMs >= kCandidateMs) candidate = {hash, nowMs};
    return;
  }
  if (nowMs - candidate.sinceMs < kProvenMs || proposed_.size() >= kMostProposed) return;
  candidate = Candidate{};
  if (proposed_.empty()) proposedAtMs_ = nowMs;
  proposed_.push_back(flow);
}

void FastPath::open(bool isRingEmpty, uint32_t nowMs) {
  if (proposed_.empty() || (!isRingEmpty && nowMs - proposedAtMs_ < kLongestWaitMs)) return;
  for (const FastFlow& flow : proposed_) {
    if (!isOpen(flow.identity)) openOne(flow, nowMs);
  }
  proposed_.clear();
}

void FastPath::openOne(const FastFlow& flow, uint32_t nowMs) {
  const uint32_t place = placeFor(flow.identity);
  if (owners_[place] != kNoFlow) return;
  const uint32_t at = static_cast<uint32_t>(flows_.size());
  Flow opened;
  static_cast<FastFlow&>(opened) = flow;
  opened.slot = place;
  flows_.push_back(opened);
  owners_[place] = at;
  link(at);
  FastSlot& slot = table_->slots[place];
  slot.identity = flow.identity;
  slot.lastSeenMs = nowMs;
  slot.packets = 0;
  __atomic_store_n(&slot.generation, table_->header.generation, __ATOMIC_RELEASE);
}

/** The first free one of its two, or one that is taken. */
uint32_t FastPath::placeFor(const FastIdentity& identity) const {
  const uint32_t first = fastSlotOf(identity);
  return owners_[first] == kNoFlow ? first : first ^ 1;
}

/** The last flow takes its place in the list. */
void FastPath::closeAt(uint32_t at) {
  clear(slotOf(flows_[at]));
  owners_[flows_[at].slot] = kNoFlow;
  unlink(at);
  const uint32_t last = static_cast<uint32_t>(flows_.size()) - 1;
  if (at != last) {
    unlink(last);
    flows_[at] = flows_[last];
    owners_[flows_[at].slot] = at;
    flows_.pop_back();
    link(at);
  } else {
    flows_.pop_back();
  }
}

void FastPath::forget(const KeyRecord& key, uint32_t hash) {
  const auto isOfKey = [&](const FastFlow& flow) { return flow.key == key; };
  withdraw(isOfKey);
  if (flows_.empty()) return;
  for (uint32_t at = chains_[chainOf(hash)]; at != kNoFlow;) {
    if (!isOfKey(flows_[at])) {
      at = flows_[at].next;
      continue;
    }
    __atomic_store_n(&slotOf(flows_[at]).generation, 0u, __ATOMIC_RELEASE);
    collectOne(flows_[at], [&](const FastFlow& flow, uint32_t packets, uint32_t lastSeenMs) {
      forgotten_.push_back({flow, packets, lastSeenMs});
    });
    closeAt(at);
    // Another flow may lie there by now.
    at = chains_[chainOf(hash)];
  }
}

/** No name of a closed connection waits in a slot for its next generation: a core that reads ahead would take it for that. */
void FastPath::clear(FastSlot& slot) {
  __atomic_store_n(&slot.generation, 0u, __ATOMIC_RELEASE);
  __atomic_store_n(&slot.identity.kind, 0u, __ATOMIC_RELEASE);
}

/** One store, and every slot is closed, whatever is in it. */
void FastPath::shut() {
  uint32_t& generation = table_->header.generation;
  const uint32_t next = generation == 0xffffffffu ? 1 : generation + 1;
  __atomic_store_n(&generation, next, __ATOMIC_SEQ_CST);
}

void FastPath::forgetAll() {
  for (const Flow& flow : flows_) {
    clear(slotOf(flow));
    owners_[flow.slot] = kNoFlow;
    chains_[chainOf(flow.hash)] = kNoFlow;
  }
  flows_.clear();
  proposed_.clear();
  next_ = 0;
}

void FastPath::link(uint32_t at) {
  uint32_t& first = chains_[chainOf(flows_[at].hash)];
  flows_[at].previous = kNoFlow;
  flows_[at].next = first;
  if (first != kNoFlow) flows_[first].previous = at;
  first = at;
}

void FastPath::unlink(uint32_t at) {
  const Flow& flow = flows_[at];
  (flow.previous == kNoFlow ? chains_[chainOf(flow.hash)] : flows_[flow.previous].next) = flow.next;
  if (flow.next != kNoFlow) flows_[flow.next].previous = flow.previous;
}

}  // namespace covey

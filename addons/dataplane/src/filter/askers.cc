#include "askers.h"

#include <algorithm>
#include <cstring>

#include "cursor.h"
#include "key.h"

namespace covey {
namespace {

/** Frames sent in one go: a farm's askers may all become ours at once. */
constexpr size_t kSteeredAtOnce = 32;
/** An asker without a reply counts as one that does not listen so long after the last try. */
constexpr uint64_t kLastWaitMs = 1000;
constexpr uint64_t kLongestAgeS = 0xffff;

uint64_t dueMs(const Asker& asker) {
  const bool isOver = asker.tries >= kSteeringAtMs.size();
  return asker.steeredSinceMs + (isOver ? kSteeringAtMs.back() + kLastWaitMs : kSteeringAtMs[asker.tries]);
}

}  // namespace

AskerTable::AskerTable(Counters counters) : counters_(counters), entries_(kMostAskers) {
  due_.reserve(kSteeredAtOnce);
}

uint32_t AskerTable::hashOf(const Address& address, const Address& vip) {
  return finishHash(addToHash(addToHash(startHash(0), address.data(), address.size()), vip.data(), vip.size()));
}

uint32_t AskerTable::find(const Address& address, const Address& vip, uint32_t hash) const {
  return index_.find(hash, [&](uint32_t at) {
    const Asker& asker = entries_[at].asker;
    return isSame(asker.address, address) && isSame(asker.vip, vip);
  });
}

void AskerTable::saw(const Address& address, const Address& vip, const Mac& mac, uint64_t nowMs) {
  entries_[enter(address, vip, mac, nowMs)].asker.isNew = true;
}

uint32_t AskerTable::learnOne(const uint8_t* record, uint64_t nowMs) {
  Address address{};
  Address vip{};
  Mac mac{};
  std::memcpy(address.data(), record, 16);
  std::memcpy(vip.data(), record + 16, 16);
  std::memcpy(mac.data(), record + 32, 6);
  const uint64_t ageMs = uint64_t{readU16(record + 38)} * 1000;
  const uint64_t seenMs = nowMs > ageMs ? nowMs - ageMs : 0;
  const uint32_t known = find(address, vip, hashOf(address, vip));
  if (known != kNone && entries_[known].asker.seenMs >= seenMs) return kNone;
  const uint32_t index = enter(address, vip, mac, seenMs);
  return known == kNone ? index : kNone;
}

std::vector<uint8_t> AskerTable::take(bool all, uint64_t nowMs) {
  std::vector<uint8_t> records;
  for (uint32_t index = oldest_; index != kNone; index = entries_[index].next) {
    Asker& asker = entries_[index].asker;
    const bool isTaken = all || asker.isNew;
    asker.isNew = false;
    if (!isTaken) continue;
    const uint64_t ageMs = nowMs > asker.seenMs ? nowMs - asker.seenMs : 0;
    const size_t at = records.size();
    records.resize(at + kAskerBytes);
    std::memcpy(&records[at], asker.address.data(), 16);
    std::memcpy(&records[at + 16], asker.vip.data(), 16);
    std::memcpy(&records[at + 32], asker.mac.data(), 6);
    writeU16(&records[at + 38], static_cast<uint32_t>(std::min(ageMs / 1000, kLongestAgeS)));
  }
  return records;
}

void AskerTable::steer(uint32_t index, uint64_t nowMs) {
  Asker& asker = entries_[index].asker;
  if (!asker.isSteered) steered_++;
  asker.isSteered = true;
  asker.tries = 0;
  asker.steeredSinceMs = nowMs;
  nextDueMs_ = 0;
}

void AskerTable::stopSteering(uint32_t index) {
  Asker& asker = entries_[index].asker;
  if (asker.isSteered) steered_--;
  asker.isSteered = false;
}

void AskerTable::confirm(const Address& address, const Address& vip) {
  const uint32_t index = find(address, vip, hashOf(address, vip));
  if (index == kNone || !entries_[index].asker.isSteered) return;
  stopSteering(index);
  counters_.add(Counter::steeringConfirmed);
}

void AskerTable::collectDue(uint64_t nowMs) {
  due_.clear();
  nextDueMs_ = UINT64_MAX;
  for (uint32_t index = oldest_; index != kNone; index = entries_[index].next) {
    Asker& asker = entries_[index].asker;
    if (!asker.isSteered) continue;
    if (nowMs >= dueMs(asker)) {
      if (asker.tries >= kSteeringAtMs.size()) {
        stopSteering(index);
        counters_.add(Counter::steeringUnanswered);
        continue;
      }
      if (due_.size() < kSteeredAtOnce) {
        asker.tries++;
        due_.push_back(index);
        counters_.add(Counter::steeringSent);
      }
    }
    nextDueMs_ = std::min(nextDueMs_, dueMs(asker));
  }
}

uint32_t AskerTable::enter(const Address& address, const Address& vip, const Mac& mac, uint64_t seenMs) {
  const uint32_t hash = hashOf(address, vip);
  uint32_t index = find(address, vip, hash);
  if (index == kNone) {
    index = place(address, vip, hash);
  } else {
    unlink(index);
  }
  append(index);
  Asker& asker = entries_[index].asker;
  asker.mac = mac;
  asker.seenMs = std::max(asker.seenMs, seenMs);
  return index;
}

/** A slot for a new asker, linked nowhere; the longest unseen one makes room. */
uint32_t AskerTable::place(const Address& address, const Address& vip, uint32_t hash) {
  uint32_t index = count_;
  if (count_ < kMostAskers) {
    count_++;
  } else {
    index = oldest_;
    stopSteering(index);
    index_.remove(hashOf(entries_[index].asker.address, entries_[index].asker.vip), index);
    unlink(index);
    counters_.add(Counter::askersEvicted);
  }
  entries_[index].asker = Asker{};
  entries_[index].asker.address = address;
  entries_[index].asker.vip = vip;
  index_.add(hash, index);
  return index;
}

void AskerTable::append(uint32_t index) {
  entries_[index].previous = newest_;
  entries_[index].next = kNone;
  (newest_ == kNone ? oldest_ : entries_[newest_].next) = index;
  newest_ = index;
}

void AskerTable::unlink(uint32_t index) {
  const Entry& entry = entries_[index];
  (entry.previous == kNone ? oldest_ : entries_[entry.previous].next) = entry.next;
  (entry.next == kNone ? newest_ : entries_[entry.next].previous) = entry.previous;
}

}  // namespace covey

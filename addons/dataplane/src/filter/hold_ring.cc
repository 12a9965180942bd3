#include "hold_ring.h"

#include <cstring>

namespace covey {

HoldRing::HoldRing(uint32_t mostFrames, uint32_t mostBytes) : bytes_(mostBytes), mostFrames_(mostFrames) {
  records_.reserve(mostFrames);
}

bool HoldRing::push(const FrameView& frame, const KeyRecord& key, uint32_t hash) {
  const uint32_t length = frame.capturedLength;
  const bool isFull = records_.size() == mostFrames_ || length > bytes_.size() - usedBytes_;
  // Frames leave from the middle. Closing their gaps costs at most one copy of the ring, so it must free a quarter of
  // it.
  const bool isWorthIt = goneBytes_ >= bytes_.size() / 4 || records_.size() - live_ >= (mostFrames_ + 3) / 4;
  if (isFull && isWorthIt) compact();
  if (records_.size() == mostFrames_ || length > bytes_.size() - usedBytes_) return false;
  std::memcpy(bytes_.data() + usedBytes_, frame.data, length);
  records_.push_back({usedBytes_, length, frame.wireLength, frame.strippedVlan, key, hash, false});
  usedBytes_ += length;
  live_++;
  return true;
}

void HoldRing::compact() {
  uint32_t offset = 0;
  size_t kept = 0;
  for (size_t index = 0; index < records_.size(); index++) {
    Record record = records_[index];
    if (record.isGone) continue;
    std::memmove(bytes_.data() + offset, bytes_.data() + record.offset, record.length);
    record.offset = offset;
    offset += record.length;
    records_[kept++] = record;
  }
  records_.resize(kept);
  usedBytes_ = offset;
  goneBytes_ = 0;
}

HeldFrame HoldRing::view(const Record& record) const {
  HeldFrame held;
  held.frame = {bytes_.data() + record.offset, record.length, record.wireLength, record.strippedVlan};
  held.key = record.key;
  held.hash = record.hash;
  return held;
}

void HoldRing::rehash(uint32_t seed) {
  for (Record& record : records_) record.hash = hashKey(record.key, seed);
}

void HoldRing::clear() {
  records_.clear();
  usedBytes_ = goneBytes_ = live_ = 0;
}

}  // namespace covey

#include "early_fragments.h"

#include <cstring>

namespace covey {

uint32_t EarlyFragments::push(const FrameView& frame, const Datagram& datagram, uint64_t nowMs) {
  if (frame.capturedLength > kEarlyFragmentBytes) return 1;
  Slot& slot = slots_[next_];
  const bool isPushedOut = slot.endMs != 0;
  std::memcpy(&bytes_[size_t{next_} * kEarlyFragmentBytes], frame.data, frame.capturedLength);
  slot = {datagram, frame.capturedLength, frame.strippedVlan, nowMs + kEarlyFragmentLifeMs};
  next_ = (next_ + 1) % kEarlyFragments;
  if (!isPushedOut) count_++;
  return isPushedOut ? 1 : 0;
}

uint32_t EarlyFragments::expire(uint64_t nowMs) {
  if (count_ == 0) return 0;
  const uint32_t before = count_;
  for (Slot& slot : slots_) {
    if (slot.endMs == 0 || slot.endMs > nowMs) continue;
    slot.endMs = 0;
    count_--;
  }
  return before - count_;
}

void EarlyFragments::clear() {
  for (Slot& slot : slots_) slot.endMs = 0;
  count_ = 0;
}

}  // namespace covey

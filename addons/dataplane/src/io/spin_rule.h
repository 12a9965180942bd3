// Whether the packet thread, having emptied the ring, looks again at once or sleeps.
//
// A wake-up costs 45-77 us on an idle core, and the next frame of a busy connection often comes sooner. But looking costs a core: where
// the next frame mostly comes later, or where others want this core, the thread sleeps. That others want it shows in sched_yield()
// taking long. It does not let everyone come first: only who is in the same cgroup or autogroup, so that a spinning thread may hold up a
// service for a whole time slice.
#pragma once

#include <algorithm>
#include <cstdint>

#include "clock.h"

namespace covey::io {

class SpinRule {
 public:
  void sawFrame(int64_t nowNs) {
    if (isSpinning_) pauseNs_ = kShortestPauseNs;
    isSpinning_ = false;
    lastFrameNs_ = nowNs;
  }

  // The ring is empty. False: sleep.
  bool mayGoOn(int64_t nowNs) {
    const bool isLate = isSpinning_ && nowNs - lastLookNs_ > kLateNs;
    const bool isInVain = isSpinning_ && nowNs - lastFrameNs_ >= kSpinNs;
    if (isLate || isInVain) pause(nowNs);
    isSpinning_ = nowNs >= notBeforeNs_ && nowNs - lastFrameNs_ < kSpinNs;
    lastLookNs_ = nowNs;
    return isSpinning_;
  }

 private:
  static constexpr int64_t kSpinNs = 50 * kNsPerUs;
  // Two looks at an empty ring are a microsecond apart if nobody else ran between them.
  static constexpr int64_t kLateNs = 20 * kNsPerUs;
  static constexpr int64_t kShortestPauseNs = 1 * kNsPerMs;
  static constexpr int64_t kLongestPauseNs = 64 * kNsPerMs;

  // Each spin in vain doubles the time without; one that paid shortens it.
  void pause(int64_t nowNs) {
    notBeforeNs_ = nowNs + pauseNs_;
    pauseNs_ = std::min(pauseNs_ * 2, kLongestPauseNs);
  }

  bool isSpinning_ = false;
  int64_t lastFrameNs_ = 0;
  int64_t lastLookNs_ = 0;
  int64_t notBeforeNs_ = 0;
  int64_t pauseNs_ = kShortestPauseNs;
};

}  // namespace covey::io

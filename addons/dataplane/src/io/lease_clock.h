// The lease: until when the packet thread may accept (design: fail closed, I6).
//
//            renew(deadline)              deadline passed, seen by renew() or isOpen()
//   CLOSED ------------------> OPEN ------------------------------------------> LAPSED
//     ^                          |                                                |
//     +----------- reset() ------+---------------------- reset() -----------------+
//
// One atomic number holds the whole state, so that no interleaving of the JavaScript thread (renews) and the packet
// thread (checks) can bring a lapsed lease back: both decide by compare-and-swap, and LAPSED is left by reset() alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace covey::io {

class LeaseClock {
 public:
  enum class State { kClosed, kOpen, kLapsed };

  // `lapses` is bumped once per lapse, by whichever thread latches it; it outlives the clock.
  explicit LeaseClock(uint64_t* lapses) : lapses_(lapses) {}

  // Moves the deadline to `deadlineNs`, never backwards. False when the lease has lapsed, or lapses by this very look.
  bool renew(int64_t deadlineNs, int64_t nowNs) {
    int64_t current = deadline_.load(std::memory_order_acquire);
    for (;;) {
      if (current == kLapsed) return false;
      const bool late = current == kClosed ? deadlineNs <= nowNs : current <= nowNs;
      if (!late && current != kClosed && deadlineNs <= current) return true;
      const int64_t next = late ? kLapsed : deadlineNs;
      if (!deadline_.compare_exchange_weak(current, next, std::memory_order_acq_rel)) continue;
      if (late) countLapse();
      return !late;
    }
  }

  // Looks at the lease and latches the lapse when its time is over.
  State check(int64_t nowNs) {
    int64_t current = deadline_.load(std::memory_order_acquire);
    for (;;) {
      if (current == kLapsed) return State::kLapsed;
      if (current == kClosed) return State::kClosed;
      if (nowNs < current) return State::kOpen;
      if (deadline_.compare_exchange_weak(current, kLapsed, std::memory_order_acq_rel)) {
        countLapse();
        return State::kLapsed;
      }
    }
  }

  // Boot time in ns, until when it is open as far as anyone has looked; 0: it is not.
  int64_t end() const { return std::max<int64_t>(deadline_.load(std::memory_order_acquire), 0); }

  void reset() { deadline_.store(kClosed, std::memory_order_release); }

 private:
  static constexpr int64_t kClosed = 0;
  static constexpr int64_t kLapsed = -1;

  void countLapse() { __atomic_fetch_add(lapses_, 1, __ATOMIC_RELAXED); }

  std::atomic<int64_t> deadline_{kClosed};
  uint64_t* lapses_;
};

}  // namespace covey::io

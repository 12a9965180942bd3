// The clocks in use. Deadlines are on CLOCK_BOOTTIME, which goes on while the machine is suspended or the process stopped.
#pragma once

#include <cstdint>
#include <ctime>

namespace covey::io {

constexpr int64_t kNsPerUs = 1000;
constexpr int64_t kNsPerMs = 1000 * 1000;
constexpr int64_t kNsPerSecond = 1000 * kNsPerMs;

inline int64_t clockNs(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

inline int64_t bootTimeNs() { return clockNs(CLOCK_BOOTTIME); }

// The clock of the kernel's packet timestamps. Only compared with those, never with a deadline.
inline int64_t wallTimeNs() { return clockNs(CLOCK_REALTIME); }

}  // namespace covey::io

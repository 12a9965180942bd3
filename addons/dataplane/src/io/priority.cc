#include "priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace covey::io {

namespace {

// The lowest real-time priority: the kernel's own threads, and audio or control programs of the host, stay before us.
constexpr int kRealTimePriority = 1;
constexpr int kNiceness = -10;

// Round robin, since all that have this priority are farms of this host. A runaway is stopped by the kernel, which leaves 5 % of
// each core to others (sched_rt_runtime_us).
bool setRealTime(pid_t thread, int flags) {
  sched_param parameter{};
  parameter.sched_priority = kRealTimePriority;
  return ::sched_setscheduler(thread, SCHED_RR | flags, &parameter) == 0;
}

}  // namespace

Precedence takePrecedence(Precedence wanted) {
  if (wanted == Precedence::kHeartbeat && setRealTime(0, SCHED_RESET_ON_FORK)) return Precedence::kHeartbeat;
  // On Linux this is of the calling thread alone (setpriority(2), pid 0).
  return ::setpriority(PRIO_PROCESS, 0, kNiceness) == 0 ? Precedence::kPackets : Precedence::kNone;
}

void PrecedenceLoan::offerSelf() { thread_.store(::gettid(), std::memory_order_release); }

void PrecedenceLoan::lend() {
  const pid_t thread = thread_.load(std::memory_order_acquire);
  if (thread == 0) return;
  isLent_.store(true, std::memory_order_release);
  setRealTime(thread, 0);
}

// SCHED_OTHER again; the niceness stayed what it was.
void PrecedenceLoan::giveBack() {
  if (!isLent_.load(std::memory_order_relaxed) || !isLent_.exchange(false)) return;
  const sched_param parameter{};
  ::sched_setscheduler(0, SCHED_OTHER, &parameter);
}

InheritingMutex::InheritingMutex() {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  ::pthread_mutex_init(&mutex_, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
}

}  // namespace covey::io

// Which threads come first on a host whose cores are all taken. Niceness does not decide that: it counts within a cgroup, or within a
// session where the kernel groups by session (autogroup, sched(7)), and the service is mostly in another one.
#pragma once

#include <pthread.h>

#include <atomic>

namespace covey::io {

enum class Precedence {
  // Heartbeats, on which the lease hangs: before everything that is not real-time. Only for threads that mostly sleep.
  kHeartbeat,
  // Packets, which come before the service as the kernel's own receive path does, but never take a whole core from it.
  kPackets,
  kNone,
};

// Of the calling thread, and not of those that it starts. What the process may not have (CAP_SYS_NICE; a cgroup v1 without real-time
// budget), it goes without: the precedence that it got is returned.
Precedence takePrecedence(Precedence wanted);

// Who waits for a thread lends it its precedence, as a priority-inheriting mutex does: on a host whose cores are all taken a heartbeat
// would else wait as long as the packets do. Without a lock: whoever holds one when it gives the precedence back would be made to wait
// there and then, and the lender with it.
class PrecedenceLoan {
 public:
  // By the borrower, once.
  void offerSelf();
  // By whoever waits, again and again while it does: a loan may have been given back just when it was renewed.
  void lend();
  // By the borrower, whenever nobody waits: back to what it had.
  void giveBack();

 private:
  std::atomic<int> thread_{0};
  std::atomic<bool> isLent_{false};
};

// std::mutex whose holder gets the precedence of whoever waits for it (PTHREAD_PRIO_INHERIT).
class InheritingMutex {
 public:
  InheritingMutex();
  ~InheritingMutex() { ::pthread_mutex_destroy(&mutex_); }
  InheritingMutex(const InheritingMutex&) = delete;
  InheritingMutex& operator=(const InheritingMutex&) = delete;
  void lock() { ::pthread_mutex_lock(&mutex_); }
  void unlock() { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

}  // namespace covey::io

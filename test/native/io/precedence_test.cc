// Who comes first on a busy host: precedence, its loan, and when the packet thread goes on looking.
#include <sched.h>

#include <atomic>
#include <thread>

#include "check.h"
#include "io/command_queue.h"
#include "io/priority.h"
#include "io/spin_rule.h"

using namespace covey::io;

namespace {

int policyOfSelf() { return ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; }

// Whether this process may have real-time threads (CAP_SYS_NICE; a budget where the kernel asks for one).
bool isAllowed() {
  bool isReal = false;
  std::thread([&] { isReal = takePrecedence(Precedence::kHeartbeat) == Precedence::kHeartbeat; }).join();
  return isReal;
}

constexpr int64_t us = kNsPerUs;
constexpr int64_t ms = kNsPerMs;

}  // namespace

TEST("a heartbeat's thread is real-time where that is allowed, and what it starts is not") {
  if (!isAllowed()) return;
  int own = -1, childs = -1;
  std::thread([&] {
    takePrecedence(Precedence::kHeartbeat);
    own = policyOfSelf();
    std::thread([&] { childs = policyOfSelf(); }).join();
  }).join();
  CHECK_EQ(own, SCHED_RR);
  CHECK_EQ(childs, SCHED_OTHER);
}

TEST("a thread that carries out commands is real-time while one waits for it, and no longer") {
  if (!isAllowed()) return;
  SystemError error;
  CommandQueue queue;
  CHECK(queue.open(&error));
  std::atomic<bool> isOver{false};
  std::atomic<int> atRest{-1};
  std::thread worker([&] {
    queue.serve();
    while (!isOver) {
      if (queue.pending()) queue.runAll();
      queue.rest();
      atRest = policyOfSelf();
      std::this_thread::yield();
    }
  });
  for (int round = 0; round < 50; round++) {
    int during = -1;
    // The loan comes before the wait; that it is renewed covers one given back just then.
    const auto action = [&](int64_t) {
      const int64_t endNs = bootTimeNs() + kNsPerSecond / 2;
      while ((during = policyOfSelf()) != SCHED_RR && bootTimeNs() < endNs) {
      }
    };
    CHECK(queue.run(action, 2000) == CommandQueue::Outcome::kDone);
    CHECK_EQ(during, SCHED_RR);
  }
  atRest = -1;
  const int64_t endNs = bootTimeNs() + kNsPerSecond;
  while (atRest != SCHED_OTHER && bootTimeNs() < endNs) std::this_thread::yield();
  CHECK_EQ(atRest.load(), SCHED_OTHER);
  isOver = true;
  worker.join();
}

TEST("after a frame the thread looks again for 50 us, then sleeps") {
  SpinRule spin;
  spin.sawFrame(1 * ms);
  CHECK(spin.mayGoOn(1 * ms + 1 * us));
  for (int64_t at = 2; at < 50; at++) CHECK(spin.mayGoOn(1 * ms + at * us));
  CHECK(!spin.mayGoOn(1 * ms + 50 * us));
}

TEST("where looking was in vain it is left alone for a while, twice as long each time; a frame that came meanwhile ends that") {
  SpinRule spin;
  int64_t now = 1 * ms;
  const auto looksAfterFrame = [&] {
    spin.sawFrame(now);
    const bool isLooking = spin.mayGoOn(now + 1 * us);
    for (int64_t at = 2; isLooking && spin.mayGoOn(now + at * us); at++) {
    }
    return isLooking;
  };
  CHECK(looksAfterFrame());
  now += ms / 2;
  CHECK(!looksAfterFrame());
  now += 1 * ms;
  CHECK(looksAfterFrame());
  now += ms + ms / 2;
  CHECK(!looksAfterFrame());
  now += 1 * ms;
  spin.sawFrame(now);
  CHECK(spin.mayGoOn(now + 1 * us));
  spin.sawFrame(now + 2 * us);
  // It paid, so the next one in vain costs the shortest pause again.
  now += 1 * ms;
  CHECK(looksAfterFrame());
  now += ms + ms / 5;
  CHECK(looksAfterFrame());
}

TEST("a look that comes late says that others want the core: the thread sleeps at once") {
  SpinRule spin;
  spin.sawFrame(1 * ms);
  CHECK(spin.mayGoOn(1 * ms + 1 * us));
  CHECK(!spin.mayGoOn(1 * ms + 30 * us));
}

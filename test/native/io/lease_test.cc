// Lease clock and command queue, also under threads.
#include <atomic>
#include <thread>

#include "check.h"
#include "io/command_queue.h"
#include "io/lease_clock.h"

using namespace covey::io;

namespace {

using State = LeaseClock::State;
using Outcome = CommandQueue::Outcome;

}  // namespace

TEST("the first renewal opens the lease; a later one prolongs and never shortens it") {
  uint64_t lapses = 0;
  LeaseClock lease(&lapses);
  CHECK(lease.check(5) == State::kClosed);
  CHECK(lease.renew(100, 10) && lease.renew(50, 20));
  CHECK(lease.check(99) == State::kOpen);
  CHECK(lease.renew(200, 99) && lease.check(199) == State::kOpen);
  CHECK_EQ(lapses, 0u);
}

TEST("I6: a lapse is final until reset, and counted once, whoever sees it first") {
  for (const bool seenByRenewal : {false, true}) {
    uint64_t lapses = 0;
    LeaseClock lease(&lapses);
    lease.renew(100, 10);
    CHECK(seenByRenewal ? !lease.renew(500, 100) : lease.check(100) == State::kLapsed);
    CHECK(!lease.renew(1000, 101) && lease.check(50) == State::kLapsed);
    CHECK_EQ(lapses, 1u);
    lease.reset();
    CHECK(lease.check(102) == State::kClosed && lease.renew(1000, 103));
  }
}

TEST("a first renewal whose time is over opens nothing") {
  uint64_t lapses = 0;
  LeaseClock lease(&lapses);
  CHECK(!lease.renew(100, 100) && lease.check(100) == State::kLapsed);
}

TEST("I6: renewals of one thread never bring back what another saw lapse") {
  for (int round = 0; round < 200; round++) {
    uint64_t lapses = 0;
    LeaseClock lease(&lapses);
    lease.renew(10, 1);
    std::atomic<int64_t> now{1};
    std::atomic<bool> done{false};
    bool revived = false;
    std::thread packets([&] {
      bool lapsed = false;
      while (!done) {
        const State state = lease.check(now++);
        revived = revived || (lapsed && state == State::kOpen);
        lapsed = lapsed || state == State::kLapsed;
      }
    });
    for (int i = 0; i < 200; i++) {
      const int64_t at = now;
      lease.renew(at + 3, at);
    }
    done = true;
    packets.join();
    CHECK(!revived);
    CHECK(__atomic_load_n(&lapses, __ATOMIC_RELAXED) <= 1);
  }
}

TEST("a command runs in the other thread, before its caller goes on") {
  CommandQueue queue;
  SystemError error;
  CHECK(queue.open(&error));
  std::atomic<bool> stop{false};
  std::thread packets([&] {
    while (!stop) queue.runAll();
  });
  int value = 0;
  for (int i = 1; i <= 1000; i++) {
    CHECK(queue.run([&value, i](int64_t) { value = i; }, 5000) == Outcome::kDone);
    CHECK_EQ(value, i);
  }
  stop = true;
  packets.join();
}

TEST("a command that nobody runs is taken back and never runs") {
  CommandQueue queue;
  SystemError error;
  queue.open(&error);
  bool hasRun = false;
  CHECK(queue.run([&](int64_t) { hasRun = true; }, 50) == Outcome::kTimedOut);
  queue.runAll();
  CHECK(!hasRun);
}

TEST("closing frees a waiting caller; later commands are refused") {
  CommandQueue queue;
  SystemError error;
  queue.open(&error);
  Outcome outcome = Outcome::kDone;
  std::thread caller([&] { outcome = queue.run([](int64_t) {}, 60000); });
  while (!queue.pending()) std::this_thread::yield();
  queue.close();
  caller.join();
  CHECK(outcome == Outcome::kRefused);
  CHECK(queue.run([](int64_t) {}, 50) == Outcome::kRefused);
}

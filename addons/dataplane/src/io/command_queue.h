// Commands of the JavaScript thread, run in the packet thread between two frames.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "priority.h"
#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

class CommandQueue {
 public:
  // `issuedNs`: wall clock at which the command was given, to compare with packet timestamps.
  using Action = std::function<void(int64_t issuedNs)>;
  enum class Outcome {
    kDone,
    // The packet thread did not come round in time; the command was taken back and changed nothing.
    kTimedOut,
    // The packet thread began but did not finish in time: the command may still take effect.
    kUncertain,
    // The queue is closed, or full.
    kRefused,
  };

  bool open(SystemError* error);
  // Waits until `action` has run, at most about `timeoutMs`. The action must own all that it touches: it may outlive the call.
  Outcome run(Action action, int timeoutMs);
  // Refuses everything from now on; a waiting caller gets kRefused.
  void close();

  // For the packet thread, once: whoever waits for a command lends it its precedence, until `rest`.
  void serve() { loan_.offerSelf(); }
  // For the packet thread, when nothing is pending.
  void rest() { loan_.giveBack(); }
  // For the packet thread: readable when commands wait.
  int descriptor() const { return wake_.get(); }
  bool pending() const { return pending_.load(std::memory_order_acquire); }
  void runAll();
  // Wakes the packet thread without a command.
  void nudge();

 private:
  enum class Stage { kQueued, kRunning, kDone };
  struct Command {
    Action action;
    int64_t issuedNs = 0;
    Stage stage = Stage::kQueued;
  };
  static constexpr size_t kMaxQueued = 16;

  std::shared_ptr<Command> takeNext();

  UniqueFd wake_;
  InheritingMutex mutex_;
  std::condition_variable_any done_;
  std::deque<std::shared_ptr<Command>> queue_;
  bool closed_ = false;
  PrecedenceLoan loan_;
  std::atomic<bool> pending_{false};
};

}  // namespace covey::io

#include "command_queue.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>

#include "clock.h"

namespace covey::io {

bool CommandQueue::open(SystemError* error) {
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wake_) return true;
  *error = makeError(errno, "eventfd", "creating the command queue", "");
  return false;
}

CommandQueue::Outcome CommandQueue::run(Action action, int timeoutMs) {
  auto command = std::make_shared<Command>();
  command->action = std::move(action);
  command->issuedNs = wallTimeNs();
  std::unique_lock<InheritingMutex> lock(mutex_);
  if (closed_ || queue_.size() >= kMaxQueued) return Outcome::kRefused;
  queue_.push_back(command);
  pending_.store(true, std::memory_order_release);
  nudge();
  // In slices: a process that was stopped for longer than the time-out must not fail for it, since the packet thread was
  // stopped as well. A stop costs one slice at most.
  constexpr int kSliceMs = 10;
  const auto finished = [&] { return command->stage == Stage::kDone || closed_; };
  for (int waitedMs = 0; waitedMs < timeoutMs && !finished(); waitedMs += kSliceMs) {
    loan_.lend();
    done_.wait_for(lock, std::chrono::milliseconds(kSliceMs), finished);
  }
  if (command->stage == Stage::kDone) return Outcome::kDone;
  if (command->stage == Stage::kRunning) return Outcome::kUncertain;
  queue_.erase(std::remove(queue_.begin(), queue_.end(), command), queue_.end());
  return closed_ ? Outcome::kRefused : Outcome::kTimedOut;
}

void CommandQueue::close() {
  {
    const std::lock_guard<InheritingMutex> lock(mutex_);
    closed_ = true;
  }
  done_.notify_all();
  nudge();
}

std::shared_ptr<CommandQueue::Command> CommandQueue::takeNext() {
  const std::lock_guard<InheritingMutex> lock(mutex_);
  if (queue_.empty() || closed_) {
    pending_.store(false, std::memory_order_release);
    return nullptr;
  }
  auto command = queue_.front();
  queue_.pop_front();
  command->stage = Stage::kRunning;
  return command;
}

void CommandQueue::runAll() {
  uint64_t wakes = 0;
  // EAGAIN only means that poll woke for something else.
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &wakes, sizeof wakes);
  while (auto command = takeNext()) {
    command->action(command->issuedNs);
    {
      const std::lock_guard<InheritingMutex> lock(mutex_);
      command->stage = Stage::kDone;
    }
    done_.notify_all();
  }
}

void CommandQueue::nudge() {
  const uint64_t one = 1;
  // The counter can only be full when the thread has 2^64 unread wakes: nothing to do about a failure.
  [[maybe_unused]] const ssize_t wrote = ::write(wake_.get(), &one, sizeof one);
}

}  // namespace covey::io

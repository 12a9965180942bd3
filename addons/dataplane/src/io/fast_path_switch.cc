#include "fast_path_switch.h"

#include <mutex>

#include "system_error.h"

namespace covey::io {

namespace {

// Packets that may be on their way from one program of the fast path to the next, generously; and how often ours is put in front again.
constexpr uint64_t kUnderWay = 64;
constexpr uint32_t kMostDisplaced = 3;

constexpr char kForeignLibrary[] = "this C library's mutex does not show the kernel whether its holder lives. It needs glibc";
constexpr char kNoCapture[] = "the interface is gone, or its capture is being opened anew";
constexpr char kGoesInFront[] = "another program was put before it at the interface; it goes in front again";
constexpr char kGivenUp[] =
    "another program was put before it at the interface again and again, and packets were lost. End that program, or let it come "
    "after Covey's (bpftool net show), then restart Covey";

}  // namespace

void FastPathSwitch::open(const std::string& tun, const std::string& against) {
  SystemError error;
  if (against.empty()) path_ = KernelFastPath::open(tun, &error);
  noPath_ = against + error.message;
  follow();
}

void FastPathSwitch::beginLife() {
  if (path_) noLife_ = path_->beginLife() ? "" : kForeignLibrary;
  follow();
}

void FastPathSwitch::endLife() {
  if (noLife_.empty()) path_->endLife();
}

// Connections are opened only when the socket's filter is adopted too: whoever attaches calls `follow` after that.
KernelFastPath* FastPathSwitch::attach(uint32_t interface) {
  if (!path_) return nullptr;
  SystemError error;
  const bool isAttached = path_->attach(interface, &error);
  notAttached_ = error.message;
  return isAttached ? path_.get() : nullptr;
}

void FastPathSwitch::detach() { detach(kNoCapture); }

void FastPathSwitch::detach(const std::string& why) {
  notAttached_ = why;
  follow();
  if (path_) path_->detach();
}

void FastPathSwitch::follow() {
  const std::string& why = whyNot();
  if (why.empty() != isUsed_) {
    isUsed_ = why.empty();
    filter_.useFastPath(isUsed_ ? path_->table() : nullptr);
  }
  publish(why);
}

const std::string& FastPathSwitch::whyNot() const {
  for (const std::string* why : {&noPath_, &noLife_, &notAttached_}) {
    if (!why->empty()) return *why;
  }
  return kernelFilter_.whyNotFast();
}

void FastPathSwitch::publish(const std::string& why) {
  // Only here is it written, and by one thread.
  if (why == published_) return;
  const std::lock_guard<InheritingMutex> lock(publishedMutex_);
  published_ = why;
}

std::string FastPathSwitch::noFastPath() const {
  const std::lock_guard<InheritingMutex> lock(publishedMutex_);
  return published_;
}

void FastPathSwitch::watch() {
  // A program that the kernel had refused to the socket may have been accepted since.
  follow();
  if (!isUsed_) return;
  const uint64_t missing = filter_.missingOfFastPath();
  if (missing <= missing_ + kUnderWay) return;
  counters_.add(Counter::injectErrors, missing - missing_);
  missing_ = missing;
  // Nothing may be noted while no program is there to take it.
  const bool isGivenUp = ++displaced_ > kMostDisplaced;
  detach(isGivenUp ? kGivenUp : kGoesInFront);
  if (isGivenUp) return;
  SystemError error;
  path_->attachAgain(&error);
  notAttached_ = error.message;
  follow();
}

}  // namespace covey::io

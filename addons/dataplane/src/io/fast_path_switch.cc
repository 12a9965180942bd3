#include "fast_path_switch.h"

namespace covey::io {

namespace {

// Packets that may be on their way from one program of the fast path to the next, generously; and how often ours is put in front again.
constexpr uint64_t kUnderWay = 64;
constexpr uint32_t kMostDisplaced = 3;

}  // namespace

void FastPathSwitch::open(const std::string& tun, SystemError* error) { path_ = KernelFastPath::open(tun, error); }

void FastPathSwitch::beginLife() {
  lives_ = path_ && path_->beginLife();
  follow();
}

void FastPathSwitch::endLife() {
  if (lives_) path_->endLife();
}

// Connections are opened only when the socket's filter is adopted too: whoever attaches calls `follow` after that.
KernelFastPath* FastPathSwitch::attach(uint32_t interface, SystemError* error) {
  isAttached_ = path_ && path_->attach(interface, error);
  return isAttached_ ? path_.get() : nullptr;
}

void FastPathSwitch::detach() {
  setAttached(false);
  if (path_) path_->detach();
}

void FastPathSwitch::setAttached(bool isAttached) {
  isAttached_ = isAttached;
  follow();
}

void FastPathSwitch::follow() {
  const bool isUsed = lives_ && isAttached_ && kernelFilter_.isFast();
  if (isUsed == isUsed_) return;
  isUsed_ = isUsed;
  filter_.useFastPath(isUsed ? path_->table() : nullptr);
}

void FastPathSwitch::watch() {
  if (!isUsed_) return;
  const uint64_t missing = filter_.missingOfFastPath();
  if (missing <= missing_ + kUnderWay) return;
  counters_.add(Counter::injectErrors, missing - missing_);
  missing_ = missing;
  // Nothing may be noted while no program is there to take it.
  detach();
  SystemError ignored;
  setAttached(++displaced_ <= kMostDisplaced && path_->attachAgain(&ignored));
}

}  // namespace covey::io

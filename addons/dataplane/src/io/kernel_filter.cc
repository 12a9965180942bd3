#include "kernel_filter.h"

#include <algorithm>
#include <utility>

#include "clock.h"

namespace covey::io {

namespace {

// Tables that are still changing are not followed: making and attaching a program takes half a millisecond.
constexpr int64_t kSettledNs = 100 * kNsPerMs;

constexpr char kNoProgram[] = "no VIP is set, or the kernel refuses the filter for it";

bool isSubset(const Sieve& part, const Sieve& whole) {
  for (size_t plan = 0; plan < kMaxPlans; plan++) {
    for (size_t byte = 0; byte < part[plan].size(); byte++) {
      if ((part[plan][byte] & ~whole[plan][byte]) != 0) return false;
    }
  }
  return true;
}

// The only commands after which a bucket is taken that was not taken before.
bool grows(const TableOp& op) {
  return (op.kind == TableOpKind::own || op.kind == TableOpKind::hold) && op.plan < kMaxPlans;
}

void add(const TableOp& op, Sieve& sieve) {
  for (size_t byte = 0; byte < op.buckets.size(); byte++) {
    sieve[op.plan][byte] = uint8_t(sieve[op.plan][byte] | op.buckets[byte]);
  }
}

}  // namespace

KernelFilter::KernelFilter(bool byBuckets) : byBuckets_(byBuckets), whyNotFast_(kNoProgram) {}

bool KernelFilter::setShape(const Shape& shape, std::vector<sock_filter> plain, Capture* capture, SystemError* error) {
  shape_ = shape;
  plain_ = std::move(plain);
  isTooLarge_ = isFollowed_ = false;
  whyNotFast_ = kNoProgram;
  installed_.reset();
  return capture == nullptr || attachPlain(*capture, error);
}

bool KernelFilter::adopt(Capture& capture, KernelFastPath* fastPath, SystemError* error) {
  fastPath_ = fastPath;
  whyNotFast_ = kNoProgram;
  installed_.reset();
  isFollowed_ = false;
  return plain_.empty() || attachPlain(capture, error);
}

bool KernelFilter::widen(const std::vector<TableOp>& ops, const Filter& filter, Capture* capture, SystemError* error) {
  if (!installed_ || capture == nullptr || std::none_of(ops.begin(), ops.end(), grows)) return true;
  Sieve needed = filter.sieve();
  for (const TableOp& op : ops) {
    if (grows(op)) add(op, needed);
  }
  if (isSubset(needed, *installed_)) return true;
  return attach(needed, *capture, error) || attachPlain(*capture, error);
}

void KernelFilter::narrow(const Filter& filter, int64_t nowNs, Capture& capture) {
  if (!byBuckets_ || plain_.empty() || isTooLarge_) return;
  if (filter.tableVersion() != version_) {
    version_ = filter.tableVersion();
    changedNs_ = nowNs;
    isFollowed_ = false;
  }
  if (isFollowed_ || nowNs - changedNs_ < kSettledNs) return;
  isFollowed_ = true;
  const Sieve sieve = filter.sieve();
  if (installed_ && sieve == *installed_) return;
  SystemError ignored;
  // A node without a lease, which holds nothing, goes by VIPs: then the counters say why it takes nothing.
  if (sieve == Sieve{} ? !attachPlain(capture, &ignored) : !attach(sieve, capture, &ignored)) isTooLarge_ = true;
}

bool KernelFilter::attachPlain(Capture& capture, SystemError* error) {
  installed_.reset();
  passAll();
  // The kernel has room for so many instructions for each socket (net.core.optmem_max): the shorter program goes in between.
  if (isFast()) return true;
  if (!capture.setFilter(plain_, error)) return false;
  if (fastPath_ != nullptr) attachFast(capture);
  return true;
}

void KernelFilter::passAll() {
  if (fastPath_ == nullptr) return;
  Sieve all;
  for (Bitmap& plan : all) plan.fill(0xff);
  fastPath_->setSieve(all);
}

// Once for each shape; where it is refused, again with each program by VIPs. Where the rules fit no program, the one for VIPs has it.
void KernelFilter::attachFast(Capture& capture) {
  const auto program = byBuckets_ ? sieveProgram(shape_, plain_) : std::vector<sock_filter>{};
  goesBySieve_ = !program.empty();
  SystemError error;
  capture.setFastFilter(goesBySieve_ ? program : plain_, *fastPath_, &error);
  whyNotFast_ = error.message;
}

bool KernelFilter::attach(const Sieve& sieve, Capture& capture, SystemError* error) {
  if (isFast()) {
    if (!goesBySieve_) return false;
    fastPath_->setSieve(sieve);
    installed_ = sieve;
    return true;
  }
  const auto program = bucketProgram(shape_, sieve, plain_);
  if (program.empty() || !capture.setFilter(program, error)) return false;
  installed_ = sieve;
  return true;
}

}  // namespace covey::io

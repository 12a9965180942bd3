// Which program runs in the kernel before a frame is captured: never one that holds back what the tables would take.
//
// Tables grow by commands: the program is widened before such a command is carried out. They shrink all the time: then the program
// is too generous, which costs work and nothing else, so it is narrowed at leisure. With the fast path the program is attached once, and goes
// by a sieve beside it.
#pragma once

#include <linux/filter.h>

#include <optional>
#include <string>
#include <vector>

#include "../filter/filter.h"
#include "bucket_program.h"
#include "capture.h"
#include "kernel_fast_path.h"

namespace covey::io {

class KernelFilter {
 public:
  // False `byBuckets`: by VIPs alone.
  explicit KernelFilter(bool byBuckets);

  // Each of these says false when the kernel refuses what must run, with `error` set; then the capture is to be opened anew.

  // Before the filter gets another shape: what runs judges by the old one, so it must not hold back what has another bucket by the new one.
  void passAll();
  // `plain`, by VIPs alone, is attached; narrowed later.
  bool setShape(const Shape& shape, std::vector<sock_filter> plain, Capture* capture, SystemError* error);
  // The program for a capture that was just opened; with `fastPath`, if that is not null.
  bool adopt(Capture& capture, KernelFastPath* fastPath, SystemError* error);
  // Before `ops` are carried out.
  bool widen(const std::vector<TableOp>& ops, const Filter& filter, Capture* capture, SystemError* error);
  // At leisure: follows the tables. Refusals are no harm, since what runs stays.
  void narrow(const Filter& filter, int64_t nowNs, Capture& capture);

  // Why the program that runs is not one of the fast path; empty: it is.
  const std::string& whyNotFast() const { return whyNotFast_; }
  // By buckets or not, at this moment.
  bool isByBuckets() const { return installed_.has_value(); }

 private:
  bool attachPlain(Capture& capture, SystemError* error);
  void attachFast(Capture& capture);
  bool isFast() const { return whyNotFast_.empty(); }
  bool attach(const Sieve& sieve, Capture& capture, SystemError* error);

  const bool byBuckets_;
  KernelFastPath* fastPath_ = nullptr;
  std::string whyNotFast_;
  // The program with the fast path goes by the sieve.
  bool goesBySieve_ = false;
  Shape shape_;
  // Empty until the first shape.
  std::vector<sock_filter> plain_;
  // What the program lets pass; none: it goes by VIPs alone.
  std::optional<Sieve> installed_;
  // The rules do not fit a program, or the kernel has no room for it: not tried again until the next shape.
  bool isTooLarge_ = false;
  uint64_t version_ = 0;
  // When the tables were last seen to change.
  int64_t changedNs_ = 0;
  bool isFollowed_ = false;
};

}  // namespace covey::io

// Memory that a program in the kernel and this process share.
#pragma once

#include <cstddef>

#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

// An array of one entry that is also memory of this process.
class SharedTable {
 public:
  // All zero. False with `error` set.
  bool open(size_t bytes, SystemError* error);
  ~SharedTable();
  SharedTable() = default;
  SharedTable(const SharedTable&) = delete;
  SharedTable& operator=(const SharedTable&) = delete;

  int descriptor() const { return fd_.get(); }
  void* memory() const { return memory_; }

 private:
  UniqueFd fd_;
  void* memory_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace covey::io

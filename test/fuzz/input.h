// Takes a fuzzer's bytes apart; at the end everything is zero.
#ifndef COVEY_FUZZ_INPUT_H
#define COVEY_FUZZ_INPUT_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "filter/cursor.h"

namespace fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : cursor_(data, size) {}

  bool isEmpty() const { return cursor_.left() == 0; }
  uint8_t u8() {
    const uint8_t* byte = cursor_.take(1);
    return byte == nullptr ? uint8_t{0} : *byte;
  }
  uint16_t u16() {
    const uint8_t* bytes = cursor_.take(2);
    return bytes == nullptr ? uint16_t{0} : covey::readU16(bytes);
  }
  /** At most `most` bytes, in a buffer of exactly their number, so that the sanitizer sees a read beyond them. */
  std::vector<uint8_t> bytes(size_t most) {
    const size_t count = cursor_.left() < most ? cursor_.left() : most;
    const uint8_t* start = cursor_.take(count);
    std::vector<uint8_t> exact(start, start + count);
    exact.shrink_to_fit();
    return exact;
  }

 private:
  covey::Cursor cursor_;
};

/** A broken promise ends the run with the input that broke it. */
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace fuzz

#endif

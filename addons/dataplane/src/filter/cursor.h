// Reads bytes in network order and cannot run past the end.
#ifndef COVEY_FILTER_CURSOR_H
#define COVEY_FILTER_CURSOR_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace covey {

inline uint16_t readU16(const uint8_t* at) { return static_cast<uint16_t>((at[0] << 8) | at[1]); }
inline uint32_t readU32(const uint8_t* at) {
  return (static_cast<uint32_t>(at[0]) << 24) | (static_cast<uint32_t>(at[1]) << 16) |
         (static_cast<uint32_t>(at[2]) << 8) | at[3];
}
inline void writeU16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
inline void writeU32(uint8_t* at, uint32_t value) {
  writeU16(at, value >> 16);
  writeU16(at + 2, value);
}

/**
 * A read beyond the end gives nothing (nullptr) and moves nothing, so a parser asks for a whole header at once and then
 * reads inside what it was given.
 */
class Cursor {
 public:
  Cursor(const uint8_t* data, size_t length) : at_(data), left_(length) {}

  size_t left() const { return left_; }
  const uint8_t* here() const { return at_; }

  /** The next `count` bytes, or nullptr when there are not as many. */
  const uint8_t* take(size_t count) {
    const uint8_t* taken = peek(count);
    if (taken != nullptr) {
      at_ += count;
      left_ -= count;
    }
    return taken;
  }
  const uint8_t* peek(size_t count) const { return count <= left_ ? at_ : nullptr; }

  /** Forgets all bytes after the next `count` (padding); false when there are not as many. */
  bool limit(size_t count) {
    if (count > left_) return false;
    left_ = count;
    return true;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

}  // namespace covey

#endif

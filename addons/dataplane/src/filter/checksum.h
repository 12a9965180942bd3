// The Internet checksum (RFC 1071).
#ifndef COVEY_FILTER_CHECKSUM_H
#define COVEY_FILTER_CHECKSUM_H

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cursor.h"

namespace covey {

/**
 * Sum of 16-bit words in network order; an odd last byte counts as the upper half of a word. 64 KiB cannot overflow 32
 * bits.
 */
inline uint32_t sumWords(const uint8_t* bytes, size_t length, uint32_t sum = 0) {
  for (; length >= 2; bytes += 2, length -= 2) sum += readU16(bytes);
  return length == 1 ? sum + (static_cast<uint32_t>(bytes[0]) << 8) : sum;
}

/**
 * Whether the 16-bit words sum to 0xffff, as those of an intact IPv4 header do; `length` is a multiple of 4. Whether they
 * do does not depend on the byte order in which they are read (RFC 1071 section 2 (B)), so words of 32 bits are summed.
 */
inline bool sumsToOnes(const uint8_t* bytes, size_t length) {
  uint64_t sum = 0;
  for (size_t at = 0; at < length; at += 4) {
    uint32_t word = 0;
    std::memcpy(&word, bytes + at, 4);
    sum += word;
  }
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return ((sum & 0xffff) + (sum >> 16)) == 0xffff;
}

inline uint16_t foldSum(uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum + (sum >> 16));
}

}  // namespace covey

#endif

// Affinity keys and their hash. The hash is part of the wire protocol (version 1): test/vectors/hash.txt binds it and
// its TypeScript twin.
#ifndef COVEY_FILTER_KEY_H
#define COVEY_FILTER_KEY_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shape.h"
#include "table_ops.h"

namespace covey {

/**
 * FNV-1a 32 with a seeded offset basis, finished with murmur3's fmix32: the low bits of raw FNV-1a depend on the low
 * bits of each byte only, so clients that share a bucket would collide for every port. `startHash`, then `addToHash`
 * for each part of the input, then `finishHash`.
 */
constexpr uint32_t kFnvPrime = 0x01000193u;
inline uint32_t startHash(uint32_t seed) { return 0x811c9dc5u ^ seed; }
inline uint32_t addToHash(uint32_t hash, const uint8_t* bytes, size_t length) {
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * kFnvPrime;
  return hash;
}
inline uint32_t finishHash(uint32_t hash) {
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
  return hash ^ (hash >> 16);
}
inline uint32_t hashBytes(const uint8_t* bytes, size_t length, uint32_t seed) {
  return finishHash(addToHash(startHash(seed), bytes, length));
}

inline uint32_t bucketOf(uint32_t hash) { return hash & (kBuckets - 1); }

/** A key record; its layout is drawn at KEY_BYTES in src/buckets/contract.ts. */
struct KeyRecord {
  std::array<uint8_t, kKeyBytes> bytes{};

  uint8_t plan() const { return bytes[0]; }
  Affinity affinity() const { return static_cast<Affinity>(bytes[1] & 3); }
  bool isIpv6() const { return (bytes[1] & 4) != 0; }
  bool operator==(const KeyRecord& other) const { return isSame(bytes, other.bytes); }
};

/** `address` and `port` are the client's; what the affinity does not look at is left zero. */
KeyRecord makeKey(uint8_t plan, Affinity affinity, bool isIpv6, const Address& address, uint16_t port);

/** Hash over the address part (4 or 16 bytes; network: 3 or 8) and, for `connection`, the two port bytes. */
uint32_t hashKey(const KeyRecord& key, uint32_t seed);

/** Keys that `hashKeys` works on side by side. */
constexpr size_t kHashLanes = 4;
/**
 * The hashes of `kHashLanes` keys. One FNV-1a has to wait for the product before at every byte, 72 cycles for an IPv6 client; four
 * of them take little longer, where their keys are of one kind.
 */
void hashKeys(const KeyRecord* const* keys, uint32_t seed, uint32_t* hashes);

}  // namespace covey

#endif

#include "key.h"

namespace covey {
namespace {

constexpr size_t kPortAt = 2;
constexpr size_t kAddressAt = 4;
constexpr size_t kIpv4At = kAddressAt + 12;

size_t prefixBytes(Affinity affinity, bool isIpv6) {
  if (affinity == Affinity::network) return isIpv6 ? 8 : 3;
  return isIpv6 ? 16 : 4;
}

const uint8_t* hashedAddress(const KeyRecord& key) { return &key.bytes[key.isIpv6() ? kAddressAt : kIpv4At]; }

using Lanes = std::array<uint32_t, kHashLanes>;

void addToHashes(Lanes& hashes, const std::array<const uint8_t*, kHashLanes>& parts, size_t length) {
  static_assert(kHashLanes == 4);
  // In variables of their own, or the compiler keeps them in memory, and each step waits for a store.
  auto [a, b, c, d] = hashes;
  const auto [partA, partB, partC, partD] = parts;
  for (size_t i = 0; i < length; i++) {
    a = (a ^ partA[i]) * kFnvPrime;
    b = (b ^ partB[i]) * kFnvPrime;
    c = (c ^ partC[i]) * kFnvPrime;
    d = (d ^ partD[i]) * kFnvPrime;
  }
  hashes = {a, b, c, d};
}

bool areOfOneKind(const KeyRecord* const* keys) {
  for (size_t lane = 1; lane < kHashLanes; lane++) {
    if (keys[lane]->bytes[1] != keys[0]->bytes[1]) return false;
  }
  return true;
}

}  // namespace

KeyRecord makeKey(uint8_t plan, Affinity affinity, bool isIpv6, const Address& address, uint16_t port) {
  KeyRecord key;
  key.bytes[0] = plan;
  key.bytes[1] = static_cast<uint8_t>(static_cast<uint8_t>(affinity) | (isIpv6 ? 4 : 0));
  if (affinity == Affinity::connection) {
    key.bytes[kPortAt] = static_cast<uint8_t>(port >> 8);
    key.bytes[kPortAt + 1] = static_cast<uint8_t>(port);
  }
  std::memcpy(&key.bytes[kAddressAt], address.data(), address.size());
  if (affinity == Affinity::network) {
    const size_t kept = prefixBytes(affinity, isIpv6) + (isIpv6 ? 0 : 12);
    std::memset(&key.bytes[kAddressAt + kept], 0, address.size() - kept);
  }
  return key;
}

uint32_t hashKey(const KeyRecord& key, uint32_t seed) {
  uint32_t hash = addToHash(startHash(seed), hashedAddress(key), prefixBytes(key.affinity(), key.isIpv6()));
  if (key.affinity() == Affinity::connection) hash = addToHash(hash, &key.bytes[kPortAt], 2);
  return finishHash(hash);
}

void hashKeys(const KeyRecord* const* keys, uint32_t seed, uint32_t* hashes) {
  if (!areOfOneKind(keys)) {
    for (size_t lane = 0; lane < kHashLanes; lane++) hashes[lane] = hashKey(*keys[lane], seed);
    return;
  }
  const KeyRecord& kind = *keys[0];
  Lanes lanes;
  lanes.fill(startHash(seed));
  std::array<const uint8_t*, kHashLanes> parts;
  for (size_t lane = 0; lane < kHashLanes; lane++) parts[lane] = hashedAddress(*keys[lane]);
  addToHashes(lanes, parts, prefixBytes(kind.affinity(), kind.isIpv6()));
  if (kind.affinity() == Affinity::connection) {
    for (size_t lane = 0; lane < kHashLanes; lane++) parts[lane] = &keys[lane]->bytes[kPortAt];
    addToHashes(lanes, parts, 2);
  }
  for (size_t lane = 0; lane < kHashLanes; lane++) hashes[lane] = finishHash(lanes[lane]);
}

}  // namespace covey

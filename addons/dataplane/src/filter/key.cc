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
  const bool isIpv6 = key.isIpv6();
  const uint8_t* address = &key.bytes[isIpv6 ? kAddressAt : kIpv4At];
  uint32_t hash = addToHash(startHash(seed), address, prefixBytes(key.affinity(), isIpv6));
  if (key.affinity() == Affinity::connection) hash = addToHash(hash, &key.bytes[kPortAt], 2);
  return finishHash(hash);
}

}  // namespace covey

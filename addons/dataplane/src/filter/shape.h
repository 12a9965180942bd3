// What the farm serves: the C++ twin of `Shape` in src/dataplane/contract.ts.
#ifndef COVEY_FILTER_SHAPE_H
#define COVEY_FILTER_SHAPE_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace covey {

constexpr size_t kBuckets = 4096;
constexpr size_t kMaxPlans = 8;

using Mac = std::array<uint8_t, 6>;
/** An IPv6 address, or an IPv4 address as ::ffff:a.b.c.d. Network order. */
using Address = std::array<uint8_t, 16>;

/** Equality without a call of memcmp, which on such short arrays costs more than the comparison. */
template <size_t N>
inline bool isSame(const std::array<uint8_t, N>& left, const std::array<uint8_t, N>& right) {
  uint64_t difference = 0;
  size_t at = 0;
  for (; at + 8 <= N; at += 8) {
    uint64_t a = 0, b = 0;
    std::memcpy(&a, &left[at], 8);
    std::memcpy(&b, &right[at], 8);
    difference |= a ^ b;
  }
  if (N - at >= 4) {
    uint32_t a = 0, b = 0;
    std::memcpy(&a, &left[at], 4);
    std::memcpy(&b, &right[at], 4);
    difference |= a ^ b;
    at += 4;
  }
  for (; at < N; at++) difference |= static_cast<uint64_t>(left[at] ^ right[at]);
  return difference == 0;
}

/** Numbers as in AFFINITY_CODE of src/buckets/contract.ts. */
enum class Affinity : uint8_t { client = 0, connection = 1, network = 2 };

/** IANA protocol numbers, so that a rule compares with the packet's own byte. */
enum class Protocol : uint8_t { tcp = 6, udp = 17 };

struct Vip {
  Address address{};
  bool isIpv6 = false;
};

/** RuleEntry::slot: packets of the rule are not counted by rule. */
constexpr uint16_t kUncounted = 0xffff;

/** One port range of a rule; the first match in list order wins. */
struct RuleEntry {
  /** Index of the rule in the config. */
  int32_t rule = 0;
  Protocol protocol = Protocol::tcp;
  uint16_t firstPort = 0;
  uint16_t lastPort = 0;
  Affinity affinity = Affinity::connection;
  /** 0..kMaxPlans-1; ignored when `deny`. */
  uint8_t plan = 0;
  bool deny = false;
  /** A key counts as alive this long after its last packet; 0: only while its connections live. */
  uint32_t holdMs = 0;
  /** Where RuleCounters count its packets. One without room for it counts nothing. */
  uint16_t slot = kUncounted;
};

/** Shape::vlan: untagged and priority-tagged frames are ours. */
constexpr int32_t kUntagged = -1;

struct Shape {
  std::vector<Vip> vips;
  /** At most 65534 entries. */
  std::vector<RuleEntry> rules;
  uint32_t hashSeed = 0;
  Mac vmac{};
  /** VLAN id 1..4094 whose tagged frames are ours, or kUntagged. */
  int32_t vlan = kUntagged;
};

}  // namespace covey

#endif

// What the program in the kernel does with a frame (io/fast_path_program.cc), written down once more: it stands before a Filter in tests
// without a kernel, and is the oracle of the real one.
#ifndef COVEY_TEST_FAST_PATH_MODEL_H
#define COVEY_TEST_FAST_PATH_MODEL_H

#include <cstdint>
#include <cstring>
#include <vector>

#include "filter/fast_path.h"

namespace fastpath {

using Bytes = std::vector<uint8_t>;

inline uint32_t wordAt(const Bytes& bytes, size_t at) {
  return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

/** False: no frame that the kernel looks up, whatever lies open. */
inline bool identify(const Bytes& frame, covey::FastIdentity& identity) {
  if (frame.size() < 14) return false;
  const uint32_t etherType = wordAt(frame, 10) & 0xffff;
  const bool isIpv6 = etherType == 0x86dd;
  const size_t transport = isIpv6 ? 54 : 34;
  if ((!isIpv6 && etherType != 0x0800) || frame.size() < transport + 8) return false;
  // A header without options, and no fragment; "don't fragment" is bit 14.
  if (!isIpv6 && (frame[14] != 0x45 || (wordAt(frame, 18) & 0xbfff) != 0)) return false;
  const uint8_t protocol = isIpv6 ? frame[20] : frame[23];
  if (protocol == 6) {
    if (frame.size() < transport + 20 || (frame[transport + 13] & 0x07) != 0) return false;
  } else if (protocol != 17) {
    return false;
  }
  identity = covey::FastIdentity{};
  identity.macHigh = wordAt(frame, 0);
  identity.macLow = wordAt(frame, 4) >> 16;
  identity.kind = etherType << 16 | protocol;
  identity.ports = wordAt(frame, transport);
  const size_t words = isIpv6 ? 4 : 1;
  const size_t addresses = transport - 8 * words;
  for (size_t word = 0; word < words; word++) {
    identity.source[word] = wordAt(frame, addresses + 4 * word);
    identity.destination[word] = wordAt(frame, addresses + 4 * (words + word));
  }
  return true;
}

inline covey::FastSlot* openSlotOf(covey::FastTable& table, const covey::FastIdentity& identity) {
  const uint32_t first = covey::fastSlotOf(identity);
  for (const uint32_t place : {first, first ^ 1}) {
    covey::FastSlot& slot = table.slots[place];
    if (slot.generation == table.header.generation && slot.identity == identity) return &slot;
  }
  return nullptr;
}

/** The first word of the mutex that stands for the packet thread's life. */
inline void setLife(covey::FastTable& table, uint32_t word) { std::memcpy(table.header.life.data(), &word, sizeof word); }
inline uint32_t lifeOf(const covey::FastTable& table) {
  uint32_t word;
  std::memcpy(&word, table.header.life.data(), sizeof word);
  return word;
}
constexpr uint32_t kOwnerDied = 0x40000000;

/** True: the frame goes into TUN, and is noted in its slot. `hasTag`: the kernel took a VLAN tag out of its bytes. */
inline bool kernelTakes(covey::FastTable& table, const Bytes& frame, int64_t nowNs, bool hasTag = false) {
  covey::FastIdentity identity;
  if (hasTag || !identify(frame, identity)) return false;
  covey::FastSlot* const slot = openSlotOf(table, identity);
  const bool lives = lifeOf(table) != 0 && (lifeOf(table) & kOwnerDied) == 0;
  if (slot == nullptr || !lives || nowNs >= table.header.leaseEndNs) return false;
  table.cores[0].noted++;
  table.cores[0].taken++;
  slot->lastSeenMs = static_cast<uint32_t>(nowNs / 1'000'000);
  slot->packets++;
  return true;
}

}  // namespace fastpath

#endif

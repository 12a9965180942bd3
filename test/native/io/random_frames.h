// Random frames for the programs of the kernel, and shapes that they may be for. Deterministic, so that a failure comes again.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/shape.h"
#include "filter/table_ops.h"

namespace frames {

using namespace covey;

using Bytes = std::vector<uint8_t>;

const Mac kOwnMac = {2, 0, 0, 0, 0, 1};
const Mac kVmac = {2, 0xc0, 0xff, 0xee, 0, 1};

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint32_t below(uint32_t bound) { return uint32_t((next() >> 11) % bound); }
  bool chance(uint32_t oneIn) { return below(oneIn) == 0; }
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }

 private:
  uint64_t state_;
};

inline Vip vip4(uint8_t last) { return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 0, last}, false}; }
inline Vip vip6(uint8_t last) { return {{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}, true}; }

inline Shape shapeOf(uint32_t seed = 0x12345678) {
  Shape shape;
  shape.vmac = kVmac;
  shape.hashSeed = seed;
  shape.vips = {vip4(50), vip6(0x50), vip4(51)};
  shape.rules = {
      {0, Protocol::tcp, 80, 80, Affinity::connection, 0, false, 0},
      {1, Protocol::tcp, 8000, 8100, Affinity::client, 1, false, 0},
      {2, Protocol::udp, 53, 53, Affinity::connection, 0, false, 0},
      {3, Protocol::udp, 5000, 5000, Affinity::network, 2, false, 0},
      {4, Protocol::tcp, 8050, 8050, Affinity::connection, 0, true, 0},
      {5, Protocol::tcp, 23, 23, Affinity::client, 0, true, 0},
  };
  return shape;
}

// Rules of many plans: more than a program of the kernel has room for.
inline Shape manyPlans() {
  Shape shape = shapeOf();
  shape.rules.clear();
  for (uint8_t plan = 0; plan < kMaxPlans; plan++) {
    shape.rules.push_back({plan, Protocol::tcp, uint16_t(80 + plan), uint16_t(80 + plan), Affinity::connection, plan, false, 0});
  }
  return shape;
}

inline Bitmap bucketsOf(Random& random, uint32_t oneIn) {
  Bitmap bitmap{};
  for (uint32_t bucket = 0; bucket < kBuckets; bucket++) {
    if (random.chance(oneIn)) bitmap[bucket >> 3] = uint8_t(bitmap[bucket >> 3] | (1 << (bucket & 7)));
  }
  return bitmap;
}

inline void put16(Bytes& bytes, uint32_t value) {
  bytes.push_back(uint8_t(value >> 8));
  bytes.push_back(uint8_t(value));
}

inline uint16_t sumOf(const Bytes& bytes, size_t from, size_t length) {
  uint32_t sum = 0;
  for (size_t at = from; at < from + length; at += 2) sum += uint32_t(bytes[at] << 8 | bytes[at + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return uint16_t(0xffff - sum);
}

const uint16_t kPorts[] = {80, 81, 82, 87, 53, 5000, 8000, 8050, 8100, 8101, 23, 22, 65535};

inline void putTransport(Random& random, bool isTcp, Bytes& frame) {
  put16(frame, random.below(65536));
  put16(frame, kPorts[random.below(sizeof kPorts / sizeof *kPorts)]);
  if (!isTcp) {
    put16(frame, 12);
    put16(frame, 0);
    frame.insert(frame.end(), {1, 2, 3, 4});
    return;
  }
  frame.insert(frame.end(), {0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0});
}

inline void putIpv4(Random& random, Bytes& frame) {
  const size_t begin = frame.size();
  const bool isTcp = random.chance(2);
  const uint32_t options = random.chance(4) ? random.below(11) : 0;
  const uint32_t length = 20 + options * 4 + (isTcp ? 20 : 12);
  frame.push_back(uint8_t(0x45 + options));
  frame.push_back(0);
  put16(frame, length);
  put16(frame, random.below(65536));
  put16(frame, random.chance(12) ? random.below(65536) : 0x4000);
  frame.push_back(64);
  frame.push_back(random.chance(16) ? uint8_t(random.below(256)) : isTcp ? 6 : 17);
  put16(frame, 0);
  for (int i = 0; i < 4; i++) frame.push_back(uint8_t(random.below(256)));
  frame.insert(frame.end(), {10, 77, 0, uint8_t(random.chance(8) ? 52 : 50 + random.below(2))});
  for (uint32_t i = 0; i < options * 4; i++) frame.push_back(1);
  const uint16_t sum = sumOf(frame, begin, 20 + options * 4);
  frame[begin + 10] = uint8_t(sum >> 8);
  frame[begin + 11] = uint8_t(sum);
  putTransport(random, isTcp, frame);
}

inline void putIpv6(Random& random, Bytes& frame) {
  const bool isTcp = random.chance(2);
  const bool isExtended = random.chance(8);
  const uint8_t protocol = random.chance(16) ? uint8_t(random.below(256)) : isTcp ? 6 : 17;
  frame.insert(frame.end(), {0x60, 0, 0, 0});
  put16(frame, (isExtended ? 8 : 0) + (isTcp ? 20 : 12));
  frame.push_back(isExtended ? 60 : protocol);
  frame.push_back(64);
  for (int i = 0; i < 16; i++) frame.push_back(uint8_t(random.below(256)));
  const Vip vip = vip6(random.chance(8) ? 0x51 : 0x50);
  frame.insert(frame.end(), vip.address.begin(), vip.address.end());
  if (isExtended) frame.insert(frame.end(), {protocol, 0, 1, 4, 0, 0, 0, 0});
  putTransport(random, isTcp, frame);
}

inline Bytes randomFrame(Random& random) {
  Mac destination = random.chance(10) ? kOwnMac : random.chance(10) ? Mac{2, 9, 9, 9, 9, 9} : kVmac;
  if (random.chance(8)) destination[0] = uint8_t(destination[0] | 1);
  const Mac source = random.chance(20) ? kVmac : random.chance(20) ? kOwnMac : Mac{2, 0, 0, 0, 0, 0xc};
  Bytes frame(destination.begin(), destination.end());
  frame.insert(frame.end(), source.begin(), source.end());
  if (random.chance(16)) frame.insert(frame.end(), {0x81, 0, 0, uint8_t(random.below(3))});
  const bool isIpv6 = random.chance(3);
  put16(frame, random.chance(40) ? random.below(65536) : isIpv6 ? 0x86dd : 0x0800);
  isIpv6 ? putIpv6(random, frame) : putIpv4(random, frame);
  if (random.chance(12)) frame[random.below(uint32_t(frame.size()))] ^= uint8_t(1u << random.below(8));
  if (random.chance(24)) frame.resize(random.below(uint32_t(frame.size()) + 1));
  return frame;
}

}  // namespace frames

// Frames of many clients for benchmarks: a few buffers that are rewritten for the next keys while nobody measures. So the frame
// itself is always in the cache, as one just captured is, and only the tables decide whether memory is waited for.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "filter/checksum.h"
#include "filter/frame.h"

namespace bench {

constexpr uint8_t kTcpSyn = 0x02;
constexpr uint8_t kTcpAck = 0x10;

// Which connection comes next.
enum class Order { kSequential, kRandom };

class Packets {
 public:
  // TCP from `clients` x 256 ports (as far as `keys` go) to port `port` of 10.77.0.50 or fd77::50.
  Packets(bool isIpv6, uint16_t port, uint8_t flags) : isIpv6_(isIpv6) {
    std::memset(template_, 0, sizeof template_);
    // To the shared MAC of harness.h: other frames are not for us, whatever they carry.
    const uint8_t shared[] = {2, 0xc0, 0xff, 0xee, 0, 1};
    std::memcpy(template_, shared, sizeof shared);
    template_[11] = 0x0c;
    template_[6] = 0x02;
    uint8_t* ip = template_ + 14;
    if (isIpv6) {
      covey::writeU16(template_ + 12, 0x86dd);
      const uint8_t head[] = {0x60, 0, 0, 0, 0, 20, 6, 64};
      std::memcpy(ip, head, sizeof head);
      ip[8] = ip[24] = 0xfd;
      ip[9] = ip[25] = 0x77;
      ip[39] = 0x50;
    } else {
      covey::writeU16(template_ + 12, 0x0800);
      const uint8_t head[] = {0x45, 0, 0, 40, 0, 7, 0x40, 0, 64, 6, 0, 0};
      std::memcpy(ip, head, sizeof head);
      covey::writeU32(ip + 16, 0x0a4d0032u);
    }
    uint8_t* tcp = ip + (isIpv6 ? 40 : 20);
    covey::writeU16(tcp + 2, port);
    tcp[12] = 0x50;
    tcp[13] = flags;
  }

  size_t length() const { return isIpv6_ ? 74 : 60; }

  // Writes the frame of connection `key` to `frame`, which has room for 80 bytes.
  void write(uint8_t* frame, uint32_t key) const {
    std::memcpy(frame, template_, sizeof template_);
    uint8_t* ip = frame + 14;
    const uint32_t client = key >> 8;
    covey::writeU16(ip + (isIpv6_ ? 40 : 20), static_cast<uint16_t>(1024 + (key & 255) * 2));
    if (isIpv6_) {
      covey::writeU32(ip + 20, 0x10000u + client);
      return;
    }
    covey::writeU32(ip + 12, 0x0a000000u | client);
    covey::writeU16(ip + 10, static_cast<uint16_t>(~covey::foldSum(covey::sumWords(ip, 20))));
  }

 private:
  bool isIpv6_;
  uint8_t template_[80];
};

// `kBatch` frames in buffers of their own, 64-byte aligned as in a capture ring.
class Batch {
 public:
  static constexpr size_t kFrames = 512;

  Batch(const Packets& packets) : packets_(packets), bytes_(kFrames * kSlot) {}

  void fill(uint32_t keys, Order order) {
    for (size_t i = 0; i < kFrames; i++) packets_.write(&bytes_[i * kSlot], next(keys, order));
  }
  covey::FrameView frame(size_t index) const {
    covey::FrameView view;
    view.data = &bytes_[index * kSlot];
    view.capturedLength = view.wireLength = static_cast<uint32_t>(packets_.length());
    return view;
  }

 private:
  static constexpr size_t kSlot = 128;

  uint32_t next(uint32_t keys, Order order) {
    if (order == Order::kSequential) return sequence_++ % keys;
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return static_cast<uint32_t>(random_ >> 32) % keys;
  }

  const Packets& packets_;
  std::vector<uint8_t> bytes_;
  uint32_t sequence_ = 0;
  uint64_t random_ = 0x9e3779b97f4a7c15u;
};

}  // namespace bench

// Capture by an own AF_PACKET ring (TPACKET_V2) with PACKET_VNET_HDR: each frame comes with the kernel's own description of
// its checksum and segments, and small frames take small slots.
#pragma once

#include <memory>
#include <vector>

#include "capture.h"
#include "unique_fd.h"

namespace covey::io {

class RingCapture final : public Capture {
 public:
  // `ringBytes`: memory of the ring. A slot takes 2 KiB of it at an MTU of 1500; super-frames are longer than a slot and come by
  // the socket's queue, of the same size again. Starts with a filter that lets nothing pass. Null with `error` set.
  static std::unique_ptr<Capture> open(const std::string& interface, uint64_t ringBytes, SystemError* error);
  ~RingCapture() override;

  const char* engine() const override { return "ring"; }
  int descriptor() const override { return socket_.get(); }
  const InterfaceFacts& interface() const override { return facts_; }
  int drain(int limit, FrameSink& sink) override;
  bool setFilter(const std::vector<sock_filter>& program, SystemError* error) override;
  bool setFastFilter(const std::vector<sock_filter>& program, const KernelFastPath& path, SystemError* error) override;
  uint64_t drops() override;

 private:
  explicit RingCapture(const InterfaceFacts& facts) : facts_(facts) {}
  bool prepareSocket(SystemError* error);
  bool mapRing(uint64_t ringBytes, SystemError* error);
  bool bindTo(SystemError* error);
  bool takeLongFrame(CapturedFrame* frame);
  uint8_t* slotAt(uint32_t index) const;
  uint32_t after(uint32_t index) const { return index + 1 == slotCount_ ? 0 : index + 1; }
  size_t gather(size_t limit);
  void describe(const uint8_t* slot, size_t at);
  void release(size_t count);

  InterfaceFacts facts_;
  UniqueFd socket_;
  uint8_t* ring_ = nullptr;
  size_t ringLength_ = 0;
  uint32_t slotSize_ = 0;
  uint32_t slotsPerBlock_ = 0;
  uint32_t slotCount_ = 0;
  uint32_t next_ = 0;
  uint64_t drops_ = 0;
  std::array<CapturedFrame, kMostFramesTogether> frames_;
  std::array<VirtioHeader, kMostFramesTogether> offloads_;
  // Where a frame that was longer than its slot is read to, behind its virtio_net_hdr.
  std::vector<uint8_t> longFrame_;
};

}  // namespace covey::io

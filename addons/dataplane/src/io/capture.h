// The door to a capture engine: libpcap, or an own AF_PACKET ring.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../filter/filter.h"
#include "../filter/frame.h"
#include "../filter/offload.h"
#include "interface.h"
#include "system_error.h"

namespace covey::io {

// An IP packet of the largest size (GRO builds them) behind an Ethernet header with a VLAN tag. Anything smaller would cut
// super-frames off, and a cut-off frame cannot be injected.
constexpr int kSnapLength = 65535 + 14 + 4;

constexpr size_t kMostFramesTogether = Filter::kMostFrames;

struct CapturedFrame {
  // From the Ethernet destination on. Valid during FrameSink::onFrames only.
  const uint8_t* data = nullptr;
  uint32_t capturedLength = 0;
  // Larger than `capturedLength` when the frame was cut off: then it must not be injected.
  uint32_t originalLength = 0;
  // When the kernel received it, CLOCK_REALTIME.
  int64_t receivedNs = 0;
  // See FrameView.
  int32_t strippedVlan = kNoStrippedVlan;
  // The kernel's virtio_net_hdr of this frame, counted from its Ethernet header; null where the engine has none.
  const VirtioHeader* offload = nullptr;
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // 1..kMostFramesTogether, in the order in which they came. False: something else waits, so these were the last of the batch.
  virtual bool onFrames(const CapturedFrame* frames, size_t count) = 0;
};

class KernelFastPath;

class Capture {
 public:
  virtual ~Capture() = default;
  // The name for `status`.
  virtual const char* engine() const = 0;
  // poll(2) reports it readable when frames wait.
  virtual int descriptor() const = 0;
  virtual const InterfaceFacts& interface() const = 0;
  // Gives at most `limit` waiting frames to `sink`, without blocking. How many, or -1 when the capture is broken and must be
  // opened anew.
  virtual int drain(int limit, FrameSink& sink) = 0;
  // Replaces the in-kernel pre-filter without losing a frame. False when it cannot be had: then the old one stays.
  virtual bool setFilter(const std::vector<sock_filter>& program, SystemError* error) = 0;
  // The same with the fast path before it; `program` may go by the sieve beside it (kBySieve). False too where this engine has none.
  virtual bool setFastFilter(const std::vector<sock_filter>&, const KernelFastPath&, SystemError* error) {
    *error = makeError(ENOTSUP, "setsockopt(SO_ATTACH_BPF)", "attaching the fast path to the capture", "");
    return false;
  }
  // Frames lost for want of ring space since this capture was opened.
  virtual uint64_t drops() = 0;
};

}  // namespace covey::io

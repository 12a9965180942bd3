// Sends captured frames on, to another member: the same frame with other MACs.
#pragma once

#include <string>

#include "../filter/frame.h"
#include "../filter/offload.h"
#include "interface.h"
#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

// A socket with PACKET_VNET_HDR: super-frames are cut by the kernel or the NIC, partial checksums are completed there. Without
// it the one would be EMSGSIZE and the other dropped by whoever receives it. One thread at a time. The Ethernet source of all
// that leaves is the interface's own MAC (I5). No PACKET_QDISC_BYPASS: with it a full transmit ring loses frames.
class RelaySender {
 public:
  explicit RelaySender(std::string interface) : interface_(std::move(interface)) {}

  bool open(SystemError* error);
  // `offload` counts from the frame's Ethernet header. A tag that the capture took out goes in again. 0 or errno.
  int send(const FrameView& frame, VirtioHeader offload, const Mac& destination);

 private:
  std::string interface_;
  UniqueFd socket_;
  Mac mac_{};
};

}  // namespace covey::io

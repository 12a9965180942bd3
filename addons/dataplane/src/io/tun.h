// The TUN device through which accepted packets enter the local IP stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

class Tun {
 public:
  // Creates the device (IFF_NO_PI, IFF_VNET_HDR, not persistent: it goes with the descriptor). Null with `error` set.
  // Bringing it up and giving it addresses is left to the caller.
  static std::unique_ptr<Tun> open(const std::string& name, SystemError* error);

  // Writes one packet behind its virtio_net_hdr. 0 or errno; never blocks.
  int write(const void* virtioHeader, size_t headerLength, const uint8_t* packet, size_t length);
  // Reads and forgets what the kernel sends out by the device: router solicitations, multicast reports. Bounded.
  void discardIncoming();
  const std::string& name() const { return name_; }

 private:
  Tun(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  UniqueFd fd_;
  std::string name_;
};

}  // namespace covey::io

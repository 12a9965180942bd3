// What the kernel says about one network interface, without the rtnl lock: a routing daemon or a resetting NIC may hold that
// for hundreds of milliseconds, and these are asked from the packet thread.
#pragma once

#include <cstdint>
#include <string>

#include "../filter/shape.h"
#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

struct InterfaceFacts {
  int index = 0;
  Mac mac{};
  // Largest IP packet, bytes.
  uint32_t mtu = 1500;
  bool isUp = false;
  bool hasCarrier = false;
};

// Asks by ioctl. False with `error` set when there is no such interface, or it is not Ethernet.
bool readInterface(const std::string& name, InterfaceFacts* facts, SystemError* error);

// Frames that an interface has received since the first look, whoever they were for: /proc/thread-self/net/dev, which unlike
// /sys always shows the network namespace of the thread. The in-kernel pre-filter hides frames of others from the capture,
// so the capture's own count could not tell a deaf interface from a quiet farm.
class ReceiveCount {
 public:
  explicit ReceiveCount(std::string interface) : interface_(std::move(interface)) {}
  // The count never goes back: an interface that was made anew counts on from where its predecessor stopped.
  uint64_t read();

 private:
  bool current(uint64_t* packets);

  std::string interface_;
  UniqueFd file_;
  bool hasLast_ = false;
  uint64_t last_ = 0;
  uint64_t total_ = 0;
};

// Picks the `packets` column of `interface` out of the text of /proc/net/dev. False when there is no such line.
bool parseReceivedPackets(const std::string& text, const std::string& interface, uint64_t* packets);

}  // namespace covey::io

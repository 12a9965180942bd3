// Sends whole Ethernet frames on one interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "interface.h"
#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

// One thread at a time. Every frame leaves with the interface's own MAC as Ethernet source: send() writes it itself, so no
// caller can put the vMAC there (I5).
class FrameSender {
 public:
  explicit FrameSender(std::string interface) : interface_(std::move(interface)) {}

  // Binds to the interface of this name that exists now. Also to be called when it was made anew.
  bool open(SystemError* error);
  // Has the NIC let frames to `group` pass, for as long as this is open. Without effect where it refuses: then promiscuous mode,
  // which the capture asks for, must do.
  void join(const Mac& group);
  // Overwrites bytes 6..11 of `frame` with the own MAC and sends without blocking. 0 or errno. After ENODEV, ENXIO or ENETDOWN
  // it has tried once to bind anew.
  int send(uint8_t* frame, size_t length);
  const Mac& mac() const { return facts_.mac; }
  int index() const { return facts_.index; }

 private:
  bool changeMembership(int option) const;
  int sendOnce(uint8_t* frame, size_t length);

  std::string interface_;
  UniqueFd socket_;
  InterfaceFacts facts_;
  Mac group_{};
};

}  // namespace covey::io

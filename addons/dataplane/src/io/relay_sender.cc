#include "relay_sender.h"

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>

#include "../filter/cursor.h"

namespace covey::io {

namespace {

constexpr size_t kMacBytes = 12;
constexpr size_t kTagBytes = 4;
// A burst of super-frames, until the queue of the NIC has taken them.
constexpr int kQueueBytes = 8 << 20;

bool setOption(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

}  // namespace

bool RelaySender::open(SystemError* error) {
  InterfaceFacts facts;
  if (!readInterface(interface_, &facts, error)) return false;
  // Protocol 0: this socket only sends, the kernel queues nothing on it.
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = facts.index;
  const bool isOpen = fd && setOption(fd.get(), SOL_PACKET, PACKET_VNET_HDR, 1) &&
                      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (!isOpen) {
    *error = makeError(errno, "socket(AF_PACKET)", "opening a socket to relay on '" + interface_ + "'",
                       errno == EPERM ? "Run as root or with CAP_NET_RAW" : "");
    return false;
  }
  // Without CAP_NET_ADMIN the usual size stays.
  setOption(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, kQueueBytes);
  socket_ = std::move(fd);
  mac_ = facts.mac;
  return true;
}

int RelaySender::send(const FrameView& frame, VirtioHeader offload, const Mac& destination) {
  if (!socket_) return ENODEV;
  if (frame.capturedLength < kMacBytes + 2) return EINVAL;
  uint8_t head[kMacBytes + kTagBytes];
  std::memcpy(head, destination.data(), destination.size());
  std::memcpy(head + 6, mac_.data(), mac_.size());
  const bool isTagged = frame.strippedVlan > 0;
  if (isTagged) {
    writeU16(head + kMacBytes, 0x8100);
    writeU16(head + kMacBytes + 2, uint32_t(frame.strippedVlan));
    if (offload.flags & kVirtioNeedsCsum) offload.csumStart = uint16_t(offload.csumStart + kTagBytes);
    if (offload.gsoType != kVirtioGsoNone) offload.hdrLen = uint16_t(offload.hdrLen + kTagBytes);
  }
  // What the receiving side knew of a checksum that was complete means nothing on the way out.
  offload.flags = uint8_t(offload.flags & kVirtioNeedsCsum);
  const iovec parts[3] = {{&offload, sizeof offload},
                          {head, kMacBytes + (isTagged ? kTagBytes : 0)},
                          {const_cast<uint8_t*>(frame.data) + kMacBytes, frame.capturedLength - kMacBytes}};
  return ::writev(socket_.get(), parts, 3) < 0 ? errno : 0;
}

}  // namespace covey::io

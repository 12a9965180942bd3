#include "frame_sender.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cstring>

namespace covey::io {

bool FrameSender::open(SystemError* error) {
  InterfaceFacts facts;
  if (!readInterface(interface_, &facts, error)) return false;
  // Protocol 0: this socket only sends, the kernel queues nothing on it.
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    *error = makeError(errno, "socket(AF_PACKET)", "opening a raw socket on '" + interface_ + "'",
                       errno == EPERM ? "Run as root or with CAP_NET_RAW" : "");
    return false;
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = facts.index;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    *error = makeError(errno, "bind(AF_PACKET)", "binding a raw socket to '" + interface_ + "'",
                       errno == ENETDOWN ? "Bring the interface up: ip link set " + interface_ + " up" : "");
    return false;
  }
  socket_ = std::move(fd);
  facts_ = facts;
  changeMembership(PACKET_ADD_MEMBERSHIP);
  return true;
}

void FrameSender::join(const Mac& group) {
  if (group == group_) return;
  changeMembership(PACKET_DROP_MEMBERSHIP);
  group_ = group;
  changeMembership(PACKET_ADD_MEMBERSHIP);
}

bool FrameSender::changeMembership(int option) const {
  if (!socket_ || group_ == Mac{}) return false;
  packet_mreq membership{};
  membership.mr_ifindex = facts_.index;
  membership.mr_type = PACKET_MR_MULTICAST;
  membership.mr_alen = uint16_t(group_.size());
  std::memcpy(membership.mr_address, group_.data(), group_.size());
  return ::setsockopt(socket_.get(), SOL_PACKET, option, &membership, sizeof membership) == 0;
}

int FrameSender::sendOnce(uint8_t* frame, size_t length) {
  if (!socket_) return ENODEV;
  std::memcpy(frame + 6, facts_.mac.data(), facts_.mac.size());
  const ssize_t sent = ::send(socket_.get(), frame, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? errno : 0;
}

int FrameSender::send(uint8_t* frame, size_t length) {
  if (length < 14) return EINVAL;
  const int first = sendOnce(frame, length);
  if (first != ENODEV && first != ENXIO && first != ENETDOWN) return first;
  SystemError ignored;
  if (!open(&ignored)) return first;
  return sendOnce(frame, length);
}

}  // namespace covey::io

#include "ring_capture.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "bpf_program.h"
#include "clock.h"
#include "kernel_fast_path.h"

namespace covey::io {

namespace {

// Before the frame in a slot: tpacket2_hdr, sockaddr_ll, virtio_net_hdr, alignment.
constexpr uint32_t kSlotOverhead = 128;
constexpr uint32_t kBlockSize = 256 * 1024;
constexpr uint64_t kMinSlots = 256;
// An id that no VLAN has: for tags of other kinds than 802.1Q, which are never ours.
constexpr int32_t kForeignTag = 4095;

uint32_t slotSizeFor(uint32_t mtu) {
  uint32_t size = 2048;
  while (size < mtu + 14 + 4 + kSlotOverhead && size < kBlockSize) size *= 2;
  return size;
}

bool setOption(int fd, int level, int option, const void* value, socklen_t length) {
  return ::setsockopt(fd, level, option, value, length) == 0;
}

SystemError failed(const char* call) {
  const int number = errno;
  return makeError(number, call, "opening the capture ring",
                   number == EPERM    ? "Run as root or with CAP_NET_RAW"
                   : number == ENOMEM ? "Make the capture ring smaller"
                                      : "");
}

int32_t strippedVlan(const tpacket2_hdr& header) {
  if ((header.tp_status & TP_STATUS_VLAN_VALID) == 0) return kNoStrippedVlan;
  const bool isForeign = (header.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 && header.tp_vlan_tpid != ETH_P_8021Q;
  return isForeign ? kForeignTag : header.tp_vlan_tci & 0x0fff;
}

}  // namespace

std::unique_ptr<Capture> RingCapture::open(const std::string& interface, uint64_t ringBytes, SystemError* error) {
  InterfaceFacts facts;
  if (!readInterface(interface, &facts, error)) return nullptr;
  std::unique_ptr<RingCapture> capture(new RingCapture(facts));
  const bool isOpen = capture->prepareSocket(error) && capture->mapRing(ringBytes, error) && capture->bindTo(error);
  if (!isOpen) return nullptr;
  return capture;
}

RingCapture::~RingCapture() {
  if (ring_ != nullptr) ::munmap(ring_, ringLength_);
}

bool RingCapture::prepareSocket(SystemError* error) {
  // Protocol 0: nothing arrives before bindTo, when filter and ring are in place.
  socket_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) {
    *error = failed("socket(AF_PACKET)");
    return false;
  }
  const int fd = socket_.get();
  const int version = TPACKET_V2;
  const int on = 1;
  const bool isSet = setOption(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) &&
                     setOption(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) &&
                     // Frames longer than a slot are queued whole on the socket as well.
                     setOption(fd, SOL_PACKET, PACKET_COPY_THRESH, &on, sizeof on) &&
                     setOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  if (!isSet) *error = failed("setsockopt(SOL_PACKET)");
  return isSet && attachBpf(fd, rejectAllBpf(), error);
}

bool RingCapture::mapRing(uint64_t ringBytes, SystemError* error) {
  slotSize_ = slotSizeFor(facts_.mtu);
  slotsPerBlock_ = kBlockSize / slotSize_;
  const uint64_t wanted = std::max(kMinSlots * slotSize_, std::min<uint64_t>(ringBytes, 1u << 30));
  const uint32_t blocks = uint32_t((wanted + kBlockSize - 1) / kBlockSize);
  slotCount_ = blocks * slotsPerBlock_;
  const tpacket_req request{kBlockSize, blocks, slotSize_, slotCount_};
  const int fd = socket_.get();
  // Forced, since the usual limit (net.core.rmem_max) holds two super-frames. Without CAP_NET_ADMIN that limit stays.
  const int queue = int(wanted);
  if (!setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue)) {
    setOption(fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  }
  if (!setOption(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request)) {
    *error = failed("setsockopt(PACKET_RX_RING)");
    return false;
  }
  ringLength_ = size_t{blocks} * kBlockSize;
  void* mapped = ::mmap(nullptr, ringLength_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    *error = failed("mmap");
    return false;
  }
  ring_ = static_cast<uint8_t*>(mapped);
  longFrame_.resize(sizeof(VirtioHeader) + kSnapLength);
  return true;
}

bool RingCapture::bindTo(SystemError* error) {
  packet_mreq membership{};
  membership.mr_ifindex = facts_.index;
  membership.mr_type = PACKET_MR_PROMISC;
  if (!setOption(socket_.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership)) {
    *error = failed("setsockopt(PACKET_ADD_MEMBERSHIP)");
    return false;
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = facts_.index;
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return true;
  *error = failed("bind(AF_PACKET)");
  return false;
}

int RingCapture::drain(int limit, FrameSink& sink) {
  int count = 0;
  for (bool goesOn = true; goesOn && count < limit;) {
    const size_t together = gather(size_t(limit - count));
    if (together == 0) break;
    goesOn = sink.onFrames(frames_.data(), together);
    release(together);
    count += int(together);
  }
  return count;
}

uint8_t* RingCapture::slotAt(uint32_t index) const {
  return ring_ + size_t{index / slotsPerBlock_} * kBlockSize + size_t{index % slotsPerBlock_} * slotSize_;
}

// What lies ready, at most `limit`. It stays ours until it is released.
size_t RingCapture::gather(size_t limit) {
  const size_t most = std::min(limit, frames_.size());
  size_t count = 0;
  uint32_t index = next_;
  for (bool isLong = false; count < most && !isLong; count++, index = after(index)) {
    uint8_t* slot = slotAt(index);
    const auto& header = *reinterpret_cast<tpacket2_hdr*>(slot);
    if ((__atomic_load_n(&header.tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) break;
    describe(slot, count);
    // There is room for one frame that was longer than its slot. Without room in the socket's queue the frame is cut off, and is
    // counted as such.
    isLong = (header.tp_status & TP_STATUS_COPY) != 0;
    if (isLong) takeLongFrame(&frames_[count]);
  }
  return count;
}

void RingCapture::describe(const uint8_t* slot, size_t at) {
  const auto& header = *reinterpret_cast<const tpacket2_hdr*>(slot);
  VirtioHeader& offload = offloads_[at];
  std::memcpy(&offload, slot + header.tp_mac - sizeof offload, sizeof offload);
  CapturedFrame& frame = frames_[at];
  frame.data = slot + header.tp_mac;
  frame.capturedLength = header.tp_snaplen;
  frame.originalLength = header.tp_len;
  frame.receivedNs = int64_t{header.tp_sec} * kNsPerSecond + header.tp_nsec;
  frame.strippedVlan = strippedVlan(header);
  frame.offload = &offload;
}

void RingCapture::release(size_t count) {
  for (; count > 0; count--, next_ = after(next_)) {
    auto* header = reinterpret_cast<tpacket2_hdr*>(slotAt(next_));
    __atomic_store_n(&header->tp_status, uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
  }
}

bool RingCapture::takeLongFrame(CapturedFrame* frame) {
  const ssize_t got = ::recv(socket_.get(), longFrame_.data(), longFrame_.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (got < 0 || size_t(got) != sizeof(VirtioHeader) + frame->originalLength) return false;
  frame->data = longFrame_.data() + sizeof(VirtioHeader);
  frame->capturedLength = uint32_t(std::min(size_t(got), longFrame_.size()) - sizeof(VirtioHeader));
  return true;
}

bool RingCapture::setFilter(const std::vector<sock_filter>& program, SystemError* error) {
  return attachBpf(socket_.get(), program, error);
}

bool RingCapture::setFastFilter(const std::vector<sock_filter>& program, const KernelFastPath& path, SystemError* error) {
  return path.setFilter(socket_.get(), program, error);
}

uint64_t RingCapture::drops() {
  // Reading the statistics clears them.
  tpacket_stats statistics{};
  socklen_t length = sizeof statistics;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0) drops_ += statistics.tp_drops;
  return drops_;
}

}  // namespace covey::io

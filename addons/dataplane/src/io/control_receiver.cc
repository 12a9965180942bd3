#include "control_receiver.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "bpf_program.h"
#include "clock.h"
#include "priority.h"

namespace covey::io {

namespace {

// How long an interface that was made anew may go unnoticed. Heartbeats have other paths meanwhile.
constexpr int kFollowMs = 200;

}  // namespace

ControlReceiver::ControlReceiver(std::string interface, uint32_t gatherMs, Counters counters, std::function<void()> wake)
    : interface_(std::move(interface)), gatherNs_(int64_t{gatherMs} * kNsPerMs), counters_(counters), wake_(std::move(wake)) {}

bool ControlReceiver::bindSocket(SystemError* error) {
  InterfaceFacts facts;
  if (!readInterface(interface_, &facts, error)) return false;
  // Opened with protocol 0 and bound to the EtherType only with the interface: otherwise the queue would begin with frames
  // of other interfaces.
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    *error = makeError(errno, "socket(AF_PACKET)", "opening the control socket on '" + interface_ + "'",
                       errno == EPERM ? "Run as root or with CAP_NET_RAW" : "");
    return false;
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(kControlEtherType);
  address.sll_ifindex = facts.index;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    *error = makeError(errno, "bind(AF_PACKET)", "binding the control socket to '" + interface_ + "'",
                       errno == ENETDOWN ? "Bring the interface up: ip link set " + interface_ + " up" : "");
    return false;
  }
  socket_ = std::move(fd);
  facts_ = facts;
  return true;
}

bool ControlReceiver::open(SystemError* error) {
  if (!bindSocket(error)) return false;
  stop_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_) {
    *error = makeError(errno, "eventfd", "starting the control thread", "");
    return false;
  }
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "covey-control");
  return true;
}

void ControlReceiver::run() {
  takePrecedence(Precedence::kHeartbeat);
  int64_t lastFollowNs = bootTimeNs();
  for (;;) {
    // poll() passes over a descriptor of -1.
    pollfd watched[3] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}, {echo_ ? echo_.get() : -1, POLLIN, 0}};
    ::poll(watched, 3, sleepMs());
    if (watched[1].revents != 0) return;
    if (watched[0].revents != 0) receiveAll();
    if (watched[2].revents != 0) receiveEchoes();
    wakeIfDue();
    if (bootTimeNs() - lastFollowNs < kFollowMs * kNsPerMs) continue;
    followInterface();
    followEcho();
    lastFollowNs = bootTimeNs();
  }
}

void ControlReceiver::receiveAll() {
  uint8_t frame[2048];
  // Bounded, so that a flood cannot keep the thread from seeing its stop.
  for (size_t i = 0; i < kMaxQueued; i++) {
    sockaddr_ll from{};
    socklen_t fromLength = sizeof from;
    const ssize_t got = ::recvfrom(socket_.get(), frame, sizeof frame, MSG_DONTWAIT | MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&from), &fromLength);
    // ENETDOWN is reported once when the interface goes down; the socket works again when it is back up.
    if (got < 0) return;
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    ControlFrame decoded;
    if (size_t(got) > sizeof frame || !decodeControlFrame(frame, size_t(got), &decoded)) {
      counters_.add(Counter::controlMalformed);
      continue;
    }
    // Our own broadcast, come back by a looped switch port.
    if (decoded.source == facts_.mac) continue;
    push(std::move(decoded));
  }
}

void ControlReceiver::followEcho() {
  const uint32_t wanted = wantedEcho_;
  if (wanted == echoVip_ && (wanted == 0 || (echo_ && echoIndex_ == facts_.index))) return;
  echo_ = UniqueFd();
  echoVip_ = wanted;
  echoIndex_ = facts_.index;
  if (wanted != 0) echo_ = echoSocket(wanted);
}

// All EtherTypes, since the guard drops what is for a VIP before sockets that ask for one; the program in the kernel lets next to nothing
// through. What cannot be opened is tried again with the next interface: heartbeats then lack this path, which `status` shows.
UniqueFd ControlReceiver::echoSocket(uint32_t vip) const {
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &vip, text, sizeof text);
  SystemError ignored;
  const std::vector<sock_filter> program =
      compileBpf(std::string("icmp[0] == 0 and icmp[8:4] == 0x434f5659 and dst host ") + text, &ignored);
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  if (!fd || program.empty() || !attachBpf(fd.get(), program, &ignored)) return {};
  ::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = facts_.index;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  return fd;
}

void ControlReceiver::receiveEchoes() {
  uint8_t frame[2048];
  uint8_t vip[4];
  std::memcpy(vip, &echoVip_, sizeof vip);
  for (size_t i = 0; i < kMaxQueued; i++) {
    const ssize_t got = ::recv(echo_.get(), frame, sizeof frame, MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0) return;
    ControlFrame decoded;
    if (size_t(got) > sizeof frame || !decodeEchoFrame(frame, size_t(got), vip, &decoded)) {
      counters_.add(Counter::controlMalformed);
      continue;
    }
    push(std::move(decoded));
  }
}

void ControlReceiver::push(ControlFrame frame) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (queue_.size() >= kMaxQueued) {
    counters_.add(Counter::controlOverflow);
    return;
  }
  const int64_t dueNs = bootTimeNs() + (frame.mayWait ? gatherNs_ : 0);
  if (wakeDueNs_ == 0 || dueNs < wakeDueNs_) wakeDueNs_ = dueNs;
  queue_.push_back(std::move(frame));
  counters_.add(Counter::controlReceived);
}

void ControlReceiver::wakeIfDue() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (wakeOutstanding_ || wakeDueNs_ == 0 || bootTimeNs() < wakeDueNs_) return;
    wakeOutstanding_ = true;
  }
  wake_();
}

int ControlReceiver::sleepMs() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (wakeOutstanding_ || wakeDueNs_ == 0) return kFollowMs;
  const int64_t leftNs = std::max<int64_t>(wakeDueNs_ - bootTimeNs(), 0);
  return std::min(kFollowMs, int((leftNs + kNsPerMs - 1) / kNsPerMs));
}

std::vector<ControlFrame> ControlReceiver::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  wakeOutstanding_ = false;
  wakeDueNs_ = 0;
  std::vector<ControlFrame> taken(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
  queue_.clear();
  return taken;
}

void ControlReceiver::followInterface() {
  InterfaceFacts now;
  SystemError ignored;
  if (!readInterface(interface_, &now, &ignored)) return;
  if (now.index == facts_.index) {
    facts_.mac = now.mac;
    return;
  }
  bindSocket(&ignored);
}

void ControlReceiver::close() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t wrote = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

}  // namespace covey::io

#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "packets.h"

namespace packets {

namespace {

constexpr unsigned kBatch = 32;
constexpr int kSinkBufferBytes = 8 << 20;
constexpr int kLookMs = 100;
constexpr double kQuietSeconds = 0.5;

// Datagrams that all look alike, to be sent or received at once.
class Batch {
 public:
  Batch() {
    for (unsigned i = 0; i < kBatch; i++) {
      parts_[i] = iovec{payloads_[i].data(), kPayloadBytes};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  int send(int descriptor, unsigned count) { return ::sendmmsg(descriptor, messages_.data(), count, 0); }
  int receive(int descriptor) { return ::recvmmsg(descriptor, messages_.data(), kBatch, MSG_WAITFORONE, nullptr); }

 private:
  std::array<std::array<uint8_t, kPayloadBytes>, kBatch> payloads_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

// A socket for each source: so many of the system's choice, or those of a list of ports with a comma in it.
std::vector<Socket> connected(const sockaddr_in& to, const std::string& sources) {
  std::vector<uint16_t> ports;
  if (sources.find(',') == std::string::npos) ports.assign(size_t(std::atoi(sources.c_str())), 0);
  for (size_t at = 0; sources.find(',') != std::string::npos && at < sources.size();) {
    ports.push_back(uint16_t(std::atoi(sources.c_str() + at)));
    at = std::min(sources.find(',', at), sources.size() - 1) + 1;
  }
  std::vector<Socket> sockets(ports.size());
  for (size_t i = 0; i < ports.size(); i++) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(ports[i]);
    if (::bind(sockets[i].descriptor(), generic(own), sizeof own) != 0) fail("bind");
    if (::connect(sockets[i].descriptor(), generic(to), sizeof to) != 0) fail("connect");
  }
  return sockets;
}

void sleepFor(double time) {
  const timespec pause{time_t(time), long((time - double(time_t(time))) * 1e9)};
  ::nanosleep(&pause, nullptr);
}

}  // namespace

int flood(const char* address, const char* port, double forSeconds, const std::string& sources, double perSecond) {
  const std::vector<Socket> sockets = connected(endpoint(address, port), sources);
  // A paced flood sends one by one: a batch would be a burst.
  const unsigned batchSize = perSecond > 0 ? 1 : kBatch;
  Batch batch;
  uint64_t sent = 0;
  uint64_t errors = 0;
  size_t next = 0;
  const double begun = seconds(CLOCK_MONOTONIC);
  const double cpuBegun = seconds(CLOCK_PROCESS_CPUTIME_ID);
  double elapsed = 0;
  for (; elapsed < forSeconds; elapsed = seconds(CLOCK_MONOTONIC) - begun) {
    if (perSecond > 0 && double(sent + errors) >= elapsed * perSecond) {
      sleepFor(double(sent + errors + 1) / perSecond - elapsed);
      continue;
    }
    const int done = batch.send(sockets[next].descriptor(), batchSize);
    next = (next + 1) % sockets.size();
    // ECONNREFUSED tells of a datagram before.
    if (done < 0) errors++;
    else sent += uint64_t(done);
  }
  std::printf("{\"sent\":%llu,\"errors\":%llu,\"seconds\":%.6f,\"cpuSeconds\":%.6f}\n",
              static_cast<unsigned long long>(sent), static_cast<unsigned long long>(errors), elapsed,
              seconds(CLOCK_PROCESS_CPUTIME_ID) - cpuBegun);
  return 0;
}

int sink(const char* address, const char* port, double forSeconds) {
  const Socket socket;
  const sockaddr_in own = endpoint(address, port);
  const timeval look{0, kLookMs * 1000};
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVBUFFORCE, &kSinkBufferBytes, sizeof kSinkBufferBytes);
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look);
  if (::bind(socket.descriptor(), generic(own), sizeof own) != 0) fail("bind");
  std::fprintf(stderr, "listening\n");
  Batch batch;
  uint64_t received = 0;
  const double begun = seconds(CLOCK_MONOTONIC);
  double first = 0;
  double last = 0;
  for (double now = begun; forSeconds == 0 || now - begun < forSeconds;) {
    const int count = batch.receive(socket.descriptor());
    if (count < 0 && errno != EAGAIN && errno != EINTR) fail("recvmmsg");
    now = seconds(CLOCK_MONOTONIC);
    if (count > 0) {
      received += uint64_t(count);
      last = now;
      if (first == 0) first = now;
    } else if (forSeconds != 0 && first != 0 && now - last > kQuietSeconds) {
      break;
    }
  }
  std::printf("{\"received\":%llu,\"seconds\":%.6f,\"cpuSeconds\":%.6f}\n", static_cast<unsigned long long>(received),
              last - first, seconds(CLOCK_PROCESS_CPUTIME_ID));
  return 0;
}

}  // namespace packets

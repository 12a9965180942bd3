#include <sys/time.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "packets.h"

namespace packets {

namespace {

constexpr long kGiveUpUs = 100'000;

// Nearest rank; of a sorted list.
double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) return 0;
  const auto rank = size_t(std::ceil(percent / 100 * double(sorted.size())));
  return sorted[std::min(sorted.size(), std::max<size_t>(rank, 1)) - 1];
}

// Microseconds since `begun`, or a negative number: not answered. Answers to earlier datagrams are read and left.
double roundTrip(int descriptor, uint64_t number, double begun) {
  uint64_t payload[kPayloadBytes / 8] = {number, 0};
  if (::send(descriptor, payload, sizeof payload, 0) < 0) return -1;
  for (;;) {
    const ssize_t length = ::recv(descriptor, payload, sizeof payload, 0);
    if (length < 0) return -1;
    if (length == sizeof payload && payload[0] == number) return (seconds(CLOCK_MONOTONIC) - begun) * 1e6;
  }
}

}  // namespace

int echo(const char* address, const char* port) {
  const Socket socket;
  // Bound to the VIP, or answers would come from the host's own address.
  const sockaddr_in own = endpoint(address, port);
  if (::bind(socket.descriptor(), generic(own), sizeof own) != 0) fail("bind");
  std::fprintf(stderr, "listening\n");
  for (;;) {
    uint8_t payload[2048];
    sockaddr_in from{};
    socklen_t fromBytes = sizeof from;
    const ssize_t length =
        ::recvfrom(socket.descriptor(), payload, sizeof payload, 0, reinterpret_cast<sockaddr*>(&from), &fromBytes);
    if (length >= 0) ::sendto(socket.descriptor(), payload, size_t(length), 0, generic(from), fromBytes);
  }
}

int roundTrips(const char* address, const char* port, int count, int intervalUs) {
  const Socket socket;
  const sockaddr_in to = endpoint(address, port);
  const timeval patience{0, kGiveUpUs};
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket.descriptor(), generic(to), sizeof to) != 0) fail("connect");
  std::vector<double> times;
  int lost = 0;
  double due = seconds(CLOCK_MONOTONIC);
  for (int number = 1; number <= count; number++, due += intervalUs / 1e6) {
    const double wait = due - seconds(CLOCK_MONOTONIC);
    const timespec pause{0, long(std::max(wait, 0.0) * 1e9) % 1'000'000'000};
    if (wait > 0) ::nanosleep(&pause, nullptr);
    // One that could not be sent in time because an answer was late has waited since then: else a stall would count once, however long.
    const double time = roundTrip(socket.descriptor(), uint64_t(number), wait > 0 ? seconds(CLOCK_MONOTONIC) : due);
    if (time < 0) lost++;
    times.push_back(time < 0 ? double(kGiveUpUs) : time);
  }
  std::sort(times.begin(), times.end());
  std::printf("{\"sent\":%zu,\"lost\":%d,\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}\n",
              times.size(), lost, percentile(times, 50), percentile(times, 90), percentile(times, 99),
              percentile(times, 99.9), percentile(times, 100));
  return 0;
}

}  // namespace packets

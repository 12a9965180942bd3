// What the parts of the load generator share. Each part prints one line of JSON.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

namespace packets {

constexpr size_t kPayloadBytes = 16;

class Socket {
 public:
  Socket() : descriptor_(::socket(AF_INET, SOCK_DGRAM, 0)) {}
  Socket(Socket&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Socket(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline sockaddr_in endpoint(const char* address, const char* port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(uint16_t(std::atoi(port)));
  if (::inet_pton(AF_INET, address, &result.sin_addr) != 1) fail(address);
  return result;
}

inline const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

inline double seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return double(now.tv_sec) + double(now.tv_nsec) / 1e9;
}

// As fast as it goes (perSecond 0) or paced, from so many source ports or from those of a list. CPU time is that of this process, which has the kernel's work in it as far as the
// kernel does it at once: on veth that is all until the frame lies at the receiver's socket, or is dropped.
int flood(const char* address, const char* port, double forSeconds, const std::string& sources, double perSecond);
// Until no datagram came for half a second after the first, or `forSeconds` are over; 0: until it is killed.
int sink(const char* address, const char* port, double forSeconds);
// Sends each datagram back, until it is killed.
int echo(const char* address, const char* port);
// `count` round trips, `intervalUs` from one's begin to the next one's; percentiles in microseconds.
int roundTrips(const char* address, const char* port, int count, int intervalUs);

}  // namespace packets

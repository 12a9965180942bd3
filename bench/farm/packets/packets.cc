// Datagrams for `covey bench`: packets flood|sink|echo|round-trips ADDRESS PORT ...
#include "packets.h"


int main(int count, char** words) {
  const auto word = [&](int at, const char* fallback) { return at < count ? words[at] : fallback; };
  const std::string part = word(1, "");
  const char* address = word(2, "");
  const char* port = word(3, "");
  if (part == "flood") {
    return packets::flood(address, port, std::atof(word(4, "1")), word(5, "64"), std::atof(word(6, "0")));
  }
  if (part == "sink") return packets::sink(address, port, std::atof(word(4, "10")));
  if (part == "echo") return packets::echo(address, port);
  if (part == "round-trips") {
    return packets::roundTrips(address, port, std::atoi(word(4, "1000")), std::atoi(word(5, "1000")));
  }
  std::fprintf(stderr,
               "packets flood ADDRESS PORT SECONDS SOURCES PER_SECOND\n"
               "packets sink ADDRESS PORT SECONDS\n"
               "packets echo ADDRESS PORT\n"
               "packets round-trips ADDRESS PORT COUNT INTERVAL_US\n");
  return 2;
}

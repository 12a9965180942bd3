#include "interface.h"

#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

namespace covey::io {

namespace {

bool ask(int fd, unsigned long request, const char* call, const std::string& name, ifreq* reply, SystemError* error) {
  std::memset(reply, 0, sizeof *reply);
  std::memcpy(reply->ifr_name, name.data(), name.size());
  if (::ioctl(fd, request, reply) == 0) return true;
  *error = makeError(errno, call, "asking for interface '" + name + "'",
                     errno == ENODEV ? "Name an interface that `ip link` lists" : "");
  return false;
}

}  // namespace

bool readInterface(const std::string& name, InterfaceFacts* facts, SystemError* error) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    *error = makeError(ENODEV, "ioctl(SIOCGIFINDEX)", "asking for interface '" + name + "'",
                       "Interface names have 1 to 15 bytes");
    return false;
  }
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    *error = makeError(errno, "socket", "asking for interface '" + name + "'", "");
    return false;
  }
  ifreq reply{};
  if (!ask(fd.get(), SIOCGIFINDEX, "ioctl(SIOCGIFINDEX)", name, &reply, error)) return false;
  facts->index = reply.ifr_ifindex;
  if (!ask(fd.get(), SIOCGIFFLAGS, "ioctl(SIOCGIFFLAGS)", name, &reply, error)) return false;
  facts->isUp = (reply.ifr_flags & IFF_UP) != 0;
  facts->hasCarrier = (reply.ifr_flags & IFF_RUNNING) != 0;
  if (!ask(fd.get(), SIOCGIFMTU, "ioctl(SIOCGIFMTU)", name, &reply, error)) return false;
  facts->mtu = uint32_t(reply.ifr_mtu);
  if (!ask(fd.get(), SIOCGIFHWADDR, "ioctl(SIOCGIFHWADDR)", name, &reply, error)) return false;
  if (reply.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    *error = makeError(EMEDIUMTYPE, "ioctl(SIOCGIFHWADDR)", "using interface '" + name + "'",
                       "Covey needs an Ethernet interface");
    return false;
  }
  std::memcpy(facts->mac.data(), reply.ifr_hwaddr.sa_data, facts->mac.size());
  return true;
}

bool parseReceivedPackets(const std::string& text, const std::string& interface, uint64_t* packets) {
  const std::string label = interface + ":";
  for (size_t start = 0; start < text.size();) {
    size_t end = text.find('\n', start);
    if (end == std::string::npos) end = text.size();
    const size_t name = text.find_first_not_of(' ', start);
    if (name < end && text.compare(name, label.size(), label) == 0) {
      // Columns: bytes, packets, errs, drop, ...
      const char* cursor = text.c_str() + name + label.size();
      char* rest = nullptr;
      std::strtoull(cursor, &rest, 10);
      *packets = std::strtoull(rest, &rest, 10);
      return true;
    }
    start = end + 1;
  }
  return false;
}

bool ReceiveCount::current(uint64_t* packets) {
  if (!file_) file_.reset(::open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC));
  if (!file_ || ::lseek(file_.get(), 0, SEEK_SET) != 0) return false;
  std::string text;
  char chunk[8192];
  for (ssize_t got = 0; (got = ::read(file_.get(), chunk, sizeof chunk)) > 0;) text.append(chunk, size_t(got));
  return parseReceivedPackets(text, interface_, packets);
}

uint64_t ReceiveCount::read() {
  uint64_t now = 0;
  if (!current(&now)) return total_;
  if (hasLast_) total_ += now >= last_ ? now - last_ : now;
  hasLast_ = true;
  last_ = now;
  return total_;
}

}  // namespace covey::io

#include "tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cstring>

namespace covey::io {

namespace {

constexpr const char* kDevice = "/dev/net/tun";

std::string openHint(int number) {
  if (number == ENOENT || number == ENODEV) {
    return "Load the module (modprobe tun), or give the container the device: --device /dev/net/tun";
  }
  return number == EACCES || number == EPERM ? "Run as root or with CAP_NET_ADMIN, and allow the device" : "";
}

std::string createHint(int number) {
  if (number == EBUSY) return "A device of that name exists already. Stop the program that made it, or choose another name";
  if (number == EPERM) return "Run as root or with CAP_NET_ADMIN";
  return number == EINVAL ? "The name may be unusable, or another kind of device has it" : "";
}

}  // namespace

std::unique_ptr<Tun> Tun::open(const std::string& name, SystemError* error) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    *error = makeError(EINVAL, "ioctl(TUNSETIFF)", "creating TUN device '" + name + "'", "Names have 1 to 15 bytes");
    return nullptr;
  }
  UniqueFd fd(::open(kDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    *error = makeError(errno, "open", std::string("opening ") + kDevice, openHint(errno));
    return nullptr;
  }
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  // EXCL: never adopt a device that somebody else made persistent under this name.
  request.ifr_flags = short(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    *error = makeError(errno, "ioctl(TUNSETIFF)", "creating TUN device '" + name + "'", createHint(errno));
    return nullptr;
  }
  constexpr unsigned long kOffloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (::ioctl(fd.get(), TUNSETOFFLOAD, kOffloads) != 0) {
    *error = makeError(errno, "ioctl(TUNSETOFFLOAD)", "enabling offloads of TUN device '" + name + "'", "");
    return nullptr;
  }
  return std::unique_ptr<Tun>(new Tun(std::move(fd), request.ifr_name));
}

int Tun::write(const void* virtioHeader, size_t headerLength, const uint8_t* packet, size_t length) {
  const iovec parts[2] = {{const_cast<void*>(virtioHeader), headerLength}, {const_cast<uint8_t*>(packet), length}};
  return ::writev(fd_.get(), parts, 2) < 0 ? errno : 0;
}

void Tun::discardIncoming() {
  // A short read drops the rest of the packet, which is what is wanted here.
  uint8_t scratch[256];
  for (int i = 0; i < 64 && ::read(fd_.get(), scratch, sizeof scratch) > 0; i++) {
  }
}

}  // namespace covey::io

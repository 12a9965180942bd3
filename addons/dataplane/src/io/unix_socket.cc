#include "io/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "io/unique_fd.h"

namespace covey::io {

bool peerCredentials(int fd, PeerCredentials* credentials, SystemError* failure) {
  ucred found{};
  socklen_t length = sizeof found;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &length) != 0) {
    *failure = makeError(errno, "getsockopt(SO_PEERCRED)", "asking who is at the other end of socket " + std::to_string(fd), "");
    return false;
  }
  credentials->pid = found.pid;
  credentials->uid = found.uid;
  credentials->gid = found.gid;
  return true;
}

bool sendUnixDatagram(const std::string& path, const std::string& text, SystemError* failure) {
  const std::string tried = "telling the service manager at " + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
    *failure = makeError(EINVAL, "sendto", tried, "NOTIFY_SOCKET names a path or an abstract socket (@name)");
    return false;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + path.size());
  if (socket.get() < 0) {
    *failure = makeError(errno, "socket", tried, "");
    return false;
  }
  if (::sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length) < 0) {
    *failure = makeError(errno, "sendto", tried, "");
    return false;
  }
  return true;
}

}  // namespace covey::io

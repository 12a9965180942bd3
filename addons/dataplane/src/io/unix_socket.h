// Two things that Node does not do with Unix sockets: asking who is at the other end, and datagrams.
#pragma once

#include <cstdint>
#include <string>

#include "io/system_error.h"

namespace covey::io {

struct PeerCredentials {
  int32_t pid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

// Who opened the other end of a connected Unix stream socket, at the time of its connect (SO_PEERCRED, socket(7)).
bool peerCredentials(int fd, PeerCredentials* credentials, SystemError* failure);

// Sends one datagram to a Unix datagram socket, as sd_notify(3) wants it: `path` begins with `/`, or with `@` for the abstract
// namespace. Never blocks: a service manager that reads nothing costs the message (EAGAIN).
bool sendUnixDatagram(const std::string& path, const std::string& text, SystemError* failure);

}  // namespace covey::io

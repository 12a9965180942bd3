// Credentials of a peer, and datagrams, against sockets of this process.
#include "io/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "check.h"
#include "io/unique_fd.h"

using covey::io::PeerCredentials;
using covey::io::peerCredentials;
using covey::io::sendUnixDatagram;
using covey::io::SystemError;
using covey::io::UniqueFd;

TEST("the kernel says who is at the other end") {
  int pair[2];
  CHECK_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const UniqueFd left(pair[0]);
  const UniqueFd right(pair[1]);
  PeerCredentials credentials;
  SystemError failure;
  CHECK(peerCredentials(left.get(), &credentials, &failure));
  CHECK_EQ(credentials.pid, ::getpid());
  CHECK_EQ(credentials.uid, ::geteuid());
  CHECK_EQ(credentials.gid, ::getegid());
}

TEST("what is no socket has no credentials") {
  PeerCredentials credentials;
  SystemError failure;
  CHECK(!peerCredentials(-1, &credentials, &failure));
  CHECK_EQ(failure.number, EBADF);
}

TEST("a datagram reaches an abstract socket whole") {
  const UniqueFd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  const std::string name = "covey-notify-test-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  CHECK_EQ(::bind(receiver.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  SystemError failure;
  CHECK(sendUnixDatagram("@" + name, "READY=1\nSTATUS=up", &failure));
  char text[64] = {};
  CHECK_EQ(::recv(receiver.get(), text, sizeof text, 0), 17);
  CHECK_EQ(std::string(text), "READY=1\nSTATUS=up");
}

TEST("a service manager that is not there is told of") {
  SystemError failure;
  CHECK(!sendUnixDatagram("/nowhere/notify", "READY=1", &failure));
  CHECK_EQ(failure.number, ENOENT);
  for (const std::string& path : {std::string(), std::string("notify"), std::string(200, '/')}) {
    SystemError wrong;
    CHECK(!sendUnixDatagram(path, "READY=1", &wrong));
    CHECK_EQ(wrong.number, EINVAL);
  }
}

// A failed system call as data, so that errno and syscall reach the user's terminal unchanged.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

namespace covey::io {

struct SystemError {
  // errno; 0 means "no error".
  int number = 0;
  // The call that failed, e.g. `ioctl(TUNSETIFF)`.
  std::string syscall;
  // What was tried, what happened and what to do next.
  std::string message;

  explicit operator bool() const { return number != 0; }
};

// Builds the message as "TRIED: REASON. HINT". `hint` may be empty.
inline SystemError makeError(int number, const std::string& syscall, const std::string& tried,
                             const std::string& hint) {
  std::string message = tried + ": " + std::strerror(number);
  if (!hint.empty()) message += ". " + hint;
  return SystemError{number, syscall, message};
}

}  // namespace covey::io

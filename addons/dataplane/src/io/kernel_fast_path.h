// The kernel's part of the fast path: its table, its program at the interface, and the one that each capture gets for its socket.
#pragma once

#include <linux/filter.h>
#include <pthread.h>

#include <memory>
#include <string>
#include <vector>

#include "../filter/fast_path.h"
#include "shared_table.h"
#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

class KernelFastPath {
 public:
  // `tun` is the device into which packets go. Null with `error` set where the kernel has no such thing, or forbids it.
  static std::unique_ptr<KernelFastPath> open(const std::string& tun, SystemError* error);

  FastTable* table() const { return static_cast<FastTable*>(table_.memory()); }
  // To an interface in place of the one before. False with `error` set.
  bool attach(uint32_t interface, SystemError* error);
  void detach() { link_.reset(-1); }
  // In front again of what others have put before it.
  bool attachAgain(SystemError* error) { return attach(interface_, error); }
  // By the packet thread, when it begins and before it ends: in between the kernel may take packets, and no longer if the thread is killed.
  // False: this C library's mutex does not show that; then the kernel takes nothing.
  bool beginLife();
  void endLife();
  // What its programs let pass from now on; an addition is in force when this returns.
  void setSieve(const Sieve& sieve);
  // Gives a packet socket the program `classic`, with the fast path before it. False with `error` set: the kernel refuses; what it had stays.
  bool setFilter(int socket, const std::vector<sock_filter>& classic, SystemError* error) const;

 private:
  pthread_mutex_t* life() const { return reinterpret_cast<pthread_mutex_t*>(table()->header.life.data()); }

  SharedTable table_;
  UniqueFd program_;
  UniqueFd link_;
  uint32_t interface_ = 0;
};

}  // namespace covey::io

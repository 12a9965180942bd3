#include "kernel_fast_path.h"

#include <linux/futex.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "capture.h"
#include "ebpf.h"
#include "fast_path_program.h"

namespace covey::io {

namespace {

// The highest number that a core may ever have, and one: the end of a list as "0-3,8-11".
uint32_t possibleCores() {
  std::ifstream file("/sys/devices/system/cpu/possible");
  std::string list;
  if (!(file >> list)) return kFastCores + 1;
  const size_t at = list.find_last_of(",-");
  return uint32_t(std::strtoul(list.c_str() + (at == std::string::npos ? 0 : at + 1), nullptr, 10)) + 1;
}

bool isRealTimeKernel() {
  std::ifstream file("/sys/kernel/realtime");
  int is = 0;
  return file >> is && is != 0;
}

}  // namespace

std::unique_ptr<KernelFastPath> KernelFastPath::open(const std::string& tun, SystemError* error) {
  const uint32_t cores = possibleCores();
  if (cores > kFastCores) {
    *error = makeError(E2BIG, "read", "opening the fast path", "There are too many cores");
    return nullptr;
  }
  if (isRealTimeKernel()) {
    *error = makeError(ENOTSUP, "read", "opening the fast path", "In a kernel with PREEMPT_RT one frame may interrupt another");
    return nullptr;
  }
  std::unique_ptr<KernelFastPath> path(new KernelFastPath);
  if (!path->table_.open(sizeof(FastTable), error)) return nullptr;
  path->table()->header.generation = 1;
  path->table()->header.cores = cores;
  path->program_ = loadProgram(BPF_PROG_TYPE_SCHED_CLS, ingressProgram(path->table_.descriptor(), ::if_nametoindex(tun.c_str())), error);
  if (!path->program_) return nullptr;
  // What the kernel thinks of the other program shows before anything relies on it.
  const std::vector<sock_filter> letAllPass = {BPF_STMT(BPF_RET | BPF_K, kSnapLength)};
  return loadProgram(BPF_PROG_TYPE_SOCKET_FILTER, socketProgram(path->table_.descriptor(), letAllPass), error)
             ? std::move(path)
             : nullptr;
}

bool KernelFastPath::attach(uint32_t interface, SystemError* error) {
  link_.reset(-1);
  interface_ = interface;
  link_ = attachToIngress(program_.get(), interface, error);
  return bool(link_);
}

bool KernelFastPath::beginLife() {
  static_assert(sizeof(pthread_mutex_t) <= sizeof(FastHeader::life), "room for a mutex");
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutex_init(life(), &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  ::pthread_mutex_lock(life());
  // In glibc the first word is the lock itself (`__data.__lock`). Elsewhere it may be anything.
  uint32_t word = 0;
  std::memcpy(&word, life(), sizeof word);
  if ((word & FUTEX_TID_MASK) == uint32_t(::gettid())) return true;
  endLife();
  return false;
}

void KernelFastPath::endLife() {
  ::pthread_mutex_unlock(life());
  table()->header.life.fill(0);
}

void KernelFastPath::setSieve(const Sieve& sieve) {
  for (size_t plan = 0; plan < kMaxPlans; plan++) {
    for (size_t word = 0; word < kBitmapWords; word++) {
      __atomic_store_n(&table()->sieve[plan][word], wordOf(sieve[plan], word), __ATOMIC_SEQ_CST);
    }
  }
}

bool KernelFastPath::setFilter(int socket, const std::vector<sock_filter>& classic, SystemError* error) const {
  const UniqueFd program = loadProgram(BPF_PROG_TYPE_SOCKET_FILTER, socketProgram(table_.descriptor(), classic), error);
  if (!program) return false;
  const int fd = program.get();
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof fd) == 0) return true;
  *error = makeError(errno, "setsockopt(SO_ATTACH_BPF)", "attaching the fast path to the capture's socket",
                     errno == ENOMEM ? "Raise net.core.optmem_max, then restart Covey" : "");
  return false;
}

}  // namespace covey::io

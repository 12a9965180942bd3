#include "kernel_fast_path.h"

#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "capture.h"
#include "ebpf.h"
#include "fast_path_program.h"

namespace covey::io {

std::unique_ptr<KernelFastPath> KernelFastPath::open(const std::string& tun, SystemError* error) {
  const long cores = ::sysconf(_SC_NPROCESSORS_CONF);
  if (cores > long(kFastCores)) {
    *error = makeError(E2BIG, "sysconf", "opening the fast path", "There are too many cores");
    return nullptr;
  }
  std::unique_ptr<KernelFastPath> path(new KernelFastPath);
  if (!path->table_.open(sizeof(FastTable), error)) return nullptr;
  path->table()->header.generation = 1;
  path->table()->header.cores = uint32_t(std::max(cores, 1L));
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
  link_ = attachToIngress(program_.get(), interface, error);
  return bool(link_);
}

void KernelFastPath::beginLife() {
  static_assert(sizeof(pthread_mutex_t) <= sizeof(FastHeader::life), "room for a mutex");
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutex_init(life(), &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  ::pthread_mutex_lock(life());
}

void KernelFastPath::endLife() { ::pthread_mutex_unlock(life()); }

void KernelFastPath::setSieve(const Sieve& sieve) {
  for (size_t plan = 0; plan < kMaxPlans; plan++) {
    for (size_t word = 0; word < kBitmapWords; word++) {
      __atomic_store_n(&table()->sieve[plan][word], wordOf(sieve[plan], word), __ATOMIC_SEQ_CST);
    }
  }
}

bool KernelFastPath::setFilter(int socket, const std::vector<sock_filter>& classic) const {
  SystemError ignored;
  const UniqueFd program = loadProgram(BPF_PROG_TYPE_SOCKET_FILTER, socketProgram(table_.descriptor(), classic), &ignored);
  const int fd = program.get();
  return program && ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof fd) == 0;
}

}  // namespace covey::io

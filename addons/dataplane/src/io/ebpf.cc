#include "ebpf.h"

#include "shared_table.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace covey::io {

namespace {

// From linux/bpf.h of Linux 6.6, for builds with older headers.
constexpr uint32_t kTcxIngress = 46;
// With nothing to be before: before all.
constexpr uint32_t kBefore = 1u << 3;

// Covey's own; none of the helpers used here asks for another one.
constexpr char kLicense[] = "MIT";

int bpf(int command, bpf_attr& attributes) { return int(::syscall(SYS_bpf, command, &attributes, sizeof attributes)); }

bpf_attr noAttributes() {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  return attributes;
}

uint64_t addressOf(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

std::string hintFor(int number) {
  return number == EPERM ? "It needs CAP_BPF and CAP_NET_ADMIN in the host's own user namespace" : "";
}

}  // namespace

bool SharedTable::open(size_t bytes, SystemError* error) {
  bpf_attr attributes = noAttributes();
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = sizeof(uint32_t);
  attributes.value_size = uint32_t(bytes);
  attributes.max_entries = 1;
  attributes.map_flags = BPF_F_MMAPABLE;
  fd_.reset(bpf(BPF_MAP_CREATE, attributes));
  if (!fd_) {
    *error = makeError(errno, "bpf(BPF_MAP_CREATE)", "making the table of the fast path", hintFor(errno));
    return false;
  }
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapped == MAP_FAILED) {
    *error = makeError(errno, "mmap", "mapping the table of the fast path", "");
    return false;
  }
  memory_ = mapped;
  bytes_ = bytes;
  return true;
}

SharedTable::~SharedTable() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

UniqueFd loadProgram(bpf_prog_type type, const std::vector<bpf_insn>& program, SystemError* error) {
  bpf_attr attributes = noAttributes();
  attributes.prog_type = type;
  attributes.insns = addressOf(program.data());
  attributes.insn_cnt = uint32_t(program.size());
  attributes.license = addressOf(kLicense);
  UniqueFd loaded(program.empty() ? -1 : bpf(BPF_PROG_LOAD, attributes));
  const int number = program.empty() ? E2BIG : errno;
  if (!loaded) *error = makeError(number, "bpf(BPF_PROG_LOAD)", "loading a program of the fast path", hintFor(number));
  return loaded;
}

UniqueFd attachToIngress(int program, uint32_t interface, SystemError* error) {
  bpf_attr attributes = noAttributes();
  attributes.link_create.prog_fd = uint32_t(program);
  attributes.link_create.target_ifindex = interface;
  attributes.link_create.attach_type = kTcxIngress;
  // Another program may end the row with its verdict, and the socket's filter has held the frame back already.
  attributes.link_create.flags = kBefore;
  UniqueFd link(bpf(BPF_LINK_CREATE, attributes));
  if (!link) {
    const std::string hint = errno == EINVAL ? "It needs Linux 6.6" : hintFor(errno);
    *error = makeError(errno, "bpf(BPF_LINK_CREATE)", "attaching the fast path to the interface", hint);
  }
  return link;
}

}  // namespace covey::io

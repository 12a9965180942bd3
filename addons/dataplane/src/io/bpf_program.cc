#include "bpf_program.h"

#include <pcap/pcap.h>
#include <sys/socket.h>

#include "capture.h"

namespace covey::io {

std::vector<sock_filter> compileBpf(const std::string& expression, SystemError* error) {
  // For a dead handle: the code then looks for VLAN tags in the bytes only. The kernel has taken the outer tag out of them
  // before the program runs, so frames of every VLAN match the untagged form; classify judges their VLAN.
  pcap_t* handle = ::pcap_open_dead(DLT_EN10MB, kSnapLength);
  bpf_program compiled{};
  std::vector<sock_filter> program;
  if (handle == nullptr) {
    *error = makeError(ENOMEM, "pcap_open_dead", "compiling the pre-filter", "");
    return program;
  }
  if (::pcap_compile(handle, &compiled, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    *error = makeError(EINVAL, "pcap_compile", "compiling the pre-filter '" + expression + "'", ::pcap_geterr(handle));
  } else {
    for (u_int i = 0; i < compiled.bf_len; i++) {
      const bpf_insn& from = compiled.bf_insns[i];
      program.push_back(sock_filter{from.code, from.jt, from.jf, from.k});
    }
    ::pcap_freecode(&compiled);
    if (program.size() > BPF_MAXINSNS) {
      *error = makeError(E2BIG, "pcap_compile", "compiling the pre-filter", "");
      program.clear();
    }
  }
  ::pcap_close(handle);
  return program;
}

bool attachBpf(int socket, const std::vector<sock_filter>& program, SystemError* error) {
  const sock_fprog attached{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) == 0) return true;
  *error = makeError(errno, "setsockopt(SO_ATTACH_FILTER)", "attaching the pre-filter",
                     errno == ENOMEM ? "Raise net.core.optmem_max" : "");
  return false;
}

std::vector<sock_filter> rejectAllBpf() { return {BPF_STMT(BPF_RET | BPF_K, 0)}; }

}  // namespace covey::io

#include "classic_oracle.h"

#include <pcap/pcap.h>

#include "io/bucket_program.h"

namespace oracle {

Outcome run(const std::vector<sock_filter>& program, const std::vector<uint8_t>& frame) {
  // Its returns are told apart by what they return.
  std::vector<bpf_insn> told;
  told.reserve(program.size());
  for (const sock_filter& one : program) {
    bpf_insn copy{one.code, one.jt, one.jf, one.k};
    if (BPF_CLASS(one.code) == BPF_RET) {
      const bool isOthers = one.k == 0 && one.jt == covey::io::kOfAnotherNode;
      copy = bpf_insn{one.code, 0, 0, one.k != 0 ? 1u : isOthers ? 2u : 0u};
    }
    told.push_back(copy);
  }
  const bpf_program classic{u_int(told.size()), told.data()};
  pcap_pkthdr header{};
  header.caplen = header.len = bpf_u_int32(frame.size());
  switch (::pcap_offline_filter(&classic, &header, frame.data())) {
    case 0:
      return Outcome::kHeldBack;
    case 1:
      return Outcome::kPassed;
    default:
      return Outcome::kOfAnotherNode;
  }
}

}  // namespace oracle

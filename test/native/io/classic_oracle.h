// What libpcap makes of a classic program. Apart from the test, since pcap.h and linux/bpf.h both have a struct bpf_insn.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace oracle {

enum class Outcome { kHeldBack, kPassed, kOfAnotherNode };

Outcome run(const std::vector<sock_filter>& program, const std::vector<uint8_t>& frame);

}  // namespace oracle

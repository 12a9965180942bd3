// The kernel's part of the fast path (filter/fast_path.h), in two programs that run one after the other for each frame.
#pragma once

#include <linux/bpf.h>
#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace covey::io {

// Of the packet socket. A frame of an open slot, while the lease runs: it is counted there, held back from the socket, and noted for the
// program below. Any other goes by `classic`, which is a program of the kind that SO_ATTACH_FILTER takes. Empty: it has an instruction
// that has no counterpart here. `table` is the descriptor of a FastTable.
std::vector<bpf_insn> socketProgram(int table, const std::vector<sock_filter>& classic);

// Of the interface: what was noted for this frame goes into the device `into`, as if it had come from there; the rest goes on.
std::vector<bpf_insn> ingressProgram(int table, uint32_t into);

}  // namespace covey::io

// The kernel's part of the fast path (filter/fast_path.h), in two programs that run one after the other for each frame.
#pragma once

#include <linux/bpf.h>
#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace covey::io {

// Of the packet socket. What `classic` holds back is held back; `classic` is a program of the kind that SO_ATTACH_FILTER takes, and lets all
// pass that the tables may take; where it is marked kBySieve it goes by FastTable::sieve. Of the rest, a frame of an open slot is counted there and held back too, while the lease runs
// and the packet thread lives. For the
// program below it notes which frames to take, and which are another node's (kOfAnotherNode). Empty: `classic` has an instruction that has
// no counterpart here. `table` is the descriptor of a FastTable.
std::vector<bpf_insn> socketProgram(int table, const std::vector<sock_filter>& classic);

// Of the interface: a frame that is to be taken goes into the device `into`, as if it had come from there; another node's ends here, before
// the rules of nft, which would drop it at a higher price; any other goes on.
std::vector<bpf_insn> ingressProgram(int table, uint32_t into);

}  // namespace covey::io

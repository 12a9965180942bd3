// A classic BPF program in the instructions of today's kernels, so that others can come after it.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "ebpf.h"

namespace covey::io {

enum class Translated {
  // An instruction has no counterpart here: what was written is of no use.
  kNot,
  // The kernel refuses what it could never reach, so nothing may be written behind it.
  kPassesNothing,
  kWhole,
};

// Writes `classic` behind what `code` has: what it lets pass goes on at `pass`; what it holds back ends the program there, with the
// verdict kFastDrop for another node's (kOfAnotherNode). `table` is the descriptor of a FastTable. The context and this core's place
// must be in their registers (fast_path_places.h).
Translated translateClassic(EbpfAssembler& code, int table, const std::vector<sock_filter>& classic, EbpfAssembler::Label pass);

}  // namespace covey::io

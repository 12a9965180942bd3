// What the parts of the fast path's programs agree on: registers, and where things lie.
#pragma once

#include <linux/bpf.h>
#include <linux/filter.h>

#include <cstddef>

#include "../filter/fast_path.h"

namespace covey::io {

// Registers. 0 has results, 1 to 5 are lost with calls and looks at the packet, 10 is the end of the stack; 7 and 8 belong to whoever
// writes the part at hand.
constexpr int kResult = 0;
constexpr int kContext = 6;
// This core's FastCore, all along; counted from the table's begin.
constexpr int kCore = 9;
constexpr int kStack = 10;

// Fields of __sk_buff.
constexpr int kLengthAt = offsetof(__sk_buff, len);
constexpr int kHasTagAt = offsetof(__sk_buff, vlan_present);

// On the stack, from its end: first what the classic program stores, later the FastIdentity; then the frame's first bytes (PacketHead).
constexpr int kHeadEnd = -4 * BPF_MEMWORDS;
static_assert(sizeof(FastIdentity) <= 4 * BPF_MEMWORDS, "the head is not overwritten");

// From kCore.
constexpr int kVerdictAt = offsetof(FastTable, cores) + offsetof(FastCore, verdict);

}  // namespace covey::io

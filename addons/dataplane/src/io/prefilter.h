// The in-kernel pre-filter: which frames are worth waking user space for. It only saves work; `classify` stays the authority.
#pragma once

#include <string>
#include <vector>

#include "../filter/shape.h"
#include "bpf_program.h"

namespace covey::io {

// In tcpdump syntax: IP packets to the VIPs, ARP for them, neighbour solicitations sent to a multicast address (their target
// is not an address of the header), frames from the vMAC (an alarm); each untagged or in any VLAN, since frames of a wrong
// VLAN are counted by name.
std::string prefilterExpression(const Shape& shape);

// For more VIPs than an exact program is made for: all that could be ours by its EtherType.
std::string coarsePrefilterExpression();

// libpcap's optimizer needs 3 ms for 64 VIPs, 90 ms for 128, and does not end in reasonable time for thousands.
constexpr size_t kMaxExactVips = 64;

// The program for a shape: exact, or coarse beyond kMaxExactVips. Empty with `error` set when libpcap refuses both.
std::vector<sock_filter> prefilterFor(const Shape& shape, SystemError* error);

}  // namespace covey::io

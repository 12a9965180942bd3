// The exact pre-filter: VIP, rule, hash and bucket in the kernel, so that what belongs to other nodes never reaches this process.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "../filter/shape.h"
#include "../filter/table_ops.h"

namespace covey::io {

// Mark (sock_filter::jt) of the instruction that holds back a packet to the VIP because another node has its bucket: no more can be
// known of what is held back elsewhere than that it is not for this farm, or not to be judged here.
constexpr uint8_t kOfAnotherNode = 1;

// Mark of an instruction that stands where the program goes by a sieve beside it: of plan `k`, the word's number is in A, the bit's in X.
// No kernel has such an instruction; see fast_path_program.h.
constexpr uint8_t kBySieve = 2;

// A program that holds back whole TCP and UDP packets to a VIP, sent to the shared MAC, whose bucket is not in the sieve. Everything
// else goes by `plain`, the program for the VIPs alone: other MACs (relay, bystanders), frames from the vMAC, fragments, ICMP,
// extension headers, headers of wrong lengths, tags in the bytes, ports without a rule or with one that denies. So `classify` remains the authority, and
// rejects whatever this lets pass. Empty: the rules do not fit a program of the kernel; then `plain` is what there is.
//
// With many plans, those that do not fit any more let all their packets pass.
std::vector<sock_filter> bucketProgram(const Shape& shape, const Sieve& sieve, const std::vector<sock_filter>& plain);
// The same for any sieve (kBySieve).
std::vector<sock_filter> sieveProgram(const Shape& shape, const std::vector<sock_filter>& plain);

}  // namespace covey::io

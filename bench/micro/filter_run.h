// What a socket filter costs a frame, in the kernel: datagrams to a Unix socket that throws each of them away by that filter. A packet
// socket runs it the same way, and the rest of its work is not in it.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "harness.h"
#include "io/bpf_program.h"

namespace bench {

constexpr int kFilterRounds = 101;

// CPU time of sending a datagram that the program holds back.
inline double sendNs(int descriptor, const Batch& batch) {
  const double start = cpuNs();
  for (size_t i = 0; i < Batch::kFrames; i++) {
    const covey::FrameView frame = batch.frame(i);
    if (::send(descriptor, frame.data, frame.capturedLength, 0) < 0) std::exit(1);
  }
  return (cpuNs() - start) / double(Batch::kFrames);
}

// What `program` takes longer than one that holds back all at once. Whatever it decides becomes holding back, or the queue would fill.
// Negative: the kernel refuses it.
inline double filterNs(std::vector<sock_filter> program, const Packets& packets, uint32_t keys) {
  for (sock_filter& instruction : program) {
    if (instruction.code == (BPF_RET | BPF_K)) instruction.k = 0;
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) return -1;
  Batch batch(packets);
  std::vector<double> differences;
  covey::io::SystemError error;
  for (int round = 0; round < kFilterRounds; round++) {
    batch.fill(keys, Order::kRandom);
    if (!covey::io::attachBpf(ends[1], {{BPF_RET | BPF_K, 0, 0, 0}}, &error)) break;
    const double without = sendNs(ends[0], batch);
    if (!covey::io::attachBpf(ends[1], program, &error)) break;
    differences.push_back(sendNs(ends[0], batch) - without);
  }
  ::close(ends[0]);
  ::close(ends[1]);
  return error ? -1 : median(differences);
}

}  // namespace bench

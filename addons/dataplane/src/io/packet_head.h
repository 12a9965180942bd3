// The first bytes of a frame on a program's stack. A look at the packet is a call of a function of the kernel's; the copy is one for all.
#pragma once

#include <linux/bpf.h>

#include <cstdint>

#include "ebpf.h"
#include "fast_path_places.h"

namespace covey::io {

class PacketHead {
 public:
  // Ethernet, IPv6, TCP.
  static constexpr uint32_t kBytes = 14 + 40 + 20;

  // At the begin of a program; the context must be in its register. Behind the end of a shorter frame lie zeros.
  static void copy(EbpfAssembler& code) {
    const EbpfAssembler::Label fits = code.label();
    const EbpfAssembler::Label empty = code.label();
    // The kernel wants to know that all of it has been written.
    for (int at = kEnd - kRoom; at < kEnd; at += 8) code.emit(BPF_ST | BPF_MEM | BPF_DW, kStack, 0, at, 0);
    code.load(BPF_W, kSize, kContext, kLengthAt);
    code.jumpK(BPF_JLT, kSize, 1, empty);
    code.jumpK(BPF_JLE, kSize, int32_t(kBytes), fits);
    code.move(kSize, int32_t(kBytes));
    code.bind(fits);
    code.move64(1, kContext);
    code.move(2, 0);
    code.move64(3, kStack);
    code.alu64K(BPF_ADD, 3, kBegin);
    code.call(BPF_FUNC_skb_load_bytes);
    code.bind(empty);
  }

  // Whether `size` (BPF_B, BPF_H, BPF_W) bytes at `at` can be read there.
  static bool has(int size, uint32_t at) { return at <= kBytes - bytesOf(size) && (size == BPF_B || at % 2 == 0); }
  // In the order of the host, into register 0; register 1 is lost.
  static void read(EbpfAssembler& code, int size, uint32_t at) {
    if (size == BPF_W && at % 4 != 2) {
      readHalf(code, 1, at);
      code.aluK(BPF_LSH, 1, 16);
      readHalf(code, kResult, at + 2);
      code.aluR(BPF_OR, kResult, 1);
    } else if (size == BPF_H) {
      readHalf(code, kResult, at);
    } else {
      code.load(size, kResult, kStack, kBegin + int(at));
      if (size == BPF_W) code.toHostOrder(kResult, 32);
    }
  }

  static constexpr uint32_t bytesOf(int size) { return size == BPF_W ? 4 : size == BPF_H ? 2 : 1; }

 private:
  static constexpr int kSize = 4;
  // The stack is read at multiples of the size only. Behind the Ethernet header words lie at multiples of four, and two.
  static constexpr int kRoom = 80;
  static constexpr int kEnd = kHeadEnd;
  static constexpr int kBegin = kEnd - kRoom + 2;
  static_assert(kBytes <= kRoom - 2 && kEnd % 8 == 0, "room for all of it");

  static void readHalf(EbpfAssembler& code, int to, uint32_t at) {
    code.load(BPF_H, to, kStack, kBegin + int(at));
    code.toHostOrder(to, 16);
  }
};

}  // namespace covey::io

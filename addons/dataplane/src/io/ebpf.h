// The kernel's programs and tables, by bpf(2) alone: a program that this process has put together instruction by instruction needs
// neither compiler nor library. What is opened here ends with the process that has it.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "labelled_program.h"
#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

// Puts a program together.
class EbpfAssembler : public LabelledProgram<bpf_insn> {
 public:
  void emit(int code, int to = 0, int from = 0, int offset = 0, int32_t value = 0) {
    program_.push_back(bpf_insn{uint8_t(code), uint8_t(to), uint8_t(from), int16_t(offset), value});
  }
  // Registers are numbers; `K` has a number in the instruction, `R` another register. 32 bits, unless the name says 64.
  void move(int to, int32_t value) { emit(BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, value); }
  void move64(int to, int from) { emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from); }
  void aluK(int operation, int to, int32_t value) { emit(BPF_ALU | operation | BPF_K, to, 0, 0, value); }
  void aluR(int operation, int to, int from) { emit(BPF_ALU | operation | BPF_X, to, from); }
  void alu64K(int operation, int to, int32_t value) { emit(BPF_ALU64 | operation | BPF_K, to, 0, 0, value); }
  void alu64R(int operation, int to, int from) { emit(BPF_ALU64 | operation | BPF_X, to, from); }
  void load(int size, int to, int from, int offset) { emit(BPF_LDX | BPF_MEM | size, to, from, offset); }
  void store(int size, int to, int offset, int from) { emit(BPF_STX | BPF_MEM | size, to, from, offset); }
  // What was read from a packet's bytes.
  void toHostOrder(int what, int bits) { emit(BPF_ALU | BPF_END | BPF_TO_BE, what, 0, 0, bits); }
  // Of the packet, in the order of the host, into register 0; the context must be in register 6, and 1 to 5 are lost. A packet that
  // ends before ends the program with 0.
  void loadPacket(int size, int32_t at) { emit(BPF_LD | BPF_ABS | size, 0, 0, 0, at); }
  void call(int helper) { emit(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  void exit() { emit(BPF_JMP | BPF_EXIT); }
  // The value of the only entry of an array.
  void loadTable(int to, int table) {
    emit(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_VALUE, 0, table);
    emit(0);
  }
  void jump(Label label) { jumpTo(label, BPF_JMP | BPF_JA, 0, 0, 0); }
  void jumpK(int test, int what, int32_t value, Label label) { jumpTo(label, BPF_JMP32 | test | BPF_K, what, 0, value); }
  void jumpR(int test, int what, int other, Label label) { jumpTo(label, BPF_JMP32 | test | BPF_X, what, other, 0); }
  void jump64R(int test, int what, int other, Label label) { jumpTo(label, BPF_JMP | test | BPF_X, what, other, 0); }

  // Empty when a label was never bound, is bound before a jump to it, or lies further than the kernel's jumps reach.
  std::vector<bpf_insn> finish() {
    const auto setDistance = [](bpf_insn& jump, size_t distance) { jump.off = int16_t(distance); };
    return resolve(INT16_MAX, setDistance) ? program_ : std::vector<bpf_insn>{};
  }

 private:
  void jumpTo(Label label, int code, int what, int other, int32_t value) {
    noteJump(label);
    emit(code, what, other, 0, value);
  }
};

// Loads a program, for a socket (BPF_PROG_TYPE_SOCKET_FILTER) or an interface (BPF_PROG_TYPE_SCHED_CLS). Empty with `error` set.
UniqueFd loadProgram(bpf_prog_type type, const std::vector<bpf_insn>& program, SystemError* error);

// Runs a program for what an interface receives, after the packet sockets and before the rules of nft (TCX, Linux 6.6), for as long as
// the descriptor is open.
UniqueFd attachToIngress(int program, uint32_t interface, SystemError* error);

}  // namespace covey::io

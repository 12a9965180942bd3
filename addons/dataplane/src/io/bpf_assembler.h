// Puts a classic BPF program together. A conditional jump reaches 255 instructions; so each is followed by an unconditional one, which
// reaches everywhere.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "labelled_program.h"

namespace covey::io {

class BpfAssembler : public LabelledProgram<sock_filter> {
 public:
  // `mark` is for whoever reads the program: the kernel does not look at it but in conditional jumps.
  void emit(uint16_t code, uint32_t value, uint8_t mark = 0) { program_.push_back(sock_filter{code, mark, 0, value}); }
  void jump(Label label) {
    noteJump(label);
    emit(BPF_JMP | BPF_JA, 0);
  }
  // `test` is BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET: of the accumulator with `value`.
  void jumpIf(uint16_t test, uint32_t value, Label label) { conditional(test, value, 0, 1, label); }
  void jumpUnless(uint16_t test, uint32_t value, Label label) { conditional(test, value, 1, 0, label); }
  void append(const std::vector<sock_filter>& whole) { program_.insert(program_.end(), whole.begin(), whole.end()); }

  size_t size() const { return program_.size(); }
  // Empty when a label was never bound, or is bound before a jump to it, or the program is longer than the kernel takes.
  std::vector<sock_filter> finish() {
    const auto setDistance = [](sock_filter& jump, size_t distance) { jump.k = uint32_t(distance); };
    return program_.size() <= BPF_MAXINSNS && resolve(BPF_MAXINSNS, setDistance) ? program_ : std::vector<sock_filter>{};
  }

 private:
  // Over the jump that follows, or to it.
  void conditional(uint16_t test, uint32_t value, uint8_t ifTrue, uint8_t ifFalse, Label label) {
    program_.push_back(sock_filter{uint16_t(BPF_JMP | test | BPF_K), ifTrue, ifFalse, value});
    jump(label);
  }
};

}  // namespace covey::io

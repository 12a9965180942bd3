// Puts a classic BPF program together, with labels in place of distances. Jumps of classic BPF lead forward only, and a
// conditional one reaches 255 instructions; so each is followed by an unconditional one, which reaches everywhere.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace covey::io {

class BpfAssembler {
 public:
  using Label = size_t;

  Label label() {
    targets_.push_back(kUnbound);
    return targets_.size() - 1;
  }
  // The next instruction is what `label` means.
  void bind(Label label) { targets_[label] = program_.size(); }

  // `mark` is for whoever reads the program: the kernel does not look at it but in conditional jumps.
  void emit(uint16_t code, uint32_t value, uint8_t mark = 0) { program_.push_back(sock_filter{code, mark, 0, value}); }
  void jump(Label label) {
    fixups_.push_back({program_.size(), label});
    emit(BPF_JMP | BPF_JA, 0);
  }
  // `test` is BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET: of the accumulator with `value`.
  void jumpIf(uint16_t test, uint32_t value, Label label) { conditional(test, value, 0, 1, label); }
  void jumpUnless(uint16_t test, uint32_t value, Label label) { conditional(test, value, 1, 0, label); }
  void append(const std::vector<sock_filter>& whole) { program_.insert(program_.end(), whole.begin(), whole.end()); }

  size_t size() const { return program_.size(); }
  // Empty when a label was never bound, or is bound before a jump to it, or the program is longer than the kernel takes.
  std::vector<sock_filter> finish() {
    for (const Fixup& fixup : fixups_) {
      const size_t target = targets_[fixup.label];
      if (target == kUnbound || target <= fixup.at) return {};
      program_[fixup.at].k = uint32_t(target - fixup.at - 1);
    }
    return program_.size() <= BPF_MAXINSNS ? program_ : std::vector<sock_filter>{};
  }

 private:
  static constexpr size_t kUnbound = ~size_t{0};
  struct Fixup {
    size_t at;
    Label label;
  };

  // Over the jump that follows, or to it.
  void conditional(uint16_t test, uint32_t value, uint8_t ifTrue, uint8_t ifFalse, Label label) {
    program_.push_back(sock_filter{uint16_t(BPF_JMP | test | BPF_K), ifTrue, ifFalse, value});
    jump(label);
  }

  std::vector<sock_filter> program_;
  std::vector<size_t> targets_;
  std::vector<Fixup> fixups_;
};

}  // namespace covey::io

// A program that is put together with labels in place of distances. Jumps lead forward only, as the kernel demands of classic BPF, and
// as suffices for ours of today's kind.
#pragma once

#include <cstddef>
#include <vector>

namespace covey::io {

template <class Instruction>
class LabelledProgram {
 public:
  using Label = size_t;

  Label label() {
    targets_.push_back(kUnbound);
    return targets_.size() - 1;
  }
  // The next instruction is what `label` means.
  void bind(Label label) { targets_[label] = program_.size(); }

 protected:
  // The next instruction is a jump to `label`.
  void noteJump(Label label) { jumps_.push_back({program_.size(), label}); }
  // `setDistance(jump, distance)` for each of them; 0 leads to the instruction behind it. False when a label was never bound, or is bound
  // before a jump to it, or lies further than `furthest`.
  template <class SetDistance>
  bool resolve(size_t furthest, SetDistance setDistance) {
    for (const Jump& jump : jumps_) {
      const size_t target = targets_[jump.label];
      if (target == kUnbound || target <= jump.at || target - jump.at - 1 > furthest) return false;
      setDistance(program_[jump.at], target - jump.at - 1);
    }
    return true;
  }

  std::vector<Instruction> program_;

 private:
  static constexpr size_t kUnbound = ~size_t{0};
  struct Jump {
    size_t at;
    Label label;
  };

  std::vector<size_t> targets_;
  std::vector<Jump> jumps_;
};

}  // namespace covey::io

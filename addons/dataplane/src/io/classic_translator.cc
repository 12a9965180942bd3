#include "classic_translator.h"

#include <algorithm>

#include "../filter/fast_path.h"
#include "bucket_program.h"
#include "fast_path_places.h"
#include "packet_head.h"

namespace covey::io {

namespace {

using Label = EbpfAssembler::Label;

// Instruction by instruction, as the kernel itself does with such programs (bpf_convert_filter in net/core/filter.c).
class Translator {
 public:
  Translator(int table, EbpfAssembler& code, const std::vector<sock_filter>& classic, Label pass)
      : table_(table), code_(code), classic_(classic), pass_(pass), other_(code.label()), beyond_(code.label()),
        thereAt_(classic.size() + 1, kAnything) {
    for (size_t i = 0; i < classic.size(); i++) places_.push_back(code.label());
    thereAt_.front() = 0;
  }

  bool write() {
    code_.move(kA, 0);
    code_.move(kX, 0);
    for (size_t i = 0; i < classic_.size(); i++) {
      code_.bind(places_[i]);
      there_ = thereAt_[i];
      if (!writeOne(i)) return false;
      const int kind = BPF_CLASS(classic_[i].code);
      if (kind != BPF_JMP && kind != BPF_RET) comeTo(i + 1);
    }
    if (knowsOthers_) writeOfAnotherNode();
    if (looksBeyond_) {
      code_.bind(beyond_);
      writeHoldBack();
    }
    return true;
  }
  bool letsPass() const { return letsPass_; }

 private:
  // Registers of the classic program, and where its accumulator is saved.
  static constexpr int kA = kResult;
  static constexpr int kX = 7;
  static constexpr int kSaved = 8;
  // Looks at the packet beyond this are questions to the kernel about something else (SKF_AD_OFF).
  static constexpr uint32_t kFirstSpecial = 0x80000000u;
  static constexpr uint32_t kAnything = 0xffffffffu;

  bool writeOne(size_t at) {
    const sock_filter& one = classic_[at];
    const int32_t value = int32_t(one.k);
    switch (BPF_CLASS(one.code)) {
      case BPF_LD:
        return writeLoad(one, kA);
      case BPF_LDX:
        return writeLoad(one, kX);
      case BPF_ST:
        return writeStore(one, kA);
      case BPF_STX:
        return writeStore(one, kX);
      case BPF_ALU:
        if (BPF_OP(one.code) == BPF_NEG || isDivisionByX(one.code)) return false;
        if (BPF_SRC(one.code) == BPF_X) {
          code_.aluR(BPF_OP(one.code), kA, kX);
        } else {
          code_.aluK(BPF_OP(one.code), kA, value);
        }
        return true;
      case BPF_JMP:
        return writeJump(one, at);
      case BPF_RET:
        return writeReturn(one);
      default:
        if (BPF_MISCOP(one.code) == BPF_TAX) code_.aluR(BPF_MOV, kX, kA);
        if (BPF_MISCOP(one.code) == BPF_TXA) code_.aluR(BPF_MOV, kA, kX);
        return true;
    }
  }

  bool writeLoad(const sock_filter& one, int to) {
    switch (BPF_MODE(one.code)) {
      case BPF_IMM:
        code_.move(to, int32_t(one.k));
        return true;
      case BPF_MEM:
        code_.load(BPF_W, to, kStack, scratchAt(one.k));
        return one.k < BPF_MEMWORDS;
      case BPF_LEN:
        code_.load(BPF_W, to, kContext, kLengthAt);
        return true;
      case BPF_ABS:
        writeLook(BPF_SIZE(one.code), one.k);
        return to == kA && one.k < kFirstSpecial;
      case BPF_IND:
        code_.emit(BPF_LD | BPF_IND | BPF_SIZE(one.code), 0, kX, 0, int32_t(one.k));
        return to == kA && one.k < kFirstSpecial;
      case BPF_MSH:
        code_.aluR(BPF_MOV, kSaved, kA);
        writeLook(BPF_B, one.k);
        code_.aluK(BPF_AND, kResult, 0xf);
        code_.aluK(BPF_LSH, kResult, 2);
        code_.aluR(BPF_MOV, kX, kResult);
        code_.aluR(BPF_MOV, kA, kSaved);
        return to == kX && one.k < kFirstSpecial;
      default:
        return false;
    }
  }

  // A look beyond the end of the frame ends the program, and holds it back.
  void writeLook(int size, uint32_t at) {
    if (!PacketHead::has(size, at)) return code_.loadPacket(size, int32_t(at));
    const uint32_t end = at + PacketHead::bytesOf(size);
    if (end > there_) {
      looksBeyond_ = true;
      code_.load(BPF_W, 1, kContext, kLengthAt);
      code_.jumpK(BPF_JLT, 1, int32_t(end), beyond_);
      there_ = end;
    }
    PacketHead::read(code_, size, at);
  }

  bool writeStore(const sock_filter& one, int from) {
    code_.store(BPF_W, kStack, scratchAt(one.k), from);
    return one.k < BPF_MEMWORDS;
  }

  bool writeJump(const sock_filter& one, size_t at) {
    const bool isAlways = BPF_OP(one.code) == BPF_JA;
    const size_t yes = at + 1 + (isAlways ? one.k : one.jt);
    const size_t no = isAlways ? yes : at + 1 + one.jf;
    if (!isPlace(yes) || !isPlace(no)) return false;
    comeTo(yes);
    comeTo(no);
    if (isAlways) {
      code_.jump(places_[yes]);
    } else if (BPF_SRC(one.code) == BPF_X) {
      code_.jumpR(BPF_OP(one.code), kA, kX, places_[yes]);
    } else {
      code_.jumpK(BPF_OP(one.code), kA, int32_t(one.k), places_[yes]);
    }
    if (!isAlways && no != at + 1) code_.jump(places_[no]);
    return true;
  }

  bool writeReturn(const sock_filter& one) {
    if (BPF_RVAL(one.code) != BPF_K) return false;
    if (one.jt == kBySieve) {
      if (one.k >= kMaxPlans) return false;
      writeSieve(one.k);
    } else if (one.k != 0) {
      letsPass_ = true;
      code_.jump(pass_);
    } else if (one.jt == kOfAnotherNode) {
      knowsOthers_ = true;
      code_.jump(other_);
    } else {
      writeHoldBack();
    }
    return true;
  }

  void writeHoldBack() {
    code_.move(kResult, 0);
    code_.exit();
  }

  void writeSieve(uint32_t plan) {
    letsPass_ = knowsOthers_ = true;
    code_.loadTable(1, table_);
    code_.alu64K(BPF_ADD, 1, int32_t(offsetof(FastTable, sieve) + plan * sizeof(uint32_t) * kBitmapWords));
    code_.aluR(BPF_MOV, 2, kA);
    code_.aluK(BPF_AND, 2, kBitmapWords - 1);
    code_.alu64K(BPF_MUL, 2, sizeof(uint32_t));
    code_.alu64R(BPF_ADD, 1, 2);
    code_.load(BPF_W, kA, 1, 0);
    code_.aluR(BPF_RSH, kA, kX);
    code_.jumpK(BPF_JSET, kA, 1, pass_);
    code_.jump(other_);
  }

  // This host is not to have it either, which the guard's rules would find out at a higher price. They go by the VLAN too.
  void writeOfAnotherNode() {
    const Label end = code_.label();
    code_.bind(other_);
    code_.load(BPF_W, kResult, kContext, kHasTagAt);
    code_.jumpK(BPF_JNE, kResult, 0, end);
    code_.load(BPF_W, kResult, kContext, kLengthAt);
    code_.aluK(BPF_OR, kResult, int32_t(kFastDrop));
    code_.store(BPF_W, kCore, kVerdictAt, kResult);
    code_.bind(end);
    writeHoldBack();
  }

  // By 0 it ends a classic program, and gives 0 or what there was in one of this kind.
  static bool isDivisionByX(int code) {
    return (BPF_OP(code) == BPF_DIV || BPF_OP(code) == BPF_MOD) && BPF_SRC(code) == BPF_X;
  }
  bool isPlace(size_t at) const { return at < places_.size(); }
  void comeTo(size_t at) { thereAt_[at] = std::min(thereAt_[at], there_); }
  static int scratchAt(uint32_t word) { return -4 * BPF_MEMWORDS + 4 * int(word); }

  const int table_;
  EbpfAssembler& code_;
  const std::vector<sock_filter>& classic_;
  const Label pass_;
  const Label other_;
  const Label beyond_;
  bool letsPass_ = false;
  bool knowsOthers_ = false;
  bool looksBeyond_ = false;
  std::vector<Label> places_;
  // So many bytes the frame has, as far as is known when an instruction is come to, by whatever way; and at the one at hand.
  std::vector<uint32_t> thereAt_;
  uint32_t there_ = 0;
};

}  // namespace

Translated translateClassic(EbpfAssembler& code, int table, const std::vector<sock_filter>& classic, Label pass) {
  Translator translator(table, code, classic, pass);
  if (!translator.write()) return Translated::kNot;
  return translator.letsPass() ? Translated::kWhole : Translated::kPassesNothing;
}

}  // namespace covey::io

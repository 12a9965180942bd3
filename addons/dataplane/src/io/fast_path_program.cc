#include "fast_path_program.h"

#include <linux/futex.h>
#include <linux/if_ether.h>

#include <cstddef>

#include "../filter/ethernet.h"
#include "../filter/fast_path.h"
#include "../filter/ip.h"
#include "../filter/transport.h"
#include "capture.h"
#include "classic_translator.h"
#include "ebpf.h"
#include "fast_path_places.h"
#include "packet_head.h"

namespace covey::io {

namespace {

using Label = EbpfAssembler::Label;

// Registers of what comes before and after the classic program.
constexpr int kTable = 7;
constexpr int kKept = 8;

constexpr int kIpAt = ETH_HLEN;

void findCore(EbpfAssembler& code, int table) {
  code.loadTable(kTable, table);
  code.call(BPF_FUNC_get_smp_processor_id);
  code.aluK(BPF_AND, kResult, kFastCores - 1);
  code.aluK(BPF_MUL, kResult, sizeof(FastCore));
  code.move64(kCore, kTable);
  code.alu64R(BPF_ADD, kCore, kResult);
}

constexpr int kNotedAt = offsetof(FastTable, cores) + offsetof(FastCore, noted);
constexpr int kTakenAt = offsetof(FastTable, cores) + offsetof(FastCore, taken);

void countAt(EbpfAssembler& code, int at) {
  code.load(BPF_DW, kResult, kCore, at);
  code.alu64K(BPF_ADD, kResult, 1);
  code.store(BPF_DW, kCore, at, kResult);
}

// The frame's FastIdentity is put together on the stack, word by word, and compared with two slots.
class LookUp {
 public:
  LookUp(int table, EbpfAssembler& code) : table_(table), code_(code), miss_(code.label()) {}

  // The context and this core's place must be in their registers. What is not taken goes on behind it.
  void write() {
    const Label ipv6 = code_.label();
    const Label known = code_.label();
    code_.loadTable(kTable, table_);
    code_.load(BPF_W, kResult, kContext, kHasTagAt);
    code_.jumpK(BPF_JNE, kResult, 0, miss_);
    needBytes(ETH_HLEN);
    PacketHead::read(code_, BPF_H, 12);
    code_.jumpK(BPF_JEQ, kResult, kEtherIpv6, ipv6);
    code_.jumpK(BPF_JNE, kResult, kEtherIpv4, miss_);
    writeIpv4();
    code_.jump(known);
    code_.bind(ipv6);
    writeIpv6();
    code_.bind(known);
    writeLookUp();
    code_.bind(miss_);
  }

 private:
  void needBytes(int count) {
    code_.load(BPF_W, kResult, kContext, kLengthAt);
    code_.jumpK(BPF_JLT, kResult, count, miss_);
  }

  void writeIpv4() {
    needBytes(kIpAt + 20 + 8);
    PacketHead::read(code_, BPF_B, kIpAt);
    code_.jumpK(BPF_JNE, kResult, 0x45, miss_);
    // No fragment; "don't fragment" may be set.
    PacketHead::read(code_, BPF_H, kIpAt + 6);
    code_.jumpK(BPF_JSET, kResult, 0xbfff, miss_);
    writeAddresses(1, kIpAt + 12);
    writeRest(kEtherIpv4, kIpAt + 9, kIpAt + 20);
    // (source + ports, as fastSlotOf has it)
    loadWord(kKept, sourceAt(0));
    writeHash();
  }

  void writeIpv6() {
    needBytes(kIpAt + 40 + 8);
    // Extension headers have other numbers than TCP and UDP.
    writeAddresses(4, kIpAt + 8);
    writeRest(kEtherIpv6, kIpAt + 6, kIpAt + 40);
    loadWord(kKept, sourceAt(0));
    for (int word = 1; word < 4; word++) {
      loadWord(1, sourceAt(word));
      code_.aluR(BPF_XOR, kKept, 1);
    }
    writeHash();
  }

  void writeAddresses(int words, int at) {
    for (int word = 0; word < 4; word++) {
      if (word < words) {
        PacketHead::read(code_, BPF_W, at + 4 * word);
        storeWord(sourceAt(word), kResult);
        PacketHead::read(code_, BPF_W, at + 4 * words + 4 * word);
      } else {
        code_.move(kResult, 0);
        storeWord(sourceAt(word), kResult);
      }
      storeWord(destinationAt(word), kResult);
    }
  }

  // Protocol, ports, MAC. A segment that begins or ends its connection is not for this path.
  void writeRest(int etherType, int protocolAt, int transportAt) {
    const Label isFit = code_.label();
    PacketHead::read(code_, BPF_B, protocolAt);
    code_.aluK(BPF_OR, kResult, etherType << 16);
    storeWord(offsetof(FastIdentity, kind), kResult);
    code_.jumpK(BPF_JEQ, kResult, int32_t(uint32_t(etherType) << 16 | kIpUdp), isFit);
    code_.jumpK(BPF_JNE, kResult, int32_t(uint32_t(etherType) << 16 | kIpTcp), miss_);
    needBytes(transportAt + 20);
    PacketHead::read(code_, BPF_B, transportAt + 13);
    code_.jumpK(BPF_JSET, kResult, kTcpFin | kTcpSyn | kTcpRst, miss_);
    code_.bind(isFit);
    PacketHead::read(code_, BPF_W, 0);
    storeWord(offsetof(FastIdentity, macHigh), kResult);
    PacketHead::read(code_, BPF_H, 4);
    storeWord(offsetof(FastIdentity, macLow), kResult);
    PacketHead::read(code_, BPF_W, transportAt);
    storeWord(offsetof(FastIdentity, ports), kResult);
  }

  // From the source in kKept and the ports in kResult: fastSlotOf, in kKept.
  void writeHash() {
    loadWord(kResult, offsetof(FastIdentity, ports));
    code_.aluK(BPF_MUL, kKept, int32_t(0x9e3779b1));
    code_.aluK(BPF_MUL, kResult, int32_t(0x85ebca6b));
    code_.aluR(BPF_ADD, kKept, kResult);
    code_.aluR(BPF_MOV, kResult, kKept);
    code_.aluK(BPF_RSH, kResult, 15);
    code_.aluR(BPF_XOR, kKept, kResult);
    code_.aluK(BPF_MUL, kKept, int32_t(0xc2b2ae35));
    code_.aluK(BPF_RSH, kKept, 16);
  }

  void writeLookUp() {
    const Label second = code_.label();
    const Label hit = code_.label();
    writeComparison(second);
    code_.jump(hit);
    code_.bind(second);
    code_.aluK(BPF_XOR, kKept, 1);
    writeComparison(miss_);
    code_.bind(hit);
    code_.move64(kKept, 1);
    code_.load(BPF_W, kResult, kTable, offsetof(FastTable, header) + offsetof(FastHeader, life));
    code_.jumpK(BPF_JEQ, kResult, 0, miss_);
    code_.jumpK(BPF_JSET, kResult, FUTEX_OWNER_DIED, miss_);
    code_.call(BPF_FUNC_ktime_get_boot_ns);
    code_.load(BPF_DW, 1, kTable, offsetof(FastTable, header) + offsetof(FastHeader, leaseEndNs));
    code_.jump64R(BPF_JSGE, kResult, 1, miss_);
    code_.alu64K(BPF_DIV, kResult, 1'000'000);
    code_.store(BPF_W, kKept, offsetof(FastSlot, lastSeenMs), kResult);
    code_.move(kResult, 1);
    code_.emit(BPF_STX | BPF_ATOMIC | BPF_W, kKept, kResult, offsetof(FastSlot, packets), BPF_ADD);
    countAt(code_, kNotedAt);
    code_.load(BPF_W, kResult, kContext, kLengthAt);
    code_.store(BPF_W, kCore, kVerdictAt, kResult);
    code_.move(kResult, 0);
    code_.exit();
  }

  // The slot kKept against the stack: left in register 1, or on to `differs`.
  void writeComparison(Label differs) {
    code_.move64(1, kTable);
    code_.alu64K(BPF_ADD, 1, offsetof(FastTable, slots));
    code_.aluR(BPF_MOV, 2, kKept);
    code_.aluK(BPF_AND, 2, kFastSlots - 1);
    code_.alu64K(BPF_MUL, 2, sizeof(FastSlot));
    code_.alu64R(BPF_ADD, 1, 2);
    code_.load(BPF_W, 2, 1, offsetof(FastSlot, generation));
    code_.load(BPF_W, 3, kTable, offsetof(FastTable, header) + offsetof(FastHeader, generation));
    code_.jumpR(BPF_JNE, 2, 3, differs);
    for (int at = 0; at < int(sizeof(FastIdentity)); at += 4) {
      code_.load(BPF_W, 2, 1, offsetof(FastSlot, identity) + at);
      loadWord(3, at);
      code_.jumpR(BPF_JNE, 2, 3, differs);
    }
  }

  static int sourceAt(int word) { return int(offsetof(FastIdentity, source)) + 4 * word; }
  static int destinationAt(int word) { return int(offsetof(FastIdentity, destination)) + 4 * word; }
  void storeWord(int at, int from) { code_.store(BPF_W, kStack, at - int(sizeof(FastIdentity)), from); }
  void loadWord(int to, int at) { code_.load(BPF_W, to, kStack, at - int(sizeof(FastIdentity))); }

  int table_;
  EbpfAssembler& code_;
  Label miss_;
};

}  // namespace

std::vector<bpf_insn> socketProgram(int table, const std::vector<sock_filter>& classic) {
  EbpfAssembler code;
  const Label pass = code.label();
  code.move64(kContext, 1);
  findCore(code, table);
  code.move(kResult, 0);
  code.store(BPF_W, kCore, kVerdictAt, kResult);
  PacketHead::copy(code);
  const Translated translated = translateClassic(code, table, classic, pass);
  if (translated == Translated::kNot) return {};
  if (translated == Translated::kPassesNothing) return code.finish();
  code.bind(pass);
  LookUp(table, code).write();
  code.move(kResult, kSnapLength);
  code.exit();
  return code.finish();
}

std::vector<bpf_insn> ingressProgram(int table, uint32_t into) {
  constexpr int kNext = -1;  // TCX_NEXT
  constexpr int kDrop = 2;   // TCX_DROP
  EbpfAssembler code;
  const Label next = code.label();
  const Label isOther = code.label();
  code.move64(kContext, 1);
  findCore(code, table);
  code.load(BPF_W, kKept, kCore, kVerdictAt);
  code.jumpK(BPF_JEQ, kKept, 0, next);
  code.move(kResult, 0);
  code.store(BPF_W, kCore, kVerdictAt, kResult);
  code.load(BPF_W, 1, kContext, kLengthAt);
  code.jumpR(BPF_JNE, 1, kKept, isOther);
  countAt(code, kTakenAt);
  code.move(1, int32_t(into));
  code.move(2, BPF_F_INGRESS);
  code.call(BPF_FUNC_redirect);
  code.exit();
  code.bind(isOther);
  code.aluK(BPF_OR, 1, int32_t(kFastDrop));
  code.jumpR(BPF_JNE, 1, kKept, next);
  code.move(kResult, kDrop);
  code.exit();
  code.bind(next);
  code.emit(BPF_ALU64 | BPF_MOV | BPF_K, kResult, 0, 0, kNext);
  code.exit();
  return code.finish();
}

}  // namespace covey::io

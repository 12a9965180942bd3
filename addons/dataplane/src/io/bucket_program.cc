#include "bucket_program.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "../filter/cursor.h"
#include "../filter/ethernet.h"
#include "../filter/reach.h"
#include "bpf_assembler.h"
#include "capture.h"

namespace covey::io {

namespace {

using Label = BpfAssembler::Label;

// Scratch memory of the program: both ports, a word of the client's address, the bucket.
constexpr uint32_t kPortsAt = 0;
constexpr uint32_t kWordAt = 1;
constexpr uint32_t kBucketAt = 2;

constexpr size_t kWords = kBitmapWords;

// Where things lie in an untagged frame.
constexpr uint32_t kTypeAt = 12;
constexpr uint32_t kIpAt = 14;
// Both ports, with which TCP's and UDP's headers begin.
constexpr uint32_t kPortBytes = 4;

struct Family {
  bool isIpv6;
  uint32_t protocolAt;
  uint32_t sourceAt;
  uint32_t destinationAt;
  uint32_t addressBytes;
  uint32_t networkBytes;
};
constexpr Family kIpv4{false, kIpAt + 9, kIpAt + 12, kIpAt + 16, 4, 3};
constexpr Family kIpv6{true, kIpAt + 6, kIpAt + 8, kIpAt + 24, 16, 8};

// One way to find the bucket of a packet of a family.
using Way = std::pair<Affinity, uint8_t>;

class Writer {
 public:
  // Null `sieve`: the program goes by one beside it.
  Writer(const Shape& shape, const Sieve* sieve, size_t plans)
      : shape_(shape), sieve_(sieve), plans_(plans), pass_(code_.label()), plain_(code_.label()), test_(code_.label()) {
    for (Label& tree : trees_) tree = code_.label();
  }

  std::vector<sock_filter> write(const std::vector<sock_filter>& plain) {
    writeEthernet();
    for (size_t plan = 0; plan < plans_; plan++) {
      if (isUsed_[plan]) writeTree(plan);
    }
    writeEnd();
    code_.bind(plain_);
    code_.append(plain);
    return code_.finish();
  }

 private:
  void writeEthernet() {
    const Label ipv6 = code_.label();
    const Mac& vmac = shape_.vmac;
    const Label isNotFromVmac = code_.label();
    // To the shared MAC, unicast or group; not from it.
    load(BPF_W, 0);
    code_.emit(BPF_ALU | BPF_AND | BPF_K, 0xfeffffff);
    code_.jumpUnless(BPF_JEQ, readU32(vmac.data()) & 0xfeffffff, plain_);
    load(BPF_H, 4);
    code_.jumpUnless(BPF_JEQ, readU16(&vmac[4]), plain_);
    load(BPF_W, 6);
    code_.jumpUnless(BPF_JEQ, readU32(vmac.data()), isNotFromVmac);
    load(BPF_H, 10);
    code_.jumpIf(BPF_JEQ, readU16(&vmac[4]), plain_);
    code_.bind(isNotFromVmac);
    load(BPF_H, kTypeAt);
    code_.jumpIf(BPF_JEQ, kEtherIpv6, ipv6);
    code_.jumpUnless(BPF_JEQ, kEtherIpv4, plain_);
    load(BPF_H, kIpAt + 6);
    code_.jumpIf(BPF_JSET, 0x3fff, plain_);
    writeFamily(kIpv4);
    code_.bind(ipv6);
    writeFamily(kIpv6);
  }

  void writeFamily(const Family& family) {
    const auto isOfFamily = [&](const Vip& vip) { return vip.isIpv6 == family.isIpv6; };
    if (std::none_of(shape_.vips.begin(), shape_.vips.end(), isOfFamily)) return code_.jump(plain_);
    const Label udp = code_.label();
    writeVips(family);
    family.isIpv6 ? writePortsAt(kIpAt + 40) : writeIpv4Ports();
    load(BPF_B, family.protocolAt);
    code_.jumpIf(BPF_JEQ, uint32_t(Protocol::udp), udp);
    code_.jumpUnless(BPF_JEQ, uint32_t(Protocol::tcp), plain_);
    std::map<Way, Label> ways;
    writeRules(Protocol::tcp, ways);
    code_.bind(udp);
    writeRules(Protocol::udp, ways);
    for (const auto& [way, label] : ways) {
      code_.bind(label);
      isUsed_[way.second] = true;
      writeBucket(family, way.first);
      code_.jump(trees_[way.second]);
    }
  }

  void writeVips(const Family& family) {
    const Label isOurs = code_.label();
    const uint32_t words = family.addressBytes / 4;
    for (const Vip& vip : shape_.vips) {
      if (vip.isIpv6 != family.isIpv6) continue;
      const Label next = code_.label();
      for (uint32_t word = 0; word < words; word++) {
        load(BPF_W, family.destinationAt + word * 4);
        code_.jumpUnless(BPF_JEQ, readU32(&vip.address[16 - family.addressBytes + word * 4]), next);
      }
      code_.jump(isOurs);
      code_.bind(next);
    }
    code_.jump(plain_);
    code_.bind(isOurs);
  }

  // Where a packet tells the place of its ports, the kernel calls a function for each look at them; at a fixed place it reads them by
  // itself. So the usual header, without options, has a way of its own.
  void writeIpv4Ports() {
    const Label hasOptions = code_.label();
    const Label isRead = code_.label();
    load(BPF_B, kIpAt);
    code_.jumpUnless(BPF_JEQ, 0x45, hasOptions);
    writePortsAt(kIpAt + 20);
    code_.jump(isRead);
    code_.bind(hasOptions);
    writePortsBehindOptions();
    code_.bind(isRead);
  }

  // A frame that ends before the ports, or a header of a wrong length below: for `classify` to name. Reading beyond the end would end the
  // program, and hold back silently.
  void writePortsAt(uint32_t at) {
    code_.emit(BPF_LD | BPF_W | BPF_LEN, 0);
    code_.jumpUnless(BPF_JGE, at + kPortBytes, plain_);
    load(BPF_W, at);
    code_.emit(BPF_ST, kPortsAt);
  }

  // The first byte of the IPv4 header in A.
  void writePortsBehindOptions() {
    code_.jumpUnless(BPF_JGE, 0x45, plain_);
    code_.jumpIf(BPF_JGT, 0x4f, plain_);
    code_.emit(BPF_LDX | BPF_MSH | BPF_B, kIpAt);
    code_.emit(BPF_LD | BPF_W | BPF_LEN, 0);
    code_.emit(BPF_ALU | BPF_SUB | BPF_X, 0);
    // Less than nothing.
    code_.jumpIf(BPF_JSET, 0x80000000, plain_);
    code_.jumpUnless(BPF_JGE, kIpAt + kPortBytes, plain_);
    code_.emit(BPF_LD | BPF_IND | BPF_W, kIpAt);
    code_.emit(BPF_ST, kPortsAt);
  }

  // The first entry that has the port, as in CompiledShape::ruleFor.
  void writeRules(Protocol protocol, std::map<Way, Label>& ways) {
    code_.emit(BPF_LD | BPF_MEM, kPortsAt);
    code_.emit(BPF_ALU | BPF_AND | BPF_K, 0xffff);
    for (const RuleEntry& entry : shape_.rules) {
      if (entry.protocol != protocol || entry.firstPort > entry.lastPort) continue;
      if (!entry.deny && entry.plan >= kMaxPlans) continue;
      const Label next = code_.label();
      code_.jumpUnless(BPF_JGE, entry.firstPort, next);
      code_.jumpIf(BPF_JGT, entry.lastPort, next);
      const bool isSieved = !entry.deny && entry.plan < plans_;
      if (isSieved) {
        const Way way{entry.affinity, entry.plan};
        if (ways.count(way) == 0) ways[way] = code_.label();
        code_.jump(ways[way]);
      } else {
        code_.jump(pass_);
      }
      code_.bind(next);
    }
    code_.jump(pass_);
  }

  // hashKey and bucketOf of filter/key.h: the word of the bucket is left in A, its bit in X.
  void writeBucket(const Family& family, Affinity affinity) {
    code_.emit(BPF_LDX | BPF_IMM, startHash());
    const uint32_t bytes = affinity == Affinity::network ? family.networkBytes : family.addressBytes;
    for (uint32_t at = 0; at < bytes; at += 4) {
      load(BPF_W, family.sourceAt + at);
      code_.emit(BPF_ST, kWordAt);
      addBytes(kWordAt, std::min(bytes - at, 4u));
    }
    if (affinity == Affinity::connection) addBytes(kPortsAt, 2);
    foldRight(16);
    code_.emit(BPF_ALU | BPF_MUL | BPF_K, 0x85ebca6b);
    foldRight(13);
    code_.emit(BPF_ALU | BPF_MUL | BPF_K, 0xc2b2ae35);
    foldRight(16);
    code_.emit(BPF_ALU | BPF_AND | BPF_K, kBuckets - 1);
    code_.emit(BPF_ST, kBucketAt);
    code_.emit(BPF_ALU | BPF_AND | BPF_K, 31);
    code_.emit(BPF_MISC | BPF_TAX, 0);
    code_.emit(BPF_LD | BPF_MEM, kBucketAt);
    code_.emit(BPF_ALU | BPF_RSH | BPF_K, 5);
  }

  uint32_t startHash() const { return 0x811c9dc5u ^ shape_.hashSeed; }

  // The first bytes of a word in scratch memory to the hash, which is in X before and after, and in A after.
  void addBytes(uint32_t wordAt, uint32_t count) {
    for (uint32_t at = 0; at < count; at++) {
      code_.emit(BPF_LD | BPF_MEM, wordAt);
      code_.emit(BPF_ALU | BPF_RSH | BPF_K, 24 - 8 * at);
      code_.emit(BPF_ALU | BPF_AND | BPF_K, 0xff);
      code_.emit(BPF_ALU | BPF_XOR | BPF_X, 0);
      code_.emit(BPF_ALU | BPF_MUL | BPF_K, 0x01000193);
      code_.emit(BPF_MISC | BPF_TAX, 0);
    }
  }

  // A ^= A >> bits
  void foldRight(uint32_t bits) {
    code_.emit(BPF_MISC | BPF_TAX, 0);
    code_.emit(BPF_ALU | BPF_RSH | BPF_K, bits);
    code_.emit(BPF_ALU | BPF_XOR | BPF_X, 0);
  }

  // From the number of a word in A to its bits in A, by halving.
  void writeTree(size_t plan) {
    code_.bind(trees_[plan]);
    if (sieve_ == nullptr) return code_.emit(BPF_RET | BPF_K, uint32_t(plan), kBySieve);
    std::array<uint32_t, kWords> words{};
    for (size_t word = 0; word < kWords; word++) words[word] = wordOf((*sieve_)[plan], word);
    writeNode(words, 0, kWords);
  }

  void writeNode(const std::array<uint32_t, kWords>& words, size_t first, size_t end) {
    bool isUniform = true;
    for (size_t word = first; word < end; word++) isUniform = isUniform && words[word] == words[first];
    if (isUniform) {
      code_.emit(BPF_LD | BPF_IMM, words[first]);
      return code_.jump(test_);
    }
    const size_t middle = (first + end) / 2;
    const Label right = code_.label();
    code_.jumpIf(BPF_JGE, uint32_t(middle), right);
    writeNode(words, first, middle);
    code_.bind(right);
    writeNode(words, middle, end);
  }

  void writeEnd() {
    if (sieve_ != nullptr) {
      code_.bind(test_);
      code_.emit(BPF_ALU | BPF_RSH | BPF_X, 0);
      code_.jumpIf(BPF_JSET, 1, pass_);
      code_.emit(BPF_RET | BPF_K, 0, kOfAnotherNode);
    }
    code_.bind(pass_);
    code_.emit(BPF_RET | BPF_K, kSnapLength);
  }

  void load(uint16_t size, uint32_t at) { code_.emit(uint16_t(BPF_LD | BPF_ABS | size), at); }

  const Shape& shape_;
  const Sieve* const sieve_;
  // Plans below this number have a tree.
  const size_t plans_;
  BpfAssembler code_;
  Label pass_;
  Label plain_;
  Label test_;
  std::array<Label, kMaxPlans> trees_{};
  std::array<bool, kMaxPlans> isUsed_{};
};

}  // namespace

static std::vector<sock_filter> longestProgram(const Shape& shape, const Sieve* sieve, const std::vector<sock_filter>& plain) {
  size_t plans = 0;
  for (const RuleEntry& entry : shape.rules) {
    if (!entry.deny && entry.plan < kMaxPlans) plans = std::max<size_t>(plans, entry.plan + 1u);
  }
  for (; plans > 0; plans--) {
    auto program = Writer(shape, sieve, plans).write(plain);
    if (!program.empty()) return program;
  }
  return {};
}

std::vector<sock_filter> bucketProgram(const Shape& shape, const Sieve& sieve, const std::vector<sock_filter>& plain) {
  return longestProgram(shape, &sieve, plain);
}

std::vector<sock_filter> sieveProgram(const Shape& shape, const std::vector<sock_filter>& plain) {
  return longestProgram(shape, nullptr, plain);
}

}  // namespace covey::io

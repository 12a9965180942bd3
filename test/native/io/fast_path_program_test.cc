// The kernel's part of the fast path, run by the kernel: what it passes against libpcap's reading of the classic program, what it takes
// against the model of fast_path_model.h.
#include "io/fast_path_program.h"

#include <arpa/inet.h>
#include <linux/futex.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <thread>

#include "check.h"
#include "classic_oracle.h"
#include "fast_path_model.h"
#include "filter/filter.h"
#include "filter_comparison.h"
#include "io/bucket_program.h"
#include "io/capture.h"
#include "io/clock.h"
#include "io/ebpf.h"
#include "io/kernel_fast_path.h"
#include "io/prefilter.h"
#include "io/shared_table.h"
#include "random_frames.h"

using namespace covey;
using namespace covey::io;
using namespace frames;
using oracle::Outcome;

namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
constexpr uint32_t kEthernetBytes = 14;
const std::vector<sock_filter> kLetAllPass = {BPF_STMT(BPF_RET | BPF_K, kSnapLength)};

// One core for all that a test does: the programs note what they say by the number of their core.
class OneCore {
 public:
  OneCore() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    number = ::sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(size_t(number), &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  ~OneCore() { ::sched_setaffinity(0, sizeof before_, &before_); }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

  int number;

 private:
  cpu_set_t before_;
};

struct Kernel {
  // Only a kernel that refuses is a reason to skip.
  bool open() {
    if (shared.open(sizeof(FastTable), &error)) {
      table().header.generation = 1;
      fastpath::setLife(table(), 1);
      return true;
    }
    if (error.number == EPERM || error.number == ENOSYS) {
      check::skip(error.message);
    } else {
      check::fail(__FILE__, __LINE__, error.message);
    }
    return false;
  }
  FastTable& table() { return *static_cast<FastTable*>(shared.memory()); }
  uint32_t& verdict() { return table().cores[size_t(core.number)].verdict; }

  bool load(const std::vector<sock_filter>& classic) {
    program = loadProgram(BPF_PROG_TYPE_SOCKET_FILTER, socketProgram(shared.descriptor(), classic), &error);
    if (!program) check::fail(__FILE__, __LINE__, error.message);
    return bool(program);
  }
  bool loadIngress(uint32_t into) {
    program = loadProgram(BPF_PROG_TYPE_SCHED_CLS, ingressProgram(shared.descriptor(), into), &error);
    if (!program) check::fail(__FILE__, __LINE__, error.message);
    return bool(program);
  }

  // What the program returns for these bytes.
  uint32_t run(const Bytes& bytes) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.test.prog_fd = uint32_t(program.get());
    attributes.test.data_in = reinterpret_cast<uintptr_t>(bytes.data());
    attributes.test.data_size_in = uint32_t(bytes.size());
    attributes.test.repeat = 1;
    const long failed = ::syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes);
    if (failed != 0) check::fail(__FILE__, __LINE__, std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
    return attributes.test.retval;
  }
  // A packet socket's program; the kernel takes an Ethernet header off before it runs it here, which it does not on a socket.
  uint32_t runSocket(const Bytes& frame) {
    Bytes bytes(kEthernetBytes, 0);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    return run(bytes);
  }

  OneCore core;
  SharedTable shared;
  UniqueFd program;
  SystemError error;
};

// Names of connections as FastPath opens them.
void openSlots(FastPath& path, const std::vector<Bytes>& all) {
  for (const Bytes& frame : all) {
    FastFlow flow;
    if (!fastpath::identify(frame, flow.identity)) continue;
    path.propose(flow, 1);
    path.propose(flow, 6);
    path.open(true, 6);
  }
}

// Frames of some connections, most of them with all in place.
std::vector<Bytes> someConnections(Random& random, size_t count) {
  std::vector<Bytes> all;
  while (all.size() < count) {
    Bytes frame = randomFrame(random);
    FastIdentity identity;
    if (fastpath::identify(frame, identity)) all.push_back(std::move(frame));
  }
  return all;
}

// Of a known connection, with something else in it now and then.
Bytes alteredFrame(Random& random, const std::vector<Bytes>& all) {
  Bytes frame = random.chance(8) ? randomFrame(random) : all[random.below(uint32_t(all.size()))];
  const size_t flagsAt = frame.size() > 12 && frame[12] == 0x86 ? 54 + 13 : 34 + 13;
  if (random.chance(4) && frame.size() > flagsAt) frame[flagsAt] = uint8_t(random.below(256));
  if (random.chance(5) && !frame.empty()) frame[random.below(uint32_t(frame.size()))] ^= uint8_t(1u << random.below(8));
  if (random.chance(12)) frame.resize(random.below(uint32_t(frame.size()) + 1));
  if (random.chance(12)) frame.resize(frame.size() + random.below(1400));
  if (frame.empty()) frame.push_back(0);
  return frame;
}

struct Case {
  Shape shape;
  uint32_t oneIn;
};

}  // namespace

TEST("the kernel passes what the classic program passes, and knows another node's frames by the same instruction") {
  Kernel kernel;
  if (!kernel.open()) return;
  const Case cases[] = {{shapeOf(), 2}, {shapeOf(0x9e3779b9), 3}, {shapeOf(77), 4000}, {manyPlans(), 2}};
  uint32_t passed = 0, others = 0, wrong = 0, wronglyNoted = 0;
  uint64_t seed = 1;
  for (const Case& one : cases) {
    Random random(seed++);
    std::vector<uint64_t> counters(kCounterCount);
    Filter filter({kOwnMac, 16, 65536, 1024, counters.data()});
    filter.setShape(one.shape);
    class : public Sink {
      void inject(const Accepted&) override {}
      void answer(const uint8_t*, size_t) override {}
      void relay(const FrameView&, const Accepted&, const Mac&) override {}
    } sink;
    for (uint8_t plan = 0; plan < kMaxPlans; plan++) filter.own(plan, bucketsOf(random, one.oneIn), 1000, sink);
    SystemError error;
    const auto plain = prefilterFor(one.shape, &error);
    const Sieve sieve = filter.sieve();
    for (size_t plan = 0; plan < kMaxPlans; plan++) {
      for (size_t word = 0; word < kBitmapWords; word++) kernel.table().sieve[plan][word] = wordOf(sieve[plan], word);
    }
    const auto exact = bucketProgram(one.shape, sieve, plain);
    // What is loaded, and what says how it should judge. Of many plans the classic program knows some only.
    std::vector<std::pair<std::vector<sock_filter>, std::vector<sock_filter>>> programs = {{exact, exact}, {plain, plain}};
    if (one.shape.rules.size() < kMaxPlans) programs.push_back({sieveProgram(one.shape, plain), exact});
    for (const auto& [loaded, classic] : programs) {
      CHECK(!loaded.empty());
      CHECK(!classic.empty());
      if (!kernel.load(loaded)) return;
      for (uint32_t i = 0; i < 30'000; i++) {
        Bytes frame = randomFrame(random);
        if (frame.empty()) frame.push_back(0);
        const Outcome outcome = oracle::run(classic, frame);
        const uint32_t result = kernel.runSocket(frame);
        const uint32_t verdict = kernel.verdict();
        passed += outcome == Outcome::kPassed;
        others += outcome == Outcome::kOfAnotherNode;
        wrong += result != (outcome == Outcome::kPassed ? uint32_t(kSnapLength) : 0u);
        wronglyNoted += verdict != (outcome == Outcome::kOfAnotherNode ? uint32_t(frame.size()) | kFastDrop : 0u);
      }
    }
  }
  CHECK_EQ(wrong, 0u);
  CHECK_EQ(wronglyNoted, 0u);
  CHECK(passed > 50'000);
  CHECK(others > 5'000);
}

TEST("what runs with the fast path agrees with the classifier on a million random packets") {
  Kernel kernel;
  if (!kernel.open()) return;
  comparison::Tally sum;
  for (uint32_t round = 0; round < 10; round++) {
    const Shape shape = shapeOf(round * 0x9e3779b9u);
    const auto load = [&](const Sieve& sieve, const std::vector<sock_filter>& plain) {
      for (size_t plan = 0; plan < kMaxPlans; plan++) {
        for (size_t word = 0; word < kBitmapWords; word++) kernel.table().sieve[plan][word] = wordOf(sieve[plan], word);
      }
      kernel.load(sieveProgram(shape, plain));
    };
    // The kernel's test runs take no frame of nothing.
    const auto passes = [&](const Bytes& frame) { return kernel.runSocket(frame.empty() ? Bytes(1) : frame) != 0; };
    const auto plainPasses = [](const std::vector<sock_filter>& plain, const Bytes& frame) {
      return oracle::run(plain, frame) == Outcome::kPassed;
    };
    sum.add(comparison::compare(shape, 100'000, 177 + round, true, load, passes, plainPasses));
  }
  CHECK_EQ(sum.wronglyHeldBack, 0u);
  CHECK_EQ(sum.wronglyPassed, 0u);
  CHECK(sum.heldBack > 200'000);
  CHECK(sum.accepted > 20'000);
}

TEST("the kernel takes what the model takes, and notes the same") {
  Kernel kernel;
  if (!kernel.open() || !kernel.load(kLetAllPass)) return;
  Random random(11);
  const auto all = someConnections(random, 600);
  FastPath path;
  path.use(&kernel.table());
  path.setLease(kForever);
  openSlots(path, std::vector<Bytes>(all.begin(), all.begin() + 400));
  CHECK(path.count() > 300);
  const auto model = std::make_unique<FastTable>(kernel.table());
  uint32_t taken = 0, wrong = 0, wronglyNoted = 0, wronglySeen = 0;
  for (uint32_t i = 0; i < 200'000; i++) {
    const Bytes frame = alteredFrame(random, all);
    const int64_t beforeNs = bootTimeNs();
    const bool isTaken = fastpath::kernelTakes(*model, frame, beforeNs);
    taken += isTaken;
    wrong += kernel.runSocket(frame) != (isTaken ? 0u : uint32_t(kSnapLength));
    wronglyNoted += kernel.verdict() != (isTaken ? uint32_t(frame.size()) : 0u);
    if (!isTaken) continue;
    FastIdentity identity;
    fastpath::identify(frame, identity);
    const FastSlot* const slot = fastpath::openSlotOf(kernel.table(), identity);
    const uint32_t first = uint32_t(beforeNs / 1'000'000), last = uint32_t(bootTimeNs() / 1'000'000);
    wronglySeen += slot->lastSeenMs - first > last - first;
  }
  CHECK_EQ(wrong, 0u);
  CHECK_EQ(wronglyNoted, 0u);
  CHECK_EQ(wronglySeen, 0u);
  CHECK(taken > 50'000);
  CHECK(taken < 150'000);
  for (size_t at = 0; at < kFastSlots; at++) {
    if (kernel.table().slots[at].packets != model->slots[at].packets) return CHECK_EQ(at, kFastSlots);
  }
}

TEST("behind a program for buckets, only what it passes is looked up") {
  Kernel kernel;
  if (!kernel.open()) return;
  SystemError error;
  const Shape shape = shapeOf();
  Sieve sieve{};
  Random buckets(3);
  for (Bitmap& plan : sieve) plan = bucketsOf(buckets, 2);
  const auto classic = bucketProgram(shape, sieve, prefilterFor(shape, &error));
  if (!kernel.load(classic)) return;
  Random random(12);
  const auto all = someConnections(random, 400);
  FastPath path;
  path.use(&kernel.table());
  path.setLease(kForever);
  openSlots(path, all);
  uint32_t taken = 0, heldBack = 0, wrong = 0;
  for (uint32_t i = 0; i < 50'000; i++) {
    const Bytes frame = alteredFrame(random, all);
    FastIdentity identity;
    const Outcome outcome = oracle::run(classic, frame);
    const bool isOpen = fastpath::identify(frame, identity) && fastpath::openSlotOf(kernel.table(), identity) != nullptr;
    const bool isTaken = outcome == Outcome::kPassed && isOpen;
    taken += isTaken;
    heldBack += outcome != Outcome::kPassed && isOpen;
    wrong += kernel.runSocket(frame) != (outcome == Outcome::kPassed && !isOpen ? uint32_t(kSnapLength) : 0u);
    wrong += kernel.verdict() != (isTaken ? uint32_t(frame.size()) : outcome == Outcome::kOfAnotherNode ? uint32_t(frame.size()) | kFastDrop : 0u);
  }
  CHECK_EQ(wrong, 0u);
  CHECK(taken > 5'000);
  CHECK(heldBack > 5'000);
}

TEST("without a lease, after its end and with another generation the kernel takes nothing") {
  Kernel kernel;
  if (!kernel.open() || !kernel.load(kLetAllPass)) return;
  Random random(13);
  const auto all = someConnections(random, 200);
  FastPath path;
  path.use(&kernel.table());
  openSlots(path, all);
  const auto taken = [&] {
    size_t count = 0;
    for (const Bytes& frame : all) count += kernel.runSocket(frame) == 0;
    return count;
  };
  CHECK_EQ(taken(), 0u);
  path.setLease(bootTimeNs());
  CHECK_EQ(taken(), 0u);
  path.setLease(bootTimeNs() + 3'600'000'000'000);
  CHECK(taken() > 150);
  path.setLease(-1);
  CHECK_EQ(taken(), 0u);
  path.setLease(kForever);
  kernel.table().header.generation++;
  CHECK_EQ(taken(), 0u);
  kernel.table().header.generation--;
  CHECK(taken() > 150);
  fastpath::setLife(kernel.table(), 0);
  CHECK_EQ(taken(), 0u);
  fastpath::setLife(kernel.table(), 1 | FUTEX_OWNER_DIED);
  CHECK_EQ(taken(), 0u);
  fastpath::setLife(kernel.table(), 1 | FUTEX_WAITERS);
  CHECK(taken() > 150);
  path.closeAll([](const FastFlow&, uint32_t, uint32_t) {});
  CHECK_EQ(taken(), 0u);
}

TEST("a packet thread that is killed is marked by the kernel before anyone hears of it, one that ends takes its word back") {
  SystemError error;
  const auto path = KernelFastPath::open("lo", &error);
  if (!path) return error.number == EPERM || error.number == ENOSYS ? check::skip(error.message) : check::fail(__FILE__, __LINE__, error.message);
  CHECK_EQ(fastpath::lifeOf(*path->table()), 0u);
  path->beginLife();
  CHECK(fastpath::lifeOf(*path->table()) != 0);
  path->endLife();
  CHECK_EQ(fastpath::lifeOf(*path->table()), 0u);
  const pid_t child = ::fork();
  if (child == 0) {
    path->beginLife();
    for (;;) ::pause();
  }
  while (fastpath::lifeOf(*path->table()) == 0) ::sched_yield();
  CHECK_EQ(fastpath::lifeOf(*path->table()) & FUTEX_OWNER_DIED, 0u);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_EQ(fastpath::lifeOf(*path->table()) & FUTEX_OWNER_DIED, uint32_t(FUTEX_OWNER_DIED));
}

TEST("programs that let all pass, none, or that hold all back as another's are loaded") {
  Kernel kernel;
  if (!kernel.open()) return;
  Random random(14);
  const Bytes frame = someConnections(random, 1)[0];
  const sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_filter others{BPF_RET | BPF_K, kOfAnotherNode, 0, 0};
  CHECK(kernel.load(kLetAllPass));
  CHECK_EQ(kernel.runSocket(frame), uint32_t(kSnapLength));
  CHECK(kernel.load({nothing}));
  CHECK_EQ(kernel.runSocket(frame), 0u);
  CHECK_EQ(kernel.verdict(), 0u);
  CHECK(kernel.load({others}));
  CHECK_EQ(kernel.runSocket(frame), 0u);
  CHECK_EQ(kernel.verdict(), uint32_t(frame.size()) | kFastDrop);
  CHECK(kernel.load(rejectAllBpf()));
  Shape shape = shapeOf();
  SystemError error;
  const auto plain = prefilterFor(shape, &error);
  Sieve all{};
  CHECK(kernel.load(bucketProgram(shape, all, plain)));
  for (Bitmap& plan : all) plan.fill(0xff);
  CHECK(kernel.load(bucketProgram(shape, all, plain)));
}

namespace {

// Any instruction that a program may have, in any order. Registers and scratch words have a value from the start, and the last one returns.
std::vector<sock_filter> randomProgram(Random& random) {
  constexpr uint32_t kLength = 60;
  const uint16_t sizes[] = {BPF_W, BPF_H, BPF_B};
  const uint16_t operations[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR, BPF_AND, BPF_XOR};
  const uint16_t tests[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
  std::vector<sock_filter> program;
  for (uint32_t word = 0; word < BPF_MEMWORDS; word++) program.push_back(BPF_STMT(BPF_ST, word));
  while (program.size() < kLength - 1) {
    const auto size = sizes[random.below(3)];
    const uint32_t word = random.below(BPF_MEMWORDS), value = random.chance(2) ? random.below(64) : uint32_t(random.next());
    const uint32_t ahead = kLength - 2 - uint32_t(program.size());
    const auto source = uint16_t(random.chance(2) ? BPF_X : BPF_K);
    switch (random.below(14)) {
      case 0: program.push_back(BPF_STMT(uint16_t(BPF_LD | BPF_ABS | size), random.below(54))); break;
      case 1: program.push_back(BPF_STMT(uint16_t(BPF_LDX | BPF_MSH | BPF_B), random.below(40))); break;
      case 2:
        program.push_back(BPF_STMT(BPF_LDX | BPF_MSH | BPF_B, random.below(40)));
        if (program.size() < kLength - 1) program.push_back(BPF_STMT(uint16_t(BPF_LD | BPF_IND | size), random.below(20)));
        break;
      case 3: program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0)); break;
      case 4: program.push_back(BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0)); break;
      case 5: program.push_back(BPF_STMT(uint16_t((random.chance(2) ? BPF_LD : BPF_LDX) | BPF_MEM), word)); break;
      case 6: program.push_back(BPF_STMT(uint16_t((random.chance(2) ? BPF_LD : BPF_LDX) | BPF_IMM), value)); break;
      case 7: program.push_back(BPF_STMT(uint16_t(random.chance(2) ? BPF_ST : BPF_STX), word)); break;
      case 8: program.push_back(BPF_STMT(uint16_t(BPF_MISC | (random.chance(2) ? BPF_TAX : BPF_TXA)), 0)); break;
      case 9: program.push_back(BPF_STMT(uint16_t(BPF_ALU | (random.chance(2) ? BPF_LSH : BPF_RSH) | BPF_K), random.below(32))); break;
      case 10:
      case 11: program.push_back(BPF_STMT(uint16_t(BPF_ALU | operations[random.below(6)] | source), value)); break;
      case 12: {
        // One way leads on, so that nothing is out of reach: libpcap leaves no such thing, and the kernel refuses it.
        const auto distance = uint8_t(random.below(std::min(ahead, 6u) + 1));
        const bool isIfTrue = random.chance(2);
        const auto test = uint16_t(BPF_JMP | tests[random.below(4)] | source);
        program.push_back(BPF_JUMP(test, value, uint8_t(isIfTrue ? distance : 0), uint8_t(isIfTrue ? 0 : distance)));
        break;
      }
      default:
        if (!random.chance(3)) break;
        // With a way around it.
        if (ahead < 2) break;
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1u << random.below(8), 1, 0));
        program.push_back(sock_filter{BPF_RET | BPF_K, uint8_t(random.below(2)), 0, random.below(2)});
    }
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, 1));
  return program;
}

}  // namespace

TEST("programs of any instructions mean the same to the kernel as to libpcap") {
  Kernel kernel;
  if (!kernel.open()) return;
  Random random(17);
  uint32_t passed = 0, wrong = 0;
  for (uint32_t round = 0; round < 400; round++) {
    const auto classic = randomProgram(random);
    if (!kernel.load(classic)) return;
    for (uint32_t i = 0; i < 50; i++) {
      Bytes frame = randomFrame(random);
      if (frame.empty()) frame.push_back(0);
      const Outcome outcome = oracle::run(classic, frame);
      passed += outcome == Outcome::kPassed;
      wrong += kernel.runSocket(frame) != (outcome == Outcome::kPassed ? uint32_t(kSnapLength) : 0u);
      wrong += kernel.verdict() != (outcome == Outcome::kOfAnotherNode ? uint32_t(frame.size()) | kFastDrop : 0u);
    }
  }
  CHECK_EQ(wrong, 0u);
  CHECK(passed > 2'000);
  CHECK(passed < 18'000);
}

TEST("every look at the packet reads what lies there, and ends the program where the frame has ended") {
  Kernel kernel;
  if (!kernel.open()) return;
  Random random(18);
  Bytes whole;
  while (whole.size() < 100) whole.push_back(uint8_t(random.next()));
  const std::pair<uint16_t, uint32_t> sizes[] = {{BPF_W, 4}, {BPF_H, 2}, {BPF_B, 1}};
  uint32_t wrong = 0;
  for (const auto& [size, bytes] : sizes) {
    for (uint32_t at = 0; at + bytes <= whole.size(); at++) {
      uint32_t value = 0;
      for (uint32_t i = 0; i < bytes; i++) value = value << 8 | whole[at + i];
      const sock_filter look = BPF_STMT(uint16_t(BPF_LD | BPF_ABS | size), at);
      const sock_filter isEqual = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
      if (!kernel.load({look, isEqual, kLetAllPass[0], BPF_STMT(BPF_RET | BPF_K, 0)})) return;
      wrong += kernel.runSocket(whole) == 0;
      wrong += kernel.runSocket(Bytes(whole.begin(), whole.begin() + at + bytes)) == 0;
      // Zeros behind the end would pass here.
      if (!kernel.load({look, kLetAllPass[0]})) return;
      if (at + bytes > 1) wrong += kernel.runSocket(Bytes(whole.begin(), whole.begin() + at + bytes - 1)) != 0;
    }
  }
  CHECK_EQ(wrong, 0u);
}

TEST("what has no counterpart is refused, not translated wrongly") {
  Kernel kernel;
  if (!kernel.open()) return;
  const std::vector<sock_filter> refused[] = {
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, uint32_t(SKF_AD_OFF + SKF_AD_VLAN_TAG)), kLetAllPass[0]},
      {BPF_STMT(BPF_LD | BPF_W | BPF_MEM, BPF_MEMWORDS), kLetAllPass[0]},
      {BPF_STMT(BPF_RET | BPF_A, 0)},
      {BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), kLetAllPass[0]},
      {BPF_STMT(BPF_ALU | BPF_MOD | BPF_X, 0), kLetAllPass[0]},
      {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 7, 0), kLetAllPass[0]},
  };
  for (const auto& classic : refused) CHECK(socketProgram(kernel.shared.descriptor(), classic).empty());
}

TEST("at the interface, what is noted for the frame is done once") {
  constexpr uint32_t kNext = uint32_t(-1), kDrop = 2, kRedirect = 7;
  Kernel kernel;
  if (!kernel.open() || !kernel.loadIngress(1)) return;
  Random random(15);
  const Bytes frame = someConnections(random, 1)[0];
  const auto length = uint32_t(frame.size());
  const auto outcome = [&](uint32_t noted) {
    kernel.verdict() = noted;
    const uint32_t result = kernel.run(frame);
    CHECK_EQ(kernel.verdict(), 0u);
    return result;
  };
  const uint64_t& taken = kernel.table().cores[size_t(kernel.core.number)].taken;
  CHECK_EQ(outcome(0), kNext);
  CHECK_EQ(taken, 0u);
  CHECK_EQ(outcome(length), kRedirect);
  CHECK_EQ(taken, 1u);
  CHECK_EQ(outcome(length | kFastDrop), kDrop);
  CHECK_EQ(kernel.run(frame), kNext);
  for (const uint32_t other : {length - 1, length + 1}) {
    CHECK_EQ(outcome(other), kNext);
    CHECK_EQ(outcome(other | kFastDrop), kNext);
  }
  CHECK_EQ(taken, 1u);
}

namespace {

// The loopback interface of a network namespace that only this thread is in.
struct Loopback {
  bool open() {
    if (::unshare(CLONE_NEWNET) != 0) return false;
    reader.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    writer.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    const int on = 1;
    const timeval second{1, 0};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = int(::if_nametoindex("lo"));
    address.sll_halen = 6;
    return ::ioctl(writer.get(), SIOCSIFFLAGS, &request) == 0 &&
           ::setsockopt(reader.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0 &&
           ::setsockopt(reader.get(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0 &&
           ::bind(reader.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  void send(const Bytes& frame) {
    const ssize_t sent = ::sendto(writer.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    CHECK_EQ(sent, ssize_t(frame.size()));
  }
  // Bytes of the next frame that passes.
  size_t receive() {
    uint8_t buffer[2048];
    return size_t(::recv(reader.get(), buffer, sizeof buffer, 0));
  }

  UniqueFd reader, writer;
  sockaddr_ll address{};
};

Bytes withTag(const Bytes& frame) {
  Bytes all(frame.begin(), frame.begin() + 12);
  all.insert(all.end(), {0x81, 0, 0, 5});
  all.insert(all.end(), frame.begin() + 12, frame.end());
  return all;
}

void takeFromSocket() {
  Kernel kernel;
  Loopback loopback;
  if (!kernel.open() || !kernel.load(kLetAllPass)) return;
  CHECK(loopback.open());
  const int program = kernel.program.get();
  CHECK_EQ(::setsockopt(loopback.reader.get(), SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program), 0);
  Random random(16);
  const auto frames = someConnections(random, 2);
  const Bytes &open = frames[0], &strange = frames[1];
  FastPath path;
  path.use(&kernel.table());
  path.setLease(kForever);
  openSlots(path, {open});
  FastIdentity identity;
  fastpath::identify(open, identity);
  FastSlot& slot = *fastpath::openSlotOf(kernel.table(), identity);
  const auto packets = [&] { return __atomic_load_n(&slot.packets, __ATOMIC_RELAXED); };
  // What passes comes after what was taken before it.
  loopback.send(open);
  loopback.send(strange);
  CHECK_EQ(loopback.receive(), strange.size());
  CHECK_EQ(packets(), 1u);
  // The kernel takes the tag out of the bytes, so that the rest looks the same.
  loopback.send(withTag(open));
  CHECK_EQ(loopback.receive(), open.size());
  CHECK_EQ(packets(), 1u);
  // Nor is a tagged frame another node's.
  const sock_filter others{BPF_RET | BPF_K, kOfAnotherNode, 0, 0};
  if (!kernel.load({others})) return;
  const int other = kernel.program.get();
  CHECK_EQ(::setsockopt(loopback.reader.get(), SOL_SOCKET, SO_ATTACH_BPF, &other, sizeof other), 0);
  // The program ends before this thread goes on, since it runs on the same core, and at once says something else than this.
  constexpr uint32_t kUntouched = 1;
  const auto noted = [&](const Bytes& frame) {
    kernel.verdict() = kUntouched;
    loopback.send(frame);
    const int64_t endNs = bootTimeNs() + 1'000'000'000;
    while (__atomic_load_n(&kernel.verdict(), __ATOMIC_RELAXED) == kUntouched && bootTimeNs() < endNs) ::sched_yield();
    return kernel.verdict();
  };
  CHECK_EQ(noted(open), uint32_t(open.size()) | kFastDrop);
  CHECK_EQ(noted(withTag(open)), 0u);
}

}  // namespace

TEST("on a packet socket the program sees the frame from its Ethernet header on, and tags that are in it no longer") {
  std::thread(takeFromSocket).join();
}

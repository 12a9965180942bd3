// Commands and shapes as bytes: what is valid, and that nothing else is read or crashes.
#include "io/codec.h"

#include <memory>
#include <random>

#include "check.h"
#include "io/control_frame.h"

using namespace covey;
using namespace covey::io;

namespace {

using Bytes = std::vector<uint8_t>;

void put(Bytes& to, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; i++) to.push_back(uint8_t(value >> (8 * i)));
}

// own(plan 3, one bucket), honour(keeper 7, one keep), drop-keeper(9, all plans), list-ended(5, all, plan 1).
Bytes validOps() {
  Bytes bytes;
  put(bytes, kAbi, 1);
  put(bytes, 4, 4);
  put(bytes, 0, 1);
  put(bytes, 3, 1);
  bytes.insert(bytes.end(), 512, 0);
  bytes[bytes.size() - 512] = 0x10;
  put(bytes, 6, 1);
  put(bytes, 1, 4);
  put(bytes, 7, 2);
  put(bytes, 1, 4);
  bytes.insert(bytes.end(), kKeepBytes, 0xab);
  put(bytes, 10, 1);
  put(bytes, 9, 2);
  put(bytes, 0, 1);
  put(bytes, 13, 1);
  put(bytes, 5, 4);
  put(bytes, 1, 1);
  put(bytes, 1, 1);
  put(bytes, 1, 1);
  bytes.insert(bytes.end(), 512, 0xff);
  return bytes;
}

// One `reach`: relay, two members of which we are the second, one plan.
Bytes validReach(uint8_t mode = 0, uint8_t self = 1, uint8_t plans = 1) {
  Bytes bytes;
  put(bytes, kAbi, 1);
  put(bytes, 1, 4);
  put(bytes, 14, 1);
  put(bytes, mode, 1);
  put(bytes, self, 1);
  put(bytes, 2, 1);
  bytes.insert(bytes.end(), {2, 0, 0, 0, 0, 1, 1});
  bytes.insert(bytes.end(), {2, 0, 0, 0, 0, 2, 0});
  put(bytes, plans, 1);
  for (uint8_t plan = 0; plan < plans; plan++) {
    for (uint64_t bucket = 0; bucket < kBuckets; bucket++) put(bytes, bucket | (uint64_t{1} << 63), 8);
    bytes.insert(bytes.end(), kBuckets, 255);
  }
  return bytes;
}

Bytes validShape(int32_t vlan = kUntagged) {
  Bytes bytes;
  put(bytes, kAbi, 1);
  put(bytes, 0x12345678, 4);
  bytes.insert(bytes.end(), {2, 1, 2, 3, 4, 5});
  put(bytes, uint32_t(vlan), 4);
  put(bytes, 1, 4);
  put(bytes, 0, 1);
  bytes.insert(bytes.end(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 0, 50});
  put(bytes, 1, 4);
  put(bytes, 4, 4);
  put(bytes, 6, 1);
  put(bytes, 80, 2);
  put(bytes, 443, 2);
  put(bytes, 1, 1);
  put(bytes, 7, 1);
  put(bytes, 0, 1);
  put(bytes, 5000, 4);
  put(bytes, 3, 2);
  return bytes;
}

template <class Decode>
void refuseEveryCut(const Bytes& valid, Decode decode) {
  for (size_t length = 0; length < valid.size(); length++) {
    // A copy of exactly this length, so that the address sanitizer sees a read beyond it.
    const Bytes cut(valid.begin(), valid.begin() + long(length));
    CHECK(!decode(cut));
  }
  Bytes longer = valid;
  longer.push_back(0);
  CHECK(!decode(longer));
}

template <class Decode>
void surviveMutations(const Bytes& valid, Decode decode) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; i++) {
    Bytes mutated = valid;
    for (unsigned j = 0; j < 1 + random() % 8; j++) mutated[random() % mutated.size()] = uint8_t(random());
    if (random() % 2 == 0) mutated.resize(random() % mutated.size());
    decode(mutated);
  }
}

bool opsDecode(const Bytes& bytes) {
  std::vector<TableOp> ops;
  return decodeOps(bytes.data(), bytes.size(), &ops);
}

bool shapeDecodes(const Bytes& bytes) {
  Shape shape;
  return decodeShape(bytes.data(), bytes.size(), &shape);
}

}  // namespace

TEST("table commands are read field by field") {
  const Bytes bytes = validOps();
  std::vector<TableOp> ops;
  CHECK(decodeOps(bytes.data(), bytes.size(), &ops));
  CHECK_EQ(ops.size(), size_t{4});
  CHECK(ops[0].kind == TableOpKind::own && ops[0].plan == 3 && ops[0].buckets[0] == 0x10);
  CHECK(ops[1].kind == TableOpKind::honour && ops[1].groups[0].keeper == 7);
  CHECK_EQ(ops[1].groups[0].keeps.size(), kKeepBytes);
  CHECK(ops[2].kind == TableOpKind::dropKeeper && ops[2].keeper == 9 && !ops[2].hasBuckets);
  CHECK(ops[3].limit == 5 && ops[3].all && ops[3].hasBuckets && ops[3].plan == 1 && ops[3].buckets[511] == 0xff);
}

TEST("cut-off, over-long and mutated table commands are refused and read nothing beyond their end") {
  refuseEveryCut(validOps(), opsDecode);
  surviveMutations(validOps(), opsDecode);
}

TEST("table commands of another ABI, of an unknown kind, or of plan 8 are refused") {
  for (const auto& [offset, value] : {std::pair<size_t, uint8_t>{0, kAbi + 1}, {5, 14}, {6, 8}}) {
    Bytes bytes = validOps();
    bytes[offset] = value;
    CHECK(!opsDecode(bytes));
  }
}

TEST("a count of keeps beyond the bytes is refused before anything is allocated") {
  Bytes bytes;
  put(bytes, kAbi, 1);
  put(bytes, 1, 4);
  put(bytes, 12, 1);
  put(bytes, 0xffffffff, 4);
  CHECK(!opsDecode(bytes));
}

TEST("a shape is read field by field") {
  const Bytes bytes = validShape();
  Shape shape;
  CHECK(decodeShape(bytes.data(), bytes.size(), &shape));
  CHECK_EQ(shape.hashSeed, 0x12345678u);
  CHECK(shape.vips.size() == 1 && !shape.vips[0].isIpv6 && shape.vips[0].address[15] == 50);
  const RuleEntry& rule = shape.rules.at(0);
  CHECK(rule.rule == 4 && rule.protocol == Protocol::tcp && rule.firstPort == 80 && rule.lastPort == 443);
  CHECK(rule.affinity == Affinity::connection && rule.plan == 7 && !rule.deny && rule.holdMs == 5000);
  CHECK_EQ(rule.slot, 3u);
}

TEST("cut-off, over-long and mutated shapes are refused and read nothing beyond their end") {
  refuseEveryCut(validShape(), shapeDecodes);
  surviveMutations(validShape(), shapeDecodes);
}

TEST("VLAN ids that no frame has are refused") {
  CHECK(shapeDecodes(validShape(1)) && shapeDecodes(validShape(4094)));
  CHECK(!shapeDecodes(validShape(0)) && !shapeDecodes(validShape(4095)) && !shapeDecodes(validShape(-2)));
}

TEST("a control frame is padded, and gives back its payload without the padding") {
  const Bytes payload{1, 2, 3};
  Bytes frame = encodeControlFrame(payload.data(), payload.size());
  CHECK_EQ(frame.size(), size_t{60});
  frame[11] = 9;
  ControlFrame decoded;
  CHECK(decodeControlFrame(frame.data(), frame.size(), &decoded));
  CHECK(decoded.payload == payload && decoded.source == (Mac{0, 0, 0, 0, 0, 9}));
}

TEST("a control frame says whether it may wait") {
  const Bytes payload(kMaxControlPayload, 7);
  ControlFrame decoded;
  for (const bool mayWait : {false, true}) {
    const Bytes frame = encodeControlFrame(payload.data(), payload.size(), mayWait);
    CHECK(decodeControlFrame(frame.data(), frame.size(), &decoded));
    CHECK(decoded.mayWait == mayWait && decoded.payload == payload);
  }
}

TEST("control frames that are cut off, empty, too long or of another EtherType are malformed") {
  const Bytes payload(kMaxControlPayload, 7);
  const Bytes valid = encodeControlFrame(payload.data(), payload.size());
  ControlFrame decoded;
  CHECK(decodeControlFrame(valid.data(), valid.size(), &decoded));
  for (size_t length = 0; length < valid.size(); length++) {
    const Bytes cut(valid.begin(), valid.begin() + long(length));
    CHECK(!decodeControlFrame(cut.data(), cut.size(), &decoded));
  }
  Bytes empty = valid;
  empty[14] = empty[15] = 0;
  CHECK(!decodeControlFrame(empty.data(), empty.size(), &decoded));
  Bytes other = valid;
  other[13]++;
  CHECK(!decodeControlFrame(other.data(), other.size(), &decoded));
}

TEST("reach: how to answer, who is a member, and whom to relay to") {
  const Bytes bytes = validReach();
  std::vector<TableOp> ops;
  CHECK(decodeOps(bytes.data(), bytes.size(), &ops));
  CHECK_EQ(ops.size(), 1u);
  CHECK(ops[0].kind == TableOpKind::reach);
  const ReachSetting& setting = *ops[0].reach;
  CHECK(setting.mode == ReachMode::relay);
  CHECK_EQ(uint32_t{setting.self}, 1u);
  CHECK_EQ(setting.members.size(), 2u);
  CHECK(setting.members[0].answers && !setting.members[1].answers);
  CHECK_EQ(uint32_t{setting.members[1].mac[5]}, 2u);
  CHECK_EQ(setting.plans.size(), 1u);
  CHECK_EQ(setting.plans[0].targets[4095], 4095 | (uint64_t{1} << 63));
  CHECK_EQ(uint32_t{setting.plans[0].last[17]}, uint32_t{kNobody});
}

TEST("reach: another mode, a self that is no member, too many plans and cut ones are refused") {
  std::vector<TableOp> ops;
  for (const Bytes& wrong : {validReach(3), validReach(0, 2), validReach(0, 1, 9)}) {
    CHECK(!decodeOps(wrong.data(), wrong.size(), &ops));
  }
  const Bytes nobody = validReach(2, kNobody, 0);
  CHECK(decodeOps(nobody.data(), nobody.size(), &ops));
  const Bytes valid = validReach();
  for (size_t length = 0; length < valid.size(); length += length < 64 ? 1 : 997) {
    const std::unique_ptr<uint8_t[]> copy(new uint8_t[length]);
    std::copy(valid.begin(), valid.begin() + long(length), copy.get());
    CHECK(!decodeOps(copy.get(), length, &ops));
  }
}

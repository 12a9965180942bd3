#include "codec.h"

#include <cstring>
#include <memory>

namespace covey::io {

namespace {

// Reads forward and cannot run past its end: after the first read beyond it, everything reads as zero and ok() is false.
class Cursor {
 public:
  Cursor(const uint8_t* bytes, size_t length) : bytes_(bytes), left_(length) {}

  bool ok() const { return ok_; }
  bool atEnd() const { return ok_ && left_ == 0; }
  size_t left() const { return left_; }

  uint8_t u8() { return uint8_t(number(1)); }
  uint16_t u16() { return uint16_t(number(2)); }
  uint32_t u32() { return uint32_t(number(4)); }
  uint64_t u64() { return number(8); }

  void copy(uint8_t* out, size_t length) {
    if (!take(length)) return;
    if (length > 0) std::memcpy(out, bytes_ - length, length);
  }
  std::vector<uint8_t> blob(size_t length) {
    if (!take(length)) return {};
    return {bytes_ - length, bytes_};
  }
  void fail() { ok_ = false; }

 private:
  bool take(size_t length) {
    if (!ok_ || length > left_) {
      ok_ = false;
      return false;
    }
    bytes_ += length;
    left_ -= length;
    return true;
  }
  uint64_t number(size_t width) {
    if (!take(width)) return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) value |= uint64_t{bytes_[long(i) - long(width)]} << (8 * i);
    return value;
  }

  const uint8_t* bytes_;
  size_t left_;
  bool ok_ = true;
};

std::vector<uint8_t> readKeeps(Cursor& cursor) {
  const size_t count = cursor.u32();
  if (count > cursor.left() / kKeepBytes) {
    cursor.fail();
    return {};
  }
  return cursor.blob(count * kKeepBytes);
}

std::vector<KeeperKeeps> readGroups(Cursor& cursor) {
  std::vector<KeeperKeeps> groups;
  const uint32_t count = cursor.u32();
  for (uint32_t i = 0; i < count && cursor.ok(); i++) {
    KeeperKeeps group;
    group.keeper = cursor.u16();
    group.keeps = readKeeps(cursor);
    groups.push_back(std::move(group));
  }
  return groups;
}

void readBuckets(Cursor& cursor, TableOp* op) {
  op->plan = cursor.u8();
  if (op->plan >= kMaxPlans) cursor.fail();
  cursor.copy(op->buckets.data(), op->buckets.size());
}

void readOptionalBuckets(Cursor& cursor, TableOp* op) {
  op->hasBuckets = cursor.u8() != 0;
  if (op->hasBuckets) readBuckets(cursor, op);
}

ReachPlan readReachPlan(Cursor& cursor) {
  ReachPlan plan;
  for (uint64_t& targets : plan.targets) targets = cursor.u64();
  cursor.copy(plan.last.data(), plan.last.size());
  return plan;
}

std::shared_ptr<const ReachSetting> readReach(Cursor& cursor) {
  auto setting = std::make_shared<ReachSetting>();
  const uint8_t mode = cursor.u8();
  setting->mode = ReachMode{mode};
  setting->self = cursor.u8();
  const size_t members = cursor.u8();
  for (size_t i = 0; i < members && cursor.ok(); i++) {
    ReachMember member;
    cursor.copy(member.mac.data(), member.mac.size());
    member.answers = cursor.u8() != 0;
    setting->members.push_back(member);
  }
  const size_t plans = cursor.u8();
  const bool isSelf = setting->self == kNobody || setting->self < members;
  if (mode > 2 || members > kMaxReachMembers || plans > kMaxPlans || !isSelf) cursor.fail();
  for (size_t i = 0; i < plans && cursor.ok(); i++) setting->plans.push_back(readReachPlan(cursor));
  return setting;
}

void readFields(Cursor& cursor, TableOp* op) {
  switch (op->kind) {
    case TableOpKind::own:
    case TableOpKind::hold:
    case TableOpKind::unhold:
    case TableOpKind::withdraw:
    case TableOpKind::forget: return readBuckets(cursor, op);
    case TableOpKind::offer:
    case TableOpKind::cut:
      readBuckets(cursor, op);
      op->serial = cursor.u32();
      return;
    case TableOpKind::honour:
    case TableOpKind::holdKeys:
    case TableOpKind::release:
    case TableOpKind::unholdKeys: op->groups = readGroups(cursor); return;
    case TableOpKind::reach: op->reach = readReach(cursor); return;
    case TableOpKind::dropKeeper: op->keeper = cursor.u16(); return readOptionalBuckets(cursor, op);
    case TableOpKind::dropKeeps: op->groups = {{0, readKeeps(cursor)}}; return;
    case TableOpKind::listEnded:
      op->limit = cursor.u32();
      op->all = cursor.u8() != 0;
      return readOptionalBuckets(cursor, op);
  }
  cursor.fail();
}

Vip readVip(Cursor& cursor) {
  Vip vip;
  vip.isIpv6 = cursor.u8() != 0;
  cursor.copy(vip.address.data(), vip.address.size());
  return vip;
}

RuleEntry readRule(Cursor& cursor) {
  RuleEntry entry;
  entry.rule = int32_t(cursor.u32());
  const uint8_t protocol = cursor.u8();
  entry.protocol = Protocol{protocol};
  entry.firstPort = cursor.u16();
  entry.lastPort = cursor.u16();
  const uint8_t affinity = cursor.u8();
  entry.affinity = Affinity{affinity};
  entry.plan = cursor.u8();
  entry.deny = cursor.u8() != 0;
  entry.holdMs = cursor.u32();
  entry.slot = cursor.u16();
  const bool isKnown = (protocol == 6 || protocol == 17) && affinity <= 2 && entry.plan < kMaxPlans;
  if (!isKnown) cursor.fail();
  return entry;
}

class Writer {
 public:
  Writer() { number(kAbi, 1); }
  void number(uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++) bytes_.push_back(uint8_t(value >> (8 * i)));
  }
  void blob(const uint8_t* bytes, size_t length) { bytes_.insert(bytes_.end(), bytes, bytes + length); }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace

bool decodeOps(const uint8_t* bytes, size_t length, std::vector<TableOp>* out) {
  Cursor cursor(bytes, length);
  if (cursor.u8() != kAbi) return false;
  const uint32_t count = cursor.u32();
  out->clear();
  for (uint32_t i = 0; i < count && cursor.ok(); i++) {
    TableOp op;
    op.kind = TableOpKind{cursor.u8()};
    readFields(cursor, &op);
    out->push_back(std::move(op));
  }
  return cursor.atEnd();
}

bool decodeShape(const uint8_t* bytes, size_t length, Shape* out) {
  Cursor cursor(bytes, length);
  if (cursor.u8() != kAbi) return false;
  out->hashSeed = cursor.u32();
  cursor.copy(out->vmac.data(), out->vmac.size());
  out->vlan = int32_t(cursor.u32());
  out->vips.clear();
  out->rules.clear();
  const uint32_t vips = cursor.u32();
  for (uint32_t i = 0; i < vips && cursor.ok(); i++) out->vips.push_back(readVip(cursor));
  const uint32_t rules = cursor.u32();
  for (uint32_t i = 0; i < rules && cursor.ok(); i++) out->rules.push_back(readRule(cursor));
  const bool isVlan = out->vlan == kUntagged || (out->vlan >= 1 && out->vlan <= 4094);
  return cursor.atEnd() && isVlan && rules <= 65534;
}

std::vector<uint8_t> encodeResults(const std::vector<TableResult>& results) {
  Writer writer;
  writer.number(results.size(), 4);
  for (const TableResult& result : results) {
    writer.number(result.groups.size(), 4);
    for (const KeeperKeeps& group : result.groups) {
      writer.number(group.keeper, 2);
      writer.number(group.keeps.size() / kKeepBytes, 4);
      writer.blob(group.keeps.data(), group.keeps.size() / kKeepBytes * kKeepBytes);
    }
  }
  return writer.take();
}

std::vector<uint8_t> encodeKept(const KeptState& kept) {
  Writer writer;
  writer.number(kept.count, 4);
  for (const Bitmap& plan : kept.kept) writer.blob(plan.data(), plan.size());
  return writer.take();
}

}  // namespace covey::io

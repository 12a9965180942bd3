// TCP and UDP of a few clients in any order, with time, offers and cuts between: the tables must stay sound.
#include "farm.h"
#include "filter/table_work.h"
#include "input.h"

namespace {

using packets::Bytes;

void packet(farm::Node& node, fuzz::Input& input) {
  const uint8_t who = input.u8();
  const uint16_t port = static_cast<uint16_t>(1 + (who & 7));
  const Bytes client = {10, 0, static_cast<uint8_t>((who >> 3) & 1), static_cast<uint8_t>((who >> 4) & 3)};
  const uint8_t flags = input.u8();
  const uint16_t services[] = {80, 8000, 9000, 443};
  const Bytes payload((flags >> 6) & 1, 1);
  const bool isUdp = (who & 0xc0) == 0xc0;
  node.handle(isUdp ? packets::udpFrame(port, (who & 1) ? 53 : 5000, client)
                    : packets::tcpFrame(port, services[(who >> 6) & 3], flags & 0x3f, payload, client));
}

covey::Bitmap buckets(uint8_t choice) {
  covey::Bitmap set{};
  for (size_t byte = 0; byte < set.size(); byte++) set[byte] = (choice & 1) ? 0xff
      : static_cast<uint8_t>(choice << (byte & 3));
  return set;
}

std::vector<covey::KeeperKeeps> named(fuzz::Input& input) {
  const uint8_t who = input.u8();
  const Bytes client = {10, 0, 0, static_cast<uint8_t>(who & 3)};
  const covey::KeyRecord key = (who & 4) ? farm::clientKey(client)
      : farm::connectionKey(static_cast<uint16_t>(1 + (who >> 5)), client);
  return {farm::keeps(static_cast<uint16_t>(who >> 3 & 3), {key}, input.u8())};
}

void command(farm::Node& node, fuzz::Input& input) {
  covey::TableOp op;
  op.kind = static_cast<covey::TableOpKind>(input.u8() % 14);
  op.plan = input.u8() % 4;
  op.buckets = buckets(input.u8());
  op.hasBuckets = (op.buckets[0] & 2) != 0;
  op.serial = input.u8();
  op.keeper = op.serial & 3;
  op.limit = op.serial;
  op.all = (op.serial & 1) != 0;
  op.groups = named(input);
  // In slices of any length, with frames between them.
  covey::TableWork work(op);
  const uint32_t slice = 1 + (op.serial & 7u);
  while (!node.filter.advance(work, slice, node.now, node.sink)) {
    if (!input.isEmpty()) packet(node, input);
  }
}

void verify(farm::Node& node) {
  node.filter.expire(node.now);
  const uint64_t keys = node.count(farm::Counter::keys), foreign = node.count(farm::Counter::keepsForeign);
  fuzz::require(keys + foreign <= 12, "the table is bounded");
  const covey::TableResult all = node.filter.listEnded(1000, true, node.now);
  fuzz::require(farm::countOf(all, 0) == node.filter.kept().count, "each own keep is listed once");
  fuzz::require(node.count(farm::Counter::keepsOwn) == node.filter.kept().count, "the gauge is true");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static farm::Node node(12, 8, 512);
  node.filter.reset();
  node.sink.injected.clear();
  for (uint8_t plan = 0; plan < 3; plan++) node.filter.own(plan, farm::allBuckets(), node.now, node.sink);
  fuzz::Input input(data, size);
  while (!input.isEmpty()) {
    const uint8_t step = input.u8();
    if (step < 160) {
      packet(node, input);
    } else if (step < 200) {
      node.now += uint64_t{step - 159u} * input.u8() * 8;
    } else if (step < 204) {
      node.filter.expire(node.now);
    } else {
      command(node, input);
    }
  }
  verify(node);
  return 0;
}

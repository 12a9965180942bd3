// What a hand-over of 100,000 keys costs each table command: `make -C bench/micro handover`. X owns all, Y takes half of it over.
// A command works in slices of 1024 entries, as in the packet thread; the longest one is how long frames wait.
#include <cstdio>

#include "filter/table_work.h"
#include "harness.h"

namespace {

using bench::Node;
using bench::Packets;
using covey::TableOp;
using covey::TableOpKind;

constexpr uint32_t kKeys = 200000;
constexpr uint32_t kSliceEntries = 1024;

TableOp opOf(TableOpKind kind) {
  TableOp op;
  op.kind = kind;
  op.serial = 1;
  for (size_t i = 0; i < op.buckets.size() / 2; i++) op.buckets[i] = 0xff;
  return op;
}

double total = 0;

covey::TableResult timed(const char* what, Node& node, const TableOp& op) {
  covey::TableWork work(op);
  double sum = 0, longest = 0;
  int slices = 0;
  for (bool isDone = false; !isDone; slices++) {
    const double start = bench::cpuNs();
    isDone = node.filter.advance(work, kSliceEntries, node.now, node.sink);
    const double took = bench::cpuNs() - start;
    sum += took;
    longest = std::max(longest, took);
  }
  covey::TableResult result = work.take();
  size_t keys = 0;
  for (const covey::KeeperKeeps& group : result.groups) keys += group.keeps.size() / covey::kKeepBytes;
  std::printf("%-24s %8.2f ms in %3d slices, the longest %6.3f ms", what, sum / 1e6, slices, longest / 1e6);
  if (keys > 0) std::printf("; %zu keys", keys);
  std::printf("\n");
  total += sum / 1e6;
  return result;
}

}  // namespace

int main() {
  Node x, y(false);
  x.open(Packets(false, 80, bench::kTcpAck), kKeys);
  TableOp honour = opOf(TableOpKind::honour), drop = opOf(TableOpKind::dropKeeper), list = opOf(TableOpKind::listEnded);
  honour.groups = timed("X: offer", x, opOf(TableOpKind::offer)).groups;
  for (covey::KeeperKeeps& group : honour.groups) group.keeper = 1;
  timed("Y: hold", y, opOf(TableOpKind::hold));
  timed("X: cut", x, opOf(TableOpKind::cut));
  timed("Y: honour", y, honour);
  timed("Y: own", y, opOf(TableOpKind::own));
  timed("X: forget", x, opOf(TableOpKind::forget));
  std::printf("the grant in all         %8.2f ms\n\n", total);
  list.limit = 2000;
  timed("X: list-ended", x, list);
  list.hasBuckets = true;
  timed("X: list-ended in buckets", x, list);
  drop.keeper = 1;
  timed("Y: drop-keeper", y, drop);
  timed("X: own again", x, opOf(TableOpKind::own));
  return 0;
}

// The table commands, as src/buckets/contract.ts promises them.
#include "check.h"
#include "farm.h"
#include "filter/bucket_table.h"

namespace {

using namespace packets;
using farm::allBuckets;
using farm::connectionKey;
using farm::Counter;
using farm::keeps;
using farm::Node;

const Bytes kSynFrame = tcpFrame(40000, 80, kSyn);
const Bytes kAckFrame = tcpFrame(40000, 80, kAck, {1});
const Bytes kFinFrame = tcpFrame(40000, 80, kFin);
const covey::KeyRecord kKey = connectionKey(40000);

void expectReason(const Node& node, const Bytes& frame, const char* reason) {
  CHECK_EQ(node.classify(frame), std::string(reason));
}

}  // namespace

TEST("own, hold and unhold are idempotent") {
  Node node;
  for (int twice = 0; twice < 2; twice++) {
    node.filter.hold(0, allBuckets());
    expectReason(node, kSynFrame, "held");
  }
  for (int twice = 0; twice < 2; twice++) {
    node.filter.unhold(0, allBuckets());
    expectReason(node, kSynFrame, "rejectedNotOwner");
  }
  for (int twice = 0; twice < 2; twice++) {
    node.filter.own(0, allBuckets(), node.now, node.sink);
    expectReason(node, kSynFrame, "accepted");
  }
}

TEST("a plan that does not exist changes nothing") {
  Node node;
  node.filter.own(8, allBuckets(), node.now, node.sink);
  node.filter.hold(255, allBuckets());
  node.filter.offer(9, allBuckets(), 1, node.now);
  node.filter.cut(9, allBuckets(), 1, node.now, node.sink);
  node.filter.forget(9, allBuckets(), node.now, node.sink);
  expectReason(node, kSynFrame, "rejectedNotOwner");
}

TEST("offer lists living keys with its serial, and foreign keeps with theirs") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.filter.honour({keeps(3, {connectionKey(40002)}, 9)}, node.now);
  const covey::TableResult offered = node.filter.offer(0, allBuckets(), 5, node.now);
  CHECK(farm::lists(offered, 0, kKey, 5));
  CHECK(farm::lists(offered, 3, connectionKey(40002), 9));
  CHECK_EQ(farm::countOf(offered, 0), 1u);
  CHECK_EQ(farm::countOf(offered, 3), 1u);
}

TEST("offer lists nothing of buckets that are not ours") {
  Node node;
  node.filter.own(0, farm::oneBucket(farm::bucketOf(kKey)), node.now, node.sink);
  node.filter.honour({keeps(3, {connectionKey(40002)}, 9)}, node.now);
  CHECK(farm::bucketOf(connectionKey(40002)) != farm::bucketOf(kKey));
  CHECK(node.filter.offer(0, allBuckets(), 5, node.now).groups.empty());
}

TEST("cut lists what offer did not, keeps both, and rejects the rest") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.filter.offer(0, allBuckets(), 5, node.now);
  node.handle(tcpFrame(40002, 80, kSyn));
  const covey::TableResult difference = node.cutAll(0, 5);
  CHECK(farm::lists(difference, 0, connectionKey(40002), 5));
  CHECK_EQ(farm::countOf(difference, 0), 1u);
  expectReason(node, kAckFrame, "accepted");
  expectReason(node, tcpFrame(40002, 80, kAck), "accepted");
  expectReason(node, tcpFrame(40004, 80, kSyn), "rejectedNotOwner");
  CHECK_EQ(node.count(Counter::keepsOwn), 2u);
}

TEST("a key listed by offer is kept at the cut though it ended meanwhile") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.filter.offer(0, allBuckets(), 5, node.now);
  node.handle(kFinFrame);
  node.now += 60000;
  node.filter.expire(node.now);
  CHECK(node.cutAll(0, 5).groups.empty());
  expectReason(node, kAckFrame, "accepted");
}

TEST("withdraw undoes the pins") {
  Node node;
  node.ownAll();
  node.handle(kFinFrame);
  node.filter.offer(0, allBuckets(), 5, node.now);
  node.filter.withdraw(0, allBuckets());
  node.now += 1001;
  CHECK(node.cutAll(0, 6).groups.empty());
  expectReason(node, kAckFrame, "rejectedNotOwner");
}

TEST("after withdraw, cut lists everything") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.filter.offer(0, allBuckets(), 5, node.now);
  node.filter.withdraw(0, allBuckets());
  CHECK(farm::lists(node.cutAll(0, 6), 0, kKey, 6));
}

TEST("everything taken during an offer is in the keeps: the new owner replays the rest") {
  Node node;
  node.ownAll();
  node.filter.offer(0, allBuckets(), 5, node.now);
  const Bytes echo = ethernet(0x0800, ipv4(1, {8, 0, 0xf7, 0xff, 0, 0, 0, 0}));
  CHECK_EQ(node.handle(echo), std::string("accepted"));
  CHECK_EQ(node.handle(tcpFrame(40002, 80, kRst)), std::string("accepted"));
  node.now += 30000;
  node.filter.expire(node.now);
  const covey::TableResult difference = node.cutAll(0, 5);
  CHECK(farm::lists(difference, 0, farm::clientKey(kClient, 0), 5));
  CHECK(farm::lists(difference, 0, connectionKey(40002), 5));
}

TEST("an ended key is no keep") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.handle(kFinFrame);
  node.now += 999;
  Node other;
  CHECK_EQ(farm::countOf(node.filter.offer(0, allBuckets(), 1, node.now), 0), 1u);
  node.filter.withdraw(0, allBuckets());
  node.now += 1;
  CHECK(node.cutAll(0).groups.empty());
}

TEST("own turns keeps back into ordinary keys") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.cutAll(0, 5);
  CHECK_EQ(node.filter.kept().count, 1u);
  node.ownAll();
  CHECK_EQ(node.filter.kept().count, 0u);
  CHECK(farm::lists(node.cutAll(0, 6), 0, kKey, 6));
}

TEST("kept says in which buckets the keeps are") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.handle(tcpFrame(40000, 8000, kSyn));
  node.cutAll(0);
  const covey::KeptState kept = node.filter.kept();
  CHECK_EQ(kept.count, 1u);
  uint32_t buckets = 0;
  for (const covey::Bitmap& plan : kept.kept) covey::forEachBucket(plan, [&](uint32_t) { buckets++; });
  CHECK_EQ(buckets, 1u);
  CHECK(covey::hasBucket(kept.kept[0], farm::bucketOf(kKey)));
}

TEST("honour: a newer serial of the same keeper stays") {
  Node node;
  node.ownAll();
  node.filter.honour({keeps(3, {kKey}, 9)}, node.now);
  node.filter.honour({keeps(3, {kKey}, 4)}, node.now);
  node.filter.release({keeps(3, {kKey}, 8)}, node.now, node.sink);
  expectReason(node, kSynFrame, "rejectedForeignKeep");
  node.filter.release({keeps(3, {kKey}, 9)}, node.now, node.sink);
  expectReason(node, kSynFrame, "accepted");
}

TEST("honour: another keeper's entry is replaced") {
  Node node;
  node.ownAll();
  node.filter.honour({keeps(3, {kKey}, 9)}, node.now);
  node.filter.honour({keeps(4, {kKey}, 1)}, node.now);
  node.filter.release({keeps(3, {kKey}, 9)}, node.now, node.sink);
  expectReason(node, kSynFrame, "rejectedForeignKeep");
  node.filter.dropKeeper(4, node.now, node.sink);
  expectReason(node, kSynFrame, "accepted");
}

TEST("honour: an ordinary key of ours gives way, one key has one keeper") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.filter.honour({keeps(3, {kKey}, 1)}, node.now);
  expectReason(node, kAckFrame, "rejectedForeignKeep");
  CHECK_EQ(node.count(Counter::keys), 0u);
  CHECK_EQ(node.count(Counter::keepsForeign), 1u);
}

TEST("honour: slot 0, broken keeps and unknown plans are left out") {
  Node node;
  node.ownAll();
  covey::KeyRecord odd = kKey;
  odd.bytes[0] = 8;
  covey::KeeperKeeps cut = keeps(3, {kKey}, 1);
  cut.keeps.pop_back();
  CHECK(node.filter.honour({keeps(0, {kKey}, 1), keeps(3, {odd}, 1), cut}, node.now).groups.empty());
  expectReason(node, kSynFrame, "accepted");
  CHECK_EQ(node.count(Counter::keepsForeign), 0u);
}

TEST("honour: what found no room is said, and nothing living is forgotten for it") {
  Node node(2);
  node.ownAll();
  node.handle(kSynFrame);
  node.handle(kAckFrame);
  const covey::TableResult result =
      node.filter.honour({keeps(3, {connectionKey(1), connectionKey(2), connectionKey(3)}, 7)}, node.now);
  CHECK_EQ(farm::countOf(result, 3), 2u);
  CHECK(farm::lists(result, 3, connectionKey(2), 7));
  CHECK_EQ(node.count(Counter::tableFull), 2u);
  CHECK_EQ(farm::countOf(node.filter.offer(0, allBuckets(), 1, node.now), 0), 1u);
}

TEST("held keys: frames wait, then follow the release in order") {
  Node node;
  node.ownAll();
  node.filter.honour({keeps(3, {kKey}, 5)}, node.now);
  node.filter.holdKeys({keeps(3, {kKey}, 5)});
  CHECK_EQ(node.handle(kSynFrame), std::string("held"));
  CHECK_EQ(node.handle(kAckFrame), std::string("held"));
  CHECK(node.sink.injected.empty());
  node.filter.release({keeps(3, {kKey}, 5)}, node.now, node.sink);
  CHECK_EQ(node.sink.injected.size(), 2u);
  CHECK(node.sink.injected[0] == Bytes(kSynFrame.begin() + 14, kSynFrame.end()));
  CHECK_EQ(node.count(Counter::replayed), 2u);
  CHECK_EQ(node.count(Counter::accepted), 2u);
}

TEST("held keys: unhold discards their frames and no others") {
  Node node;
  node.ownAll();
  const covey::KeyRecord other = connectionKey(40002);
  node.filter.honour({keeps(3, {kKey, other}, 5)}, node.now);
  node.filter.holdKeys({keeps(3, {kKey, other}, 5)});
  node.handle(kSynFrame);
  node.handle(tcpFrame(40002, 80, kSyn));
  node.filter.unholdKeys({keeps(3, {kKey}, 5)});
  CHECK_EQ(node.count(Counter::heldDiscarded), 1u);
  expectReason(node, kSynFrame, "rejectedForeignKeep");
  node.filter.release({keeps(3, {other}, 5)}, node.now, node.sink);
  CHECK_EQ(node.sink.injected.size(), 1u);
}

TEST("held keys: the keeper's death replays their frames") {
  Node node;
  node.ownAll();
  node.filter.honour({keeps(3, {kKey}, 5)}, node.now);
  node.filter.holdKeys({keeps(3, {kKey}, 5)});
  node.handle(kSynFrame);
  node.filter.dropKeeper(3, 0, farm::oneBucket((farm::bucketOf(kKey) + 1) % 4096), node.now, node.sink);
  CHECK(node.sink.injected.empty());
  node.filter.dropKeeper(3, 0, farm::oneBucket(farm::bucketOf(kKey)), node.now, node.sink);
  CHECK_EQ(node.sink.injected.size(), 1u);
}

TEST("held keys are held only by the owner of their bucket") {
  Node node;
  node.filter.honour({keeps(3, {kKey}, 5)}, node.now);
  node.filter.holdKeys({keeps(3, {kKey}, 5)});
  expectReason(node, kSynFrame, "rejectedNotOwner");
}

TEST("a grant seen from the receiver: held frames go to it but for keeps of the granter") {
  Node node;
  node.filter.hold(0, allBuckets());
  node.handle(kAckFrame);
  node.handle(tcpFrame(40002, 80, kSyn));
  node.filter.honour({keeps(3, {kKey}, 5)}, node.now);
  node.filter.own(0, allBuckets(), node.now, node.sink);
  CHECK_EQ(node.sink.injected.size(), 1u);
  CHECK_EQ(node.count(Counter::rejectedForeignKeep), 1u);
  CHECK_EQ(node.count(Counter::replayed), 2u);
}

TEST("own replays only its buckets, unhold discards only its own") {
  Node node;
  node.filter.hold(0, allBuckets());
  node.handle(kSynFrame);
  node.handle(tcpFrame(40002, 80, kSyn));
  node.handle(tcpFrame(40004, 80, kSyn));
  node.filter.own(0, farm::oneBucket(farm::bucketOf(connectionKey(40002))), node.now, node.sink);
  CHECK_EQ(node.sink.injected.size(), 1u);
  node.filter.unhold(0, farm::oneBucket(farm::bucketOf(kKey)));
  CHECK_EQ(node.count(Counter::heldDiscarded), 1u);
  node.ownAll();
  CHECK_EQ(node.sink.injected.size(), 2u);
}

TEST("forget drops foreign keeps of its buckets only, and none of ours") {
  Node node;
  node.ownAll();
  node.handle(tcpFrame(40004, 80, kSyn));
  node.filter.honour({keeps(3, {kKey, connectionKey(40002)}, 5)}, node.now);
  node.filter.forget(0, farm::oneBucket(farm::bucketOf(kKey)), node.now, node.sink);
  expectReason(node, kSynFrame, "accepted");
  expectReason(node, tcpFrame(40002, 80, kSyn), "rejectedForeignKeep");
  CHECK_EQ(node.count(Counter::keys), 1u);
}

TEST("list-ended and drop-keeps: ended keeps go, an older serial does not name them") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.handle(tcpFrame(40002, 80, kSyn));
  node.handle(tcpFrame(40002, 80, kAck));
  node.cutAll(0, 5);
  CHECK(node.filter.listEnded(10, false, node.now).groups.empty());
  CHECK_EQ(farm::countOf(node.filter.listEnded(10, true, node.now), 0), 2u);
  CHECK_EQ(farm::countOf(node.filter.listEnded(1, true, node.now), 0), 1u);
  node.handle(kFinFrame);
  node.now += 1000;
  CHECK(farm::lists(node.filter.listEnded(10, false, node.now), 0, kKey, 5));
  CHECK(node.filter.dropKeeps(keeps(0, {kKey}, 4).keeps, node.now).groups.empty());
  const covey::TableResult dropped = node.filter.dropKeeps(keeps(0, {kKey, connectionKey(40002)}, 5).keeps, node.now);
  CHECK(farm::lists(dropped, 0, kKey, 5));
  CHECK_EQ(farm::countOf(dropped, 0), 1u);
  expectReason(node, kSynFrame, "rejectedNotOwner");
  expectReason(node, tcpFrame(40002, 80, kAck), "accepted");
}

TEST("list-ended looks only into the buckets that it is given") {
  Node node;
  node.ownAll();
  node.handle(kFinFrame);
  node.handle(tcpFrame(40002, 80, kFin));
  node.cutAll(0, 5);
  node.now += 1000;
  const covey::Bitmap bucket = farm::oneBucket(farm::bucketOf(kKey));
  const covey::TableResult listed = node.filter.listEnded(10, false, 0, bucket, node.now);
  CHECK(farm::lists(listed, 0, kKey, 5));
  CHECK_EQ(farm::countOf(listed, 0), 1u);
  CHECK(node.filter.listEnded(10, false, 1, bucket, node.now).groups.empty());
  CHECK(node.filter.listEnded(0, true, 0, bucket, node.now).groups.empty());
}

TEST("a keep that came to life again is not dropped") {
  Node node;
  node.ownAll();
  node.handle(kFinFrame);
  node.cutAll(0, 5);
  node.now += 1000;
  CHECK_EQ(farm::countOf(node.filter.listEnded(10, false, node.now), 0), 1u);
  node.handle(kSynFrame);
  CHECK(node.filter.dropKeeps(keeps(0, {kKey}, 5).keeps, node.now).groups.empty());
  expectReason(node, kAckFrame, "accepted");
}

TEST("reset empties everything, held frames are counted as lapsed") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  node.cutAll(0);
  node.filter.honour({keeps(3, {connectionKey(40002)}, 5)}, node.now);
  node.filter.hold(1, allBuckets());
  node.handle(tcpFrame(40000, 8000, kSyn));
  node.filter.reset();
  CHECK_EQ(node.count(Counter::heldLapsed), 1u);
  CHECK_EQ(node.count(Counter::keys), 0u);
  CHECK_EQ(node.count(Counter::keepsForeign), 0u);
  CHECK_EQ(node.filter.kept().count, 0u);
  expectReason(node, kAckFrame, "rejectedNotOwner");
  expectReason(node, tcpFrame(40000, 8000, kSyn), "rejectedNotOwner");
  node.ownAll();
  expectReason(node, tcpFrame(40002, 80, kSyn), "accepted");
}

TEST("a new seed moves keys to their new buckets") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  covey::Shape shape = farm::shape();
  shape.hashSeed = 99;
  node.filter.setShape(shape);
  const uint32_t bucket = covey::bucketOf(covey::hashKey(kKey, 99));
  CHECK(bucket != farm::bucketOf(kKey));
  CHECK(farm::lists(node.filter.offer(0, farm::oneBucket(bucket), 1, node.now), 0, kKey, 1));
}

TEST("a batch is applied in order, one result per command") {
  Node node;
  node.ownAll();
  node.handle(kSynFrame);
  covey::TableOp offer, cut, own;
  offer.kind = covey::TableOpKind::offer;
  cut.kind = covey::TableOpKind::cut;
  own.kind = covey::TableOpKind::own;
  offer.buckets = cut.buckets = own.buckets = allBuckets();
  offer.serial = cut.serial = 3;
  const std::vector<covey::TableResult> results = node.filter.apply({offer, cut, own}, node.now, node.sink);
  CHECK_EQ(results.size(), 3u);
  CHECK_EQ(farm::countOf(results[0], 0), 1u);
  CHECK(results[1].groups.empty());
  CHECK_EQ(node.filter.kept().count, 0u);
}

TEST("in an offered bucket a key that finds no room is rejected, elsewhere it is only not remembered") {
  Node node(1);
  node.ownAll();
  node.handle(kSynFrame);
  node.filter.offer(0, allBuckets(), 1, node.now);
  CHECK_EQ(node.handle(tcpFrame(40002, 80, kSyn)), std::string("tableFull"));
  CHECK_EQ(node.handle(tcpFrame(40002, 8000, kSyn)), std::string("accepted"));
  CHECK_EQ(node.count(Counter::tableFull), 2u);
}

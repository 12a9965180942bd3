// Which keys are alive, seen through what `cut` keeps; and how the table behaves when it is full.
#include "check.h"
#include "farm.h"
#include "filter/flow_life.h"
#include "filter/hash_index.h"

namespace {

using namespace packets;
using farm::Counter;
using farm::Node;

/** Whether a cut now keeps a key of the plan. The cut is taken back. */
bool isAlive(Node& node, uint8_t plan = 0) {
  const bool isListed = farm::countOf(node.filter.offer(plan, farm::allBuckets(), 1, node.now), 0) > 0;
  node.filter.withdraw(plan, farm::allBuckets());
  return isListed;
}

/** Alive until just before `life` ms after the last packet, and not at that moment. */
void expectLife(Node& node, uint32_t life, uint8_t plan = 0) {
  node.now += life - 1;
  node.filter.expire(node.now);
  CHECK(isAlive(node, plan));
  node.now += 1;
  CHECK(!isAlive(node, plan));
}

void handleAll(Node& node, std::initializer_list<Bytes> frames) {
  for (const Bytes& frame : frames) CHECK_EQ(node.handle(frame), std::string("accepted"));
}

Bytes web(uint8_t flags, const Bytes& payload = {}) { return tcpFrame(40000, 80, flags, payload); }
Bytes app(uint16_t port, uint8_t flags, const Bytes& payload = {}) { return tcpFrame(port, 8000, flags, payload); }

struct Owner : Node {
  explicit Owner(uint32_t maxKeys = 1024) : Node(maxKeys) { ownAll(); }
};

}  // namespace

TEST("life: a SYN alone") {
  Owner node;
  handleAll(node, {web(kSyn)});
  expectLife(node, covey::kEmbryoMs);
}

TEST("life: an open connection outlives TCP keep-alive") {
  Owner node;
  handleAll(node, {web(kSyn), web(kAck)});
  CHECK(covey::kTcpIdleMs > 7200 * 1000);
  expectLife(node, covey::kTcpIdleMs);
}

TEST("life: a SYN again does not shorten an open connection's") {
  Owner node;
  handleAll(node, {web(kSyn), web(kAck), web(kSyn)});
  expectLife(node, covey::kTcpIdleMs);
}

TEST("life: FIN, then the last acknowledgement") {
  Owner node;
  handleAll(node, {web(kSyn), web(kAck), web(kFin)});
  node.now += 500;
  handleAll(node, {web(kAck)});
  expectLife(node, covey::kLingerMs);
}

TEST("life: RST") {
  Owner node;
  handleAll(node, {web(kSyn), web(kAck), web(kRst)});
  expectLife(node, covey::kLingerMs);
}

TEST("life: a forged RST does not end a connection that goes on") {
  Owner node;
  handleAll(node, {web(kSyn), web(kAck), web(kRst), web(kAck, {1}), web(kAck, {2})});
  expectLife(node, covey::kTcpIdleMs);
}

TEST("life: the ports of an ended connection are used again") {
  Owner node;
  handleAll(node, {web(kSyn), web(kAck), web(kFin), web(kSyn), web(kAck)});
  expectLife(node, covey::kTcpIdleMs);
}

TEST("life: a half-closed connection lives while acknowledgements come") {
  Owner node;
  handleAll(node, {web(kSyn), web(kAck), web(kFin)});
  for (int i = 0; i < 5; i++) {
    node.now += 900;
    handleAll(node, {web(kAck)});
    CHECK(isAlive(node));
  }
}

TEST("life: UDP, one packet and more") {
  Owner node;
  handleAll(node, {udpFrame(40000, 53)});
  expectLife(node, covey::kEmbryoMs);
  handleAll(node, {udpFrame(40002, 53), udpFrame(40002, 53)});
  expectLife(node, covey::kUdpIdleMs);
}

TEST("life: hold lengthens it, also after FIN and after one packet") {
  Owner node;
  handleAll(node, {tcpFrame(40000, 9000, kSyn), tcpFrame(40000, 9000, kAck), tcpFrame(40000, 9000, kFin)});
  expectLife(node, 300000, 1);
  handleAll(node, {tcpFrame(40002, 9000, kSyn)});
  expectLife(node, 300000, 1);
}

TEST("life: an echo leaves a trace, and does not lengthen a connection's") {
  Owner node;
  const Bytes echo = ethernet(0x0800, ipv4(1, {8, 0, 0xf7, 0xff, 0, 0, 0, 0}));
  handleAll(node, {echo});
  expectLife(node, covey::kLingerMs);
  handleAll(node, {udpFrame(1, 53), udpFrame(1, 53)});
  node.now += covey::kUdpIdleMs - 10;
  handleAll(node, {echo});
  node.now += 10 + covey::kLingerMs;
  CHECK(!isAlive(node));
}

TEST("several: a client lives while any of its connections does") {
  Owner node;
  handleAll(node, {app(1, kSyn), app(1, kAck), app(2, kSyn), app(2, kAck), app(1, kFin), app(1, kAck)});
  node.now += 5000;
  node.filter.expire(node.now);
  CHECK(isAlive(node, 1));
  handleAll(node, {app(2, kFin), app(2, kAck)});
  expectLife(node, covey::kLingerMs, 1);
}

TEST("several: late acknowledgements of ended connections revive nothing") {
  Owner node;
  handleAll(node, {app(1, kSyn), app(1, kAck), app(2, kSyn), app(2, kAck), app(1, kFin), app(2, kFin), app(1, kAck),
      app(2, kAck)});
  expectLife(node, covey::kLingerMs, 1);
}

TEST("several: an idle connection beside busy UDP of the same port") {
  Owner node;
  handleAll(node, {tcpFrame(40000, 80, kSyn), tcpFrame(40000, 80, kAck)});
  handleAll(node, {udpFrame(40000, 53), udpFrame(40000, 53)});
  node.now += covey::kUdpIdleMs;
  node.filter.expire(node.now);
  CHECK(isAlive(node));
  handleAll(node, {tcpFrame(40000, 80, kFin)});
  expectLife(node, covey::kLingerMs);
}

TEST("several: hundreds of connections of one client, ended in any order") {
  Owner node;
  for (uint16_t port = 1; port <= 300; port++) handleAll(node, {app(port, kSyn), app(port, kAck)});
  for (uint16_t port = 300; port >= 2; port -= 2) handleAll(node, {app(port, kFin)});
  for (uint16_t port = 1; port < 299; port += 2) handleAll(node, {app(port, kRst)});
  node.now += 60000;
  for (int turn = 0; turn < 100; turn++) node.filter.expire(node.now);
  CHECK(isAlive(node, 1));
  handleAll(node, {app(299, kFin)});
  expectLife(node, covey::kLingerMs, 1);
  CHECK_EQ(node.count(Counter::keys), 1u);
}

TEST("several: more connections than records: the key then lives as long as an idle one might") {
  Owner node(8);
  for (uint16_t port = 1; port <= 20; port++) handleAll(node, {app(port, kSyn), app(port, kAck)});
  for (uint16_t port = 1; port <= 20; port++) handleAll(node, {app(port, kFin)});
  expectLife(node, covey::kTcpIdleMs, 1);
}

TEST("expiry: keys whose time is over leave the table") {
  Owner node;
  for (uint16_t port = 1; port <= 100; port++) handleAll(node, {tcpFrame(port, 80, kSyn)});
  for (uint16_t port = 1; port <= 50; port++) handleAll(node, {tcpFrame(port, 80, kAck)});
  node.now += covey::kEmbryoMs;
  for (int turn = 0; turn < 10; turn++) node.filter.expire(node.now);
  CHECK_EQ(node.count(Counter::keys), 50u);
  CHECK_EQ(node.count(Counter::keysEvicted), 0u);
}

TEST("expiry: keeps do not expire by themselves") {
  Owner node;
  handleAll(node, {web(kFin)});
  node.cutAll(0);
  node.now += 100000;
  for (int turn = 0; turn < 10; turn++) node.filter.expire(node.now);
  CHECK_EQ(node.classify(web(kAck)), std::string("accepted"));
}

TEST("full table: the longest idle key goes, counted") {
  Owner node(4);
  for (uint16_t port = 1; port <= 4; port++) {
    handleAll(node, {tcpFrame(port, 80, kSyn), tcpFrame(port, 80, kAck)});
    node.now += 2000;
  }
  handleAll(node, {tcpFrame(1, 80, kAck)});
  handleAll(node, {tcpFrame(9, 80, kSyn), tcpFrame(9, 80, kAck)});
  CHECK_EQ(node.count(Counter::keysEvicted), 1u);
  const covey::TableResult offered = node.filter.offer(0, farm::allBuckets(), 1, node.now);
  CHECK_EQ(farm::countOf(offered, 0), 4u);
  CHECK(!farm::lists(offered, 0, farm::connectionKey(2), 1));
  CHECK(farm::lists(offered, 0, farm::connectionKey(1), 1));
}

TEST("full table: ended keys and embryos go before connections") {
  Owner node(3);
  handleAll(node, {tcpFrame(1, 80, kSyn), tcpFrame(1, 80, kAck)});
  node.now += 5000;
  handleAll(node, {tcpFrame(2, 80, kSyn)});
  handleAll(node, {tcpFrame(3, 80, kFin)});
  handleAll(node, {tcpFrame(4, 80, kSyn), tcpFrame(5, 80, kSyn)});
  const covey::TableResult offered = node.filter.offer(0, farm::allBuckets(), 1, node.now);
  CHECK(farm::lists(offered, 0, farm::connectionKey(1), 1));
  CHECK(!farm::lists(offered, 0, farm::connectionKey(2), 1));
  CHECK(!farm::lists(offered, 0, farm::connectionKey(3), 1));
}

TEST("full table: keeps, foreign keeps and offered keys are never evicted") {
  Owner node(3);
  handleAll(node, {tcpFrame(1, 80, kSyn)});
  node.cutAll(0);
  node.filter.honour({farm::keeps(3, {farm::clientKey({10, 0, 0, 1})}, 1)}, node.now);
  handleAll(node, {tcpFrame(1, 8000, kSyn)});
  node.filter.offer(1, farm::allBuckets(), 1, node.now);
  for (uint8_t host = 2; host < 20; host++) {
    CHECK_EQ(node.handle(tcpFrame(1, 8000, kSyn, {}, {10, 0, 0, host})), std::string("tableFull"));
  }
  CHECK_EQ(node.filter.kept().count, 1u);
  CHECK_EQ(node.count(Counter::keepsForeign), 1u);
  CHECK_EQ(node.count(Counter::keysEvicted), 0u);
}

TEST("SYN flood: random sources replace each other, connections stay") {
  Owner node(16384);
  for (uint16_t port = 1; port <= 1000; port++) handleAll(node, {tcpFrame(port, 80, kSyn), tcpFrame(port, 80, kAck)});
  for (uint32_t source = 0; source < 50000; source++) {
    const Bytes from = {11, static_cast<uint8_t>(source >> 16), static_cast<uint8_t>(source >> 8),
        static_cast<uint8_t>(source)};
    handleAll(node, {tcpFrame(7, 80, kSyn, {}, from), tcpFrame(7, 9000, kSyn, {}, from)});
  }
  node.filter.expire(node.now);
  CHECK(node.count(Counter::keys) <= 1000 + 1024);
  CHECK_EQ(node.count(Counter::keysEvicted), 0u);
  CHECK(node.count(Counter::embryosEvicted) > 50000);
  const covey::TableResult offered = node.filter.offer(0, farm::allBuckets(), 1, node.now);
  for (uint16_t port = 1; port <= 1000; port++) CHECK(farm::lists(offered, 0, farm::connectionKey(port), 1));
}

TEST("the tracker against a stupid twin: random traffic, every key's life compared") {
  Owner node(4096);
  struct Twin {
    uint64_t last = 0;
    covey::Phase phase = covey::Phase::trace;
  };
  std::vector<Twin> twins(200);
  uint32_t random = 7;
  const auto next = [&](uint32_t below) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % below;
  };
  const uint8_t flags[] = {kSyn, kAck, kAck, kAck, kFin, kRst};
  for (int step = 0; step < 20000; step++) {
    const uint16_t port = static_cast<uint16_t>(next(200));
    Twin& twin = twins[port];
    covey::FlowEvent event;
    event.protocol = 6;
    event.tcpFlags = flags[next(6)];
    const bool isGone = node.now - twin.last >= covey::lifeMs(twin.phase);
    if (step % 3 == 0) node.filter.expire(node.now);
    twin.phase = covey::advance(isGone ? covey::Phase::trace : twin.phase, event);
    twin.last = node.now;
    node.handle(tcpFrame(port, 80, event.tcpFlags));
    node.now += next(step % 50 == 0 ? 20000 : 40);
    if (step % 500 != 0) continue;
    const covey::TableResult offered = node.filter.offer(0, farm::allBuckets(), 1, node.now);
    for (uint16_t at = 0; at < 200; at++) {
      const bool isLiving = twins[at].last != 0 && node.now - twins[at].last < covey::lifeMs(twins[at].phase);
      CHECK_EQ(farm::lists(offered, 0, farm::connectionKey(at), 1), isLiving);
    }
    node.filter.withdraw(0, farm::allBuckets());
  }
}

TEST("hash index against a stupid twin: adds and removes with colliding hashes") {
  covey::HashIndex index(64);
  std::vector<uint32_t> hashes(64, 0);
  std::vector<bool> isIn(64, false);
  uint32_t random = 3;
  for (int step = 0; step < 20000; step++) {
    random = random * 1664525u + 1013904223u;
    const uint32_t at = (random >> 8) % 64;
    if (isIn[at]) {
      index.remove(hashes[at], at);
    } else {
      hashes[at] = (random >> 20) % 7;
      index.add(hashes[at], at);
    }
    isIn[at] = !isIn[at];
    for (uint32_t other = 0; other < 64; other++) {
      const uint32_t found = index.find(hashes[other], [&](uint32_t it) { return it == other; });
      CHECK_EQ(found, isIn[other] ? other : covey::kNone);
    }
  }
}

// The vectors that this library and its TypeScript twin share.
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "check.h"
#include "farm.h"
#include "filter/bucket_table.h"
#include "filter/key.h"

namespace {

using packets::Bytes;
using packets::fromHex;
using Words = std::vector<std::string>;

std::vector<Words> readLines(const char* name) {
  const char* folder = std::getenv("COVEY_VECTORS");
  std::ifstream file(std::string(folder == nullptr ? "../vectors" : folder) + "/" + name);
  std::vector<Words> lines;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Words split;
    for (std::string word; words >> word;) split.push_back(word);
    if (!split.empty()) lines.push_back(split);
  }
  return lines;
}

Bytes bytesOf(const std::string& hex) { return hex == "-" ? Bytes{} : fromHex(hex); }
uint32_t numberOf(const std::string& word) { return static_cast<uint32_t>(std::stoul(word)); }

covey::Bitmap bucketsOf(const std::string& text) {
  if (text == "all") return farm::allBuckets();
  covey::Bitmap buckets{};
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t dash = part.find('-');
    const uint32_t last = numberOf(dash == std::string::npos ? part : part.substr(dash + 1));
    for (uint32_t bucket = numberOf(part.substr(0, dash)); bucket <= last; bucket++) covey::addBucket(buckets, bucket);
  }
  return buckets;
}

covey::Affinity affinityOf(const std::string& word) {
  if (word == "client") return covey::Affinity::client;
  return word == "network" ? covey::Affinity::network : covey::Affinity::connection;
}

covey::RuleEntry ruleOf(const Words& words) {
  covey::RuleEntry rule;
  rule.rule = std::stoi(words[1]);
  rule.protocol = words[2] == "tcp" ? covey::Protocol::tcp : covey::Protocol::udp;
  rule.firstPort = static_cast<uint16_t>(numberOf(words[3]));
  rule.lastPort = static_cast<uint16_t>(numberOf(words[4]));
  rule.affinity = affinityOf(words[5]);
  rule.plan = static_cast<uint8_t>(numberOf(words[6]));
  rule.deny = words[7] == "deny";
  rule.holdMs = numberOf(words[8]);
  return rule;
}

covey::Shape shapeOf(const Words& words) {
  covey::Shape shape;
  for (const std::string& word : words) {
    const std::string value = word.substr(word.find('=') + 1);
    if (word.rfind("seed=", 0) == 0) shape.hashSeed = static_cast<uint32_t>(std::stoul(value, nullptr, 16));
    if (word.rfind("vlan=", 0) == 0 && value != "none") shape.vlan = std::stoi(value);
    const Bytes mac = word.rfind("vmac=", 0) == 0 ? fromHex(value) : Bytes{};
    std::copy(mac.begin(), mac.end(), shape.vmac.begin());
  }
  return shape;
}

/** MACs, each followed by + (it answers) or -; `none`: no member. */
std::vector<covey::ReachMember> membersOf(const std::string& text) {
  std::vector<covey::ReachMember> members;
  std::istringstream parts(text == "none" ? "" : text);
  for (std::string part; std::getline(parts, part, ',');) {
    covey::ReachMember member;
    const Bytes mac = fromHex(part.substr(0, 12));
    std::copy(mac.begin(), mac.end(), member.mac.begin());
    member.answers = part.back() == '+';
    members.push_back(member);
  }
  return members;
}

/** reach MODE SELF MEMBERS PLAN BUCKETS TARGETS LAST */
std::shared_ptr<const covey::ReachSetting> reachOf(const Words& words) {
  auto setting = std::make_shared<covey::ReachSetting>();
  setting->mode = words[1] == "relay"       ? covey::ReachMode::relay
                  : words[1] == "multicast" ? covey::ReachMode::multicast
                                            : covey::ReachMode::flood;
  setting->self = static_cast<uint8_t>(numberOf(words[2]));
  setting->members = membersOf(words[3]);
  setting->plans.resize(numberOf(words[4]) + 1);
  for (covey::ReachPlan& plan : setting->plans) plan.last.fill(covey::kNobody);
  covey::ReachPlan& plan = setting->plans.back();
  uint64_t targets = 0;
  std::istringstream indexes(words[6]);
  for (std::string index; std::getline(indexes, index, ',');) targets |= uint64_t{1} << numberOf(index);
  covey::forEachBucket(bucketsOf(words[5]), [&](uint32_t bucket) { plan.targets[bucket] = targets; });
  plan.last.fill(static_cast<uint8_t>(numberOf(words[7])));
  return setting;
}

/** One record: a fresh node, its steps, and the verdict to expect. The vectors' own MAC is packets::kOwnMac. */
class Record {
 public:
  explicit Record(const covey::Shape& shape) { node_.filter.setShape(shape); }

  void step(const Words& words) {
    if (words[0] == "lease") {
      node_.leaseOpen = false;
    } else if (words[0] == "deliver") {
      farm::handleExactly(node_, bytesOf(words[1]));
    } else if (words[0] == "frame") {
      frame_ = bytesOf(words[1]);
    } else if (words[0] == "output") {
      if (words[1] == "inject") injected_.push_back(bytesOf(words[2]));
      if (words[1] == "answer") answers_.push_back(bytesOf(words[2]));
      if (words[1] == "relay") relayed_.push_back(bytesOf(words[2]));
    } else if (words[0] == "reach") {
      node_.filter.setReach(reachOf(words), node_.now, node_.sink);
    } else if (words[0] == "drop-keeper") {
      node_.filter.dropKeeper(static_cast<uint16_t>(numberOf(words[1])), node_.now, node_.sink);
    } else if (words.size() == 4 && words[2].size() == 2 * covey::kKeyBytes) {
      namedKeeps(words);
    } else {
      buckets(words);
    }
  }

  void expect(const Words& words) {
    covey::FrameView view;
    const std::unique_ptr<uint8_t[]> copy(new uint8_t[frame_.size()]);
    std::copy(frame_.begin(), frame_.end(), copy.get());
    view.data = copy.get();
    view.capturedLength = view.wireLength = static_cast<uint32_t>(frame_.size());
    const std::vector<uint64_t> before = node_.slots;
    const covey::Verdict verdict = node_.filter.classify(view, node_.leaseOpen, node_.now);
    CHECK(before == node_.slots);
    CHECK_EQ(covey::verdictName(verdict.kind), words[1]);
    CHECK_EQ(covey::counterName(verdict.reason), words[2]);
    CHECK_EQ(verdict.rule, std::stoi(words[3]));
    CHECK_EQ(verdict.bucket == -1 ? -1 : verdict.plan, std::stoi(words[4]));
    CHECK_EQ(verdict.bucket, std::stoi(words[5]));
    node_.sink.injected.clear();
    node_.sink.answers.clear();
    node_.sink.relayed.clear();
    const covey::Verdict handled = node_.filter.handle(view, node_.leaseOpen, node_.now, node_.sink);
    CHECK_EQ(covey::counterName(handled.reason), words[2]);
    CHECK(node_.sink.injected == injected_);
    CHECK(node_.sink.answers == answers_);
    std::vector<Bytes> copies;
    for (const auto& copy : node_.sink.relayed) {
      const Bytes rest(copy.frame.begin() + 12, copy.frame.end());
      copies.push_back(packets::join({Bytes(copy.destination.begin(), copy.destination.end()), Bytes(packets::kOwnMac.begin(), packets::kOwnMac.end()), rest}));
    }
    CHECK(copies == relayed_);
  }

 private:
  void buckets(const Words& words) {
    const uint8_t plan = static_cast<uint8_t>(numberOf(words[1]));
    const covey::Bitmap set = bucketsOf(words[2]);
    if (words[0] == "own") return node_.filter.own(plan, set, node_.now, node_.sink);
    if (words[0] == "hold") return node_.filter.hold(plan, set);
    if (words[0] == "unhold") return node_.filter.unhold(plan, set);
    if (words[0] == "forget") return node_.filter.forget(plan, set, node_.now, node_.sink);
    CHECK_EQ(words[0], std::string("cut"));
    node_.filter.cut(plan, set, numberOf(words[3]), node_.now, node_.sink);
  }

  void namedKeeps(const Words& words) {
    covey::KeyRecord key;
    const Bytes bytes = fromHex(words[2]);
    std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
    const std::vector<covey::KeeperKeeps> groups = {
        farm::keeps(static_cast<uint16_t>(numberOf(words[1])), {key}, numberOf(words[3]))};
    if (words[0] == "honour") {
      CHECK(node_.filter.honour(groups, node_.now).groups.empty());
    } else if (words[0] == "hold-keys") {
      node_.filter.holdKeys(groups);
    } else if (words[0] == "unhold-keys") {
      node_.filter.unholdKeys(groups);
    } else {
      CHECK_EQ(words[0], std::string("release"));
      node_.filter.release(groups, node_.now, node_.sink);
    }
  }

  farm::Node node_;
  Bytes frame_;
  std::vector<Bytes> injected_;
  std::vector<Bytes> answers_;
  std::vector<Bytes> relayed_;
};

}  // namespace

TEST("hash.txt: every vector") {
  const std::vector<Words> lines = readLines("hash.txt");
  CHECK(lines.size() > 50);
  for (const Words& words : lines) {
    const Bytes input = bytesOf(words[1]);
    const uint32_t seed = static_cast<uint32_t>(std::stoul(words[0], nullptr, 16));
    const uint32_t hash = covey::hashBytes(input.data(), input.size(), seed);
    CHECK_EQ(hash, static_cast<uint32_t>(std::stoul(words[2], nullptr, 16)));
    CHECK_EQ(covey::bucketOf(hash), numberOf(words[3]));
  }
}

TEST("classify.txt: every record") {
  covey::Shape shape;
  std::unique_ptr<Record> record;
  std::string name;
  int records = 0;
  for (const Words& words : readLines("classify.txt")) {
    if (words[0] == "shape") {
      shape = shapeOf(words);
    } else if (words[0] == "vip") {
      const Bytes address = fromHex(words[1]);
      shape.vips.push_back({packets::address(address), address.size() == 16});
    } else if (words[0] == "rule") {
      shape.rules.push_back(ruleOf(words));
    } else if (words[0] == "record") {
      record = std::make_unique<Record>(shape);
      name = words[1];
    } else if (words[0] == "expect") {
      record->expect(words);
      check::finish("classify.txt " + name);
      records++;
    } else {
      record->step(words);
    }
  }
  CHECK(records > 250);
}

TEST("ingress.txt: every vector") {
  const std::vector<Words> lines = readLines("ingress.txt");
  CHECK(lines.size() > 100);
  for (const Words& words : lines) {
    const uint32_t seed = static_cast<uint32_t>(std::stoul(words[0], nullptr, 16));
    const covey::Address asker = packets::address(fromHex(words[1]));
    const covey::Address vip = packets::address(fromHex(words[2]));
    CHECK_EQ(uint32_t{covey::chooseIngress(asker, vip, membersOf(words[3]), seed)}, numberOf(words[4]));
  }
}

// Plays a script to a node that owns everything, so that another implementation can be compared with this one over any stretch of
// time: lines from standard input, one answer a line.
//
//   new         a fresh node                          -> ok
//   frame HEX   handles the frame                     -> the verdict's reason
//   wait MS     lets time pass; keys expire           -> ok
//   alive       offers all buckets, and withdraws     -> the living keys in hex, sorted, separated by spaces
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "../farm.h"

namespace {

std::string hexOf(const covey::KeyRecord& key) {
  static const char* kDigits = "0123456789abcdef";
  std::string hex;
  for (uint8_t byte : key.bytes) hex += {kDigits[byte >> 4], kDigits[byte & 15]};
  return hex;
}

std::string living(farm::Node& node) {
  std::vector<std::string> keys;
  for (uint8_t plan = 0; plan < 3; plan++) {
    const covey::TableResult offered = node.filter.offer(plan, farm::allBuckets(), 1, node.now);
    for (const covey::KeeperKeeps& group : offered.groups) {
      covey::forEachKeep(group.keeps, [&](const covey::Keep& keep) { keys.push_back(hexOf(keep.key)); });
    }
    node.filter.withdraw(plan, farm::allBuckets());
  }
  std::sort(keys.begin(), keys.end());
  std::string line;
  for (const std::string& key : keys) line += (line.empty() ? "" : " ") + key;
  return line;
}

std::unique_ptr<farm::Node> freshNode() {
  auto node = std::make_unique<farm::Node>(1024);
  for (uint8_t plan = 0; plan < 3; plan++) node->filter.own(plan, farm::allBuckets(), node->now, node->sink);
  return node;
}

}  // namespace

int main() {
  std::unique_ptr<farm::Node> fresh = freshNode();
  std::string verb, word;
  while (std::cin >> verb) {
    farm::Node& node = *fresh;
    if (verb == "new") {
      fresh = freshNode();
      std::cout << "ok\n";
    } else if (verb == "frame" && std::cin >> word) {
      std::cout << node.handle(packets::fromHex(word)) << "\n";
    } else if (verb == "wait" && std::cin >> word) {
      node.now += std::stoul(word);
      node.filter.expire(node.now);
      std::cout << "ok\n";
    } else if (verb == "alive") {
      std::cout << living(node) << "\n";
    } else {
      return 1;
    }
  }
  return 0;
}

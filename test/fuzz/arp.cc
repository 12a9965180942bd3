#include "filter/arp.h"

#include "filter/answers.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  covey::ArpPacket arp;
  if (!covey::parseArp(covey::Cursor(data, size), arp)) return 0;
  fuzz::require(size >= 28, "a parsed packet is whole");
  const covey::Answer answer = covey::answerArp(arp, covey::Answerer{{2, 0, 0, 0, 0, 1}, {2, 1, 1, 1, 1, 1},
      size > 40 ? 5 : covey::kUntagged});
  fuzz::require(answer.length >= 60 && answer.length <= covey::kMostAnswerBytes, "an answer fits");
  fuzz::require((answer.bytes[0] & 1) == 0, "an ARP answer goes to one host");
  return 0;
}

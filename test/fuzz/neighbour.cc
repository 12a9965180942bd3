// A solicitation whose checksum is made right, so that the fuzzer gets behind it.
#include "filter/neighbour.h"

#include "filter/answers.h"
#include "filter/checksum.h"
#include "filter/pseudo_header.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  bytes.shrink_to_fit();
  covey::IpPacket ip;
  if (covey::parseIpv6(covey::Cursor(bytes.data(), bytes.size()), ip) || !covey::isSolicitation(ip)) return 0;
  const uint32_t length = ip.length - ip.transportOffset;
  if (length < 4) return 0;
  uint8_t* message = bytes.data() + ip.transportOffset;
  message[2] = message[3] = 0;
  const uint32_t sum = covey::sumWords(message, length, covey::pseudoHeaderSum(ip, length));
  covey::writeU16(message + 2, static_cast<uint16_t>(~covey::foldSum(sum)));
  covey::Solicitation solicitation;
  const covey::Fault fault = covey::parseSolicitation(ip, solicitation);
  fuzz::require(!fault || *fault != covey::Counter::badChecksum, "a right checksum passes");
  if (fault) return 0;
  const covey::Answer answer = covey::answerSolicitation(solicitation, {2, 0, 0, 0, 0, 9}, {{2, 0, 0, 0, 0, 1}, {2,
      1, 1, 1, 1, 1}, 5});
  fuzz::require(answer.length <= covey::kMostAnswerBytes, "an answer fits");
  fuzz::require(solicitation.isProbe || (answer.bytes[0] & 1) == 0, "only a probe is answered to all");
  return 0;
}

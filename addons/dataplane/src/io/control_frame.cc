#include "control_frame.h"

#include <algorithm>
#include <cstring>

namespace covey::io {

std::vector<uint8_t> encodeControlFrame(const uint8_t* payload, size_t length, bool mayWait) {
  std::vector<uint8_t> frame(std::max(kMinFrame, kControlHeader + length), 0);
  std::fill_n(frame.begin(), 6, uint8_t{0xff});
  frame[12] = kControlEtherType >> 8;
  frame[13] = kControlEtherType & 0xff;
  frame[14] = uint8_t(length >> 8 | (mayWait ? kMayWait : 0));
  frame[15] = uint8_t(length);
  if (length > 0) std::memcpy(frame.data() + kControlHeader, payload, length);
  return frame;
}

bool decodeControlFrame(const uint8_t* frame, size_t length, ControlFrame* decoded) {
  if (length < kControlHeader) return false;
  if (frame[12] != (kControlEtherType >> 8) || frame[13] != (kControlEtherType & 0xff)) return false;
  const size_t payload = size_t(frame[14] & ~kMayWait) << 8 | frame[15];
  if (payload == 0 || payload > kMaxControlPayload || payload > length - kControlHeader) return false;
  std::memcpy(decoded->source.data(), frame + 6, 6);
  decoded->mayWait = (frame[14] & kMayWait) != 0;
  decoded->payload.assign(frame + kControlHeader, frame + kControlHeader + payload);
  return true;
}

bool decodeEchoFrame(const uint8_t* frame, size_t length, const uint8_t vip[4], ControlFrame* decoded) {
  constexpr size_t kEthernet = 14;
  constexpr size_t kIpv4 = 20;
  constexpr size_t kIcmp = 8;
  if (length < kEthernet + kIpv4 + kIcmp || frame[12] != 0x08 || frame[13] != 0x00) return false;
  const uint8_t* ip = frame + kEthernet;
  const size_t header = size_t(ip[0] & 0x0f) * 4;
  const size_t total = size_t(ip[2]) << 8 | ip[3];
  if (ip[0] >> 4 != 4 || header < kIpv4 || total > length - kEthernet || total < header + kIcmp + sizeof kEchoMagic) return false;
  // More fragments, or an offset (RFC 791).
  if ((ip[6] & 0x3f) != 0 || ip[7] != 0 || ip[9] != 1 || std::memcmp(ip + 16, vip, 4) != 0) return false;
  const uint8_t* icmp = ip + header;
  if (icmp[0] != 0 || icmp[1] != 0 || std::memcmp(icmp + kIcmp, kEchoMagic, sizeof kEchoMagic) != 0) return false;
  if (total - header - kIcmp > kMaxControlPayload) return false;
  std::memcpy(decoded->source.data(), frame + 6, 6);
  decoded->mayWait = false;
  decoded->echoed = true;
  decoded->payload.assign(icmp + kIcmp, ip + total);
  return true;
}

}  // namespace covey::io

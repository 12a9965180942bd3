// Framing of control frames (EtherType 0x88B5, IEEE 802 local experimental 1):
//
//   | 6 destination | 6 source | 2 EtherType | 2 payload length, big endian | payload | zeros up to 60 bytes |
//
// The length is needed since Ethernet pads short frames and nothing tells the padding from the payload. Its upper bit says that
// the frame may wait a little for others, so that a process which has nothing else to do is not woken for each one. Nothing
// vouches for that bit; it delays what strangers could as well have held back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "interface.h"

namespace covey::io {

constexpr uint16_t kControlEtherType = 0x88B5;
constexpr size_t kControlHeader = 14 + 2;
constexpr uint8_t kMayWait = 0x80;
constexpr size_t kMinFrame = 60;
// What an MTU of 1500 leaves after the length field.
constexpr size_t kMaxControlPayload = 1498;

struct ControlFrame {
  Mac source{};
  bool mayWait = false;
  // It came back from a gateway as an ICMP echo reply.
  bool echoed = false;
  std::vector<uint8_t> payload;
};

// A broadcast frame; the source is left zero for FrameSender to fill.
std::vector<uint8_t> encodeControlFrame(const uint8_t* payload, size_t length, bool mayWait = false);
// False when the bytes are not a whole control frame.
bool decodeControlFrame(const uint8_t* frame, size_t length, ControlFrame* decoded);
// What the payload of an echo begins with when it is one of ours: the magic of sealed datagrams (src/wire/seal.ts).
constexpr uint8_t kEchoMagic[4] = {'C', 'O', 'V', 'Y'};
// False when the bytes are not a whole ICMP echo reply (RFC 792) to `vip` in one IPv4 packet, with a datagram of ours in it. Checksums are
// not looked at: the seal of the datagram says more.
bool decodeEchoFrame(const uint8_t* frame, size_t length, const uint8_t vip[4], ControlFrame* decoded);

}  // namespace covey::io

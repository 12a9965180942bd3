// Control frames that a gateway echoed: what counts as one, and what is taken out of it.
#include <cstring>
#include <random>

#include "check.h"
#include "io/control_frame.h"

using namespace covey::io;

namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint8_t kVip[4] = {10, 77, 0, 50};

// An echo reply from 10.77.0.254 to 10.77.0.50 that carries `payload`, in a frame of at least 60 bytes.
Bytes echoReply(const Bytes& payload, size_t optionWords = 0) {
  const size_t header = 20 + 4 * optionWords;
  const size_t total = header + 8 + payload.size();
  Bytes frame(14 + total, 0);
  std::memset(frame.data(), 0x02, 6);
  std::memset(frame.data() + 6, 0x0a, 6);
  frame[12] = 0x08;
  uint8_t* ip = frame.data() + 14;
  ip[0] = uint8_t(0x40 | header / 4);
  ip[2] = uint8_t(total >> 8);
  ip[3] = uint8_t(total);
  ip[9] = 1;
  const uint8_t ends[8] = {10, 77, 0, 254, 10, 77, 0, 50};
  std::memcpy(ip + 12, ends, sizeof ends);
  std::memcpy(ip + header + 8, payload.data(), payload.size());
  frame.resize(std::max<size_t>(frame.size(), 60));
  return frame;
}

const Bytes kDatagram = {'C', 'O', 'V', 'Y', 1, 2, 3};

bool decodes(const Bytes& frame, ControlFrame* decoded = nullptr) {
  ControlFrame own;
  return decodeEchoFrame(frame.data(), frame.size(), kVip, decoded == nullptr ? &own : decoded);
}

}  // namespace

TEST("an echoed datagram comes out as it went in, without the padding of a short frame, with IP options or without") {
  for (const size_t optionWords : {0, 1, 10}) {
    ControlFrame decoded;
    CHECK(decodes(echoReply(kDatagram, optionWords), &decoded));
    CHECK(decoded.payload == kDatagram);
    CHECK(decoded.echoed);
    CHECK(decoded.source == (covey::Mac{0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a}));
  }
}

TEST("what is no echo reply to the VIP with a datagram of ours is none") {
  const struct {
    size_t at;
    uint8_t value;
  } faults[] = {{13, 0x06},        {14, 0x65},      {14, 0x44},      {14 + 6, 0x20}, {14 + 6, 0x01}, {14 + 7, 1}, {14 + 9, 17},
                {14 + 19, 51},     {14 + 20, 8},    {14 + 21, 1},    {14 + 28, 'X'}, {14 + 31, 'Z'}, {14 + 2, 5}, {14 + 3, 31}};
  for (const auto& fault : faults) {
    Bytes frame = echoReply(kDatagram);
    frame[fault.at] = fault.value;
    CHECK(!decodes(frame));
  }
  Bytes large = kDatagram;
  large.resize(kMaxControlPayload + 1);
  CHECK(!decodes(echoReply(large)));
  large.pop_back();
  CHECK(decodes(echoReply(large)));
}

TEST("frames cut at any length, and random ones, are read within their bounds") {
  const Bytes whole = echoReply(Bytes(kDatagram.begin(), kDatagram.end()), 2);
  const size_t end = 14 + 28 + 8 + kDatagram.size();
  for (size_t length = 0; length < whole.size(); length++) {
    // A heap copy of just this size: the address sanitizer sees a byte read behind it.
    CHECK(decodes(Bytes(whole.begin(), whole.begin() + long(length))) == (length >= end));
  }
  std::mt19937 random(7);
  for (int round = 0; round < 20000; round++) {
    Bytes frame = echoReply(kDatagram, random() % 11);
    for (int turn = 0; turn < 3; turn++) frame[random() % frame.size()] = uint8_t(random());
    frame.resize(random() % (frame.size() + 1));
    ControlFrame decoded;
    if (decodes(frame, &decoded)) CHECK(decoded.payload.size() <= frame.size());
  }
}

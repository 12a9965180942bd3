#include "arp.h"

#include <cstring>

namespace covey {
namespace {

constexpr uint8_t kEthernetIpv4[] = {0x00, 0x01, 0x08, 0x00, 6, 4};

Address mapped(const uint8_t* ipv4) {
  Address address{};
  address[10] = address[11] = 0xff;
  std::memcpy(&address[12], ipv4, 4);
  return address;
}

}  // namespace

bool parseArp(Cursor cursor, ArpPacket& arp) {
  const uint8_t* bytes = cursor.take(28);
  if (bytes == nullptr || std::memcmp(bytes, kEthernetIpv4, sizeof kEthernetIpv4) != 0) return false;
  arp.operation = readU16(bytes + 6);
  std::memcpy(arp.senderMac.data(), bytes + 8, 6);
  arp.senderAddress = mapped(bytes + 14);
  arp.targetAddress = mapped(bytes + 24);
  const bool isGroup = (arp.senderMac[0] & 1) != 0;
  return !isGroup && arp.senderMac != Mac{};
}

std::vector<uint8_t> arpProbe(const Mac& own, const uint8_t* address) {
  std::vector<uint8_t> frame(60, 0);
  std::memset(frame.data(), 0xff, 6);
  std::memcpy(&frame[6], own.data(), 6);
  frame[12] = 0x08;
  frame[13] = 0x06;
  std::memcpy(&frame[14], kEthernetIpv4, sizeof kEthernetIpv4);
  frame[21] = kArpRequest;
  std::memcpy(&frame[22], own.data(), 6);
  std::memcpy(&frame[38], address, 4);
  return frame;
}

}  // namespace covey

#include "ethernet.h"

#include <cstring>

#include "cursor.h"

namespace covey {
namespace {

/** 802.1Q: an id of 0 means that the tag carries only a priority, and 4095 is reserved (it matches no Shape). */
int32_t vlanOf(int32_t id) { return id == 0 ? kUntagged : id; }

}  // namespace

bool parseEthernet(const FrameView& frame, EthernetHeader& header) {
  Cursor cursor(frame.data, frame.capturedLength);
  const uint8_t* bytes = cursor.take(14);
  if (bytes == nullptr) return false;
  std::memcpy(header.destination.data(), bytes, 6);
  std::memcpy(header.source.data(), bytes + 6, 6);
  header.etherType = readU16(bytes + 12);
  header.payloadOffset = 14;
  if (frame.strippedVlan != kNoStrippedVlan) {
    header.vlan = vlanOf(frame.strippedVlan & 0x0fff);
    return true;
  }
  header.vlan = kUntagged;
  if (header.etherType != kEtherVlan) return true;
  const uint8_t* tag = cursor.take(4);
  if (tag == nullptr) return false;
  header.vlan = vlanOf(readU16(tag) & 0x0fff);
  header.etherType = readU16(tag + 2);
  header.payloadOffset = 18;
  return true;
}

}  // namespace covey

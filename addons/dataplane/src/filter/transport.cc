#include "transport.h"

namespace covey {

bool parseTcp(Cursor cursor, bool isFragment, Transport& transport) {
  const uint8_t* bytes = cursor.peek(20);
  if (bytes == nullptr) return false;
  const uint32_t headerLength = (bytes[12] >> 4) * 4u;
  if (headerLength < 20 || (headerLength > cursor.left() && !isFragment)) return false;
  transport.sourcePort = readU16(bytes);
  transport.destinationPort = readU16(bytes + 2);
  transport.tcpFlags = bytes[13];
  transport.hasPayload = cursor.left() > headerLength;
  return true;
}

bool parseUdp(Cursor cursor, bool isFragment, Transport& transport) {
  const uint8_t* bytes = cursor.peek(8);
  if (bytes == nullptr) return false;
  const uint32_t length = readU16(bytes + 4);
  if (length < 8 || (length > cursor.left() && !isFragment)) return false;
  transport.sourcePort = readU16(bytes);
  transport.destinationPort = readU16(bytes + 2);
  transport.tcpFlags = 0;
  transport.hasPayload = length > 8;
  return true;
}

}  // namespace covey

// TCP (RFC 9293) and UDP (RFC 768): ports, flags, whether there is payload.
#ifndef COVEY_FILTER_TRANSPORT_H
#define COVEY_FILTER_TRANSPORT_H

#include <cstdint>

#include "cursor.h"

namespace covey {

constexpr uint8_t kTcpFin = 0x01;
constexpr uint8_t kTcpSyn = 0x02;
constexpr uint8_t kTcpRst = 0x04;
constexpr uint8_t kTcpAck = 0x10;
constexpr uint8_t kTcpCwr = 0x80;

struct Transport {
  uint16_t sourcePort = 0;
  uint16_t destinationPort = 0;
  /** 0 for UDP. */
  uint8_t tcpFlags = 0;
  bool hasPayload = false;
};

/** False: malformed. Of a first fragment (`isFragment`) only the fixed header must be there. */
bool parseTcp(Cursor cursor, bool isFragment, Transport& transport);
bool parseUdp(Cursor cursor, bool isFragment, Transport& transport);

}  // namespace covey

#endif

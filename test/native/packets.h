// Builds frames for tests with code of its own: nothing here uses the library's checksums or offsets.
#ifndef COVEY_TEST_PACKETS_H
#define COVEY_TEST_PACKETS_H

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "filter/filter.h"

namespace packets {

using Bytes = std::vector<uint8_t>;

const covey::Mac kOwnMac = {0x02, 0, 0, 0, 0, 0x01};
const covey::Mac kClientMac = {0x02, 0, 0, 0, 0, 0x0c};
const covey::Mac kVmac = {0x02, 0xc0, 0xff, 0xee, 0x00, 0x01};
const Bytes kVip = {10, 77, 0, 50};
const Bytes kClient = {10, 77, 0, 100};
const Bytes kVip6 = {0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50};
const Bytes kClient6 = {0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00};

constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kAck = 0x10;
constexpr uint8_t kFin = 0x11;
constexpr uint8_t kRst = 0x04;

Bytes fromHex(const std::string& hex);
Bytes join(std::initializer_list<Bytes> parts);
Bytes u16(uint32_t value);
covey::Address address(const Bytes& bytes);

/** The whole checksum, complemented. */
uint16_t checksum(const Bytes& bytes);
/** Bytes that TCP, UDP and ICMPv6 checksums cover before their header. */
Bytes pseudo(uint8_t protocol, size_t length, const Bytes& source, const Bytes& destination);

Bytes ethernet(uint16_t etherType, const Bytes& payload, const covey::Mac& source = kClientMac);
Bytes tagged(uint16_t tag, uint16_t etherType, const Bytes& payload);
/** `fragment`: the 16 bits of flags and offset. */
Bytes ipv4(uint8_t protocol, const Bytes& payload, const Bytes& source = kClient, const Bytes& destination = kVip,
           uint16_t fragment = 0, uint16_t id = 7);
Bytes ipv6(uint8_t next, const Bytes& payload, const Bytes& source = kClient6, const Bytes& destination = kVip6,
           uint8_t hopLimit = 64);
enum class Sum { complete, partial, corrupt };
Bytes tcp(uint16_t from, uint16_t to, uint8_t flags, const Bytes& payload = {}, const Bytes& source = kClient,
          const Bytes& destination = kVip, Sum sum = Sum::complete);
Bytes udp(uint16_t from, uint16_t to, const Bytes& payload = {1, 2, 3}, const Bytes& source = kClient,
          const Bytes& destination = kVip, Sum sum = Sum::complete);
Bytes arp(uint16_t operation, const covey::Mac& senderMac, const Bytes& sender, const Bytes& target);
Bytes icmp6(const Bytes& message, const Bytes& source, const Bytes& destination);

/** An IPv4 TCP frame from the client. */
Bytes tcpFrame(uint16_t from, uint16_t to, uint8_t flags, const Bytes& payload = {}, const Bytes& source = kClient);
Bytes udpFrame(uint16_t from, uint16_t to, const Bytes& source = kClient);

}  // namespace packets

#endif

#include "packets.h"

namespace packets {
namespace {

Bytes mac(const covey::Mac& value) { return Bytes(value.begin(), value.end()); }

void patch16(Bytes& bytes, size_t at, uint32_t value) {
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

void setTransportSum(Bytes& segment, size_t at, uint8_t protocol, const Bytes& source, const Bytes& destination,
    Sum sum) {
  const Bytes before = pseudo(protocol, segment.size(), source, destination);
  if (sum == Sum::partial) return patch16(segment, at, static_cast<uint16_t>(~checksum(before)));
  const uint16_t whole = checksum(join({before, segment}));
  patch16(segment, at, sum == Sum::corrupt ? whole ^ 0x0101u : whole);
}

}  // namespace

Bytes fromHex(const std::string& hex) {
  Bytes bytes;
  for (size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes u16(uint32_t value) { return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)}; }

covey::Address address(const Bytes& bytes) {
  covey::Address result{};
  if (bytes.size() == 4) result[10] = result[11] = 0xff;
  for (size_t i = 0; i < bytes.size(); i++) result[16 - bytes.size() + i] = bytes[i];
  return result;
}

uint16_t checksum(const Bytes& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i++) sum += static_cast<uint64_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(0xffff - sum);
}

Bytes pseudo(uint8_t protocol, size_t length, const Bytes& source, const Bytes& destination) {
  const uint32_t bytes = static_cast<uint32_t>(length);
  return join({source, destination, u16(bytes >> 16), u16(bytes & 0xffff), {0, protocol}});
}

Bytes ethernet(uint16_t etherType, const Bytes& payload, const covey::Mac& source) {
  return join({mac(kVmac), mac(source), u16(etherType), payload});
}

Bytes tagged(uint16_t tag, uint16_t etherType, const Bytes& payload) {
  return ethernet(0x8100, join({u16(tag), u16(etherType), payload}));
}

Bytes ipv4(uint8_t protocol, const Bytes& payload, const Bytes& source, const Bytes& destination, uint16_t fragment,
           uint16_t id) {
  const uint32_t total = static_cast<uint32_t>(20 + payload.size());
  Bytes header =
      join({{0x45, 0}, u16(total), u16(id), u16(fragment), {64, protocol, 0, 0}, source, destination});
  patch16(header, 10, checksum(header));
  return join({header, payload});
}

Bytes ipv6(uint8_t next, const Bytes& payload, const Bytes& source, const Bytes& destination, uint8_t hopLimit) {
  const uint32_t length = static_cast<uint32_t>(payload.size());
  return join({{0x60, 0, 0, 0}, u16(length), {next, hopLimit}, source, destination, payload});
}

Bytes tcp(uint16_t from, uint16_t to, uint8_t flags, const Bytes& payload, const Bytes& source,
    const Bytes& destination,
          Sum sum) {
  Bytes segment = join({u16(from), u16(to), {0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0}, payload});
  setTransportSum(segment, 16, 6, source, destination, sum);
  return segment;
}

Bytes udp(uint16_t from, uint16_t to, const Bytes& payload, const Bytes& source, const Bytes& destination, Sum sum) {
  Bytes datagram = join({u16(from), u16(to), u16(static_cast<uint32_t>(8 + payload.size())), {0, 0}, payload});
  setTransportSum(datagram, 6, 17, source, destination, sum);
  return datagram;
}

Bytes arp(uint16_t operation, const covey::Mac& senderMac, const Bytes& sender, const Bytes& target) {
  return join({{0, 1, 8, 0, 6, 4}, u16(operation), mac(senderMac), sender, {0, 0, 0, 0, 0, 0}, target});
}

Bytes icmp6(const Bytes& message, const Bytes& source, const Bytes& destination) {
  Bytes whole = message;
  patch16(whole, 2, 0);
  patch16(whole, 2, checksum(join({pseudo(58, whole.size(), source, destination), whole})));
  return whole;
}

Bytes tcpFrame(uint16_t from, uint16_t to, uint8_t flags, const Bytes& payload, const Bytes& source) {
  return ethernet(0x0800, ipv4(6, tcp(from, to, flags, payload, source), source));
}

Bytes udpFrame(uint16_t from, uint16_t to, const Bytes& source) {
  return ethernet(0x0800, ipv4(17, udp(from, to, {1, 2, 3}, source), source));
}

}  // namespace packets

#include "answers.h"

#include <cstring>

#include "checksum.h"
#include "icmp.h"
#include "pseudo_header.h"

namespace covey {
namespace {

constexpr size_t kLeastFrameBytes = 60;
constexpr uint8_t kSolicitedFlag = 0x40;
constexpr uint8_t kSourceLinkLayer = 1;
constexpr uint8_t kTargetLinkLayer = 2;
constexpr Mac kAllNodesMac = {0x33, 0x33, 0, 0, 0, 1};
constexpr Address kAllNodes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

/** Writes the Ethernet header and gives the payload's place. */
uint8_t* startFrame(Answer& answer, const Mac& destination, const Answerer& answerer, uint16_t etherType) {
  uint8_t* at = answer.bytes.data();
  std::memcpy(at, destination.data(), 6);
  std::memcpy(at + 6, answerer.ownMac.data(), 6);
  at += 12;
  if (answerer.vlan != kUntagged) {
    writeU16(at, kEtherVlan);
    writeU16(at + 2, static_cast<uint32_t>(answerer.vlan));
    at += 4;
  }
  writeU16(at, etherType);
  return at + 2;
}

/** Writes an IPv6 header for an ICMPv6 message of 32 bytes that only a neighbour may send, and gives the message's place. */
uint8_t* startNeighbourMessage(uint8_t* ip, const Address& source, const Address& destination) {
  ip[0] = 0x60;
  writeU16(ip + 4, 32);
  ip[6] = kIpIcmpv6;
  ip[7] = 255;
  std::memcpy(ip + 8, source.data(), 16);
  std::memcpy(ip + 24, destination.data(), 16);
  return ip + 40;
}

void writeLinkLayer(uint8_t* option, uint8_t type, const Mac& mac) {
  option[0] = type;
  option[1] = 1;
  std::memcpy(option + 2, mac.data(), 6);
}

void writeChecksum(const uint8_t* ip, uint8_t* icmp) {
  const uint32_t sum = sumWords(icmp, 32, pseudoHeaderSum(ip + 8, true, kIpIcmpv6, 32));
  writeU16(icmp + 2, static_cast<uint16_t>(~foldSum(sum)));
}

void endFrame(Answer& answer, const uint8_t* end) {
  const size_t written = static_cast<size_t>(end - answer.bytes.data());
  answer.length = written < kLeastFrameBytes ? kLeastFrameBytes : written;
}

}  // namespace

Answer answerArp(const ArpPacket& request, const Answerer& answerer) {
  static constexpr uint8_t kReplyHead[] = {0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x02};
  Answer answer;
  uint8_t* at = startFrame(answer, request.senderMac, answerer, kEtherArp);
  std::memcpy(at, kReplyHead, sizeof kReplyHead);
  std::memcpy(at + 8, answerer.answerMac.data(), 6);
  std::memcpy(at + 14, &request.targetAddress[12], 4);
  std::memcpy(at + 18, request.senderMac.data(), 6);
  std::memcpy(at + 24, &request.senderAddress[12], 4);
  endFrame(answer, at + 28);
  return answer;
}

Answer answerSolicitation(const Solicitation& solicitation, const Mac& frameSource, const Answerer& answerer) {
  Answer answer;
  const Mac& asker = solicitation.hasSourceMac ? solicitation.sourceMac : frameSource;
  uint8_t* ip = startFrame(answer, solicitation.isProbe ? kAllNodesMac : asker, answerer, kEtherIpv6);
  uint8_t* icmp = startNeighbourMessage(ip, solicitation.target, solicitation.isProbe ? kAllNodes : solicitation.source);
  icmp[0] = kNeighbourAdvertisement;
  icmp[4] = solicitation.isProbe ? 0 : kSolicitedFlag;
  std::memcpy(icmp + 8, solicitation.target.data(), 16);
  writeLinkLayer(icmp + 24, kTargetLinkLayer, answerer.answerMac);
  writeChecksum(ip, icmp);
  endFrame(answer, icmp + 32);
  return answer;
}

Answer steerByArp(const Address& asker, const Mac& askerMac, const Address& vip, const Answerer& answerer) {
  static constexpr uint8_t kRequestHead[] = {0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01};
  Answer answer;
  uint8_t* at = startFrame(answer, askerMac, answerer, kEtherArp);
  std::memcpy(at, kRequestHead, sizeof kRequestHead);
  std::memcpy(at + 8, answerer.answerMac.data(), 6);
  std::memcpy(at + 14, &vip[12], 4);
  std::memcpy(at + 24, &asker[12], 4);
  endFrame(answer, at + 28);
  return answer;
}

Answer steerBySolicitation(const Address& asker, const Mac& askerMac, const Address& vip, const Answerer& answerer) {
  Answer answer;
  uint8_t* ip = startFrame(answer, askerMac, answerer, kEtherIpv6);
  uint8_t* icmp = startNeighbourMessage(ip, vip, asker);
  icmp[0] = kNeighbourSolicitation;
  std::memcpy(icmp + 8, asker.data(), 16);
  writeLinkLayer(icmp + 24, kSourceLinkLayer, answerer.answerMac);
  writeChecksum(ip, icmp);
  endFrame(answer, icmp + 32);
  return answer;
}

}  // namespace covey

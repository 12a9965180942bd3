// The bytes of ARP and ND answers, and of steering. The vMAC stands in their payload only: the Ethernet source is the
// node's own MAC (I5).
#ifndef COVEY_FILTER_ANSWERS_H
#define COVEY_FILTER_ANSWERS_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "arp.h"
#include "ethernet.h"
#include "neighbour.h"

namespace covey {

/** A neighbour advertisement behind a VLAN tag: 14 + 4 + 40 + 32. */
constexpr size_t kMostAnswerBytes = 90;

struct Answer {
  std::array<uint8_t, kMostAnswerBytes> bytes{};
  size_t length = 0;
};

/** Who answers with what; `vlan` tags the answer unless it is kUntagged. */
struct Answerer {
  Mac ownMac{};
  /** Where the VIP is said to be: the vMAC, the multicast vMAC, or with reach `relay` our own MAC. */
  Mac answerMac{};
  int32_t vlan = kUntagged;
};

/** "`request`'s target is at `answerMac`", to the asker alone; padded to the 60 bytes that Ethernet wants. */
Answer answerArp(const ArpPacket& request, const Answerer& answerer);

/**
 * A solicited advertisement to the asker, without the override flag, so that a later steering advertisement with it
 * wins; for a probe an unsolicited one to all nodes, which tells the prober that the address is taken (RFC 4861 section
 * 7.2.4).
 */
Answer answerSolicitation(const Solicitation& solicitation, const Mac& frameSource, const Answerer& answerer);

/**
 * Steering (design.md section 6): a unicast ARP request in the VIP's name. Linux takes its sender as an update in every
 * state, even within the second in which it ignores plain replies (net/ipv4/arp.c, arp_process), and its reply is the
 * receipt. `asker` and `vip` are IPv4.
 */
Answer steerByArp(const Address& asker, const Mac& askerMac, const Address& vip, const Answerer& answerer);

/** The same for IPv6: a unicast solicitation from the VIP with a source link-layer address (RFC 4861 section 7.2.3). */
Answer steerBySolicitation(const Address& asker, const Mac& askerMac, const Address& vip, const Answerer& answerer);

}  // namespace covey

#endif

// The outcome for one frame, and what an accepted one needs to be injected.
#ifndef COVEY_FILTER_VERDICT_H
#define COVEY_FILTER_VERDICT_H

#include <cstdint>

#include "counters.h"
#include "shape.h"

namespace covey {

/** Order as in VerdictKind of src/dataplane/contract.ts. */
enum class VerdictKind : uint8_t { accept, reject, hold, relay, answer, control };

inline const char* verdictName(VerdictKind kind) {
  static constexpr const char* kNames[] = {"accept", "reject", "hold", "relay", "answer", "control"};
  return kNames[static_cast<uint8_t>(kind)];
}

/**
 * What `classify` says. The ladder, first match decides (the counter named is the verdict's reason):
 *
 *   truncatedCapture, malformedEthernet, rejectedOwnFrame (source is our own MAC), rejectedOtherVlan,
 *   control (EtherType 0x88B5, whatever the lease), rejectedLeaseLapsed,
 *   ARP, ND, IPv4, IPv6: malformed..., rejectedNotOurVip, badChecksum (IPv4 header), rejectedOtherProtocol, ...
 *   fragmentsHeld (a later fragment before its first one), rejectedNoRule, rejectedDenied,
 *   accept (own keep), held (bucket pending, or key held), rejectedForeignKeep, tableFull, accept (bucket owned),
 *   rejectedNotOwner.
 *
 * test/vectors/classify.txt writes the whole ladder down and binds both implementations. The vMAC as Ethernet source is
 * no verdict: the switch has learnt its harm already, so `handle` counts it (vmacAsSource) and goes on.
 */
struct Verdict {
  VerdictKind kind = VerdictKind::reject;
  /** The counter that `handle` bumps; accept: accepted, hold: held or fragmentsHeld, answer: arpAnswered or ndAnswered. */
  Counter reason = Counter::rejectedOtherProtocol;
  /** Of the rule, see RuleEntry::slot. Here, where it takes no room: a Decision is made for each packet. */
  uint16_t slot = kUncounted;
  /** Index of the config's rule, -1 where none applies (ICMP echo, ARP, unparsed). */
  int32_t rule = -1;
  /** 0..7; meaningful where bucket is not -1. */
  uint8_t plan = 0;
  /** 0..4095, -1 where no key was found. */
  int32_t bucket = -1;
};

/** An IP packet to be injected. Pointers are valid only during the call that hands it over. */
struct Accepted {
  /** First byte of the IP header; `length` is the IP packet's own, without Ethernet padding. */
  const uint8_t* packet = nullptr;
  uint32_t length = 0;
  /** Where `packet` starts in the frame: what to subtract from csum_start and hdr_len of a captured virtio_net_hdr. */
  uint32_t packetOffset = 0;
  bool isIpv6 = false;
  /** IANA number of the transport; its header starts at `transportOffset` of `packet`. */
  uint8_t protocol = 0;
  uint32_t transportOffset = 0;
  /** Any fragment, the first too: its transport checksum spans other packets, so nothing is to be said about it. */
  bool isFragment = false;
};

}  // namespace covey

#endif

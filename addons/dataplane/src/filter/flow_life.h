// How long a connection counts as alive, seen from one side only: replies go straight to the client (direct server
// return), so all that is known is what the client sends.
//
//                      SYN          other packet            FIN
//   nothing / ended ------> syn -----------------> open ---------> closing (a SYN starts anew)
//        |                                          ^  RST
//        | TCP without SYN          second packet   |-----------> reset (another packet: glimpse again, for a
//        +-----------------> glimpse ---------------+                    forged RST must not end a connection)
//        | UDP            second packet
//        +------> once -----------------> stream
//
// syn, glimpse and once are *embryos*: one packet with a forged source makes one, so they live briefly, and only so
// many.
#ifndef COVEY_FILTER_FLOW_LIFE_H
#define COVEY_FILTER_FLOW_LIFE_H

#include <cstdint>

namespace covey {

enum class Phase : uint8_t {
  /** Something was accepted that is no connection: echo, ICMP error, RST or fragment of nothing known. */
  trace,
  closing,
  reset,
  syn,
  glimpse,
  once,
  open,
  stream,
  /** Of a key only: it has several connections, each with its own phase. */
  several,
};

/** Ended this long after the last packet that followed a FIN or RST; design.md section 5 wants >= 1 s. */
constexpr uint32_t kLingerMs = 1000;
/** More than SYN-ACK retransmissions at 1, 3 and 7 s need; a flood of forged sources costs no more than this. */
constexpr uint32_t kEmbryoMs = 10 * 1000;
/** QUIC closes by default after 30 s of silence; DNS and NTP need far less. */
constexpr uint32_t kUdpIdleMs = 60 * 1000;
/** Just above the 7200 s after which TCP keep-alive probes by default (RFC 9293 section 3.8.4). */
constexpr uint32_t kTcpIdleMs = 7500 * 1000;

/** What a packet says about its connection. */
struct FlowEvent {
  /** IANA number; anything but TCP and UDP leaves only a trace. */
  uint8_t protocol = 0;
  uint8_t tcpFlags = 0;
  bool hasPayload = false;
  /** Tells the connections of one key apart: a hash of what the key leaves out. */
  uint32_t connection = 0;
};

/** Ms after the last packet at which a connection in this phase has ended. */
uint32_t lifeMs(Phase phase);

/** Trace, closing and reset end by the linger; the others are living connections. */
inline bool isLiving(Phase phase) { return phase >= Phase::syn; }
inline bool isEmbryo(Phase phase) { return phase == Phase::syn || phase == Phase::glimpse || phase == Phase::once; }

/** The phase after one more packet. `trace` stands for "nothing known". */
Phase advance(Phase phase, const FlowEvent& event);

/**
 * Whether the packet may start a connection beside others of its key. A bare ACK, FIN or RST of an unknown connection
 * is the tail of one that has ended.
 */
bool startsConnection(const FlowEvent& event);

}  // namespace covey

#endif

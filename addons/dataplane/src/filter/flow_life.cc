#include "flow_life.h"

#include "ip.h"
#include "transport.h"

namespace covey {
namespace {

Phase advanceTcp(Phase phase, const FlowEvent& event) {
  if (event.tcpFlags & kTcpRst) return phase == Phase::trace ? Phase::trace : Phase::reset;
  if (event.tcpFlags & kTcpFin) return Phase::closing;
  const bool isFirst = (event.tcpFlags & kTcpSyn) != 0 && (event.tcpFlags & kTcpAck) == 0;
  switch (phase) {
    case Phase::open:
      return Phase::open;
    case Phase::closing:
      return isFirst ? Phase::syn : Phase::closing;
    case Phase::syn:
      return isFirst ? Phase::syn : Phase::open;
    case Phase::glimpse:
      return isFirst ? Phase::glimpse : Phase::open;
    default:
      return isFirst ? Phase::syn : Phase::glimpse;
  }
}

Phase advanceUdp(Phase phase) {
  return phase == Phase::once || phase == Phase::stream ? Phase::stream : Phase::once;
}

}  // namespace

uint32_t lifeMs(Phase phase) {
  switch (phase) {
    case Phase::open:
      return kTcpIdleMs;
    case Phase::stream:
      return kUdpIdleMs;
    case Phase::syn:
    case Phase::glimpse:
    case Phase::once:
      return kEmbryoMs;
    default:
      return kLingerMs;
  }
}

Phase advance(Phase phase, const FlowEvent& event) {
  if (event.protocol == kIpTcp) return advanceTcp(phase, event);
  if (event.protocol == kIpUdp) return advanceUdp(phase);
  return phase;
}

bool startsConnection(const FlowEvent& event) {
  if (event.protocol == kIpUdp) return true;
  if (event.protocol != kIpTcp || (event.tcpFlags & (kTcpRst | kTcpFin))) return false;
  return (event.tcpFlags & kTcpSyn) != 0 || event.hasPayload;
}

}  // namespace covey

// A captured Ethernet frame, not owned.
#ifndef COVEY_FILTER_FRAME_H
#define COVEY_FILTER_FRAME_H

#include <cstdint>

namespace covey {

/** FrameView::strippedVlan of a frame whose tag, if any, still lies in its bytes. */
constexpr int32_t kNoStrippedVlan = -1;

struct FrameView {
  /** First byte of the Ethernet header. */
  const uint8_t* data = nullptr;
  /** Bytes that may be read at `data`. */
  uint32_t capturedLength = 0;
  /** Bytes that the frame had on the wire; more than captured means truncated. */
  uint32_t wireLength = 0;
  /**
   * VLAN id 0..4095 that the kernel took out of the bytes into metadata (PACKET_AUXDATA); libpcap puts the tag back by
   * itself, so for its frames this stays kNoStrippedVlan.
   */
  int32_t strippedVlan = kNoStrippedVlan;
};

}  // namespace covey

#endif

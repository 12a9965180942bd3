// Frames that wait: for a bucket being granted to us, or for a key whose keeper is letting go. Preallocated, bounded in
// frames and bytes, in order of arrival.
#ifndef COVEY_FILTER_HOLD_RING_H
#define COVEY_FILTER_HOLD_RING_H

#include <cstdint>
#include <vector>

#include "frame.h"
#include "key.h"

namespace covey {

struct HeldFrame {
  FrameView frame;
  KeyRecord key;
  uint32_t hash = 0;
};

class HoldRing {
 public:
  HoldRing(uint32_t mostFrames, uint32_t mostBytes);

  /** Copies the frame. False: no room, nothing kept. */
  bool push(const FrameView& frame, const KeyRecord& key, uint32_t hash);

  /** In order of arrival; a frame for which `leaves(held)` says true is taken out. `leaves` must not push. */
  template <class Leaves>
  void visit(Leaves leaves) {
    for (Record& record : records_) {
      if (record.isGone || !leaves(view(record))) continue;
      record.isGone = true;
      goneBytes_ += record.length;
      live_--;
    }
    if (live_ == 0) clear();
  }
  /** New hashes for a new seed. */
  void rehash(uint32_t seed);
  uint32_t count() const { return live_; }
  void clear();

 private:
  struct Record {
    uint32_t offset = 0;
    uint32_t length = 0;
    uint32_t wireLength = 0;
    int32_t strippedVlan = kNoStrippedVlan;
    KeyRecord key;
    uint32_t hash = 0;
    bool isGone = false;
  };

  HeldFrame view(const Record& record) const;
  void compact();

  std::vector<uint8_t> bytes_;
  std::vector<Record> records_;
  uint32_t mostFrames_;
  uint32_t usedBytes_ = 0;
  uint32_t goneBytes_ = 0;
  uint32_t live_ = 0;
};

}  // namespace covey

#endif

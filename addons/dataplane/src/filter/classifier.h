// The fixed function from frame and tables to verdict; const, so the same for traffic, replay, tests, fuzzing and
// `explain`.
#ifndef COVEY_FILTER_CLASSIFIER_H
#define COVEY_FILTER_CLASSIFIER_H

#include <cstdint>

#include "bucket_table.h"
#include "compiled_shape.h"
#include "ethernet.h"
#include "flow_tracker.h"
#include "fragment_table.h"
#include "frame.h"
#include "ip.h"
#include "reach.h"
#include "verdict.h"

namespace covey {

/** What a decision still hangs on once the frame itself has been read. */
enum class Awaits : uint8_t {
  nothing,
  /** A later fragment: the key of its first one. */
  origin,
  /** The key is known, its hash is not. */
  hash,
  /** Key and hash are known: bucket and flow table. */
  tables,
};

/** A verdict with all that acting on it needs. */
struct Decision {
  Verdict verdict;
  Awaits awaits = Awaits::nothing;
  EthernetHeader ethernet;
  IpPacket ip;
  /** Meaningful where verdict.bucket is not -1. */
  KeyRecord key;
  uint32_t hash = 0;
  /** The key's entry in the flow table, kNone: it has none (or nobody looked). */
  uint32_t entry = kNone;
  uint32_t holdMs = 0;
  FlowEvent event;
  /** The first fragment of a datagram: later ones are to follow it. */
  bool startsDatagram = false;
  /** It came to our own MAC, from outside the farm, and has a key. */
  bool isIngress = false;
  /** Members that get a copy unless we accept it; see ReachTable::targetsOf. */
  uint64_t targets = 0;
};

class Classifier {
 public:
  Classifier(const Mac& ownMac, const CompiledShape& shape, const BucketTable& buckets, const FlowTracker& flows,
             const FragmentTable& fragments, const ReachTable& reach)
      : ownMac_(ownMac), shape_(shape), buckets_(buckets), flows_(flows), fragments_(fragments), reach_(reach) {}

  /** `read`, then `settle`. `decision` is freshly made. */
  void decide(const FrameView& frame, bool leaseOpen, uint64_t nowMs, Decision& decision) const {
    read(frame, leaseOpen, decision);
    settle(nowMs, decision);
  }
  /**
   * The part of a decision that hangs on no table which other frames change, so that several frames may be read before the
   * first of them is settled. `decision` is freshly made.
   */
  void read(const FrameView& frame, bool leaseOpen, Decision& decision) const;
  /**
   * Between `read` and `settle` of several frames: hashes their keys side by side, and has their places in the flow table
   * brought from memory meanwhile. Nothing hangs on it but time.
   */
  void hashTogether(Decision* decisions, size_t count) const;
  /** The rest of it. */
  void settle(uint64_t nowMs, Decision& decision) const;
  /**
   * Called after `decide` for a frame that is seen for the first time (held ones were passed on when they came): what
   * came to our own MAC from outside the farm, and is not ours by the tables, goes to those whom it may concern.
   */
  void decideRelay(Decision& decision) const;

 private:
  void decideEthernet(const FrameView& frame, bool leaseOpen, Decision& decision) const;
  void decideArp(Cursor payload, Decision& decision) const;
  /** IP is taken by its MAC alone, whatever the mode: so a frame is accepted by one node at most. */
  bool isForUs(const EthernetHeader& ethernet) const;
  void decideIp(Cursor payload, Decision& decision) const;
  void decideSolicitation(Decision& decision) const;
  void decidePorts(int vip, Decision& decision) const;
  void decideIcmp(Decision& decision) const;
  void decideLaterFragment(uint64_t nowMs, Decision& decision) const;
  /** Rule by (protocol, service port), key by the client's end. */
  void decideByRule(uint8_t protocol, uint16_t servicePort, const Address& client, uint16_t clientPort,
                    Decision& decision) const;
  static void decideByKey(const KeyRecord& key, Decision& decision);
  void decideByHash(uint32_t hash, Decision& decision) const;
  /** Steps 3 to 7 of design.md section 2. */
  void decideByTables(Decision& decision) const;

  const Mac& ownMac_;
  const CompiledShape& shape_;
  const BucketTable& buckets_;
  const FlowTracker& flows_;
  const FragmentTable& fragments_;
  const ReachTable& reach_;
};

}  // namespace covey

#endif

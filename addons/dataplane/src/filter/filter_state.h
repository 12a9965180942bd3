// What a Filter is made of. Only filter.cc and what carries out table commands include this.
#ifndef COVEY_FILTER_FILTER_STATE_H
#define COVEY_FILTER_FILTER_STATE_H

#include "askers.h"
#include "bucket_table.h"
#include "classifier.h"
#include "compiled_shape.h"
#include "counters.h"
#include "early_fragments.h"
#include "fast_path.h"
#include "filter.h"
#include "flow_tracker.h"
#include "fragment_table.h"
#include "hold_ring.h"
#include "reach.h"
#include "rule_counters.h"

namespace covey {

struct Filter::State {
  explicit State(const FilterOptions& options)
      : ownMac(options.mac),
        counters(options.counters),
        ruleCounters(options.counters + kCounterCount, options.ruleSlots),
        flows(options.maxKeys, buckets, counters, fastPath),
        ring(options.holdFrames, options.holdBytes) {}

  Mac ownMac;
  Counters counters;
  RuleCounters ruleCounters;
  CompiledShape shape;
  BucketTable buckets;
  FastPath fastPath;
  /** The latest moment that was named to us. The kernel's own may be later by what passed since that was read. */
  uint64_t latestMs = 0;
  FlowTracker flows;
  FragmentTable fragments;
  EarlyFragments earlyFragments;
  HoldRing ring;
  ReachTable reach{ownMac, shape};
  AskerTable askers{counters};
  Classifier classifier{ownMac, shape, buckets, flows, fragments, reach};

  bool isFromVmac(const EthernetHeader& ethernet) const {
    return ethernet.payloadOffset != 0 && isSame(ethernet.source, shape.vmac());
  }
  void rehash();
  FlowEntry& entry(uint32_t index) { return flows.table().at(index); }
  uint32_t hashOf(const KeyRecord& key) const { return hashKey(key, shape.hashSeed()); }

  /** Decides a frame that was read and counted as seen, and counts and does what follows from it. */
  void settle(const FrameView& frame, uint64_t nowMs, Decision& decision, Sink& sink);
  /** Does what the decision says, with a frame that is not held yet. */
  void act(const FrameView& frame, const Decision& decision, uint64_t nowMs, Sink& sink);
  void obey(const FrameView& frame, const Decision& decision, uint64_t nowMs, Sink& sink);
  void hold(const FrameView& frame, const Decision& decision, uint64_t nowMs);
  void beginDatagram(const Decision& first, uint64_t nowMs);
  void replayEarly(const Datagram& datagram, uint64_t nowMs, Sink& sink);
  void accept(const FrameView& frame, const Decision& decision, uint64_t nowMs, Sink& sink);
  /** After a packet was accepted: its connection becomes one for the fast path, or is none any longer. */
  void followFastPath(const FrameView& frame, const Decision& decision, uint64_t nowMs);
  static bool mayBeFast(const FrameView& frame, const Decision& decision);
  static FastIdentity identityOf(const Decision& decision);
  /** What the kernel took by itself. */
  void takeFast(const FastFlow& flow, uint32_t packets, uint32_t lastSeenMs);
  void closeFastPath();
  void countFast();
  void sawTime(uint64_t nowMs) {
    if (nowMs > latestMs) latestMs = nowMs;
  }
  void answer(const FrameView& frame, const Decision& decision, Sink& sink);
  static Accepted packetOf(const Decision& decision);
  /** A frame that nobody has dealt with yet: whom it may concern gets it. */
  void meet(const FrameView& frame, const Decision& decision, Sink& sink);
  void setReach(std::shared_ptr<const ReachSetting> setting, uint64_t nowMs, Sink& sink);
  void relay(const FrameView& frame, const Decision& decision, Sink& sink);

  /** Who asks for a VIP is remembered; who answers our own question for one has understood where it is. */
  void noticeNeighbour(const FrameView& frame, const Decision& decision, uint64_t nowMs);
  void noticeArp(const FrameView& frame, const Decision& decision, uint64_t nowMs);
  void noticeIpv6(const Decision& decision, uint64_t nowMs);
  void sawAsker(const Address& asker, const Address& vip, const Mac& mac, uint64_t nowMs);
  void steerDue(uint64_t nowMs, Sink& sink);

  /** Held frames for which `isMeant` holds go through classify; those that it still holds keep their place. */
  template <class IsMeant>
  void replay(IsMeant isMeant, uint64_t nowMs, Sink& sink) {
    ring.visit([&](const HeldFrame& held) { return isMeant(held) && replayOne(held, nowMs, sink); });
  }
  bool replayOne(const HeldFrame& held, uint64_t nowMs, Sink& sink);
  /** Frames that nothing holds any longer. */
  void replayFreed(uint64_t nowMs, Sink& sink);
  void discardFreed();
  bool mustWait(const HeldFrame& held) const;
};

}  // namespace covey

#endif

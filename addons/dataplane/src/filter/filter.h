// The authority on every packet: all that a packet thread needs, behind one door.
//
// A Filter is used by one thread at a time and makes no system call, takes no lock, and after its construction
// allocates nothing for a packet (table commands may allocate their results). Time is CLOCK_BOOTTIME in whole ms and
// never goes back.
#ifndef COVEY_FILTER_FILTER_H
#define COVEY_FILTER_FILTER_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "counters.h"
#include "frame.h"
#include "reach.h"
#include "shape.h"
#include "table_ops.h"
#include "verdict.h"

namespace covey {

class TableWork;

struct FilterOptions {
  /** MAC of the interface: the Ethernet source of every answer; frames that come from it are our own. */
  Mac mac{};
  /** Bounds of the hold ring; a frame beyond either is lost and counted as heldOverflow. */
  uint32_t holdFrames = 8192;
  uint32_t holdBytes = 8u << 20;
  /** Most keys in the flow table, 1..4194304. Memory: 144 to 160 bytes each, all of it at construction. */
  uint32_t maxKeys = 262144;
  /** kCounterCount uint64 that outlive the Filter; behind them those of RuleCounters, for so many slots. */
  uint64_t* counters = nullptr;
  size_t ruleSlots = 0;
};

/**
 * Where packets go. The Filter has counted them already; the sink counts what becomes of them (injected, injectErrors,
 * answerErrors, relayCopies, relayErrors).
 */
class Sink {
 public:
  virtual ~Sink() = default;
  /** An accepted packet, in order of arrival. */
  virtual void inject(const Accepted& accepted) = 0;
  /** A whole Ethernet frame to send: an ARP or ND answer, or steering; source MAC our own. */
  virtual void answer(const uint8_t* frame, size_t length) = 0;
  /** The frame once more, from our own MAC to `destination` (relayCopies, relayErrors). `packet` describes what is in it. */
  virtual void relay(const FrameView& frame, const Accepted& packet, const Mac& destination) = 0;
};

/** Under what a frame is decided. */
struct Moment {
  bool leaseOpen = false;
  uint64_t nowMs = 0;
};

/** Tells a Filter that works on several frames the moment of each, right before it is decided: a lease may end between two. */
class Pace {
 public:
  virtual ~Pace() = default;
  /** The frame `index` is next. What the Sink gets until the next call belongs to it, but for what leaves the hold ring. */
  virtual Moment next(size_t index) = 0;
};

struct FastTable;

class Filter {
 public:
  explicit Filter(const FilterOptions& options);
  ~Filter();
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  /**
   * Replaces VIPs, rules, seed and vMAC. Tables and entries stay; with a new seed entries move to their new buckets.
   */
  void setShape(const Shape& shape);

  /** The verdict that the frame would get now. Changes nothing, counts nothing. */
  Verdict classify(const FrameView& frame, bool leaseOpen, uint64_t nowMs) const;

  /**
   * Classifies, counts (framesSeen and the verdict's reason), tracks the key, then injects, answers or holds. A
   * `control` frame is not counted: who takes it from its own socket counts it.
   */
  Verdict handle(const FrameView& frame, bool leaseOpen, uint64_t nowMs, Sink& sink);

  /** Most frames of one call of `handle`. */
  static constexpr size_t kMostFrames = 16;
  /**
   * `handle` for frames that have come already, in their order and with the same outcome as one by one, but faster: all are read
   * and hashed before the first is decided. 1..kMostFrames frames.
   */
  void handle(const FrameView* frames, size_t count, Pace& pace, Sink& sink);

  /**
   * Applies one table command between two frames. The caller has made sure that the lease is open, and, before `cut`,
   * has handled every frame captured before the command. Frames that leave the hold ring go through classify to the
   * sink.
   */
  TableResult apply(const TableOp& op, uint64_t nowMs, Sink& sink);
  /**
   * Carries a command on, for about `mostEntries` entries (a bucket's are not divided); true: it is done. Frames may be
   * handled between two calls, other commands not. A reset in between ends the work.
   */
  bool advance(TableWork& work, uint32_t mostEntries, uint64_t nowMs, Sink& sink);
  std::vector<TableResult> apply(const std::vector<TableOp>& ops, uint64_t nowMs, Sink& sink);

  // The commands of TableOp, one method each; what they promise is said there.
  void own(uint8_t plan, const Bitmap& buckets, uint64_t nowMs, Sink& sink);
  void hold(uint8_t plan, const Bitmap& buckets);
  void unhold(uint8_t plan, const Bitmap& buckets);
  TableResult offer(uint8_t plan, const Bitmap& buckets, uint32_t serial, uint64_t nowMs);
  void withdraw(uint8_t plan, const Bitmap& buckets);
  TableResult cut(uint8_t plan, const Bitmap& buckets, uint32_t serial, uint64_t nowMs, Sink& sink);
  TableResult honour(const std::vector<KeeperKeeps>& groups, uint64_t nowMs);
  void holdKeys(const std::vector<KeeperKeeps>& groups);
  void release(const std::vector<KeeperKeeps>& groups, uint64_t nowMs, Sink& sink);
  void unholdKeys(const std::vector<KeeperKeeps>& groups);
  void dropKeeper(KeeperSlot keeper, uint64_t nowMs, Sink& sink);
  void dropKeeper(KeeperSlot keeper, uint8_t plan, const Bitmap& buckets, uint64_t nowMs, Sink& sink);
  void forget(uint8_t plan, const Bitmap& buckets, uint64_t nowMs, Sink& sink);
  TableResult dropKeeps(const std::vector<uint8_t>& keeps, uint64_t nowMs);
  TableResult listEnded(uint32_t limit, bool all, uint64_t nowMs);
  TableResult listEnded(uint32_t limit, bool all, uint8_t plan, const Bitmap& buckets, uint64_t nowMs);

  /** How ARP and ND are answered, and who relays to whom; askers whose answering member becomes us are told. */
  void setReach(std::shared_ptr<const ReachSetting> setting, uint64_t nowMs, Sink& sink);
  /** Records of kAskerBytes each: of the askers seen since the last call, or of all. */
  std::vector<uint8_t> takeAskers(bool all, uint64_t nowMs);
  void learnAskers(const uint8_t* records, size_t length, uint64_t nowMs);

  KeptState kept() const;
  /** What the tables may let pass now; frames of other buckets are rejected whatever they are. */
  Sieve sieve() const;
  /** Grows whenever `sieve` may have changed. */
  uint64_t tableVersion() const;

  /**
   * Empties every table: owned, pending, keeps, entries, fragments, ring (frames in it are counted as heldLapsed). For
   * a lapse of the lease and for a new incarnation. Shape, reach, askers and counters stay.
   */
  void reset();

  /** Forgets at most some dozens of entries whose time is over. Call it once per turn of the packet loop. */
  void expire(uint64_t nowMs);
  /** Tells askers that are due where the VIP is now. Once per turn, while the lease is open. */
  void steer(uint64_t nowMs, Sink& sink);

  /** From now on the kernel may take packets of open connections by itself; null: no longer. The table is to outlive this. */
  void useFastPath(FastTable* table);
  /** See FastPath::open. Once per turn, not while a table command is being carried out: such a command closes all. */
  void openFastPath(bool isRingEmpty, uint64_t nowMs);
  /** Learns what the kernel took. Some times a second. */
  void collectFastPath(uint64_t nowMs);
  /** See FastPath::missing. */
  uint64_t missingOfFastPath() const;
  /** Until when the kernel may take packets; boot time, ns. Never later than the lease. */
  void setFastLease(int64_t endNs);

  /** The interface's MAC, when it was given another one. */
  void setMac(const Mac& mac);

 private:
  friend class TableWorker;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace covey

#endif

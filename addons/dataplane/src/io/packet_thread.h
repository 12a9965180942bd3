// The packet thread: captures, lets the filter decide, injects and answers, and runs commands between two frames.
//
//   capture ring --> Filter::handle --inject--> TUN        one thread, no lock on a packet's way
//        ^               |  answer --> raw socket
//        |           commands (queue, eventfd) <-- JavaScript
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../filter/filter.h"
#include "capture.h"
#include "command_queue.h"
#include "fast_path_switch.h"
#include "frame_sender.h"
#include "interface.h"
#include "kernel_filter.h"
#include "lease_clock.h"
#include "priority.h"
#include "relay_sender.h"
#include "spin_rule.h"
#include "system_error.h"
#include "tun.h"

namespace covey::io {

struct PacketThreadOptions {
  std::string interface;
  std::string tun;
  // The own AF_PACKET ring instead of libpcap.
  bool useRing = false;
  uint64_t ringBytes = 64u << 20;
  uint32_t holdFrames = 8192;
  uint32_t holdBytes = 8u << 20;
  uint32_t maxKeys = 262144;
  // Frames of other nodes' buckets are held back in the kernel, uncounted by reason. False: all for a VIP come up.
  bool filtersBuckets = false;
  // With the ring: the kernel may take packets of open connections by itself (filter/fast_path.h), where it can.
  bool usesFastPath = false;
  // kCounterCount uint64 that outlive the thread; behind them those of RuleCounters, for so many slots.
  uint64_t* counters = nullptr;
  size_t ruleSlots = 0;
};

// `kDown`: the interface is there but down; frames come again when it is up. `kGone`: no interface of that name; the thread
// looks for it several times a second and opens it anew. `kNoCarrier`: up, with the cable out (IFF_RUNNING, RFC 2863).
enum class CaptureState : uint8_t { kRunning, kNoCarrier, kDown, kGone };

class PacketThread final : private Sink, private FrameSink, private Pace {
 public:
  using Outcome = CommandQueue::Outcome;
  struct Applied {
    // The lease was not open: nothing was changed, `results` is empty.
    bool refused = false;
    std::vector<TableResult> results;
  };

  // Opens capture and TUN and starts the thread. Null with `error` set.
  static std::unique_ptr<PacketThread> open(const PacketThreadOptions& options, SystemError* error);
  ~PacketThread() override;

  // Each of these waits until the thread has done it, about a second at most.
  // `error` is set when the kernel refuses the pre-filter; before the command, or after the shape was adopted.
  Outcome setShape(Shape shape, SystemError* error);
  Outcome reset();
  Outcome apply(std::vector<TableOp> ops, Applied* applied);
  Outcome takeAskers(bool all, std::vector<uint8_t>* records);
  Outcome learnAskers(std::vector<uint8_t> records);
  /** `asServing`: as if the lease were open. */
  Outcome classify(std::vector<uint8_t> frame, bool asServing, Verdict* verdict);

  // From any thread, without waiting.
  // As of the last command, or later; at most a turn of housekeeping old (20 ms, or what one frame takes). Heartbeats ask for it.
  KeptState kept();
  LeaseClock& lease() { return lease_; }
  Mac mac() const;
  const char* engine() const { return options_.useRing ? "ring" : "pcap"; }
  // See FastPathSwitch.
  std::string noFastPath() const { return fastPath_.noFastPath(); }
  CaptureState captureState() const { return captureState_.load(std::memory_order_relaxed); }

  // Joins the thread, closes capture and TUN. Idempotent.
  void close();

 private:
  PacketThread(const PacketThreadOptions& options, const Mac& mac);

  void inject(const Accepted& accepted) override;
  void answer(const uint8_t* frame, size_t length) override;
  void relay(const FrameView& frame, const Accepted& packet, const Mac& destination) override;
  bool onFrames(const CapturedFrame* frames, size_t count) override;
  Moment next(size_t index) override;

  Offload offloadOf(const Accepted& accepted) const;
  // The same, counted from the Ethernet header.
  Offload frameOffloadOf(const Accepted& packet) const;

  void run();
  void turn();
  bool drainOnce();
  void waitForWork();
  void drainUntil(int64_t issuedNs);
  bool carryOut(const TableOp& op, Applied* applied);
  void handleFrames();
  // Looks at the lease; when it has lapsed, empties every table once.
  bool isLeaseOpen(int64_t nowNs);
  void publishKept();
  void keepHouse(int64_t nowNs);
  void settleFramesSeen();
  void followInterface();
  CaptureState stateOf(const InterfaceFacts& facts) const;
  void reopenCapture();
  void loseCapture();
  void adopt(std::unique_ptr<Capture> capture);

  PacketThreadOptions options_;
  Counters counters_;
  LeaseClock lease_;
  Filter filter_;
  CommandQueue commands_;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<Tun> tun_;
  FrameSender sender_;
  RelaySender relaySender_;
  ReceiveCount receiveCount_;
  // The frames at hand, and the one of them that is being handled; null between frames.
  const CapturedFrame* group_ = nullptr;
  const CapturedFrame* current_ = nullptr;
  KernelFilter kernelFilter_;
  // Outlives the captures.
  FastPathSwitch fastPath_;
  bool isEmptied_ = false;
  // A command is draining the ring, or lets frames through between its slices, and must not be stopped by itself.
  bool isDraining_ = false;
  uint32_t mtu_ = 1500;
  // Frames given to the filter; frames the pre-filter hid; frames the interface had received at the last look.
  uint64_t handled_ = 0;
  uint64_t hidden_ = 0;
  uint64_t heldBack_ = 0;
  uint64_t received_ = 0;
  // Drops of captures that are closed by now.
  uint64_t formerDrops_ = 0;
  SpinRule spin_;
  int64_t lastFrameReceivedNs_ = 0;
  int64_t nextHouseNs_ = 0;
  int64_t nextFollowNs_ = 0;
  InheritingMutex publishedMutex_;
  KeptState published_;
  std::atomic<bool> stop_{false};
  std::atomic<CaptureState> captureState_{CaptureState::kRunning};
  std::atomic<uint64_t> mac_{0};
  std::thread thread_;
};

}  // namespace covey::io

#include "packet_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "../filter/offload.h"
#include "../filter/table_work.h"
#include "bpf_program.h"
#include "clock.h"
#include "pcap_capture.h"
#include "prefilter.h"
#include "priority.h"
#include "ring_capture.h"

namespace covey::io {

namespace {

// Frames per turn. A batch ends early when a command comes: under load one frame may take a millisecond, since the kernel uses
// the write of a packet to work off whatever waits on this core, and JavaScript sends no heartbeat while it waits for a command.
constexpr int kBatch = 64;
// Longest sleep, so that `loopTurns` shows life, and a lapse empties the tables in time.
constexpr int64_t kMaxSleepNs = 20 * kNsPerMs;
// How long a cut may go on draining the ring. Frames that are left then are classified after the cut: rejected, unless a keep
// names them. The new owner holds them in its own ring, if they came after it went pending, so they are not lost to the farm.
constexpr int64_t kDrainNs = 50 * kNsPerMs;
// Entries of the key table that a command visits between two batches of frames: 0.2 ms, in which a ring of 512 slots fills only
// beyond two million frames a second.
constexpr uint32_t kSliceEntries = 1024;
constexpr int64_t kFollowNs = 100 * kNsPerMs;
constexpr int kCommandMs = 1000;

uint64_t msOf(int64_t ns) { return uint64_t(ns / kNsPerMs); }

uint64_t packMac(const Mac& mac) {
  uint64_t packed = 0;
  std::memcpy(&packed, mac.data(), mac.size());
  return packed;
}

std::unique_ptr<Capture> openCapture(const PacketThreadOptions& options, SystemError* error) {
  if (options.useRing) return RingCapture::open(options.interface, options.ringBytes, error);
  return PcapCapture::open(options.interface, options.ringBytes, error);
}

// Why there shall be no fast path, whatever the kernel has; empty: nothing is against it.
std::string againstFastPath(const PacketThreadOptions& options) {
  if (!options.usesFastPath) return "switched off";
  return options.useRing ? "" : "libpcap has none";
}

}  // namespace

PacketThread::PacketThread(const PacketThreadOptions& options, const Mac& mac)
    : options_(options),
      counters_(options.counters),
      lease_(options.counters + size_t(Counter::leaseLapses)),
      filter_(FilterOptions{mac, options.holdFrames, options.holdBytes, options.maxKeys, options.counters, options.ruleSlots}),
      sender_(options.interface),
      relaySender_(options.interface),
      receiveCount_(options.interface),
      kernelFilter_(options.filtersBuckets),
      fastPath_(filter_, kernelFilter_, counters_),
      mac_(packMac(mac)) {}

std::unique_ptr<PacketThread> PacketThread::open(const PacketThreadOptions& options, SystemError* error) {
  auto capture = openCapture(options, error);
  if (!capture) return nullptr;
  auto tun = Tun::open(options.tun, error);
  if (!tun) return nullptr;
  std::unique_ptr<PacketThread> opened(new PacketThread(options, capture->interface().mac));
  if (!opened->sender_.open(error) || !opened->relaySender_.open(error)) return nullptr;
  if (!opened->commands_.open(error)) return nullptr;
  opened->tun_ = std::move(tun);
  opened->fastPath_.open(opened->tun_->name(), againstFastPath(options));
  opened->adopt(std::move(capture));
  opened->thread_ = std::thread([thread = opened.get()] { thread->run(); });
  ::pthread_setname_np(opened->thread_.native_handle(), "covey-packets");
  return opened;
}

PacketThread::~PacketThread() { close(); }

void PacketThread::close() {
  stop_.store(true, std::memory_order_release);
  commands_.close();
  if (thread_.joinable()) thread_.join();
  // Before its table: what is attached looks at it.
  capture_.reset();
  fastPath_.close();
  tun_.reset();
}

Mac PacketThread::mac() const {
  const uint64_t packed = mac_.load(std::memory_order_relaxed);
  Mac mac{};
  std::memcpy(mac.data(), &packed, mac.size());
  return mac;
}

// Commands. What an action touches besides the thread's own state lies in shared pointers: after a time-out it may still run.

PacketThread::Outcome PacketThread::setShape(Shape shape, SystemError* error) {
  // Compiled in the caller's thread, since that takes milliseconds for many VIPs.
  auto program = prefilterFor(shape, error);
  auto failure = std::make_shared<SystemError>();
  const auto action = [this, failure, shape = std::move(shape), program = std::move(program)](int64_t) {
    kernelFilter_.passAll();
    filter_.setShape(shape);
    sender_.join(groupOf(shape.vmac));
    kernelFilter_.setShape(shape, program, capture_.get(), failure.get());
    fastPath_.follow();
  };
  if (*error) return Outcome::kDone;
  const Outcome outcome = commands_.run(action, kCommandMs);
  if (outcome == Outcome::kDone) *error = *failure;
  return outcome;
}

PacketThread::Outcome PacketThread::reset() {
  return commands_.run(
      [this](int64_t) {
        lease_.reset();
        filter_.setFastLease(0);
        filter_.reset();
        isEmptied_ = false;
        publishKept();
      },
      kCommandMs);
}

// Commands after which another node decides about a frame, or no longer does. What was captured before one of them must meet the
// tables of before, or a thread that lags would take a frame that another node took, or leave one that nobody else takes.
static bool dividesTime(const TableOp& op) {
  switch (op.kind) {
    case TableOpKind::own:
    case TableOpKind::hold:
    case TableOpKind::cut:
    case TableOpKind::holdKeys:
    case TableOpKind::dropKeeps:
      return true;
    default:
      return false;
  }
}

PacketThread::Outcome PacketThread::apply(std::vector<TableOp> ops, Applied* applied) {
  auto reply = std::make_shared<Applied>();
  const auto action = [this, reply, ops = std::move(ops)](int64_t issuedNs) {
    SystemError refusal;
    // What the kernel holds back too much is lost: rather have no capture for a moment than a wrong one.
    if (!kernelFilter_.widen(ops, filter_, capture_.get(), &refusal)) loseCapture();
    if (std::any_of(ops.begin(), ops.end(), dividesTime)) drainUntil(issuedNs);
    const auto isDone = [&](const TableOp& op) { return carryOut(op, reply.get()); };
    reply->refused = !isLeaseOpen(bootTimeNs()) || !std::all_of(ops.begin(), ops.end(), isDone);
    if (reply->refused) reply->results.clear();
    publishKept();
  };
  const Outcome outcome = commands_.run(action, kCommandMs);
  if (outcome == Outcome::kDone) *applied = std::move(*reply);
  return outcome;
}

PacketThread::Outcome PacketThread::takeAskers(bool all, std::vector<uint8_t>* records) {
  auto reply = std::make_shared<std::vector<uint8_t>>();
  const auto action = [this, reply, all](int64_t) { *reply = filter_.takeAskers(all, msOf(bootTimeNs())); };
  const Outcome outcome = commands_.run(action, kCommandMs);
  if (outcome == Outcome::kDone) *records = std::move(*reply);
  return outcome;
}

PacketThread::Outcome PacketThread::learnAskers(std::vector<uint8_t> records) {
  const auto action = [this, records = std::move(records)](int64_t) {
    filter_.learnAskers(records.data(), records.size(), msOf(bootTimeNs()));
  };
  return commands_.run(action, kCommandMs);
}

// False: the lease is not open, or lapsed meanwhile, which emptied the tables.
bool PacketThread::carryOut(const TableOp& op, Applied* applied) {
  TableWork work(op);
  for (;; handleFrames()) {
    const int64_t nowNs = bootTimeNs();
    if (!isLeaseOpen(nowNs)) return false;
    if (filter_.advance(work, kSliceEntries, msOf(nowNs), *this)) break;
  }
  applied->results.push_back(work.take());
  return true;
}

// One batch between two slices of a command.
void PacketThread::handleFrames() {
  counters_.add(Counter::loopTurns);
  isDraining_ = true;
  drainOnce();
  isDraining_ = false;
}

PacketThread::Outcome PacketThread::classify(std::vector<uint8_t> frame, bool asServing, Verdict* verdict) {
  auto reply = std::make_shared<Verdict>();
  const auto action = [this, reply, asServing, frame = std::move(frame)](int64_t) {
    const uint32_t length = uint32_t(frame.size());
    const int64_t nowNs = bootTimeNs();
    const FrameView view{frame.data(), length, length, kNoStrippedVlan};
    *reply = filter_.classify(view, asServing || isLeaseOpen(nowNs), msOf(nowNs));
  };
  const Outcome outcome = commands_.run(action, kCommandMs);
  if (outcome == Outcome::kDone) *verdict = *reply;
  return outcome;
}

KeptState PacketThread::kept() {
  if (lease_.check(bootTimeNs()) == LeaseClock::State::kLapsed) return {};
  const std::lock_guard<InheritingMutex> lock(publishedMutex_);
  return published_;
}

void PacketThread::publishKept() {
  isLeaseOpen(bootTimeNs());
  const KeptState state = filter_.kept();
  const std::lock_guard<InheritingMutex> lock(publishedMutex_);
  published_ = state;
}

// The packet's way.

bool PacketThread::isLeaseOpen(int64_t nowNs) {
  const LeaseClock::State state = lease_.check(nowNs);
  if (state == LeaseClock::State::kLapsed && !isEmptied_) {
    filter_.reset();
    isEmptied_ = true;
  }
  return state == LeaseClock::State::kOpen;
}

bool PacketThread::onFrames(const CapturedFrame* frames, size_t count) {
  FrameView views[kMostFramesTogether];
  for (size_t i = 0; i < count; i++) {
    views[i] = {frames[i].data, frames[i].capturedLength, frames[i].originalLength, frames[i].strippedVlan};
  }
  group_ = frames;
  filter_.handle(views, count, *this, *this);
  group_ = current_ = nullptr;
  return isDraining_ || !commands_.pending();
}

Moment PacketThread::next(size_t index) {
  current_ = &group_[index];
  lastFrameReceivedNs_ = current_->receivedNs;
  handled_++;
  const int64_t nowNs = bootTimeNs();
  return {isLeaseOpen(nowNs), msOf(nowNs)};
}

Offload PacketThread::offloadOf(const Accepted& accepted) const {
  // A replayed packet is a copy from the hold ring: the header of the frame at hand says nothing of it.
  const bool isCurrent = current_ != nullptr && current_->data + accepted.packetOffset == accepted.packet;
  if (!isCurrent || current_->offload == nullptr) return describeOffload(accepted, mtu_);
  return Offload{carryOffload(*current_->offload, accepted, mtu_), true};
}

void PacketThread::inject(const Accepted& accepted) {
  // The process may have been stopped since the verdict. Only looks: the filter is in the middle of its work here, so the
  // tables are emptied by the next turn.
  if (lease_.check(bootTimeNs()) != LeaseClock::State::kOpen) return counters_.add(Counter::rejectedLeaseLapsed);
  const Offload offload = offloadOf(accepted);
  const bool isWritten = offload.isSplittable && tun_->write(&offload.header, sizeof offload.header, accepted.packet,
                                                             accepted.length) == 0;
  counters_.add(isWritten ? Counter::injected : Counter::injectErrors);
}

void PacketThread::answer(const uint8_t* frame, size_t length) {
  uint8_t copy[256];
  if (length > sizeof copy) return counters_.add(Counter::answerErrors);
  std::memcpy(copy, frame, length);
  if (lease_.check(bootTimeNs()) != LeaseClock::State::kOpen) return counters_.add(Counter::rejectedLeaseLapsed);
  if (sender_.send(copy, length) != 0) counters_.add(Counter::answerErrors);
}

Offload PacketThread::frameOffloadOf(const Accepted& packet) const {
  // Early fragments are copies: the header of the frame at hand says nothing of them.
  const bool isCurrent = current_ != nullptr && current_->data + packet.packetOffset == packet.packet;
  if (isCurrent && current_->offload != nullptr) return Offload{*current_->offload, true};
  Offload offload = describeOffload(packet, mtu_);
  if (offload.header.flags & kVirtioNeedsCsum) {
    offload.header.csumStart = uint16_t(offload.header.csumStart + packet.packetOffset);
  }
  if (offload.header.gsoType != kVirtioGsoNone) {
    offload.header.hdrLen = uint16_t(offload.header.hdrLen + packet.packetOffset);
  }
  return offload;
}

void PacketThread::relay(const FrameView& frame, const Accepted& packet, const Mac& destination) {
  if (lease_.check(bootTimeNs()) != LeaseClock::State::kOpen) return counters_.add(Counter::rejectedLeaseLapsed);
  const Offload offload = frameOffloadOf(packet);
  const bool isSent = offload.isSplittable && relaySender_.send(frame, offload.header, destination) == 0;
  counters_.add(isSent ? Counter::relayCopies : Counter::relayErrors);
}

// The loop.

void PacketThread::run() {
  takePrecedence(Precedence::kPackets);
  fastPath_.beginLife();
  commands_.serve();
  while (!stop_.load(std::memory_order_acquire)) turn();
  fastPath_.endLife();
}

void PacketThread::turn() {
  counters_.add(Counter::loopTurns);
  if (commands_.pending()) commands_.runAll();
  commands_.rest();
  const bool isBusy = drainOnce();
  const int64_t nowNs = bootTimeNs();
  if (isBusy) spin_.sawFrame(nowNs);
  if (isLeaseOpen(nowNs)) {
    filter_.steer(msOf(nowNs), *this);
    filter_.openFastPath(!isBusy, msOf(nowNs));
  }
  filter_.setFastLease(lease_.end());
  filter_.expire(msOf(nowNs));
  if (nowNs >= nextHouseNs_) keepHouse(nowNs);
  if (isBusy) return;
  // Others may have this core while the thread spins, first of all the service that the packets are for.
  if (spin_.mayGoOn(nowNs)) {
    ::sched_yield();
  } else {
    waitForWork();
  }
}

bool PacketThread::drainOnce() {
  if (!capture_) return false;
  const int count = capture_->drain(kBatch, *this);
  if (count < 0) loseCapture();
  if (count == 0) settleFramesSeen();
  return count > 0;
}

void PacketThread::waitForWork() {
  const int64_t sleepNs = std::clamp<int64_t>(nextHouseNs_ - bootTimeNs(), 0, kMaxSleepNs);
  const timespec timeout{0, sleepNs};
  pollfd watched[2] = {{commands_.descriptor(), POLLIN, 0}, {capture_ ? capture_->descriptor() : -1, POLLIN, 0}};
  ::ppoll(watched, 2, &timeout, nullptr);
  // An interface that goes down leaves an error on the socket, which would end every sleep at once until it is read.
  int error = 0;
  socklen_t length = sizeof error;
  if ((watched[1].revents & POLLERR) != 0) ::getsockopt(watched[1].fd, SOL_SOCKET, SO_ERROR, &error, &length);
}

void PacketThread::drainUntil(int64_t issuedNs) {
  const int64_t endNs = bootTimeNs() + kDrainNs;
  lastFrameReceivedNs_ = 0;
  isDraining_ = true;
  while (drainOnce() && lastFrameReceivedNs_ <= issuedNs && bootTimeNs() < endNs) {
  }
  isDraining_ = false;
}

// Interface and counters.

void PacketThread::adopt(std::unique_ptr<Capture> capture) {
  capture_ = std::move(capture);
  KernelFastPath* const fastPath = fastPath_.attach(uint32_t(capture_->interface().index));
  SystemError ignored;
  kernelFilter_.adopt(*capture_, fastPath, &ignored);
  fastPath_.follow();
}

void PacketThread::loseCapture() {
  formerDrops_ += capture_->drops();
  fastPath_.detach();
  capture_.reset();
  captureState_.store(CaptureState::kGone, std::memory_order_relaxed);
  nextFollowNs_ = bootTimeNs() + kFollowNs;
}

void PacketThread::keepHouse(int64_t nowNs) {
  nextHouseNs_ = nowNs + kMaxSleepNs;
  fastPath_.watch();
  publishKept();
  if (capture_) kernelFilter_.narrow(filter_, nowNs, *capture_);
  tun_->discardIncoming();
  received_ = receiveCount_.read();
  filter_.collectFastPath(msOf(nowNs));
  if (nowNs < nextFollowNs_) return;
  nextFollowNs_ = nowNs + kFollowNs;
  followInterface();
  if (capture_) counters_.set(Counter::captureDrops, formerDrops_ + capture_->drops());
}

// framesSeen = frames handled (the filter counts these itself) + frames that the pre-filter hid. The interface's own count has
// both in it, but also what still waits in the ring: so it is compared with the handled ones only when the ring has been
// emptied after it was read. Drivers that renew their count now and then only are no harm, since the hidden part never shrinks.
void PacketThread::settleFramesSeen() {
  if (received_ <= handled_ + hidden_) return;
  hidden_ = received_ - handled_;
  counters_.set(Counter::framesSeen, handled_ + hidden_);
  // What the kernel took by itself is known a little later than it was hidden from us, and this must not shrink.
  const uint64_t taken = counters_.get(Counter::acceptedInKernel);
  heldBack_ = std::max(heldBack_, hidden_ > taken ? hidden_ - taken : 0);
  counters_.set(Counter::filteredInKernel, heldBack_);
}

void PacketThread::followInterface() {
  InterfaceFacts facts;
  SystemError error;
  const bool exists = readInterface(options_.interface, &facts, &error);
  if (capture_ && (!exists || facts.index != capture_->interface().index)) loseCapture();
  if (!exists) return;
  if (!capture_) reopenCapture();
  mtu_ = facts.mtu;
  if (packMac(facts.mac) != mac_.load(std::memory_order_relaxed)) {
    SystemError ignored;
    filter_.setMac(facts.mac);
    sender_.open(&ignored);
    relaySender_.open(&ignored);
  }
  mac_.store(packMac(facts.mac), std::memory_order_relaxed);
  captureState_.store(stateOf(facts), std::memory_order_relaxed);
}

CaptureState PacketThread::stateOf(const InterfaceFacts& facts) const {
  if (!capture_) return CaptureState::kGone;
  if (!facts.isUp) return CaptureState::kDown;
  return facts.hasCarrier ? CaptureState::kRunning : CaptureState::kNoCarrier;
}

void PacketThread::reopenCapture() {
  SystemError ignored;
  auto capture = openCapture(options_, &ignored);
  if (!capture) return;
  sender_.open(&ignored);
  relaySender_.open(&ignored);
  adopt(std::move(capture));
}

}  // namespace covey::io

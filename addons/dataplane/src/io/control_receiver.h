// Receives control frames in a thread and on a socket of its own, so that a flood of VIP traffic never delays a heartbeat.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../filter/counters.h"
#include "control_frame.h"
#include "interface.h"
#include "system_error.h"
#include "unique_fd.h"

namespace covey::io {

class ControlReceiver {
 public:
  static constexpr size_t kMaxQueued = 256;

  // `wake` is called in the receiver's thread, at most once between two take(), `gatherMs` after the first frame at the latest;
  // at once for one that may not wait. The receiver's thread is the only writer of controlReceived, controlOverflow and
  // controlMalformed.
  ControlReceiver(std::string interface, uint32_t gatherMs, Counters counters, std::function<void()> wake);
  ~ControlReceiver() { close(); }

  bool open(SystemError* error);
  std::vector<ControlFrame> take();
  // Within 200 ms echo replies to this IPv4 VIP (in network order; 0: to none) that carry datagrams of ours are received as well. Only while it
  // is asked for has the socket for them a place on the way of the traffic.
  void listenEcho(uint32_t vip) { wantedEcho_ = vip; }
  // Joins the thread. Idempotent.
  void close();

 private:
  bool bindSocket(SystemError* error);
  void run();
  void receiveAll();
  void push(ControlFrame frame);
  // Wakes the reader if a frame waits that has waited long enough.
  void wakeIfDue();
  // How long poll() may sleep.
  int sleepMs();
  // Binds anew when the interface was made anew under the same name.
  void followInterface();
  // Opens or closes the socket for echo replies, as is wanted.
  void followEcho();
  UniqueFd echoSocket(uint32_t vip) const;
  void receiveEchoes();

  std::string interface_;
  int64_t gatherNs_;
  Counters counters_;
  std::function<void()> wake_;
  UniqueFd socket_;
  UniqueFd echo_;
  UniqueFd stop_;
  InterfaceFacts facts_;
  std::atomic<uint32_t> wantedEcho_{0};
  // Of the receiver's thread: which VIP `echo_` is for, and on which interface.
  uint32_t echoVip_ = 0;
  int echoIndex_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::deque<ControlFrame> queue_;
  bool wakeOutstanding_ = false;
  // When the reader must be woken for what is queued; 0: nothing is.
  int64_t wakeDueNs_ = 0;
};

}  // namespace covey::io

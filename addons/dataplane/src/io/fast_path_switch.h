// When the kernel may take packets by itself: only while every part of the fast path is in force.
//
//   in force:  life (the packet thread's, shown to the kernel)  and  program at the interface  and  program of the capture's socket
//   any of them ends --> connections are closed to the kernel first, then what was attached is detached
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "../filter/counters.h"
#include "../filter/filter.h"
#include "kernel_fast_path.h"
#include "kernel_filter.h"
#include "priority.h"

namespace covey::io {

class FastPathSwitch {
 public:
  FastPathSwitch(Filter& filter, const KernelFilter& kernelFilter, Counters& counters)
      : filter_(filter), kernelFilter_(kernelFilter), counters_(counters) {}

  // Before the thread begins; packets go into `tun`. Where it fails, or is not to be tried for the reason `against`, there is none.
  void open(const std::string& tun, const std::string& against);
  // After the thread and the capture have ended: what is attached looks at its table.
  void close() { path_.reset(); }

  // By the packet thread, as its first and last act.
  void beginLife();
  void endLife();
  // To the interface of a capture that was just opened, and what that capture's filter is to be adopted with; null: it cannot be had.
  KernelFastPath* attach(uint32_t interface);
  // Before the capture is closed.
  void detach();
  // After the kernel's filter has changed.
  void follow();
  // Now and then. What the socket's filter noted and nobody took is lost: another program at the interface has come before ours. Ours goes
  // in front again; where that is no help, there is no fast path until a capture is opened anew.
  void watch();

  // From any thread: why the kernel takes no packets by itself, and what would change that; empty: it does.
  std::string noFastPath() const;

 private:
  void detach(const std::string& why);
  const std::string& whyNot() const;
  void publish(const std::string& why);

  Filter& filter_;
  const KernelFilter& kernelFilter_;
  Counters& counters_;
  // Null: there is none.
  std::unique_ptr<KernelFastPath> path_;
  // Why there is none; why the packet thread's life does not show to the kernel; why no program at the interface is in force. Empty: it is.
  std::string noPath_;
  std::string noLife_ = "the packet thread has not begun";
  std::string notAttached_;
  // Connections are opened to the kernel.
  bool isUsed_ = false;
  // Packets that the fast path lost, as far as they are counted, and how often it was displaced.
  uint64_t missing_ = 0;
  uint32_t displaced_ = 0;
  mutable InheritingMutex publishedMutex_;
  std::string published_;
};

}  // namespace covey::io

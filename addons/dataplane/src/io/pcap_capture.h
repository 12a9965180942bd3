// Capture by libpcap: a memory-mapped TPACKET_V2 ring in immediate mode.
#pragma once

#include <pcap/pcap.h>

#include <memory>

#include "capture.h"

namespace covey::io {

class PcapCapture final : public Capture {
 public:
  // `ringBytes`: memory of the ring. A slot takes 128 KiB of it (see the .cc for why), so 64 MiB hold 512 frames. Starts with a
  // filter that lets nothing pass. Null with `error` set.
  static std::unique_ptr<Capture> open(const std::string& interface, uint64_t ringBytes, SystemError* error);
  ~PcapCapture() override;

  const char* engine() const override { return "pcap"; }
  int descriptor() const override { return ::pcap_fileno(handle_); }
  const InterfaceFacts& interface() const override { return facts_; }
  int drain(int limit, FrameSink& sink) override;
  bool setFilter(const std::vector<sock_filter>& program, SystemError* error) override;
  uint64_t drops() override;

 private:
  PcapCapture(pcap_t* handle, const InterfaceFacts& facts) : handle_(handle), facts_(facts) {}

  pcap_t* handle_;
  InterfaceFacts facts_;
};

}  // namespace covey::io

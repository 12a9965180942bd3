#include "pcap_capture.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>

#include "bpf_program.h"
#include "clock.h"

namespace covey::io {

namespace {

// libpcap puts a slot of this size into blocks of a power of two, one slot each.
constexpr uint64_t kSlotMemory = 128 * 1024;
// What libpcap divides the buffer size by: header (TPACKET_V2), alignment and snap length.
constexpr uint64_t kSlotSize = 65536 + 128;
constexpr uint64_t kMinSlots = 32;

struct HandleCloser {
  void operator()(pcap_t* handle) const { ::pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, HandleCloser>;

int errnoOf(int status) {
  switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE: return ENODEV;
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED: return EPERM;
    case PCAP_ERROR_IFACE_NOT_UP: return ENETDOWN;
    default: return errno != 0 ? errno : EIO;
  }
}

std::string hintFor(int number, const std::string& interface) {
  if (number == EPERM) return "Run as root or with CAP_NET_RAW";
  if (number == ENETDOWN) return "Bring the interface up: ip link set " + interface + " up";
  return number == ENOMEM ? "Make the capture ring smaller" : "";
}

bool ignoreOutgoing(int fd) {
  const int on = 1;
  return ::setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0;
}

Handle create(const std::string& interface, uint64_t ringBytes) {
  char text[PCAP_ERRBUF_SIZE] = "";
  Handle handle(::pcap_create(interface.c_str(), text));
  if (!handle) return handle;
  const uint64_t slots = std::max(kMinSlots, ringBytes / kSlotMemory);
  ::pcap_set_snaplen(handle.get(), kSnapLength);
  ::pcap_set_promisc(handle.get(), 1);
  ::pcap_set_immediate_mode(handle.get(), 1);
  ::pcap_set_buffer_size(handle.get(), int(std::min<uint64_t>(slots * kSlotSize, 1u << 30)));
  ::pcap_set_tstamp_precision(handle.get(), PCAP_TSTAMP_PRECISION_NANO);
  return handle;
}

SystemError failed(int number, const char* call, const std::string& interface, const char* detail) {
  SystemError error = makeError(number, call, "capturing on '" + interface + "'", hintFor(number, interface));
  if (detail[0] != '\0') error.message += std::string(" (libpcap: ") + detail + ")";
  return error;
}

struct Delivery {
  pcap_t* handle;
  FrameSink& sink;
};

void deliver(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  const Delivery& delivery = *reinterpret_cast<const Delivery*>(user);
  CapturedFrame frame;
  frame.data = bytes;
  frame.capturedLength = header->caplen;
  frame.originalLength = header->len;
  // With nanosecond precision tv_usec holds nanoseconds.
  frame.receivedNs = int64_t{header->ts.tv_sec} * kNsPerSecond + header->ts.tv_usec;
  // One by one: libpcap may give the frame's slot back to the kernel once this returns.
  if (!delivery.sink.onFrames(&frame, 1)) ::pcap_breakloop(delivery.handle);
}

}  // namespace

std::unique_ptr<Capture> PcapCapture::open(const std::string& interface, uint64_t ringBytes, SystemError* error) {
  InterfaceFacts facts;
  if (!readInterface(interface, &facts, error)) return nullptr;
  Handle handle = create(interface, ringBytes);
  if (!handle) {
    *error = failed(ENOMEM, "pcap_create", interface, "");
    return nullptr;
  }
  errno = 0;
  const int status = ::pcap_activate(handle.get());
  if (status < 0) {
    *error = failed(errnoOf(status), "pcap_activate", interface, ::pcap_geterr(handle.get()));
    return nullptr;
  }
  char text[PCAP_ERRBUF_SIZE] = "";
  const int fd = ::pcap_fileno(handle.get());
  // Until the first shape is set nothing is ours.
  if (!attachBpf(fd, rejectAllBpf(), error)) return nullptr;
  if (!ignoreOutgoing(fd)) {
    *error = failed(errno, "setsockopt(PACKET_IGNORE_OUTGOING)", interface, "");
    return nullptr;
  }
  if (::pcap_datalink(handle.get()) != DLT_EN10MB || ::pcap_setnonblock(handle.get(), 1, text) != 0) {
    *error = failed(EMEDIUMTYPE, "pcap_setnonblock", interface, text);
    return nullptr;
  }
  return std::unique_ptr<Capture>(new PcapCapture(handle.release(), facts));
}

PcapCapture::~PcapCapture() { ::pcap_close(handle_); }

int PcapCapture::drain(int limit, FrameSink& sink) {
  Delivery delivery{handle_, sink};
  const int count = ::pcap_dispatch(handle_, limit, deliver, reinterpret_cast<u_char*>(&delivery));
  // A batch that was ended does not say how many frames it had, but there was one.
  if (count == PCAP_ERROR_BREAK) return 1;
  return count >= 0 ? count : -1;
}

bool PcapCapture::setFilter(const std::vector<sock_filter>& program, SystemError* error) {
  return attachBpf(descriptor(), program, error);
}

uint64_t PcapCapture::drops() {
  pcap_stat statistics{};
  return ::pcap_stats(handle_, &statistics) == 0 ? statistics.ps_drop : 0;
}

}  // namespace covey::io

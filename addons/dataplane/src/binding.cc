// The only file that speaks Node-API: turns calls of src/dataplane/native.ts into calls of io/, and errors into JS errors.
#include <cstring>
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "filter/arp.h"
#include "filter/counters.h"
#include "filter/rule_counters.h"
#include "filter/verdict.h"
#include "io/clock.h"
#include "io/codec.h"
#include "io/control_frame.h"
#include "io/control_receiver.h"
#include "io/frame_sender.h"
#include "io/packet_thread.h"
#include "io/priority.h"
#include "io/unix_socket.h"

namespace {

using covey::Counter;
using covey::Counters;
using covey::io::SystemError;

void throwError(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  error.ThrowAsJavaScriptException();
}

// An error as Node's own system errors look: code, errno (negative), syscall.
void throwSystemError(Napi::Env env, const SystemError& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  const char* name = ::strerrorname_np(failure.number);
  error.Set("code", Napi::String::New(env, name != nullptr ? name : "EUNKNOWN"));
  error.Set("errno", Napi::Number::New(env, -failure.number));
  error.Set("syscall", Napi::String::New(env, failure.syscall));
  error.ThrowAsJavaScriptException();
}

std::vector<uint8_t> bytesOf(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) return {};
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.Data() + array.ByteLength()};
}

Napi::Value toArray(Napi::Env env, const uint8_t* bytes, size_t length) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, length);
  if (length > 0) std::memcpy(array.Data(), bytes, length);
  return array;
}

// Throws for a payload that does not fit a frame.
bool isSendable(Napi::Env env, const std::vector<uint8_t>& payload) {
  if (!payload.empty() && payload.size() <= covey::io::kMaxControlPayload) return true;
  throwSystemError(env, covey::io::makeError(EMSGSIZE, "send", "sending a control frame of " +
                                             std::to_string(payload.size()) + " bytes", "1 to 1498 bytes fit a frame"));
  return false;
}

void broadcast(Napi::Env env, covey::io::FrameSender& sender, const std::string& interface,
               const std::vector<uint8_t>& payload, bool mayWait = false) {
  std::vector<uint8_t> frame = covey::io::encodeControlFrame(payload.data(), payload.size(), mayWait);
  const int number = sender.send(frame.data(), frame.size());
  if (number == 0) return;
  throwSystemError(env, covey::io::makeError(number, "send", "broadcasting a control frame on '" + interface + "'",
                                             number == ENETDOWN ? "Is the interface up?" : ""));
}

class DataPlane : public Napi::ObjectWrap<DataPlane> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "DataPlane",
                       {InstanceMethod<&DataPlane::mac>("mac"), InstanceMethod<&DataPlane::engine>("engine"),
                        InstanceMethod<&DataPlane::noFastPath>("noFastPath"),
                        InstanceMethod<&DataPlane::captureState>("captureState"),
                        InstanceMethod<&DataPlane::setShape>("setShape"),
                        InstanceMethod<&DataPlane::renewLease>("renewLease"), InstanceMethod<&DataPlane::reset>("reset"),
                        InstanceMethod<&DataPlane::leaseOpen>("leaseOpen"), InstanceMethod<&DataPlane::apply>("apply"),
                        InstanceMethod<&DataPlane::kept>("kept"),
                        InstanceMethod<&DataPlane::takeAskers>("takeAskers"),
                        InstanceMethod<&DataPlane::learnAskers>("learnAskers"), InstanceMethod<&DataPlane::classify>("classify"),
                        InstanceMethod<&DataPlane::sendControl>("sendControl"),
                        InstanceMethod<&DataPlane::probeAddress>("probeAddress"),
                        InstanceMethod<&DataPlane::sendFrame>("sendFrame"),
                        InstanceMethod<&DataPlane::listenEcho>("listenEcho"),
                        InstanceMethod<&DataPlane::takeControl>("takeControl"),
                        InstanceMethod<&DataPlane::onControl>("onControl"), InstanceMethod<&DataPlane::close>("close")});
  }

  explicit DataPlane(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DataPlane>(info) {
    const Napi::Env env = info.Env();
    if (!readOptions(env, info[0])) return;
    SystemError failure;
    sender_ = std::make_unique<covey::io::FrameSender>(options_.interface);
    packets_ = sender_->open(&failure) ? covey::io::PacketThread::open(options_, &failure) : nullptr;
    if (packets_) openControl(env, &failure);
    if (!failure) return;
    shutDown();
    throwSystemError(env, failure);
  }

  ~DataPlane() override { shutDown(); }

 private:
  bool readOptions(Napi::Env env, const Napi::Value& value) {
    const Napi::Object given = value.As<Napi::Object>();
    const Napi::Value counters = given.Get("counters");
    const bool isCounters =
        counters.IsTypedArray() && counters.As<Napi::TypedArray>().TypedArrayType() == napi_biguint64_array &&
        counters.As<Napi::TypedArray>().ElementLength() >= covey::kCounterCount;
    if (!isCounters) {
      throwError(env, "ERR_INVALID_ARG_VALUE",
                 "counters must be a BigUint64Array of " + std::to_string(covey::kCounterCount) + " elements or more");
      return false;
    }
    // The reference keeps the shared memory alive for as long as a thread writes to it.
    countersReference_ = Napi::Persistent(counters.As<Napi::Object>());
    options_.counters = counters.As<Napi::BigUint64Array>().Data();
    const size_t further = counters.As<Napi::TypedArray>().ElementLength() - covey::kCounterCount;
    options_.ruleSlots = further / covey::kRuleOutcomes.size();
    options_.interface = given.Get("interface").ToString();
    options_.tun = given.Get("tun").ToString();
    const Napi::Value engine = given.Get("engine");
    options_.useRing = engine.IsString() && engine.As<Napi::String>().Utf8Value() == "ring";
    options_.ringBytes = uint64_t(given.Get("ringBytes").ToNumber().Int64Value());
    options_.holdFrames = given.Get("holdFrames").ToNumber().Uint32Value();
    options_.holdBytes = given.Get("holdBytes").ToNumber().Uint32Value();
    options_.maxKeys = given.Get("maxKeys").ToNumber().Uint32Value();
    options_.usesFastPath = given.Get("usesFastPath").ToBoolean();
    options_.filtersBuckets = given.Get("filtersBuckets").ToBoolean();
    gatherMs_ = given.Get("gatherMs").ToNumber().Uint32Value();
    return true;
  }

  void openControl(Napi::Env env, SystemError* failure) {
    napi_value name = Napi::String::New(env, "covey-control");
    const napi_status made = ::napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                                               &DataPlane::callWake, &wake_);
    if (made != napi_ok) {
      *failure = covey::io::makeError(ENOMEM, "napi_create_threadsafe_function", "opening the control path", "");
      return;
    }
    // An open data plane alone does not keep a process alive.
    ::napi_unref_threadsafe_function(env, wake_);
    // Added after the function above, so it runs before Node closes that: hooks run last first.
    ::napi_add_env_cleanup_hook(env, &DataPlane::onTeardown, this);
    hasHook_ = true;
    control_ = std::make_unique<covey::io::ControlReceiver>(
        options_.interface, gatherMs_, Counters(options_.counters),
        [wake = wake_] { ::napi_call_threadsafe_function(wake, nullptr, napi_tsfn_nonblocking); });
    control_->open(failure);
  }

  // In the JavaScript thread; `env` is null when the environment is going down.
  static void callWake(napi_env env, napi_value, void* context, void*) {
    auto* self = static_cast<DataPlane*>(context);
    if (env == nullptr || !self->control_ || self->onControl_.IsEmpty()) return;
    const Napi::HandleScope scope(env);
    self->onControl_.Call({});
  }

  static void onTeardown(void* self) {
    static_cast<DataPlane*>(self)->hasHook_ = false;
    static_cast<DataPlane*>(self)->shutDown();
  }

  void shutDown() {
    // Threads end first: nothing may write counters or wake JavaScript after this.
    if (control_) control_->close();
    control_.reset();
    packets_.reset();
    sender_.reset();
    if (wake_ != nullptr) ::napi_release_threadsafe_function(wake_, napi_tsfn_abort);
    wake_ = nullptr;
    if (hasHook_) ::napi_remove_env_cleanup_hook(Env(), &DataPlane::onTeardown, this);
    hasHook_ = false;
  }

  bool isClosed(Napi::Env env) const {
    if (packets_) return false;
    throwError(env, "ERR_CLOSED", "the data plane is closed");
    return true;
  }

  // True when the command was done; else throws.
  bool isDone(Napi::Env env, covey::io::PacketThread::Outcome outcome, const std::string& what) {
    using Outcome = covey::io::PacketThread::Outcome;
    if (outcome == Outcome::kDone) return true;
    const char* code = outcome == Outcome::kRefused ? "ERR_CLOSED" : "ETIMEDOUT";
    const char* reason = outcome == Outcome::kUncertain ? "began but did not finish within 1 s; it may still take effect"
                         : outcome == Outcome::kTimedOut ? "was not begun within 1 s and was taken back"
                                                         : "was refused: the data plane is closing";
    throwError(env, code, what + ": the packet thread's command " + reason);
    return false;
  }

  Napi::Value mac(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return {};
    const covey::Mac mac = packets_->mac();
    return toArray(info.Env(), mac.data(), mac.size());
  }

  Napi::Value noFastPath(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return {};
    return Napi::String::New(info.Env(), packets_->noFastPath());
  }

  Napi::Value engine(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return {};
    return Napi::String::New(info.Env(), packets_->engine());
  }

  Napi::Value captureState(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return {};
    static constexpr const char* kNames[] = {"running", "no-carrier", "down", "gone"};
    return Napi::String::New(info.Env(), kNames[size_t(packets_->captureState())]);
  }

  void setShape(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return;
    const std::vector<uint8_t> bytes = bytesOf(info[0]);
    covey::Shape shape;
    if (!covey::io::decodeShape(bytes.data(), bytes.size(), &shape)) {
      return throwError(info.Env(), "ERR_INVALID_ARG_VALUE", "setShape: not a valid shape");
    }
    SystemError failure;
    const auto outcome = packets_->setShape(std::move(shape), &failure);
    if (failure) return throwSystemError(info.Env(), failure);
    isDone(info.Env(), outcome, "setShape");
  }

  Napi::Value renewLease(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return {};
    const double deadlineNs = info[0].ToNumber().DoubleValue() * double(covey::io::kNsPerMs);
    // NaN and what no int64 holds would otherwise be undefined behaviour, or a lease without end.
    if (!(deadlineNs >= 0 && deadlineNs < 9.2e18)) {
      throwError(info.Env(), "ERR_INVALID_ARG_VALUE", "renewLease: the deadline must be a time in ms");
      return {};
    }
    return Napi::Boolean::New(info.Env(), packets_->lease().renew(int64_t(deadlineNs), covey::io::bootTimeNs()));
  }

  void reset(const Napi::CallbackInfo& info) {
    if (!isClosed(info.Env())) isDone(info.Env(), packets_->reset(), "reset");
  }

  Napi::Value leaseOpen(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return {};
    const auto state = packets_->lease().check(covey::io::bootTimeNs());
    return Napi::Boolean::New(info.Env(), state == covey::io::LeaseClock::State::kOpen);
  }

  // Bytes of the ops -> bytes of the results; null when the lease is not open.
  Napi::Value apply(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (isClosed(env)) return {};
    const std::vector<uint8_t> bytes = bytesOf(info[0]);
    std::vector<covey::TableOp> ops;
    if (!covey::io::decodeOps(bytes.data(), bytes.size(), &ops)) {
      throwError(env, "ERR_INVALID_ARG_VALUE", "apply: not a valid list of table commands");
      return {};
    }
    covey::io::PacketThread::Applied applied;
    if (!isDone(env, packets_->apply(std::move(ops), &applied), "apply")) return {};
    if (applied.refused) return env.Null();
    const std::vector<uint8_t> results = covey::io::encodeResults(applied.results);
    return toArray(env, results.data(), results.size());
  }

  Napi::Value kept(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return {};
    const covey::KeptState state = packets_->kept();
    const std::vector<uint8_t> bytes = covey::io::encodeKept(state);
    return toArray(info.Env(), bytes.data(), bytes.size());
  }

  Napi::Value takeAskers(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (isClosed(env)) return {};
    std::vector<uint8_t> records;
    if (!isDone(env, packets_->takeAskers(info[0].ToBoolean().Value(), &records), "takeAskers")) return {};
    return toArray(env, records.data(), records.size());
  }

  void learnAskers(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!isClosed(env)) isDone(env, packets_->learnAskers(bytesOf(info[0])), "learnAskers");
  }

  Napi::Value classify(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (isClosed(env)) return {};
    covey::Verdict verdict;
    const bool asServing = info.Length() > 1 && info[1].ToBoolean().Value();
    if (!isDone(env, packets_->classify(bytesOf(info[0]), asServing, &verdict), "classify")) return {};
    Napi::Object result = Napi::Object::New(env);
    result.Set("kind", covey::verdictName(verdict.kind));
    result.Set("reason", covey::counterName(verdict.reason));
    result.Set("rule", verdict.rule);
    result.Set("plan", int32_t{verdict.plan});
    result.Set("bucket", verdict.bucket);
    return result;
  }

  void sendControl(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (isClosed(env)) return;
    const std::vector<uint8_t> payload = bytesOf(info[0]);
    if (!isSendable(env, payload)) return;
    broadcast(env, *sender_, options_.interface, payload, info[1].ToBoolean());
    if (!env.IsExceptionPending()) Counters(options_.counters).add(Counter::controlSent);
  }

  // Whoever has one of these IPv4 addresses answers an ARP probe (RFC 5227) to this interface's own MAC.
  void probeAddress(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (isClosed(env)) return;
    const std::vector<uint8_t> address = bytesOf(info[0]);
    if (address.size() != 4) return throwError(env, "ERR_INVALID_ARG_VALUE", "an IPv4 address has 4 bytes");
    std::vector<uint8_t> frame = covey::arpProbe(sender_->mac(), address.data());
    // What cannot be sent is not answered, and that is all the caller wants to know.
    sender_->send(frame.data(), frame.size());
  }

  // A whole Ethernet frame; its source becomes this interface's own MAC. What cannot be sent is lost, as a frame on the way is.
  void sendFrame(const Napi::CallbackInfo& info) {
    if (isClosed(info.Env())) return;
    std::vector<uint8_t> frame = bytesOf(info[0]);
    sender_->send(frame.data(), frame.size());
  }

  // Four bytes, or null for none.
  void listenEcho(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (isClosed(env)) return;
    uint32_t vip = 0;
    if (!info[0].IsNull()) {
      const std::vector<uint8_t> address = bytesOf(info[0]);
      if (address.size() != sizeof vip) return throwError(env, "ERR_INVALID_ARG_VALUE", "an IPv4 address has 4 bytes");
      std::memcpy(&vip, address.data(), sizeof vip);
    }
    control_->listenEcho(vip);
  }

  Napi::Value takeControl(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (isClosed(env)) return {};
    const std::vector<covey::io::ControlFrame> frames = control_->take();
    Napi::Array list = Napi::Array::New(env, frames.size());
    for (size_t i = 0; i < frames.size(); i++) {
      Napi::Object frame = Napi::Object::New(env);
      frame.Set("echoed", frames[i].echoed);
      frame.Set("source", toArray(env, frames[i].source.data(), frames[i].source.size()));
      frame.Set("payload", toArray(env, frames[i].payload.data(), frames[i].payload.size()));
      list.Set(uint32_t(i), frame);
    }
    return list;
  }

  void onControl(const Napi::CallbackInfo& info) {
    if (!isClosed(info.Env())) onControl_ = Napi::Persistent(info[0].As<Napi::Function>());
  }

  void close(const Napi::CallbackInfo&) { shutDown(); }

  covey::io::PacketThreadOptions options_;
  Napi::ObjectReference countersReference_;
  Napi::FunctionReference onControl_;
  std::unique_ptr<covey::io::PacketThread> packets_;
  std::unique_ptr<covey::io::FrameSender> sender_;
  std::unique_ptr<covey::io::ControlReceiver> control_;
  uint32_t gatherMs_ = 0;
  napi_threadsafe_function wake_ = nullptr;
  bool hasHook_ = false;
};

Napi::Value bootTimeMs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), double(covey::io::bootTimeNs()) / double(covey::io::kNsPerMs));
}

// See Precedence::kHeartbeat; of the calling thread.
Napi::Value takePrecedence(const Napi::CallbackInfo& info) {
  static constexpr const char* kNames[] = {"real-time", "nice", "none"};
  return Napi::String::New(info.Env(), kNames[size_t(covey::io::takePrecedence(covey::io::Precedence::kHeartbeat))]);
}

void sendControlOnce(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string interface = info[0].ToString();
  const std::vector<uint8_t> payload = bytesOf(info[1]);
  if (!isSendable(env, payload)) return;
  covey::io::FrameSender sender(interface);
  SystemError failure;
  if (!sender.open(&failure)) return throwSystemError(env, failure);
  broadcast(env, sender, interface, payload);
}

Napi::Value peerCredentials(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  covey::io::PeerCredentials found;
  SystemError failure;
  if (!covey::io::peerCredentials(info[0].ToNumber(), &found, &failure)) {
    throwSystemError(env, failure);
    return {};
  }
  Napi::Object credentials = Napi::Object::New(env);
  credentials.Set("pid", Napi::Number::New(env, found.pid));
  credentials.Set("uid", Napi::Number::New(env, found.uid));
  credentials.Set("gid", Napi::Number::New(env, found.gid));
  return credentials;
}

void sendUnixDatagram(const Napi::CallbackInfo& info) {
  SystemError failure;
  if (!covey::io::sendUnixDatagram(info[0].ToString(), info[1].ToString(), &failure)) throwSystemError(info.Env(), failure);
}

Napi::Object load(Napi::Env env, Napi::Object exports) {
  Napi::Array names = Napi::Array::New(env, covey::kCounterCount);
  for (size_t i = 0; i < covey::kCounterCount; i++) {
    names.Set(uint32_t(i), covey::counterName(static_cast<Counter>(i)));
  }
  exports.Set("abi", int32_t{covey::io::kAbi});
  exports.Set("counterNames", names);
  Napi::Array outcomes = Napi::Array::New(env, covey::kRuleOutcomes.size());
  for (size_t i = 0; i < covey::kRuleOutcomes.size(); i++) {
    outcomes.Set(uint32_t(i), covey::counterName(covey::kRuleOutcomes[i]));
  }
  exports.Set("ruleOutcomes", outcomes);
  exports.Set("bootTimeMs", Napi::Function::New(env, bootTimeMs, "bootTimeMs"));
  exports.Set("takePrecedence", Napi::Function::New(env, takePrecedence, "takePrecedence"));
  exports.Set("sendControlOnce", Napi::Function::New(env, sendControlOnce, "sendControlOnce"));
  exports.Set("peerCredentials", Napi::Function::New(env, peerCredentials, "peerCredentials"));
  exports.Set("sendUnixDatagram", Napi::Function::New(env, sendUnixDatagram, "sendUnixDatagram"));
  exports.Set("DataPlane", DataPlane::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(dataplane, load)

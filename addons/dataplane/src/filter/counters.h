// The data plane's counters: the same names in the same order as src/dataplane/counters.ts. Every rejection has its
// own.
#ifndef COVEY_FILTER_COUNTERS_H
#define COVEY_FILTER_COUNTERS_H

#include <cstddef>
#include <cstdint>

namespace covey {

// clang-format off
#define COVEY_COUNTERS(X)                             \
  /* What happened to frames. */                      \
  X(framesSeen)                                       \
  X(filteredInKernel)                                 \
  X(accepted)                                         \
  X(injected)                                         \
  X(acceptedInKernel)                                 \
  X(held)                                             \
  X(replayed)                                         \
  X(fragmentsHeld)                                    \
  X(fragmentsReplayed)                                \
  X(relayed)                                          \
  X(relayCopies)                                      \
  X(ingressFrames)                                    \
  X(arpAnswered)                                      \
  X(ndAnswered)                                       \
  X(controlReceived)                                  \
  X(controlSent)                                      \
  X(steeringSent)                                     \
  X(steeringConfirmed)                                \
  X(steeringUnanswered)                               \
  /* Rejected, one name per reason: verdict order. */ \
  X(rejectedLeaseLapsed)                              \
  X(rejectedOtherProtocol)                            \
  X(rejectedOtherVlan)                                \
  X(rejectedNotOurVip)                                \
  X(rejectedOtherMac)                                 \
  X(rejectedOtherAnswers)                             \
  X(rejectedNoRule)                                   \
  X(rejectedDenied)                                   \
  X(rejectedNotOwner)                                 \
  X(rejectedForeignKeep)                              \
  X(rejectedOwnFrame)                                 \
  X(rejectedFragmentUnknown)                          \
  X(rejectedIcmpType)                                 \
  /* Malformed or unusable frames. */                 \
  X(malformedEthernet)                                \
  X(malformedArp)                                     \
  X(malformedIpv4)                                    \
  X(malformedIpv6)                                    \
  X(malformedTransport)                               \
  X(malformedIcmp)                                    \
  X(tooManyExtensionHeaders)                          \
  X(truncatedCapture)                                 \
  X(badChecksum)                                      \
  /* Losses. */                                       \
  X(captureDrops)                                     \
  X(injectErrors)                                     \
  X(relayErrors)                                      \
  X(heldOverflow)                                     \
  X(heldDiscarded)                                    \
  X(heldLapsed)                                       \
  X(fragmentsOverflow)                                \
  X(fragmentsExpired)                                 \
  X(answerErrors)                                     \
  X(controlOverflow)                                  \
  X(controlMalformed)                                 \
  /* Tables and life. */                              \
  X(keys)                                             \
  X(keepsOwn)                                         \
  X(keepsForeign)                                     \
  X(keysEvicted)                                      \
  X(embryosEvicted)                                   \
  X(tableFull)                                        \
  X(askers)                                           \
  X(askersEvicted)                                    \
  X(vmacAsSource)                                     \
  X(loopTurns)                                        \
  X(leaseLapses)
// clang-format on

enum class Counter : uint8_t {
#define COVEY_COUNTER_ENUM(name) name,
  COVEY_COUNTERS(COVEY_COUNTER_ENUM)
#undef COVEY_COUNTER_ENUM
};

#define COVEY_COUNTER_ONE(name) +1
constexpr size_t kCounterCount = 0 COVEY_COUNTERS(COVEY_COUNTER_ONE);
#undef COVEY_COUNTER_ONE

/** Name of a counter as TypeScript knows it. */
inline const char* counterName(Counter counter) {
  static constexpr const char* kNames[] = {
#define COVEY_COUNTER_NAME(name) #name,
      COVEY_COUNTERS(COVEY_COUNTER_NAME)
#undef COVEY_COUNTER_NAME
  };
  return kNames[static_cast<size_t>(counter)];
}

/**
 * A view on `kCounterCount` uint64 that lie in memory shared with other threads, which only read them. Each counter has
 * one writing thread, so a relaxed load and store is enough and no bus lock is paid per packet. (GCC's builtins,
 * because std::atomic_ref came only with C++20.)
 */
class Counters {
 public:
  explicit Counters(uint64_t* slots) : slots_(slots) {}

  void add(Counter counter, uint64_t amount = 1) { set(counter, get(counter) + amount); }
  void set(Counter counter, uint64_t value) { __atomic_store_n(slot(counter), value, __ATOMIC_RELAXED); }
  uint64_t get(Counter counter) const { return __atomic_load_n(slot(counter), __ATOMIC_RELAXED); }

 private:
  uint64_t* slot(Counter counter) const { return slots_ + static_cast<size_t>(counter); }
  uint64_t* slots_;
};

}  // namespace covey

#endif

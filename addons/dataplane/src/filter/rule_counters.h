// What became of the packets that a rule took, rule by rule: the same outcomes in the same order as RULE_OUTCOMES of
// src/dataplane/counters.ts.
#ifndef COVEY_FILTER_RULE_COUNTERS_H
#define COVEY_FILTER_RULE_COUNTERS_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "counters.h"
#include "shape.h"

namespace covey {

/** Each is a verdict's reason, too. A packet that is held counts when it leaves the ring with another verdict. */
constexpr std::array<Counter, 6> kRuleOutcomes{Counter::accepted,         Counter::relayed,
                                               Counter::rejectedDenied,   Counter::rejectedNotOwner,
                                               Counter::rejectedForeignKeep, Counter::tableFull};

/**
 * A view on `slots` times `kRuleOutcomes.size()` uint64 behind the named counters, written by the packet thread alone. One
 * addition for each packet that has a rule, and for others one comparison.
 */
class RuleCounters {
 public:
  RuleCounters(uint64_t* words, size_t slots) : words_(words), slots_(slots) {}

  /** Does nothing for a slot that is not there, and for a reason that is no outcome. */
  void add(uint16_t slot, Counter reason, uint64_t amount = 1) {
    if (slot >= slots_) return;
    const uint8_t outcome = kOutcomeOf[static_cast<size_t>(reason)];
    if (outcome >= kRuleOutcomes.size()) return;
    uint64_t* const word = words_ + slot * kRuleOutcomes.size() + outcome;
    __atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
  }

 private:
  /** By the number of the reason; those that are no outcome have one beyond the last. */
  static constexpr std::array<uint8_t, kCounterCount> outcomesByReason() {
    std::array<uint8_t, kCounterCount> outcomes{};
    for (size_t reason = 0; reason < kCounterCount; reason++) {
      outcomes[reason] = kRuleOutcomes.size();
      for (size_t i = 0; i < kRuleOutcomes.size(); i++) {
        if (kRuleOutcomes[i] == static_cast<Counter>(reason)) outcomes[reason] = static_cast<uint8_t>(i);
      }
    }
    return outcomes;
  }
  static const std::array<uint8_t, kCounterCount> kOutcomeOf;

  uint64_t* words_;
  size_t slots_;
};

inline constexpr std::array<uint8_t, kCounterCount> RuleCounters::kOutcomeOf = RuleCounters::outcomesByReason();

}  // namespace covey

#endif

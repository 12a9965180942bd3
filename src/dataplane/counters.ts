/**
 * The data plane's counters, in the order in which they lie in shared memory (uint64 each). The list in
 * addons/dataplane/src/filter/counters.h has the same names in the same order; the conformance suite compares them.
 */
export const COUNTER_NAMES = [
  // What happened to frames.
  'framesSeen',
  'filteredInKernel',
  'accepted',
  'injected',
  'acceptedInKernel',
  'held',
  'replayed',
  'fragmentsHeld',
  'fragmentsReplayed',
  'relayed',
  'relayCopies',
  'ingressFrames',
  'arpAnswered',
  'ndAnswered',
  'controlReceived',
  'controlSent',
  'steeringSent',
  'steeringConfirmed',
  'steeringUnanswered',
  // Rejected, one name per reason: verdict order.
  'rejectedLeaseLapsed',
  'rejectedOtherProtocol',
  'rejectedOtherVlan',
  'rejectedNotOurVip',
  'rejectedOtherMac',
  'rejectedOtherAnswers',
  'rejectedNoRule',
  'rejectedDenied',
  'rejectedNotOwner',
  'rejectedForeignKeep',
  'rejectedOwnFrame',
  'rejectedFragmentUnknown',
  'rejectedIcmpType',
  // Malformed or unusable frames.
  'malformedEthernet',
  'malformedArp',
  'malformedIpv4',
  'malformedIpv6',
  'malformedTransport',
  'malformedIcmp',
  'tooManyExtensionHeaders',
  'truncatedCapture',
  'badChecksum',
  // Losses.
  'captureDrops',
  'injectErrors',
  'relayErrors',
  'heldOverflow',
  'heldDiscarded',
  'heldLapsed',
  'fragmentsOverflow',
  'fragmentsExpired',
  'answerErrors',
  'controlOverflow',
  'controlMalformed',
  // Tables and life.
  'keys',
  'keepsOwn',
  'keepsForeign',
  'keysEvicted',
  'embryosEvicted',
  'tableFull',
  'askers',
  'askersEvicted',
  'vmacAsSource',
  'loopTurns',
  'leaseLapses',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];

/**
 * What becomes of a packet that a rule took, counted rule by rule. A packet that is held counts when it leaves the ring with another
 * verdict; what the kernel's filter holds back nobody has judged, so it counts for no rule. The same list in the same order is in
 * addons/dataplane/src/filter/rule_counters.h.
 */
export const RULE_OUTCOMES = [
  'accepted',
  'relayed',
  'rejectedDenied',
  'rejectedNotOwner',
  'rejectedForeignKeep',
  'tableFull',
] as const satisfies readonly CounterName[];

export type RuleOutcome = (typeof RULE_OUTCOMES)[number];
export type RuleCounts = Readonly<Record<RuleOutcome, number>>;

/** Words of the shared memory that counts by name, and for so many rules at once. */
export const counterWords = (slots: number) => COUNTER_NAMES.length + slots * RULE_OUTCOMES.length;

/** Which of those words counts an outcome of the rule in a slot. */
export const ruleWord = (slot: number, outcome: RuleOutcome) => counterWords(slot) + RULE_OUTCOMES.indexOf(outcome);

/** Names that are gauges (a level), not counts that only grow. */
export const GAUGES: ReadonlySet<CounterName> = new Set(['keys', 'keepsOwn', 'keepsForeign', 'askers']);

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

/** Names that are gauges (a level), not counts that only grow. */
export const GAUGES: ReadonlySet<CounterName> = new Set(['keys', 'keepsOwn', 'keepsForeign', 'askers']);

/** The data plane's counters as metrics: one family each, but for rejections, which are one family by reason. */
import { isRejection, rejectionReason } from '../../control/counters-report.js';
import { COUNTER_NAMES, type CounterName, GAUGES } from '../../dataplane/counters.js';
import { type Family, snakeCase } from './family.js';

/** What is counted where the name does not say it by itself. */
const HELP: Partial<Record<CounterName, string>> = {
  framesSeen: 'Frames that came in on the interface.',
  filteredInKernel: "Of those, the ones that the kernel's filter held back: not for a VIP, or other nodes'.",
  accepted: 'Frames that this node took.',
  injected: "Packets given to this host's network stack.",
  acceptedInKernel: 'Of the accepted packets, those of open connections that the kernel took by itself.',
  held: 'Frames held while their bucket was being handed over.',
  replayed: 'Held frames decided after all.',
  relayed: 'Frames passed on to other members.',
  relayCopies: 'Copies sent for relayed frames.',
  ingressFrames: 'Frames that came to the own MAC from outside the farm.',
  arpAnswered: 'ARP questions for a VIP answered.',
  ndAnswered: 'Neighbour solicitations for a VIP answered.',
  captureDrops: 'Frames that the kernel lost before the capture.',
  injectErrors: 'Packets that the host did not take.',
  relayErrors: 'Copies that could not be sent.',
  heldOverflow: 'Frames lost because the hold ring was full.',
  heldDiscarded: "Held frames that were another node's to take.",
  heldLapsed: 'Held frames lost with the lease.',
  keys: 'Clients and connections in the table.',
  keepsOwn: 'Keys served here in buckets of other nodes.',
  keepsForeign: 'Keys of own buckets that other nodes serve.',
  tableFull: 'New clients refused because the table was full.',
  askers: 'Hosts known to have asked for a VIP.',
  vmacAsSource: "Frames with the farm's MAC as source: a switch that learns it stops flooding.",
  loopTurns: 'Turns of the packet thread.',
  leaseLapses: 'Times that the lease ran out.',
};

export function counterFamilies(read: (name: CounterName) => number): readonly Family[] {
  const rejections = COUNTER_NAMES.filter(isRejection);
  return [
    {
      name: 'covey_rejected_frames_total',
      type: 'counter',
      help: 'Frames that this node did not take, by reason; most are for other nodes.',
      // Zeros too: a rate needs a value to begin with.
      samples: rejections.map((name) => ({ labels: { reason: rejectionReason(name) }, value: read(name) })),
    },
    ...COUNTER_NAMES.filter((name) => !isRejection(name)).map((name) => familyOf(name, read(name))),
  ];
}

function familyOf(name: CounterName, value: number): Family {
  const isGauge = GAUGES.has(name);
  const words = snakeCase(name).replaceAll('_', ' ');
  return {
    name: `covey_${snakeCase(name)}${isGauge ? '' : '_total'}`,
    type: isGauge ? 'gauge' : 'counter',
    help: HELP[name] ?? `Counter of the packet thread: ${words}.`,
    samples: [{ value }],
  };
}

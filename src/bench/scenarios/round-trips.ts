/** Scenario `latency`: what a farm adds to a round trip, idle and while datagrams come at several rates. */
import { VIP } from '../../lab/names.js';
import type { BedOptions, Figure, Sample, Scenario } from '../contract.js';
import { buildPackets, noPackets, PACKETS, PACKETS_NEEDS, packetsResult } from '../packets-program.js';
import { startEcho } from '../services.js';
import { ECHO_PORT, NODE, type OpenWay, UDP_PORT } from '../ways/contract.js';
import { coveyPcap, coveyRing, coveySlow } from '../ways/covey.js';
import { direct, nftHash, xtCluster } from '../ways/kernel.js';
import { type OnWays, peerOn } from './on-ways.js';

const INTERVAL_US = 1000;
const SOURCES = 64;
/** Datagrams a second besides, which a sink throws away. */
const LOADS = [0, 1000, 10_000, 50_000];
const PERCENTILES = ['p50', 'p99', 'p999'] as const;
const NAMES = { p50: 'p50', p99: 'p99', p999: 'p99.9' } as const;

type Percentiles = Readonly<Record<(typeof PERCENTILES)[number], number>> & { readonly lost: number };

const onWays: OnWays = {
  id: 'latency',
  isOwner: true,
  needs: PACKETS_NEEDS,
  prepare: async (open) => {
    await buildPackets();
    await startEcho(open, PACKETS);
    // Where nobody listens, each datagram of the load would bring an ICMP error.
    const isReady = () => open.hosts.isListening(NODE, UDP_PORT, 'udp');
    await open.hosts.start(NODE, [PACKETS, 'sink', VIP, String(UDP_PORT), '0'], isReady);
  },
  measure: async (open, options) => {
    const sample: Record<string, number> = {};
    for (const load of LOADS) Object.assign(sample, await roundTrips(open, load, options));
    return sample;
  },
};

export const latency: Scenario = {
  id: 'latency',
  title: 'What does a farm add to a round trip?',
  about: `A datagram and its echo, one a millisecond, alone and while other datagrams come to the same VIP. One that is due while an answer is late counts from then on, and one that has no answer after 100 ms as 100 ms. What is added is the difference to \`direct\`: its programs and cores are the same.`,
  figures: LOADS.flatMap((load) => [...PERCENTILES.map((percentile) => figureOf(load, percentile)), ...proofsOf(load)]),
  base: direct.name,
  peers: [direct, coveyRing, coveySlow, coveyPcap, xtCluster, nftHash].map((way) => {
    const peer = peerOn(way, onWays);
    return noPackets === undefined ? peer : { ...peer, cannot: noPackets };
  }),
};

function placeOf(load: number): string {
  return load === 0 ? 'idle' : `beside ${load} datagrams/s`;
}

function figureOf(load: number, percentile: (typeof PERCENTILES)[number]): Figure {
  const name = `${placeOf(load)}, ${NAMES[percentile]}`;
  return { id: `${load}-${percentile}`, name, unit: 'us', better: 'less', digits: 1 };
}

/** How many had no answer; and what the load really was. */
function proofsOf(load: number): readonly Figure[] {
  const lost: Figure = {
    id: `${load}-lost`,
    name: `${placeOf(load)}, no answer`,
    unit: 'datagrams',
    better: 'less',
    digits: 0,
  };
  const came: Figure = {
    id: `${load}-load`,
    name: `${placeOf(load)}, of which came about`,
    unit: 'datagrams/s',
    better: 'more',
    digits: 0,
  };
  return load === 0 ? [lost] : [lost, came];
}

async function roundTrips({ hosts }: OpenWay, load: number, { seconds }: BedOptions): Promise<Sample> {
  const count = Math.round((seconds * 1e6) / INTERVAL_US);
  const flood = [PACKETS, 'flood', VIP, UDP_PORT, seconds + 1, SOURCES, load].map(String);
  const flooding = load === 0 ? null : hosts.exec('client', flood, (seconds + 1) * 1000);
  flooding?.catch(() => undefined);
  const words = [PACKETS, 'round-trips', VIP, ECHO_PORT, count, INTERVAL_US].map(String);
  const result = packetsResult<Percentiles>(await hosts.exec('client', words, seconds * 1000));
  const flooded = flooding === null ? null : packetsResult<{ sent: number; seconds: number }>(await flooding);
  return {
    ...Object.fromEntries(PERCENTILES.map((percentile) => [`${load}-${percentile}`, result[percentile]])),
    [`${load}-lost`]: result.lost,
    ...(flooded === null ? {} : { [`${load}-load`]: flooded.sent / flooded.seconds }),
  };
}

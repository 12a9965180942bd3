/** Scenarios `accepted` and `rejected`: small datagrams that are the node's, and such that are not. */
import { VIP } from '../../lab/names.js';
import { eventually } from '../../lab/processes.js';
import type { BedOptions, Figure, Peer, Sample, Scenario } from '../contract.js';
import { usedSeconds } from '../machine.js';
import { buildPackets, noPackets, PACKETS, PACKETS_NEEDS, packetsResult } from '../packets-program.js';
import { NODE, type OpenWay, SOURCES, UDP_PORT, type Way } from '../ways/contract.js';
import { coveyByVips, coveyPcap, coveyRing, coveySlow } from '../ways/covey.js';
import { direct, haproxy, nftHash, xtCluster } from '../ways/kernel.js';
import { type OnWays, peerOn } from './on-ways.js';

/** A rate that every peer here can take, so that what is lost there is lost by the peer. */
const STEADY_PER_SECOND = 50_000;
const SINK_SPARE_SECONDS = 5;

interface Flood {
  readonly sent: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

interface Sink {
  readonly received: number;
  readonly seconds: number;
}

const acceptedOnWays: OnWays = {
  id: 'accepted',
  isOwner: true,
  needs: PACKETS_NEEDS,
  prepare: buildPackets,
  measure: async (open, { seconds }) => {
    const fast = await floodAndCount(open, seconds, 0);
    const steady = await floodAndCount(open, seconds, STEADY_PER_SECOND);
    return {
      rate: fast.sink.received / fast.sink.seconds,
      'lost-fast': percentLost(fast),
      'lost-steady': percentLost(steady),
    };
  },
};

export const accepted: Scenario = {
  id: 'accepted',
  title: 'How many small datagrams does a node take?',
  about: `Datagrams of 16 bytes from ${SOURCES} ports, sent by sendmmsg as fast as one core can, to a socket that counts them; then ${STEADY_PER_SECOND} a second. On a veth pair the sender's core does most of the kernel's work for the receiver, too.`,
  figures: [
    { id: 'rate', name: 'received, of a flood', unit: 'datagrams/s', better: 'more', digits: 0 },
    { id: 'lost-fast', name: 'lost, of a flood', unit: '%', better: 'less', digits: 2 },
    { id: 'lost-steady', name: `lost, of ${STEADY_PER_SECOND} a second`, unit: '%', better: 'less', digits: 3 },
  ],
  base: direct.name,
  peers: [direct, coveyRing, coveySlow, coveyPcap, xtCluster, nftHash, haproxy].map((way) =>
    datagramPeer(way, acceptedOnWays),
  ),
};

const REJECTED_FIGURES: readonly Figure[] = [
  { id: 'sender-ns', name: 'in the kernel, a frame (CPU of the sender)', unit: 'ns', better: 'less', digits: 0 },
  { id: 'node-ns', name: "in the node's processes, a frame", unit: 'ns', better: 'less', digits: 0 },
  { id: 'all-ns', name: 'both', unit: 'ns', better: 'less', digits: 0 },
];

const rejectedOnWays: OnWays = {
  id: 'rejected',
  isOwner: false,
  needs: PACKETS_NEEDS,
  prepare: buildPackets,
  measure: rejection,
};

export const rejected: Scenario = {
  id: 'rejected',
  title: "What does a node pay for frames that are another node's?",
  about: `The same flood to a node that owns nothing of it; in Covey's farm of two each node owns half of the buckets, and the flood is the other's. The sender's core carries each frame over switch and cable into the node's kernel, so its CPU time has the kernel's part of the rejection in it; to it comes the CPU time of the node's own processes, heartbeats included. \`direct\` is a host that knows nothing of any farm: the frame has a foreign MAC.`,
  figures: REJECTED_FIGURES,
  base: direct.name,
  peers: [direct, coveyRing, coveySlow, coveyPcap, coveyByVips, xtCluster, nftHash, haproxy].map((way) =>
    datagramPeer(way, rejectedOnWays),
  ),
};

function datagramPeer(way: Way, scenario: OnWays): Peer {
  const peer = peerOn(way, scenario);
  const cannot = way.carries.datagrams ? noPackets : 'it carries no datagrams';
  return cannot === undefined ? peer : { ...peer, cannot };
}

async function flood({ hosts, clientPorts }: OpenWay, seconds: number, perSecond: number): Promise<Flood> {
  const sources = clientPorts?.join(',') ?? SOURCES;
  const words = [PACKETS, 'flood', VIP, UDP_PORT, seconds, sources, perSecond].map(String);
  return packetsResult<Flood>(await hosts.exec('client', words, seconds * 1000));
}

async function floodAndCount(open: OpenWay, seconds: number, perSecond: number): Promise<{ flood: Flood; sink: Sink }> {
  const { hosts } = open;
  const limit = seconds + SINK_SPARE_SECONDS;
  const counting = hosts.exec(NODE, [PACKETS, 'sink', VIP, UDP_PORT, limit].map(String), limit * 1000);
  // Should the flood fail first, this one is not to be left without anyone who looks at how it ends.
  counting.catch(() => undefined);
  await eventually(() => hosts.isListening(NODE, UDP_PORT, 'udp'), SINK_SPARE_SECONDS * 1000);
  const sent = await flood(open, seconds, perSecond);
  return { flood: sent, sink: packetsResult<Sink>(await counting) };
}

function percentLost({ flood: { sent }, sink: { received } }: { flood: Flood; sink: Sink }): number {
  return (1 - received / sent) * 100;
}

async function rejection(open: OpenWay, { seconds }: BedOptions): Promise<Sample> {
  const pids = open.hosts.processes(NODE);
  const before = usedSeconds(pids);
  const { sent, cpuSeconds } = await flood(open, seconds, 0);
  const inKernel = (cpuSeconds / sent) * 1e9;
  const inNode = ((usedSeconds(pids) - before) / sent) * 1e9;
  return { 'sender-ns': inKernel, 'node-ns': inNode, 'all-ns': inKernel + inNode };
}

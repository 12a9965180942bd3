/** Scenario `faults`: what clients see of a node that dies, stands still, leaves and comes back. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { labDown } from '../../lab/lab.js';
import { PROJECT, VIP } from '../../lab/names.js';
import type { Bed, BedOptions, Figure, Peer, Program, Sample, Scenario } from '../contract.js';
import { FAULT_NODES, FAULTS, type Fault, type FaultyCluster } from '../faults/contract.js';
import { coveyCluster } from '../faults/covey.js';
import { gapOf, type Heard, monotonicMs } from '../faults/gap.js';
import { keepalivedCluster } from '../faults/keepalived.js';
import { buildPackets, noPackets, PACKETS, PACKETS_NEEDS } from '../packets-program.js';
import { PROGRAMS } from '../programs.js';
import { ECHO_PORT } from '../ways/contract.js';

const CLIENT = join(PROJECT, 'dist', 'bench', 'faults', 'client.js');
const BEFORE_MS = 700;
/** From the beginning of the client to its last datagram. keepalived needs 3.6 s by default, and a neighbour's cache a while. */
const CLIENT_SECONDS = 5;

type Build = (lab: string, options: BedOptions) => Promise<FaultyCluster>;

export const faults: Scenario = {
  id: 'faults',
  title: 'How long do clients wait when a node dies, stands still, leaves, comes back?',
  about:
    'A thousand datagrams a second from 120 ports to an echo service on three nodes. A gap lasts from the fault to the last datagram that nobody answered. Of Covey one node of three is hit, which serves a third; of keepalived the master, which serves all.',
  figures: FAULTS.flatMap(figuresOf),
  base: 'keepalived',
  peers: [
    peerOf('keepalived', 'VRRP, an advertisement every second (the default)', [PROGRAMS.keepalived], (lab, options) =>
      keepalivedCluster(lab, 1, options),
    ),
    peerOf('keepalived fast', 'VRRP, an advertisement every 0.1 s', [PROGRAMS.keepalived], (lab, options) =>
      keepalivedCluster(lab, 0.1, options),
    ),
    peerOf('covey', 'at its defaults: heartbeat 100 ms, lease 500 ms', [], (lab, options) =>
      coveyCluster(lab, {}, options),
    ),
    peerOf('covey fast', 'heartbeat 30 ms, lease 150 ms', [], (lab, options) =>
      coveyCluster(lab, { interval: '30ms', lease: '150ms' }, options),
    ),
  ],
};

function figuresOf(fault: Fault): readonly Figure[] {
  return [
    { id: `${fault}-gap`, name: `${fault}: gap`, unit: 'ms', better: 'less', digits: 0 },
    { id: `${fault}-lost`, name: `${fault}: unanswered`, unit: 'datagrams', better: 'less', digits: 0 },
  ];
}

function peerOf(name: string, about: string, needs: readonly Program[], build: Build): Peer {
  const peer = {
    name,
    about,
    needs: [...PACKETS_NEEDS, ...needs],
    setUp: (options: BedOptions) => setUp(name, build, options),
  };
  return noPackets === undefined ? peer : { ...peer, cannot: noPackets };
}

async function setUp(name: string, build: Build, options: BedOptions): Promise<Bed> {
  const lab = `bench-faults-${name.replace(' ', '-')}`;
  try {
    await buildPackets();
    const cluster = await build(lab, options);
    for (const node of FAULT_NODES) await startEchoOn(cluster, node);
    await cluster.heal();
    return { measure: () => allFaults(cluster), close: () => cluster.hosts.down() };
  } catch (cause) {
    await labDown(lab);
    throw cause;
  }
}

/** Bound to the VIP, which a node may not have at the moment. */
async function startEchoOn({ hosts }: FaultyCluster, node: string): Promise<void> {
  await hosts.exec(node, ['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
  const isReady = () => hosts.isListening(node, ECHO_PORT, 'udp');
  await hosts.start(node, [PACKETS, 'echo', VIP, String(ECHO_PORT)], isReady);
}

async function allFaults(cluster: FaultyCluster): Promise<Sample> {
  const sample: Record<string, number> = {};
  for (const fault of FAULTS) {
    // `join` is the way back from the kill before it.
    if (fault !== 'join') await cluster.heal();
    const { gapMs, lost } = await suffer(cluster, fault);
    sample[`${fault}-gap`] = gapMs;
    sample[`${fault}-lost`] = lost;
  }
  await cluster.heal();
  return sample;
}

async function suffer(
  cluster: FaultyCluster,
  fault: Fault,
): Promise<{ readonly gapMs: number; readonly lost: number }> {
  const words = ['--vip', VIP, '--port', String(ECHO_PORT), '--seconds', String(CLIENT_SECONDS)];
  const heard = cluster.hosts.exec('client', [process.execPath, CLIENT, ...words], CLIENT_SECONDS * 1000);
  heard.catch(() => undefined);
  await delay(BEFORE_MS);
  const faultMs = monotonicMs();
  await cluster.inflict(fault);
  return gapOf(JSON.parse(await heard) as Heard, faultMs);
}

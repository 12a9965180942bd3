/** Scenario `streams`: bulk TCP, as super-frames and as frames of the MTU. */
import { VIP } from '../../lab/names.js';
import type { Figure, Scenario } from '../contract.js';
import type { LabHosts } from '../lab-hosts.js';
import { PROGRAMS } from '../programs.js';
import { startIperf } from '../services.js';
import { NODE, type OpenWay, STREAM_PORT } from '../ways/contract.js';
import { coveyPcap, coveyRing, coveySlow } from '../ways/covey.js';
import { direct, haproxy, nftHash, xtCluster } from '../ways/kernel.js';
import { type OnWays, peerOn } from './on-ways.js';

const OFFLOADS = ['tx', 'sg', 'tso', 'gso', 'gro'];

interface Trial {
  readonly id: string;
  readonly name: string;
  readonly words: readonly string[];
  readonly offloads: 'on' | 'off';
}

const TRIALS: readonly Trial[] = [
  { id: 'one', name: 'one stream', words: [], offloads: 'on' },
  { id: 'eight', name: 'eight streams', words: ['-P', '8'], offloads: 'on' },
  { id: 'back', name: 'one stream from the node', words: ['-R'], offloads: 'on' },
  { id: 'one-mtu', name: 'one stream, frames of the MTU', words: [], offloads: 'off' },
  { id: 'eight-mtu', name: 'eight streams, frames of the MTU', words: ['-P', '8'], offloads: 'off' },
];

const onWays: OnWays = {
  id: 'streams',
  isOwner: true,
  needs: [PROGRAMS.iperf3, PROGRAMS.ethtool],
  prepare: startIperf,
  measure: async (open, { seconds }) => {
    const sample: Record<string, number> = {};
    for (const trial of TRIALS) sample[trial.id] = await gigabits(open, trial, seconds);
    return sample;
  },
};

export const streams: Scenario = {
  id: 'streams',
  title: 'How much does a TCP stream carry?',
  about:
    'iperf3, as received. With offloads the kernel hands frames of up to 64 KiB from client to node; without (ethtool -K eth0 tx off sg off tso off gso off gro off at both) each is one of 1500 bytes.',
  figures: TRIALS.map(({ id, name }): Figure => ({ id, name, unit: 'Gbit/s', better: 'more', digits: 2 })),
  base: direct.name,
  peers: [direct, coveyRing, coveySlow, coveyPcap, haproxy, xtCluster, nftHash].map((way) => peerOn(way, onWays)),
};

async function gigabits({ hosts }: OpenWay, { words, offloads }: Trial, seconds: number): Promise<number> {
  await setOffloads(hosts, offloads);
  const command = ['iperf3', '-c', VIP, '-p', String(STREAM_PORT), '-t', String(seconds), '-J', ...words];
  return receivedGigabits(await hosts.exec('client', command, seconds * 1000));
}

async function setOffloads(hosts: LabHosts, state: 'on' | 'off'): Promise<void> {
  const words = ['ethtool', '-K', 'eth0', ...OFFLOADS.flatMap((name) => [name, state])];
  for (const host of ['client', NODE]) await hosts.exec(host, words);
}

/** Of iperf3's JSON. */
export function receivedGigabits(text: string): number {
  const report = JSON.parse(text) as { readonly end: { readonly sum_received: { readonly bits_per_second: number } } };
  return report.end.sum_received.bits_per_second / 1e9;
}

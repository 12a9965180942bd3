/** Scenario `http`: requests per second, latencies, and what they cost. */
import { VIP } from '../../lab/names.js';
import type { Figure, Sample, Scenario } from '../contract.js';
import type { LabHosts } from '../lab-hosts.js';
import { workedSeconds } from '../machine.js';
import { PROGRAMS } from '../programs.js';
import { startNginx } from '../services.js';
import { HTTP_PORT } from '../ways/contract.js';
import { coveyPcap, coveyRing, coveySlow } from '../ways/covey.js';
import { direct, haproxy, nftHash, xtCluster } from '../ways/kernel.js';
import { type OnWays, peerOn } from './on-ways.js';
import { parseWrk } from './wrk.js';

const CONNECTIONS = 32;

function figuresOf(id: string, name: string): readonly Figure[] {
  return [
    { id: `${id}-rate`, name, unit: 'requests/s', better: 'more', digits: 0 },
    { id: `${id}-p50`, name: `${name}, p50`, unit: 'ms', better: 'less', digits: 2 },
    { id: `${id}-p99`, name: `${name}, p99`, unit: 'ms', better: 'less', digits: 2 },
    { id: `${id}-cpu`, name: `${name}, CPU per million requests`, unit: 's', better: 'less', digits: 1 },
  ];
}

const onWays: OnWays = {
  id: 'http',
  isOwner: true,
  needs: [PROGRAMS.wrk, PROGRAMS.nginx],
  prepare: async (open) => {
    await startNginx(open);
    // A connection per request takes many ports, and each rests for a minute.
    await open.hosts.exec('client', ['sysctl', '-qw', 'net.ipv4.ip_local_port_range=10000 65000']);
  },
  measure: async ({ hosts }, { seconds }) => ({
    ...(await requests(hosts, 'keep', [], seconds)),
    ...(await requests(hosts, 'new', ['-H', 'Connection: close'], seconds)),
  }),
};

export const http: Scenario = {
  id: 'http',
  title: 'What do HTTP requests through a farm cost?',
  about: `wrk, one thread and ${CONNECTIONS} connections, against nginx with one worker that answers 6 bytes; kept connections, then one for each request. CPU time is that of the whole machine: client, switch and node share it.`,
  figures: [...figuresOf('keep', 'kept connections'), ...figuresOf('new', 'connection per request')],
  base: direct.name,
  peers: [direct, coveyRing, coveySlow, coveyPcap, haproxy, xtCluster, nftHash].map((way) => peerOn(way, onWays)),
};

async function requests(hosts: LabHosts, id: string, header: readonly string[], seconds: number): Promise<Sample> {
  const before = workedSeconds();
  const words = ['wrk', '--latency', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, ...header];
  const text = await hosts.exec('client', [...words, `http://${VIP}:${HTTP_PORT}/`], seconds * 1000);
  const used = workedSeconds() - before;
  const { requestsPerSecond, requests: count, p50Ms, p99Ms } = parseWrk(text);
  return {
    [`${id}-rate`]: requestsPerSecond,
    [`${id}-p50`]: p50Ms,
    [`${id}-p99`]: p99Ms,
    [`${id}-cpu`]: (used / count) * 1e6,
  };
}

/**
 * Covey's ways. To own all: a farm of one. To own nothing of what comes:
 *
 *     client ---- switch ---- n1   measured: hears everything; the client uses ports whose buckets are n2's
 *                     `------ n2   the switch does not flood to it, so its work is not measured with n1's
 *
 * Heartbeats are broadcasts, and reach both.
 */
import { ControlClient } from '../../control/client.js';
import { CLIENT_ADDRESS, nodePaths, portOf, VIP } from '../../lab/names.js';
import { nodeReport } from '../../lab/status.js';
import { LabHosts } from '../lab-hosts.js';
import { ECHO_PORT, HTTP_PORT, NODE, SOURCES, STREAM_PORT, UDP_PORT, type Way } from './contract.js';

const OTHER = 'n2';
/** Below those that the system gives out by itself. */
const FIRST_PORT = 20_000;

/** `capture: auto`, the default of the product, chooses the ring wherever the kernel has it; here it is named. */
export const coveyRing = coveyWay('covey', 'ring', 'Covey with its own capture ring, as `capture: auto` chooses it');
export const coveyPcap = coveyWay('covey pcap', 'pcap', 'Covey with capture: pcap');
export const coveySlow = coveyWay('covey slow path', 'ring', 'Covey without its fast path in the kernel', {
  COVEY_FAST_PATH: 'off',
});
export const coveyByVips = coveyWay('covey by VIPs', 'ring', 'Covey without its exact filter in the kernel', {
  COVEY_BUCKET_FILTER: 'off',
});

function coveyWay(name: string, capture: 'ring' | 'pcap', about: string, environment: NodeJS.ProcessEnv = {}): Way {
  return {
    name,
    about,
    needs: [],
    carries: { datagrams: true },
    open: async ({ lab, isOwner, overrides, signal, say }) => {
      const config = JSON.stringify({ capture, rules: RULES });
      const wishes = { lab, nodes: isOwner ? 1 : 2, agents: true, overrides: [config, ...overrides] };
      const hosts = await inEnvironment(environment, () => LabHosts.up(wishes, { signal, say }));
      const opened = { hosts, serviceAddress: VIP, notes: () => notes(lab) };
      if (isOwner) return opened;
      await hosts.exec('switch', ['bridge', 'link', 'set', 'dev', portOf(OTHER), 'flood', 'off']);
      return { ...opened, clientPorts: await foreignPorts(lab) };
    },
  };
}

/** What `build` starts has these variables. Beds are set up one after the other, so nothing else is started meanwhile. */
async function inEnvironment<T>(variables: NodeJS.ProcessEnv, build: () => Promise<T>): Promise<T> {
  Object.assign(process.env, variables);
  return build().finally(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

const RULES = [
  { name: 'tcp', protocol: 'tcp', ports: [HTTP_PORT, STREAM_PORT], affinity: 'connection' },
  { name: 'udp', protocol: 'udp', ports: [UDP_PORT, ECHO_PORT], affinity: 'connection' },
];

/** Those whose bucket the other node owns, by the word of the agent. */
async function foreignPorts(lab: string): Promise<readonly number[]> {
  const control = new ControlClient(nodePaths(lab, NODE).runDir);
  const ports: number[] = [];
  for (let port = FIRST_PORT; ports.length < SOURCES; port++) {
    const to = { address: VIP, port: UDP_PORT, protocol: 'udp' } as const;
    const { owner } = await control.explain({ address: CLIENT_ADDRESS, port, to });
    if (owner === OTHER) ports.push(port);
  }
  return ports;
}

async function notes(lab: string): Promise<readonly string[]> {
  const report = await nodeReport(lab, NODE);
  const shown = [
    'framesSeen',
    'accepted',
    'acceptedInKernel',
    'filteredInKernel',
    'injected',
    'injectErrors',
    'captureDrops',
  ];
  const rejected = report.counters.rejected;
  const reasons = Object.entries(typeof rejected === 'object' ? rejected : {}).filter(([, count]) => count > 0);
  const all = [...shown.map((name) => [name, report.counters[name]]), ...reasons];
  const { engine, engineReason } = report.software;
  return [
    `capture by ${engine} (${engineReason})`,
    `counters of ${NODE}: ${all.map(([name, count]) => `${name} ${count}`).join(', ')}`,
  ];
}

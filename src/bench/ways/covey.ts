/**
 * Covey's ways. To own all: a farm of one. To own nothing:
 *
 *     client ---- switch ---- n1   measured: hears everything, and its rules give it nothing
 *                     `------ n2   owns all; the switch does not flood to it, so its work is not measured with n1's
 *
 * Heartbeats are broadcasts, and reach both.
 */
import { portOf, VIP } from '../../lab/names.js';
import { nodeReport } from '../../lab/status.js';
import { LabHosts } from '../lab-hosts.js';
import { ECHO_PORT, HTTP_PORT, NODE, STREAM_PORT, UDP_PORT, type Way } from './contract.js';

const OTHER = 'n2';

/** `reach: auto`, the default of the product, chooses the ring; the lab's config has `flood`, so here it is named. */
export const coveyRing = coveyWay('covey', 'ring', 'Covey with its own capture ring, as `reach: auto` chooses it');
export const coveyPcap = coveyWay('covey pcap', 'pcap', 'Covey with capture: pcap');
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
      const config = JSON.stringify({ capture, rules: rules(isOwner) });
      const wishes = { lab, nodes: isOwner ? 1 : 2, agents: true, overrides: [config, ...overrides] };
      const hosts = await inEnvironment(environment, () => LabHosts.up(wishes, { signal, say }));
      if (!isOwner) await hosts.exec('switch', ['bridge', 'link', 'set', 'dev', portOf(OTHER), 'flood', 'off']);
      return { hosts, serviceAddress: VIP, notes: () => notes(lab) };
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

function rules(isOwner: boolean): readonly unknown[] {
  const plan = isOwner ? {} : { mode: 'failover', order: [OTHER, NODE] };
  const rule = (name: string, protocol: string, ports: readonly number[]) => {
    return { name, protocol, ports, affinity: 'connection', ...plan };
  };
  return [rule('tcp', 'tcp', [HTTP_PORT, STREAM_PORT]), rule('udp', 'udp', [UDP_PORT, ECHO_PORT])];
}

async function notes(lab: string): Promise<readonly string[]> {
  const report = await nodeReport(lab, NODE);
  const shown = ['framesSeen', 'accepted', 'filteredInKernel', 'injected', 'injectErrors', 'captureDrops'];
  const rejected = report.counters.rejected;
  const reasons = Object.entries(typeof rejected === 'object' ? rejected : {}).filter(([, count]) => count > 0);
  const all = [...shown.map((name) => [name, report.counters[name]]), ...reasons];
  return [`counters of ${NODE}: ${all.map(([name, count]) => `${name} ${count}`).join(', ')}`];
}

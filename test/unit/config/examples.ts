import type { Config } from '../../../src/config/contract.js';
import { faultText } from '../../../src/config/fault-text.js';
import { parseConfig } from '../../../src/config/load.js';

/** The least that is a config. */
export const MINIMAL = `farm: web
key: file:farm.key
interface: eth0
vips: [10.77.0.50/24]
rules:
  - { name: web, protocol: tcp, ports: [80] }
`;

/** Section 9 of the design, word for word. */
export const EXAMPLE = `farm: web
key: file:farm.key            # relative to this file, mode 0600; \`covey keygen\` makes one
interface: eth0
vips: [10.77.0.50/24, "fd77::50/64"]
reach: auto                   # auto | flood | multicast | relay
heartbeat: { interval: 100ms, lease: 500ms, udp: [] }     # udp: further networks, e.g. 192.168.9.0/24
rules:
  - { name: web,  protocol: tcp, ports: [80, 443],    affinity: connection }
  - { name: app,  protocol: tcp, ports: ["8000-8100"], affinity: client, hold: 5m }
  - { name: dns,  protocol: udp, ports: [53],          affinity: connection }
  - { name: db,   protocol: tcp, ports: [5432], mode: failover, order: [n1, n2] }
nodes: { n2: { weight: 2, interface: eth1 } }              # optional overrides
services: [{ name: nginx, start: "systemctl start nginx", stop: "...", restart: "..." }]
checkers:
  - { name: web, type: http, url: "http://127.0.0.1/health", interval: 1s, fall: 3, rise: 2, on-fail: restart nginx }
console: { listen: "127.0.0.1:9443" }
`;

export function configFrom(text: string): Config {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(result.faults.map(faultText).join('\n'));
  return result.config;
}

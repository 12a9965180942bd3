/** The config that `covey init` writes: what was asked, and what else there is, as comments. Pure. */
import { schemaLine } from '../config/json-schema.js';

export interface StarterAnswers {
  readonly farm: string;
  readonly interface: string;
  /** With prefix length. */
  readonly vip: string;
  readonly port: number;
  /** Relative to the config. */
  readonly keyFile: string;
  /** Path of covey.schema.json. */
  readonly schema: string;
}

/** Text that must not become a number or a list is quoted. */
const quoted = (text: string) => (/^[A-Za-z][A-Za-z0-9_.-]*$/.test(text) ? text : JSON.stringify(text));

export function starterConfig({ farm, interface: name, vip, port, keyFile, schema }: StarterAnswers): string {
  return `${schemaLine(schema)}
# The same file on every node. To check it: covey check-config covey.yaml. To give a changed one to the whole farm, without losing a
# packet: covey apply covey.yaml
farm: ${quoted(farm)}
key: ${JSON.stringify(`file:${keyFile}`)}   # relative to this file, mode 0600, the same on every node
interface: ${quoted(name)}          # where the clients' packets come in; another one on one node: see nodes
vips: [${JSON.stringify(vip)}]      # the addresses that the farm answers on, none of which any host has

# How packets for a VIP come to all nodes. auto finds out what the network does; or flood, multicast, relay.
reach: auto

# heartbeat: { interval: 100ms, lease: 500ms, udp: [192.168.9.0/24] }   # udp: further networks, should one fail

# The first rule that matches decides. affinity: connection spreads connections; client keeps a client on one node; network its /24.
rules:
  - { name: service, protocol: tcp, ports: [${port}], affinity: connection }
# - { name: app, protocol: tcp, ports: ["8000-8100"], affinity: client, hold: 5m }     # hold: a client that comes back finds its node
# - { name: db,  protocol: tcp, ports: [5432], mode: failover, order: [n1, n2] }       # the first living node takes all

# nodes: { n2: { weight: 2, interface: eth1 } }      # names are the hosts' (or run --node NAME); weight 1 is the default
# quorum: majority                                   # serve only with most of the nodes under nodes:, all of which must be named
# witness: [192.168.1.1]                             # or: while a node is missing, only who reaches one of these serves
# drain: { deadline: 60s }                           # how long a node that leaves waits for its connections
`;
}

/** The form of the config file: each field by itself. What fields must be to each other is in `checks.ts`. */
import { z } from 'zod';
import { MAX_PLANS } from '../buckets/contract.js';
import { parseHostAddress, parseNetwork, parseVip } from './address.js';
import { accept, choice, duration, expecting, integer, interfaceName, list, name, section, text } from './fields.js';
import { HIGHEST_PORT, parsePorts } from './ports.js';
import { Problem, shown } from './problem.js';
import { checkerSchema, consoleSchema, serviceSchema } from './schema-operations.js';
import { metricsSchema, notifyListSchema } from './schema-seeing.js';

export const MAX_VIPS = 32;
export const MAX_RULES = 64;
export const MAX_NODES = 64;
/** Plan 0 always is the general one, by the nodes' own weights: it carries ICMP echo and the `share` of status. */
export const MAX_OTHER_PLANS = MAX_PLANS - 1;

const DEFAULT_INTERVAL_MS = 100;

const weight = integer('a whole number', 0, 1000);

const nodeName = name('node');

const keyFile = text('a key file such as file:farm.key', (raw) => {
  const path = /^file:(.+)$/.exec(raw)?.[1];
  return path ?? new Problem(`${shown(raw)} does not name a key file: write file:PATH, such as file:farm.key`);
});

const ports = z
  .union([z.number(), z.string()], expecting(`a port from 1 to ${HIGHEST_PORT} or a range such as "8000-8100"`))
  .transform((raw, context) => accept(parsePorts(raw), context));

export const heartbeatSchema = section('heartbeat settings such as { interval: 100ms, lease: 500ms }', {
  interval: duration(10, 10_000).default(DEFAULT_INTERVAL_MS),
  lease: duration(30, 60_000).optional(),
  udp: list(text('a network such as 192.168.9.0/24', parseNetwork), 'networks', '[192.168.9.0/24]', 8, 0).default([]),
  port: integer('a port', 1, HIGHEST_PORT).default(7947),
});

export const ruleSchema = section('a rule such as { name: web, protocol: tcp, ports: [80], affinity: connection }', {
  name: name('rule'),
  protocol: choice(['tcp', 'udp']),
  ports: list(ports, 'ports', '[80, 443]', 64),
  affinity: choice(['client', 'connection', 'network']).default('client'),
  hold: duration(0, 86_400_000).default(0),
  mode: choice(['balance', 'failover', 'deny']).default('balance'),
  order: list(nodeName, 'names of nodes', '[n1, n2]', MAX_NODES).default([]),
  weights: z.record(z.string(), weight, expecting('weights by node, such as { n1: 2 }')).default({}),
});

export const nodeSchema = section('settings of a node, such as { weight: 2 }', {
  weight: weight.optional(),
  interface: interfaceName.optional(),
});

/** `nodes: { n1: }` names a node without overriding anything: null. */
const nodes = z.record(z.string(), nodeSchema.nullable(), expecting('nodes by name, such as { n2: { weight: 2 } }'));

export const drainSchema = section('drain settings such as { deadline: 60s }', {
  deadline: duration(0, 86_400_000).default(60_000),
});

/** Bounds of `table.keys`: below the lower one a table is of no use, the upper one is what C++ takes (FilterOptions::maxKeys). */
export const FEWEST_KEYS = 1024;
export const MOST_KEYS = 4_194_304;

export const tableSchema = section('settings of the key table such as { keys: 1000000 }', {
  keys: integer('a whole number', FEWEST_KEYS, MOST_KEYS).default(262_144),
});

export const configSchema = section('the keys of a config: farm, key, interface, vips, rules', {
  farm: name('farm'),
  key: keyFile,
  interface: interfaceName,
  vips: list(
    text('an address with prefix length, such as 10.77.0.50/24', parseVip),
    'VIPs',
    '[10.77.0.50/24]',
    MAX_VIPS,
  ),
  reach: choice(['auto', 'flood', 'multicast', 'relay']).default('auto'),
  reachCalm: duration(10_000, 86_400_000).optional(),
  heartbeat: heartbeatSchema.optional(),
  quorum: choice(['none', 'majority']).default('none'),
  witness: list(text('an address such as 10.77.0.1', parseHostAddress), 'addresses', '[10.77.0.1]', 8, 0).default([]),
  rules: list(ruleSchema, 'rules', '[{ name: web, protocol: tcp, ports: [80] }]', MAX_RULES),
  nodes: nodes.default({}),
  drain: drainSchema.optional(),
  table: tableSchema.optional(),
  capture: choice(['auto', 'pcap', 'ring']).default('auto'),
  services: list(serviceSchema, 'services', '[{ name: nginx, systemd: nginx }]', 64, 0).default([]),
  checkers: list(checkerSchema, 'checkers', '[{ name: web, type: tcp, address: "127.0.0.1:80" }]', 256, 0).default([]),
  console: consoleSchema.optional(),
  metrics: metricsSchema.optional(),
  notify: notifyListSchema,
});

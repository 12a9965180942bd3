/** One node's part of the config, and the part that all nodes must have in common. */
import type { Config } from './contract.js';

export interface NodeSettings {
  readonly name: string;
  readonly interface: string;
  readonly weight: number;
}

const DEFAULT_WEIGHT = 1;

/** What the config says of one node, whether `nodes` names it or not. */
export function resolveForNode(config: Config, name: string): NodeSettings {
  const node = Object.hasOwn(config.nodes, name) ? config.nodes[name] : undefined;
  return { name, interface: node?.interface ?? config.interface, weight: node?.weight ?? DEFAULT_WEIGHT };
}

/** Every node that the config names, sorted: under `nodes`, in an order, in weights. It need not name all of the farm. */
export function electorate(config: Config): readonly string[] {
  const inRules = config.rules.flatMap(({ order, weights }) => [...order, ...Object.keys(weights)]);
  return [...new Set([...Object.keys(config.nodes), ...inRules])].sort();
}

/**
 * The config as text, equal on two nodes exactly if they may share buckets; the config digest is taken over it.
 *
 * Format, comments, order of keys, and a default written out make no difference. Left out is what only says where a host finds
 * things (interfaces, the path of the key, the capture engine), how many keys it remembers, what a node does by itself (services,
 * checkers, console, metrics, notify, drain), and weights: every heartbeat carries its node's own, so a weight may change on one node at a time
 * while all share. The names of the nodes count only where a majority or a whole farm is counted of them.
 */
export function canonicalConfig(config: Config): string {
  const { farm, vips, reach, heartbeat, quorum, witness, rules } = config;
  const names = quorum === 'majority' || witness.length > 0 ? electorate(config) : [];
  return JSON.stringify(
    { canonicalVersion: 3, farm, vips, reach, heartbeat, quorum, witness, rules, names },
    canonical,
  );
}

/** JSON.stringify's replacer: keys sorted, an address once (as text, not as bytes too). */
function canonical(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, part]) => !(part instanceof Uint8Array));
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

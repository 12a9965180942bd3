/**
 * What the fields must be to each other. Works on whatever can be read of the file, field by field, so that these faults are
 * reported beside those of single fields, not after them.
 */
import { z } from 'zod';
import { checkerFaults, serviceFaults } from './checks-operations.js';
import { notifyFaults } from './checks-seeing.js';
import { formatDuration } from './duration.js';
import { NAME_PATTERN, NAME_RULE } from './fields.js';
import { planKey } from './plans.js';
import { isMap, shown } from './problem.js';
import { configSchema, heartbeatSchema, MAX_NODES, MAX_OTHER_PLANS, ruleSchema } from './schema.js';
import type { Path } from './source.js';
import { didYouMean } from './suggest.js';

export interface CrossFault {
  readonly path: Path;
  readonly message: string;
  /** Point at the key of `path`, not at its value. */
  readonly atKey?: boolean;
}

type RawMap = Readonly<Record<string, unknown>>;

export function crossFaults(raw: RawMap): readonly CrossFault[] {
  return [
    ...heartbeatFaults(raw.heartbeat),
    ...vipFaults(raw.vips),
    ...nodeFaults(raw.nodes),
    ...duplicateNames(raw, 'rules', 'rule'),
    ...mapsOf(raw.rules).flatMap(([index, rule]) => ruleFaults(index, rule, raw)),
    ...planFaults(raw.rules),
    ...duplicateNames(raw, 'services', 'service'),
    ...mapsOf(raw.services).flatMap(([index, service]) => serviceFaults(['services', index], service)),
    ...duplicateNames(raw, 'checkers', 'checker'),
    ...mapsOf(raw.checkers).flatMap(([index, checker]) => checkerFaults(['checkers', index], checker, raw.services)),
    ...mapsOf(raw.notify).flatMap(([index, notify]) => notifyFaults(['notify', index], notify)),
  ];
}

/** No list of the config may be longer; what is too long is refused as such, and not looked into. */
const LONGEST_LIST = 256;

/** The maps of a list with their index. */
export function mapsOf(list: unknown): readonly (readonly [number, RawMap])[] {
  if (!Array.isArray(list)) return [];
  return [...list.slice(0, LONGEST_LIST).entries()].flatMap(([index, item]) =>
    isMap(item) ? [[index, item] as const] : [],
  );
}

/** The values of those fields that are right by themselves. */
function readable<S extends z.ZodRawShape>(shape: S, raw: RawMap): { readonly [K in keyof S]?: z.output<S[K]> } {
  const fields = Object.entries(shape).flatMap(([key, schema]) => {
    const parsed = z.safeParse(schema, raw[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(fields) as { [K in keyof S]?: z.output<S[K]> };
}

function heartbeatFaults(raw: unknown): CrossFault[] {
  const { interval, lease } = isMap(raw) ? readable(heartbeatSchema.shape, raw) : {};
  if (interval === undefined || lease === undefined || lease >= 3 * interval) return [];
  const least = formatDuration(3 * interval);
  const formula = `lease >= 3 x interval = 3 x ${formatDuration(interval)} = ${least}`;
  const message = `a lease of ${formatDuration(lease)} lapses when two heartbeats are lost; ${formula}: write ${least} or more`;
  return [{ path: ['heartbeat', 'lease'], message }];
}

function vipFaults(raw: unknown): CrossFault[] {
  const first = new Map<string, number>();
  return (Array.isArray(raw) ? raw.slice(0, LONGEST_LIST) : []).flatMap((item, index) => {
    const parsed = configSchema.shape.vips.element.safeParse(item);
    if (!parsed.success) return [];
    const address = parsed.data.text.split('/')[0]!;
    const earlier = first.get(address);
    if (earlier !== undefined) {
      return [
        { path: ['vips', index], message: `overlaps vips[${earlier}], which is the same address: keep one of them` },
      ];
    }
    first.set(address, index);
    return [];
  });
}

function duplicateNames(raw: RawMap, key: string, what: string): CrossFault[] {
  const first = new Map<unknown, number>();
  return mapsOf(raw[key]).flatMap(([index, { name }]) => {
    if (typeof name !== 'string') return [];
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      return [];
    }
    const message = `another ${what}, ${key}[${earlier}], has the name ${shown(name)}: give each its own`;
    return [{ path: [key, index, 'name'], message }];
  });
}

function nodeFaults(raw: unknown): CrossFault[] {
  const names = isMap(raw) ? Object.keys(raw) : [];
  const faults: CrossFault[] = names.flatMap((name) => nameFault(['nodes', name], name));
  if (names.length > MAX_NODES) {
    faults.push({ path: ['nodes'], message: `has ${names.length} nodes: write at most ${MAX_NODES}` });
  }
  return faults;
}

function nameFault(path: Path, name: string): CrossFault[] {
  if (NAME_PATTERN.test(name)) return [];
  return [{ path, message: `${shown(name)} is not a name for a node (${NAME_RULE})`, atKey: true }];
}

function ruleFaults(index: number, raw: RawMap, config: RawMap): CrossFault[] {
  const { mode } = readable(ruleSchema.shape, raw);
  const given = (key: string) => raw[key] !== undefined;
  const faults: CrossFault[] = [];
  const fault = (key: string, message: string, atKey = true) =>
    faults.push({ path: ['rules', index, ...(key === '' ? [] : [key])], message, atKey });

  if (mode === 'failover' && !given('order')) fault('mode', 'failover needs an order: write order: [n1, n2]', false);
  if (mode === 'failover' && given('weights')) {
    fault('weights', 'failover gives all to one node: remove weights, or write mode: balance');
  }
  if (mode === 'balance' && given('order'))
    fault('order', 'order is for failover only: write mode: failover, or remove it');
  if (mode === 'deny') {
    for (const key of ['affinity', 'hold', 'order', 'weights']) {
      if (given(key)) fault(key, `a rule that denies serves nobody: remove ${key}`);
    }
  }
  faults.push(...orderFaults(index, raw.order, config.nodes), ...weightFaults(index, raw.weights, config.nodes));
  return faults;
}

function orderFaults(index: number, order: unknown, nodes: unknown): CrossFault[] {
  if (!Array.isArray(order) || order.length > MAX_NODES) return [];
  return order.flatMap((name: unknown, place) => {
    if (typeof name !== 'string') return [];
    const path = ['rules', index, 'order', place];
    const earlier = order.indexOf(name);
    if (earlier < place)
      return [{ path, message: `${shown(name)} stands in the order already, at place ${earlier + 1}` }];
    return misspeltNode(path, name, nodes);
  });
}

function weightFaults(index: number, weights: unknown, nodes: unknown): CrossFault[] {
  const names = isMap(weights) ? Object.keys(weights) : [];
  return names.flatMap((name) => {
    const path = ['rules', index, 'weights', name];
    const bad = nameFault(path, name);
    return bad.length > 0 ? bad : misspeltNode(path, name, nodes).map((fault) => ({ ...fault, atKey: true }));
  });
}

/**
 * `nodes` need not name every node, so an unknown name is no fault by itself. One that differs from a known name in nothing but
 * case is.
 */
function misspeltNode(path: Path, name: string, nodes: unknown): CrossFault[] {
  const known = isMap(nodes) ? Object.keys(nodes) : [];
  const meant = known.find((other) => other !== name && other.toLowerCase() === name.toLowerCase());
  if (meant === undefined || known.includes(name)) return [];
  return [{ path, message: `there is no node ${shown(name)}${didYouMean(name, [meant])}` }];
}

function planFaults(rules: unknown): CrossFault[] {
  const plans = new Map<string, number>();
  for (const [index, raw] of mapsOf(rules)) {
    const { mode, order, weights } = readable(ruleSchema.shape, raw);
    if (mode === undefined || order === undefined || weights === undefined) continue;
    const key = planKey({ mode, order, weights });
    if (key !== null && !plans.has(key)) plans.set(key, index);
  }
  if (plans.size <= MAX_OTHER_PLANS) return [];
  const index = [...plans.values()][MAX_OTHER_PLANS]!;
  const limit = `at most ${MAX_OTHER_PLANS} different orders and weights beside the general one`;
  const message = `the rules need ${plans.size}: ${limit}; give rules the same order or weights`;
  return [{ path: ['rules', index], message }];
}

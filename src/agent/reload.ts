/**
 * Another config while the node runs, read from the file again or applied: what is new in it, what that means, and what cannot change
 * without a restart. Pure but for {@link reloadConfig}, and a bad config never replaces a good one (I10): everything is judged
 * before anything is done.
 */
import type { Cidr, Config, Rule } from '../config/contract.js';
import { faultText } from '../config/fault-text.js';
import { parseConfig } from '../config/load.js';
import { planSpecs, ruleEntries } from '../config/plans.js';
import { resolveForNode } from '../config/resolve.js';
import type { ReloadReport } from '../control/contract.js';
import { ControlError } from '../control/errors.js';
import { consoleMove } from './console-move.js';

export interface ReloadParts {
  readonly configFile: string;
  readonly node: string;
  readonly running: Config;
  readonly readFile: (path: string) => Promise<string>;
  /** Puts it in force. */
  readonly apply: (text: string, config: Config) => Promise<void>;
}

/** @throws {@link ControlError} `bad-config` with every fault, or `refused`; then nothing has changed. */
export async function reloadConfig(parts: ReloadParts): Promise<ReloadReport> {
  const { configFile, node, running } = parts;
  const text = await parts.readFile(configFile).catch((cause: Error) => {
    throw new ControlError('bad-config', `cannot read ${configFile}: ${cause.message}`, STAYS, { cause });
  });
  const next = judgeConfig(text, configFile, node, running);
  await parts.apply(text, next);
  return { version: 1, node, changed: changes(running, next, node), warnings: harm(running, next) };
}

/**
 * The config of `text`, if this node can go over to it while it runs.
 * @throws {@link ControlError} `bad-config` with every fault, each behind the name `file`, or `refused`.
 */
export function judgeConfig(text: string, file: string, node: string, running: Config): Config {
  const parsed = parseConfig(text);
  if (!parsed.ok) {
    const faults = parsed.faults.map((fault) => `${file}:${faultText(fault)}`);
    throw new ControlError('bad-config', faults.join('\n'), STAYS);
  }
  const fixed = needsRestart(running, parsed.config, node);
  if (fixed.length > 0) {
    const what = `${fixed.join(', ')}: this cannot change while the node runs`;
    throw new ControlError('refused', what, restartHint(fixed));
  }
  return parsed.config;
}

const STAYS = 'the config that is in force stays';

/** What to do, by what is to change. */
function restartHint(fixed: readonly string[]): string {
  const isFarms = fixed.some((key) => key === 'farm' || key === 'key');
  const way = isFarms
    ? 'it makes another farm: stop all nodes, then start them with the new file'
    : 'put the file on every node, and restart them one after the other, each of which drains first';
  return `${way}; nothing of the file is in force`;
}

const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);

/** Keys of the config that differ and are acted on only at the start. */
export function needsRestart(running: Config, next: Config, node: string): readonly string[] {
  const fixed = (config: Config) => ({
    farm: config.farm,
    key: config.keyFile,
    interface: resolveForNode(config, node).interface,
    reach: config.reach,
    heartbeat: config.heartbeat,
    table: config.table,
    capture: config.capture,
  });
  const [before, after] = [fixed(running), fixed(next)];
  return (Object.keys(before) as (keyof typeof before)[]).filter((key) => differs(before[key], after[key]));
}

/** VIPs of `next` that `running` lacks. The length of the network is no part of an address. */
export function newVips(running: Config, next: Config): readonly Cidr[] {
  const addressOf = ({ text }: Cidr) => text.split('/')[0]!;
  const known = new Set(running.vips.map(addressOf));
  return next.vips.filter((vip) => !known.has(addressOf(vip)));
}

/** What another config changes, one clause each. */
export function changes(running: Config, next: Config, node: string): readonly string[] {
  const [before, after] = [resolveForNode(running, node).weight, resolveForNode(next, node).weight];
  return [
    ...(before === after ? [] : [`weight ${before} -> ${after}`]),
    ...newVips(running, next).map(({ text }) => `VIP ${text} is new`),
    ...newVips(next, running).map(({ text }) => `VIP ${text} is gone`),
    ...ruleChanges(running.rules, next.rules),
    ...(running.reachCalmMs === next.reachCalmMs ? [] : ['reachCalm changed']),
    ...(['quorum', 'witness', 'nodes', 'drain', 'services', 'checkers', 'console', 'metrics', 'notify'] as const)
      .filter((key) => differs(running[key], next[key]))
      .map((key) => `${key} changed`),
  ];
}

function ruleChanges(running: readonly Rule[], next: readonly Rule[]): string[] {
  const named = (rules: readonly Rule[]) => new Map(rules.map((rule) => [rule.name, rule]));
  const [before, after] = [named(running), named(next)];
  const lines = [
    ...next.filter(({ name }) => !before.has(name)).map(({ name }) => `rule ${name} is new`),
    ...running.filter(({ name }) => !after.has(name)).map(({ name }) => `rule ${name} is gone`),
    ...next
      .filter(({ name }) => before.has(name) && differs(before.get(name), after.get(name)))
      .map(({ name }) => `rule ${name} changed`),
  ];
  const orderDiffers = differs([...before.keys()], [...after.keys()]);
  return lines.length === 0 && orderDiffers ? ['rules are in another order'] : lines;
}

/**
 * Connections that a new config breaks, because that is what it says: their rule is gone, or hashes or shares them out in another
 * way, so that another node may own them; and pages of consoles that move. One sentence each.
 */
export function harm(running: Config, next: Config): readonly string[] {
  const after = ruleEntries(next);
  const [specsBefore, specsAfter] = [planSpecs(running), planSpecs(next)];
  const lines = new Map<string, string>();
  for (const entry of ruleEntries(running)) {
    const { name } = running.rules[entry.rule]!;
    if (entry.deny) continue;
    const same = after.find(
      (other) =>
        other.protocol === entry.protocol && other.firstPort <= entry.firstPort && other.lastPort >= entry.firstPort,
    );
    if (same === undefined || same.deny) {
      lines.set(name, `rule ${name} no longer takes all of its ports: connections to them end`);
    } else if (same.affinity !== entry.affinity || same.plan !== entry.plan) {
      const moved = same.plan !== entry.plan && !differs(specsBefore[entry.plan], specsAfter[same.plan]);
      const why = moved ? 'its plan has another number now' : 'its connections are shared out in another way now';
      lines.set(name, `rule ${name}: ${why}; those that are open may break`);
    }
  }
  const gone = newVips(next, running).map(({ text }) => `VIP ${text} is no longer served: connections to it end`);
  return [...gone, ...lines.values(), ...consoleMove(running.console, next.console)];
}

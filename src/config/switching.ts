/** Whether nodes may share buckets while some have one config and some already another: in the moment of an apply. */
import type { Config } from './contract.js';
import { type PortRule, planSpecs, ruleEntries } from './plans.js';
import { canonicalConfig } from './resolve.js';

/**
 * True when no packet can have two owners, whichever of the two configs each node has: all that both take is hashed alike and shared
 * out by the same plan, and leases, quorum and reach are the same. A port or VIP that one of them lacks is then taken by fewer nodes
 * for a moment, never by two. ICMP echo goes by plan 0 in any config.
 */
export function mayShareWhileSwitching(running: Config, next: Config): boolean {
  const withoutRules = (config: Config) => canonicalConfig({ ...config, vips: [], rules: [] });
  if (withoutRules(running) !== withoutRules(next)) return false;
  if (JSON.stringify(planSpecs(running)) !== JSON.stringify(planSpecs(next))) return false;
  return (['tcp', 'udp'] as const).every((protocol) =>
    areSharedAlike(protocol, ruleEntries(running), ruleEntries(next)),
  );
}

/** Between two ports where some range begins or has ended, every port meets the same two rules: so one port of each stretch is asked. */
function areSharedAlike(protocol: PortRule['protocol'], a: readonly PortRule[], b: readonly PortRule[]): boolean {
  const firsts = [...a, ...b].flatMap(({ firstPort, lastPort }) => [firstPort, lastPort + 1]);
  return firsts.every((port) => {
    const [one, other] = [a, b].map((rules) => takerOf(rules, protocol, port));
    return one == null || other == null || (one.affinity === other.affinity && one.plan === other.plan);
  });
}

/** The rule that takes packets to this port; null when they are refused or no rule matches. The first match counts, as in the data plane. */
function takerOf(rules: readonly PortRule[], protocol: PortRule['protocol'], port: number): PortRule | null {
  const match = rules.find((rule) => rule.protocol === protocol && rule.firstPort <= port && port <= rule.lastPort);
  return match === undefined || match.deny ? null : match;
}

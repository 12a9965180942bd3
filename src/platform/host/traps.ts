/**
 * Rules of other firewalls that hurt a farm. Packets for a VIP come in by the TUN device, not by the VIP's interface: rules that ask for the
 * interface do not match them, and reverse-path rules by `fib ... iif` drop them. Read only; what others set is theirs.
 */
import { run } from '../run.js';
import { legacyTraps } from './traps-legacy.js';

interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr: readonly unknown[];
}

interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
}

interface NftSet {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type: unknown;
  readonly elem?: unknown;
}

interface Ruleset {
  readonly nftables: readonly {
    readonly set?: NftSet;
    readonly rule?: NftRule;
    readonly chain?: NftChain;
    readonly table?: { name: string };
  }[];
}

/** Tables of our own guard. */
const OWN_TABLE = /^covey/;

/** A place in a firewall that hurts a farm, as people name it: `inet firewalld filter_PREROUTING`. */
export interface Trap {
  readonly place: string;
  readonly kind: 'reverse-path' | 'interface';
  /** What to type so that VIP traffic passes. */
  readonly remedy: string;
}

/** One line each; empty also where no firewall can be asked. */
export async function firewallTraps(interfaceName: string): Promise<readonly string[]> {
  const [nft, legacy] = await Promise.all([nftTraps(interfaceName), legacyTraps(interfaceName)]);
  return [...nft, ...legacy].map((trap) => trapText(trap, interfaceName));
}

async function nftTraps(interfaceName: string): Promise<readonly Trap[]> {
  try {
    // Terse: named sets of a hundred thousand addresses say nothing here.
    const { stdout } = await run('nft', ['-j', '-t', 'list', 'ruleset'], { timeoutMs: 5000 });
    const ruleset = JSON.parse(stdout) as Ruleset;
    return trapsIn(await withInterfaceSets(ruleset), interfaceName);
  } catch {
    // No permission, or no nftables here: then there are no such rules that we could name.
    return [];
  }
}

/** Named sets of interfaces are small, and say which a rule means. */
async function withInterfaceSets(ruleset: Ruleset): Promise<Ruleset> {
  const nftables = await Promise.all(
    ruleset.nftables.map(async (object) => {
      const { set } = object;
      if (set === undefined || !JSON.stringify(set.type).includes('"ifname"')) return object;
      const { stdout } = await run('nft', ['-j', 'list', 'set', set.family, set.table, set.name], { timeoutMs: 5000 });
      return (JSON.parse(stdout) as Ruleset).nftables.find((listed) => listed.set !== undefined) ?? object;
    }),
  );
  return { nftables };
}

/** For people. */
export function trapText({ place, kind, remedy }: Trap, interfaceName: string): string {
  return kind === 'reverse-path'
    ? `firewall chain ${place} has a reverse-path rule, which drops packets for the VIP: they come in by the TUN device; ${remedy}`
    : `firewall chain ${place} has rules for ${interfaceName} alone, which packets for the VIP do not match: they come in by the TUN device; ${remedy}`;
}

/** Exported for tests: from `nft -j list ruleset`. */
export function trapsIn({ nftables }: Ruleset, interfaceName: string): readonly Trap[] {
  const rules = nftables.flatMap(({ rule }) => (rule === undefined || OWN_TABLE.test(rule.table) ? [] : [rule]));
  const chains = nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  const sets = nftables.flatMap(({ set }) => (set === undefined ? [] : [set]));
  /** A rule that speaks of a named set, as if the set were written there. */
  const written = ({ family, table, expr }: NftRule): unknown => {
    const elements = (name: string) =>
      sets.find((set) => set.family === family && set.table === table && set.name === name)?.elem ?? [];
    return JSON.parse(JSON.stringify(expr), (_, value: unknown) =>
      typeof value === 'string' && value.startsWith('@') ? elements(value.slice(1)) : value,
    );
  };
  const isInward = (rule: NftRule) => {
    const chain = chains.find(
      ({ family, table, name }) => family === rule.family && table === rule.table && name === rule.chain,
    );
    return chain?.hook !== 'postrouting' && chain?.hook !== 'output';
  };
  const places = (found: readonly NftRule[]) => [
    ...new Set(found.map(({ family, table, chain }) => `${family} ${table} ${chain}`)),
  ];
  const reverse = rules.filter(({ expr }) => expr.some(isReversePath));
  const byInterface = rules.filter(
    (rule) => isInward(rule) && (written(rule) as unknown[]).some((part) => asksFor(part, interfaceName)),
  );
  return [
    ...places(reverse).map((place): Trap => ({ place, kind: 'reverse-path', remedy: passText(place) })),
    ...places(byInterface).map((place): Trap => ({ place, kind: 'interface', remedy: 'name "covey-*" there as well' })),
  ];
}

/** Before all rules of the chain; firewalld sets its own anew at each reload, and has a switch for this one. */
function passText(place: string): string {
  const insert = `type: nft insert rule ${place} iifname '"covey-*"' accept`;
  return place.split(' ')[1] === 'firewalld' ? `${insert}, and set IPv6_rpfilter=no in firewalld.conf` : insert;
}

interface Selector {
  readonly meta?: { readonly key?: string };
  readonly concat?: readonly Selector[];
}

interface Expression {
  readonly match?: {
    readonly left?: Selector & {
      readonly fib?: { readonly result?: string; readonly flags?: string | readonly string[] };
    };
    readonly right?: unknown;
  };
  readonly vmap?: { readonly key?: Selector; readonly data?: unknown };
  /** A match of iptables that nft does not know itself. */
  readonly xt?: { readonly name?: string } | null;
}

function isReversePath(part: unknown): boolean {
  const { match, xt } = part as Expression;
  const flags = [match?.left?.fib?.flags ?? []].flat();
  return (flags.includes('saddr') && flags.includes('iif')) || xt?.name === 'rpfilter';
}

function asksFor(part: unknown, interfaceName: string): boolean {
  const { match, vmap } = part as Expression;
  return (
    (isByInterface(match?.left) && names(match?.right, interfaceName)) ||
    (isByInterface(vmap?.key) && names(vmap?.data, interfaceName))
  );
}

function isByInterface(selector: Selector | undefined): boolean {
  const key = selector?.meta?.key;
  return key === 'iifname' || key === 'iif' || (selector?.concat ?? []).some(isByInterface);
}

/** Somewhere in the value: the name itself, or a beginning of it with an asterisk. */
function names(value: unknown, interfaceName: string): boolean {
  if (typeof value === 'string') return matches(value, '*', interfaceName);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((part) => names(part, interfaceName));
}

/** A pattern of all interfaces has VIP traffic as well, so it is no trap. */
export function matches(pattern: string, wildcard: string, interfaceName: string): boolean {
  if (!pattern.endsWith(wildcard)) return pattern === interfaceName;
  return pattern.length > 1 && interfaceName.startsWith(pattern.slice(0, -1));
}

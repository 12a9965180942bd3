/** `status` and `explain`, put together from what the parts of the node say. Pure. */
import type { Config, PortRange, Rule } from '../config/contract.js';
import { planSpecs, ruleEntries } from '../config/plans.js';
import type {
  CountersReport,
  DrainReport,
  ExplainReport,
  ExplainTarget,
  RulePackets,
  RuleReport,
  StatusReport,
} from '../control/contract.js';
import { rejectionReason, rulePackets } from '../control/counters-report.js';
import type { RuleCounts } from '../dataplane/counters.js';
import type { ExplainSnapshot, MembershipSnapshot, RestartRecord } from './contract.js';

export interface StatusParts {
  readonly config: Config;
  readonly node: string;
  readonly interface: string;
  readonly membership: MembershipSnapshot;
  readonly counters: CountersReport;
  readonly restarts: RestartRecord;
  readonly drain: DrainReport | null;
  /** The agreed one. */
  readonly reach: StatusReport['reach'];
  readonly services: StatusReport['services'];
  readonly checkers: StatusReport['checkers'];
  readonly warnings: readonly string[];
  readonly version: string;
  readonly engine: string;
  readonly uptimeMs: number;
}

export function statusReport(parts: StatusParts): StatusReport {
  const { config, membership, restarts } = parts;
  return {
    version: 1,
    farm: config.farm,
    node: parts.node,
    state: membership.state,
    reason: membership.reason,
    reach: parts.reach,
    view: { digest: membership.view.digest, agreed: membership.view.agreed },
    members: membership.members.map((member) => ({ ...member, addresses: membership.addresses[member.name] ?? [] })),
    rules: ruleReports(config, membership.rulePackets),
    counters: { ...parts.counters, ...prefixed('wire', membership.wireCounters) },
    vips: config.vips.map(({ text }) => text),
    interface: parts.interface,
    incarnation: membership.incarnation,
    lease: { remainingMs: membership.leaseMs, durationMs: config.heartbeat.leaseMs },
    paths: membership.paths,
    supervisor: {
      restarts: restarts.count,
      lastReason: restarts.lastReason,
      lastAt: restarts.lastAt,
      backoffMs: restarts.backoffMs,
    },
    grants: membership.grants,
    drain: parts.drain,
    services: parts.services,
    checkers: parts.checkers,
    warnings: parts.warnings,
    software: { version: parts.version, engine: parts.engine, engineReason: membership.engineReason },
    uptimeMs: parts.uptimeMs,
  };
}

function ruleReports(config: Config, packets: MembershipSnapshot['rulePackets']): readonly RuleReport[] {
  const plans = new Map(ruleEntries(config).map(({ rule, plan }) => [rule, plan]));
  return config.rules.map((rule, index) => ({
    name: rule.name,
    protocol: rule.protocol,
    ports: rule.ports.map(portText),
    affinity: rule.affinity,
    mode: rule.mode,
    plan: plans.get(index) ?? 0,
    holdMs: rule.holdMs,
    ...packetsOf(packets[rule.name]),
  }));
}

/** The membership thread takes a new config a moment before or after this one. */
const packetsOf = (counts: RuleCounts | undefined) => (counts === undefined ? {} : { packets: rulePackets(counts) });

/** What other nodes' consoles are told of the rules. */
export function packetsByRule(rules: readonly RuleReport[]): Readonly<Record<string, RulePackets>> {
  return Object.fromEntries(rules.flatMap(({ name, packets }) => (packets === undefined ? [] : [[name, packets]])));
}

const portText = ({ first, last }: PortRange) => (first === last ? `${first}` : `${first}-${last}`);

function prefixed(prefix: string, counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).map(([name, count]) => [
      `${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      count,
    ]),
  );
}

export interface ExplainParts {
  readonly config: Config;
  readonly node: string;
  readonly client: string;
  readonly clientPort: number | null;
  readonly to: ExplainTarget;
  readonly snapshot: ExplainSnapshot;
}

export function explainReport(parts: ExplainParts): ExplainReport {
  const { snapshot, config, node, client, to } = parts;
  const rule = config.rules[snapshot.rule] ?? null;
  if (rule !== null && dependsOnPort(rule, parts.clientPort)) return undecided(parts, rule);
  return {
    version: 1,
    bucket: snapshot.bucket < 0 ? null : snapshot.bucket,
    owner: snapshot.owner,
    rule: rule?.name ?? null,
    why: whyText(parts),
    verdict: snapshot.kind,
    reason: snapshot.reason,
    plan: snapshot.bucket < 0 ? null : snapshot.plan,
    planned: snapshot.planned,
    node,
    client,
    to,
  };
}

/** With fail-over one node owns all buckets, whatever the port. */
function dependsOnPort({ affinity, mode }: Rule, port: number | null): boolean {
  return port === null && affinity === 'connection' && mode === 'balance';
}

/** Each port of the client has its own bucket and owner; to name those of one would be wrong for all others. */
function undecided({ node, client, to, snapshot }: ExplainParts, rule: Rule): ExplainReport {
  const example = client.includes(':') ? `[${client}]:40000` : `${client}:40000`;
  const why = `rule ${rule.name} hashes the client's address and port, so the owner depends on the client's port: give one, as in covey explain ${example}`;
  const nothing = { bucket: null, owner: null, planned: null, verdict: 'depends', reason: '' };
  return { version: 1, ...nothing, rule: rule.name, why, plan: snapshot.plan, node, client, to };
}

function whyText({ config, node, client, clientPort, to, snapshot }: ExplainParts): string {
  const rule = config.rules[snapshot.rule];
  const target = `${to.address}:${to.port}/${to.protocol}`;
  if (rule === undefined) return `no rule takes ${target}: every node rejects it (${rejectionReason(snapshot.reason)})`;
  if (rule.mode === 'deny') return `rule ${rule.name} denies ${target} on every node`;
  const key = keyText(rule.affinity, client, clientPort);
  const where = `rule ${rule.name} hashes the client's ${key} to bucket ${snapshot.bucket}`;
  const fenced = snapshot.serving ? '' : `; ${node} itself accepts nothing now, its lease is not open`;
  return `${where}, ${ownerText(config, node, snapshot)}${fenced}`;
}

function keyText(affinity: 'client' | 'connection' | 'network', client: string, port: number | null): string {
  if (affinity === 'client') return `address ${client}`;
  if (affinity === 'network') return `network (of ${client})`;
  const address = client.includes(':') ? `[${client}]` : client;
  return port === null ? `address ${client} and port` : `address and port ${address}:${port}`;
}

function ownerText(config: Config, node: string, { kind, reason, owner, planned, plan }: ExplainSnapshot): string {
  if (kind === 'accept' && owner !== node)
    return `which ${owner ?? 'nobody'} owns, but ${node} keeps this client until it is done`;
  if (reason === 'rejectedForeignKeep')
    return `which ${owner} owns, but another node keeps this client until it is done`;
  if (owner === null)
    return `which nobody is known to own now${planned === null ? '' : ` (the plan wants ${planned})`}`;
  if (planned !== null && planned !== owner) return `which ${owner} owns until it has granted it to ${planned}`;
  const spec = planSpecs(config)[plan];
  if (spec?.mode === 'failover') return `which ${owner} owns, the first living node of ${spec.order.join(', ')}`;
  return `which ${owner} owns by the plan of the nodes that are up`;
}

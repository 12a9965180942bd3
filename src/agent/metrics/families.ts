/** Every metric of a node. Pure: facts in, families out; the names are an interface that dashboards and alerts rely on. */
import type { RuleReport } from '../../control/contract.js';
import { rejectionReason } from '../../control/counters-report.js';
import { RULE_OUTCOMES } from '../../dataplane/counters.js';
import type { MemberStatus } from '../../membership/contract.js';
import type { MetricsInput } from './contract.js';
import { counterFamilies } from './counter-families.js';
import { counter, type Family, flag, gauge, type Sample, seconds, stateSet } from './family.js';
import { serviceFamilies } from './service-families.js';

const NODE_STATES = ['stopped', 'joining', 'up', 'draining', 'waiting'] as const;
const MEMBER_STATES = [...NODE_STATES, 'dead'] as const;
const REACHES = ['flood', 'multicast', 'relay'] as const;

export function families(input: MetricsInput): readonly Family[] {
  return [
    ...nodeFamilies(input),
    ...memberFamilies(input.status.members),
    ...counterFamilies(input.counter),
    ...serviceFamilies(input.status),
    ...operationFamilies(input),
    ...processFamilies(input),
  ];
}

function nodeFamilies({ status }: MetricsInput): Family[] {
  const { version, engine } = status.software;
  const identity = { farm: status.farm, node: status.node, interface: status.interface };
  return [
    gauge('covey_build_info', 'Version of Covey and its capture engine; always 1.', [
      { labels: { version, engine }, value: 1 },
    ]),
    gauge('covey_node_info', 'Which node of which farm answers here; always 1.', [{ labels: identity, value: 1 }]),
    gauge(
      'covey_node_state',
      'State of this node: 1 for the present one.',
      stateSet('state', NODE_STATES, status.state),
    ),
    gauge('covey_uptime_seconds', "Since the agent's start.", seconds(status.uptimeMs)),
    gauge(
      'covey_lease_remaining_seconds',
      'For so long this node may still accept packets; 0: its lease is not open.',
      seconds(Math.max(0, status.lease.remainingMs ?? 0)),
    ),
    gauge('covey_lease_duration_seconds', 'Length of a lease by the config.', seconds(status.lease.durationMs)),
    gauge('covey_view_agreed', '1 when all living members agree on who lives.', flag(status.view.agreed)),
    gauge(
      'covey_reach_mode',
      'How frames come to the nodes: 1 for the present way.',
      stateSet('mode', REACHES, status.reach.mode),
    ),
    gauge('covey_grants_in_progress', 'Hand-overs of buckets that this node takes part in.', status.grants),
    gauge('covey_warnings', 'Lines of warning that covey status shows.', status.warnings.length),
    gauge(
      'covey_drain_left_keys',
      'Clients or connections that a draining node still serves; 0: no drain.',
      status.drain?.left ?? 0,
    ),
    gauge(
      'covey_heartbeat_path_up',
      '1 when heartbeats can be sent by this path.',
      status.paths.map(({ path, ok }) => ({ labels: { path }, value: flag(ok) })),
    ),
    gauge(
      'covey_rule_info',
      'Rules of the config; always 1.',
      status.rules.map(({ name, protocol, affinity, mode, plan }) => ({
        labels: { rule: name, protocol, affinity, mode, plan: String(plan) },
        value: 1,
      })),
    ),
    counter(
      'covey_rule_packets_total',
      "Packets that a rule took, by what became of them; without those that the kernel's filter held back.",
      status.rules.flatMap(ruleSamples),
    ),
    counter(
      'covey_agent_restarts_total',
      'Times that the agent died and was started again.',
      status.supervisor.restarts,
    ),
  ];
}

/** Zeros too: a rate needs a value to begin with. There are as many rules as the config has, and six outcomes. */
function ruleSamples({ name, packets }: RuleReport): readonly Sample[] {
  if (packets === undefined) return [];
  const { accepted, relayed, rejected } = packets;
  const counts: Readonly<Record<string, number>> = { ...rejected, accepted, relayed };
  return RULE_OUTCOMES.map(rejectionReason).map((outcome) => ({
    labels: { rule: name, outcome },
    value: counts[outcome] ?? 0,
  }));
}

function memberFamilies(members: readonly MemberStatus[]): Family[] {
  const each = (value: (member: MemberStatus) => number | null): readonly Sample[] =>
    members.flatMap((member) => {
      const sample = value(member);
      return sample === null ? [] : [{ labels: { member: member.name }, value: sample }];
    });
  return [
    gauge(
      'covey_members',
      'Members that this node knows, by state.',
      MEMBER_STATES.map((state) => ({
        labels: { state },
        value: members.filter((member) => member.state === state).length,
      })),
    ),
    gauge(
      'covey_member_up',
      '1 when the member serves.',
      each(({ state }) => flag(state === 'up')),
    ),
    gauge(
      'covey_member_share_ratio',
      'Part of the buckets of the general plan that the member holds.',
      each(({ share }) => share),
    ),
    gauge(
      'covey_member_weight',
      'Weight of the member.',
      each(({ weight }) => weight),
    ),
    gauge(
      'covey_member_weight_ratio',
      'Part of its weight that counts: less than 1 by checkers with on-fail: weight.',
      each(({ weightPercent }) => weightPercent / 100),
    ),
    gauge(
      'covey_member_held_buckets',
      'Buckets that the member holds, all plans.',
      each(({ heldBuckets }) => heldBuckets),
    ),
    gauge(
      'covey_member_kept_keys',
      'Clients or connections that the member serves in buckets of others.',
      each(({ keeps }) => keeps),
    ),
    gauge(
      'covey_member_last_heard_seconds',
      'Since the member was last heard on any path.',
      each(({ lastHeardMs }) => (lastHeardMs === null ? null : seconds(lastHeardMs))),
    ),
    gauge(
      'covey_member_path_last_heard_seconds',
      'Since the member was last heard on this path.',
      members.flatMap(({ name, paths }) =>
        Object.entries(paths).map(([path, ms]) => ({ labels: { member: name, path }, value: seconds(ms) })),
      ),
    ),
  ];
}

function operationFamilies({ events, eventsWritten, wire, notifications }: MetricsInput): Family[] {
  const byTarget = (value: (report: MetricsInput['notifications'][number]) => number) =>
    notifications.map((report, index) => ({
      // Two commands have one name, so the place in the config tells them apart.
      labels: { target: report.target, index: String(index) },
      value: value(report),
    }));
  const named = (label: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
  return [
    counter('covey_events_total', "Events by kind, since the agent's start.", named('event', events)),
    gauge('covey_events_written', '1 when events can be written to disk.', flag(eventsWritten)),
    counter('covey_wire_datagrams_total', 'Sealed datagrams, by what became of them.', named('outcome', wire)),
    counter(
      'covey_notifications_sent_total',
      'Notifications that were taken.',
      byTarget(({ sent }) => sent),
    ),
    counter(
      'covey_notification_failures_total',
      'Attempts to notify that went wrong.',
      byTarget(({ failedAttempts }) => failedAttempts),
    ),
    counter(
      'covey_notifications_lost_total',
      'Notifications that were given up.',
      byTarget(({ lost }) => lost),
    ),
    gauge(
      'covey_notifications_waiting',
      'Notifications that wait for the next attempt.',
      byTarget(({ waiting }) => waiting),
    ),
  ];
}

/** Names as the client libraries of Prometheus have them. */
function processFamilies({ process }: MetricsInput): Family[] {
  return [
    gauge('process_resident_memory_bytes', "Memory of the agent's process.", process.residentBytes),
    counter('process_cpu_seconds_total', "Processor time of the agent's process.", process.cpuSeconds),
    gauge('process_start_time_seconds', "The agent's start, Unix time.", process.startedAtSeconds),
    gauge(
      'covey_main_loop_delay_seconds',
      "By how much the main thread's timers are late, on average.",
      process.loopDelaySeconds,
    ),
  ];
}

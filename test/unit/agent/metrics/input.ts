import type { MetricsInput } from '../../../../src/agent/metrics/contract.js';
import { WIRE_COUNTERS } from '../../../../src/wire/counters.js';
import { healthy } from '../../cli/reports.js';

const CHECKER = { detail: '', successes: 0, lastMs: 100, isAwaited: false };

/** A node of a farm of three, with something of everything. */
export function metricsInput(over: Partial<MetricsInput> = {}): MetricsInput {
  return {
    status: healthy({
      members: healthy().members.map((member) => (member.name === 'n3' ? { ...member, weightPercent: 50 } : member)),
      services: [
        {
          name: 'nginx',
          state: 'ready',
          reason: '',
          restarts: 2,
          maxRestarts: 3,
          windowMs: 86_400_000,
          forMs: 5000,
          holdsNode: false,
        },
      ],
      checkers: [
        { ...CHECKER, name: 'web', type: 'http', state: 'well', failures: 1, onFail: 'restart nginx', tookMs: 4 },
        { ...CHECKER, name: 'half', type: 'custom', state: 'failed', failures: 1, onFail: 'weight 50%', tookMs: null },
      ],
      rules: [
        {
          name: 'web',
          protocol: 'tcp',
          ports: ['80'],
          affinity: 'connection',
          mode: 'balance',
          plan: 0,
          holdMs: 0,
          packets: { accepted: 1200, relayed: 3, rejected: { notOwner: 7 } },
        },
      ],
    }),
    counter: (name) => name.length,
    wire: Object.fromEntries(WIRE_COUNTERS.map((name, index) => [name, index])),
    events: { state: 3, 'member-lost': 1 },
    eventsWritten: true,
    notifications: [
      { target: 'exec', way: 'exec', sent: 4, failedAttempts: 1, lost: 0, waiting: 0, error: '' },
      { target: 'exec', way: 'exec', sent: 0, failedAttempts: 0, lost: 0, waiting: 2, error: '' },
    ],
    process: { residentBytes: 1e8, cpuSeconds: 12.5, startedAtSeconds: 1.7e9, loopDelaySeconds: 0.0001 },
    ...over,
  };
}

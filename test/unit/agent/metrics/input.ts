import type { MetricsInput } from '../../../../src/agent/metrics/contract.js';
import { WIRE_COUNTERS } from '../../../../src/wire/counters.js';
import { healthy } from '../../cli/reports.js';

/** A node of a farm of three, with something of everything. */
export function metricsInput(over: Partial<MetricsInput> = {}): MetricsInput {
  return {
    status: healthy({
      rules: [
        { name: 'web', protocol: 'tcp', ports: ['80'], affinity: 'connection', mode: 'balance', plan: 0, holdMs: 0 },
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

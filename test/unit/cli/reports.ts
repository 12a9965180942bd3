import type { StatusReport } from '../../../src/control/contract.js';
import type { MemberStatus } from '../../../src/membership/contract.js';

export function member(name: string, over: Partial<MemberStatus> = {}): MemberStatus {
  return {
    name,
    state: 'up',
    reason: '',
    incarnation: 1,
    weight: 1,
    weightPercent: 100,
    share: 0,
    heldBuckets: 0,
    keeps: 0,
    lastHeardMs: 12,
    paths: { raw: 12 },
    reach: 'flood',
    mac: '02:00:00:00:00:01',
    ...over,
  };
}

const SHARES = [1366 / 4096, 1365 / 4096, 1365 / 4096];

/** A healthy farm of three, as n1 sees it. */
export function healthy(over: Partial<StatusReport> = {}): StatusReport {
  return {
    version: 1,
    farm: 'web',
    node: 'n1',
    state: 'up',
    reason: '',
    reach: { mode: 'flood', reason: 'configured' },
    view: { digest: '3f2a9c1b77aa00ff', agreed: true },
    members: SHARES.map((share, i) =>
      member(`n${i + 1}`, { share, heldBuckets: share * 4096, lastHeardMs: i === 0 ? 0 : 12 * i }),
    ),
    rules: [],
    counters: {
      framesSeen: 4000,
      accepted: 1204,
      rejected: { notOwner: 2400, noRule: 8 },
      injected: 1204,
      filteredInKernel: 388,
      relayed: 0,
      held: 0,
      replayed: 0,
      captureDrops: 0,
      arpAnswered: 7,
    },
    vips: ['10.77.0.50/24'],
    interface: 'eth0',
    incarnation: 1,
    lease: { remainingMs: 432.1, durationMs: 500 },
    paths: [{ path: 'raw', ok: true, detail: '' }],
    supervisor: { restarts: 0, lastReason: '', lastAt: null, backoffMs: 0 },
    grants: 0,
    drain: null,
    services: [],
    checkers: [],
    warnings: [],
    software: { version: '0.1.0', engine: 'pcap', engineReason: 'capture: pcap' },
    uptimeMs: 184_000,
    ...over,
  };
}

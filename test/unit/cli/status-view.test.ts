import { describe, expect, it } from 'vitest';
import { statusView } from '../../../src/cli/status-view.js';
import { coloured, plain } from '../../../src/cli/style.js';
import type { StatusReport } from '../../../src/control/contract.js';
import { healthy, member } from './reports.js';

const view = (...args: Parameters<typeof healthy>) =>
  `\n${statusView(healthy(...args), { paint: plain }).join('\n')}\n`;

describe('statusView', () => {
  it('shows a healthy farm at a glance', () => {
    expect(view()).toBe(`
farm     web  whole, 3 of 3 nodes up
vips     10.77.0.50/24 on eth0
reach    flood (configured)
view     3f2a9c1b agreed
here     n1 is up, lease 432 ms, running 3 min

NODE  STATE   SHARE                    WEIGHT  KEEPS  HEARD  WHY
n1 *  up     33.3 %  █████▍··········       1      0      -
n2    up     33.3 %  █████▍··········       1      0  12 ms
n3    up     33.3 %  █████▍··········       1      0  24 ms

packets  accepted 1,204, injected 1,204, filteredInKernel 388, arpAnswered 7
rejected 2,408: notOwner 2,400, noRule 8
paths    raw ok
software covey 0.1.0, capture by pcap (capture: pcap)
`);
  });

  it('says what is wrong, first why, then where', () => {
    const members = [
      member('n10', { state: 'waiting', reason: 'another config than the farm', share: 0, lastHeardMs: 90 }),
      member('n2', { state: 'dead', reason: 'silent', share: 0, lastHeardMs: 3210 }),
      member('n1', { share: 4095 / 4096, keeps: 1234, weight: 3 }),
      member('n11', { share: 1 / 4096, state: 'draining', lastHeardMs: null }),
    ];
    const text = view({
      members,
      view: { digest: 'abc', agreed: false },
      grants: 1,
      lease: { remainingMs: null, durationMs: 500 },
      state: 'joining',
      reason: 'listening',
      drain: { left: 1500, connections: 12, remainingMs: 42_000 },
      warnings: ['console: checked, but this version does not act on it yet'],
      counters: {
        ...healthy().counters,
        captureDrops: 12,
        vmacAsSource: 1,
        rejected: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 },
      },
      paths: [
        { path: 'raw', ok: true, detail: '' },
        { path: 'udp:192.168.9.0/24', ok: false, detail: 'no address in it' },
      ],
      supervisor: { restarts: 2, lastReason: 'killed by SIGKILL', lastAt: '2026-11-22T18:00:00Z', backoffMs: 400 },
    });
    expect(text).toBe(`
farm     web  degraded, 1 of 4 nodes up
         - n10 is waiting (another config than the farm)
         - n2 is dead (silent)
         - n11 is draining
         - the view is not agreed
vips     10.77.0.50/24 on eth0
reach    flood (configured)
view     abc not agreed, 1 grant under way
here     n1 is joining (listening), accepts nothing: no lease, running 3 min
drain    12 connections, 1,500 kept keys still served, 42 s left

NODE  STATE       SHARE                    WEIGHT  KEEPS  HEARD  WHY
n1 *  up        100.0 %  ████████████████       3  1,234      -
n2    dead        0.0 %  ················       1      0  3.2 s  silent
n10   waiting     0.0 %  ················       1      0  90 ms  another config than the farm
n11   draining    0.0 %  ▏···············       1      0  never

! console: checked, but this version does not act on it yet

packets  accepted 1,204, injected 1,204, filteredInKernel 388, arpAnswered 7
rejected 21: f 6, e 5, d 4, c 3, 2 more
losses   captureDrops 12, vmacAsSource 1
paths    raw ok; udp:192.168.9.0/24 failed (no address in it), silent: n10, n11
restarts 2 times, last 2026-11-22T18:00:00Z: killed by SIGKILL, 400 ms of back-off before it
software covey 0.1.0, capture by pcap (capture: pcap)
`);
  });

  it('names members that one path does not bring', () => {
    const paths = ['raw', 'udp:192.168.9.0/24'].map((path) => ({ path, ok: true, detail: '' }));
    const members = [
      member('n1', { share: 1, paths: {} }),
      member('n2', { paths: { raw: 12, 'udp:192.168.9.0/24': 3210 } }),
      member('n3', { paths: { 'udp:192.168.9.0/24': 12 } }),
      member('n4', { paths: {}, state: 'dead' }),
    ];
    expect(view({ paths, members })).toContain(
      '\npaths    raw ok, silent: n3; udp:192.168.9.0/24 ok, silent: n2 for 3.2 s\n',
    );
  });

  it('does not say why a node is up', () => {
    const text = view({ members: [member('n1', { share: 1, reason: 'listened' })], reason: 'listened' });
    expect(text).not.toContain('listened');
  });

  it('tells what each rule accepted, the busiest first, and says nothing of rules without packets', () => {
    const rule = (name: string, accepted: number | null) => ({
      ...{ name, protocol: 'tcp', ports: ['80'], affinity: 'connection', mode: 'balance', plan: 0, holdMs: 0 },
      ...(accepted === null ? {} : { packets: { accepted, relayed: 0, rejected: { notOwner: 9 } } }),
    });
    const rules = (counts: Readonly<Record<string, number | null>>) =>
      Object.entries(counts).map(([name, accepted]) => rule(name, accepted)) as StatusReport['rules'];
    const now = healthy({ rules: rules({ dns: 12, web: 1192, ssh: 0, old: null }) });
    const line = (earlier?: StatusReport) => {
      const options = earlier === undefined ? {} : { earlier: { report: earlier, elapsedMs: 500 } };
      return statusView(now, { paint: plain, ...options }).find((text) => text.startsWith('by rule'));
    };
    expect(line()).toBe('by rule  accepted: web 1,192, dns 12');
    expect(line(healthy({ rules: rules({ web: 692 }) }))).toBe('by rule  accepted: web 1,192 (1,000/s), dns 12');
    expect(view({ rules: rules({ web: 0 }) })).not.toContain('by rule');
    const many = rules({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 });
    expect(view({ rules: many })).toContain('by rule  accepted: f 6, e 5, d 4, c 3, 2 more');
  });

  it('gives rates between two reports, and none where the agent began anew', () => {
    const rates = (earlierAccepted: number) => {
      const earlier = healthy({ counters: { ...healthy().counters, accepted: earlierAccepted } });
      const lines = statusView(healthy(), { paint: plain, earlier: { report: earlier, elapsedMs: 500 } });
      return lines.find((line) => line.startsWith('packets'));
    };
    expect(rates(704)).toContain('accepted 1,204 (1,000/s)');
    expect(rates(5000)).toContain('accepted 1,204,');
  });

  it('paints only when asked', () => {
    expect(view()).not.toContain('\x1b');
    expect(statusView(healthy(), { paint: coloured }).join('\n')).toContain('\x1b[32mwhole, 3 of 3 nodes up\x1b[0m');
  });
});

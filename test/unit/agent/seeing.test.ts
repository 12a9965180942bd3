import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../../src/agent/notify/contract.js';
import { Seeing } from '../../../src/agent/seeing.js';
import { traceReport, wholeFrame } from '../../../src/agent/trace.js';
import { COUNTER_NAMES } from '../../../src/dataplane/counters.js';
import { healthy } from '../cli/reports.js';
import { configFrom, MINIMAL } from '../config/examples.js';

let directory: string;
const open: Seeing[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-seeing-'));
});
afterEach(async () => {
  for (const seeing of open.splice(0)) await seeing.close();
  rmSync(directory, { recursive: true });
});

function seeing(send: (notification: Notification) => Promise<void> = async () => undefined) {
  const logged: string[] = [];
  const log = (_fields: object, message: string) => void logged.push(message);
  const counters = new BigUint64Array(new SharedArrayBuffer(COUNTER_NAMES.length * 8));
  const made = new Seeing({
    node: 'n1',
    runDir: directory,
    log: { debug: log, info: log, warn: log, error: log },
    counters,
    send: (_target, notification) => send(notification),
  });
  open.push(made);
  return { made, logged, counters };
}

const CONFIG = configFrom(`${MINIMAL}notify: [{ exec: pager, events: [member-lost] }]\n`);

describe('what is seen of a node', () => {
  it('is recorded, and told to those who asked', async () => {
    const told: Notification[] = [];
    const { made } = seeing(async (notification) => void told.push(notification));
    made.configure(CONFIG);
    made.record('state', { to: 'up' });
    made.record('member-lost', { name: 'n2' });
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]).toMatchObject({ farm: 'web', node: 'n1', event: 'member-lost', seq: 2, fields: { name: 'n2' } });
    expect(made.timeline.newest(10).map(({ event }) => event)).toEqual(['state', 'member-lost']);
  });

  it('tells of a target that does not answer once, in log, timeline and warnings', async () => {
    const { made, logged } = seeing(() => Promise.reject(new Error('no such pager')));
    made.configure(CONFIG);
    made.record('member-lost', { name: 'n2' });
    made.record('member-lost', { name: 'n3' });
    await expect
      .poll(() => made.warnings())
      .toEqual(['notifications by exec do not arrive (2 waiting, 0 lost): no such pager']);
    expect(logged).toEqual(['notifications do not arrive; trying again']);
    expect(made.timeline.newest(1)[0]).toMatchObject({ event: 'notify-failed', fields: { error: 'no such pager' } });
  });

  it('is in the metrics', async () => {
    const { made, counters } = seeing();
    await expect(made.metrics()).rejects.toThrow('still starting');
    made.serve(async () => healthy());
    made.countWire({ received: 5 });
    Atomics.store(counters, COUNTER_NAMES.indexOf('accepted'), 77n);
    made.record('state', {});
    const text = await made.metrics();
    expect(text).toMatch(/^covey_accepted_total 77$/m);
    expect(text).toMatch(/^covey_events_total\{event="state"\} 1$/m);
    expect(text).toMatch(/^covey_wire_datagrams_total\{outcome="received"\} 5$/m);
    expect(text).toMatch(/^covey_main_loop_delay_seconds \d/m);
    expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d{6,}$/m);
  });
});

describe('a traced frame', () => {
  const base64 = (bytes: readonly number[]) => Buffer.from(bytes).toString('base64');

  it('has its full length again', () => {
    expect([...wholeFrame({ data: base64([1, 2]), length: 4 })]).toEqual([1, 2, 0, 0]);
  });

  it('cannot be longer than it is, or than any frame', () => {
    expect(() => wholeFrame({ data: base64([1, 2, 3]), length: 2 })).toThrow(/3 bytes cannot be 2 bytes long/);
    expect(() => wholeFrame({ data: base64([1]), length: 1 << 17 })).toThrow(/cannot be/);
  });

  it('is told with the name of its rule', () => {
    const verdict = {
      kind: 'reject',
      reason: 'rejectedNotOwner',
      rule: 0,
      plan: 0,
      bucket: 7,
      owner: 'n2',
      planned: 'n2',
    };
    const none = { ...verdict, reason: 'rejectedNoRule', rule: -1, plan: -1, bucket: -1, owner: null, planned: null };
    const report = traceReport(configFrom(MINIMAL), 'n1', { serving: true, verdicts: [verdict, none] });
    expect(report.verdicts).toMatchObject([
      { verdict: 'reject', rule: 'web', bucket: 7, owner: 'n2' },
      { rule: null, plan: null, bucket: null, owner: null },
    ]);
  });
});

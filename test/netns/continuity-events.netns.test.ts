/**
 * I3: nothing is broken on purpose. Programs that we did not write work on the VIPs, IPv4 and IPv6, while nodes join, drain, come
 * back, change their weight, and a config is rolled out; then one node is killed. The long form is bench/farm/continuity.sh.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { continuity, type Report } from '../../bench/farm/continuity/run.js';
import { labDown } from '../../src/lab/lab.js';

const LAB = 'test-continuity';
const EVENTS = 6;
/** The programs that work at their own pace; those that take all the processor there is belong into the benchmark. */
const KINDS = ['download', 'iperf', 'redis', 'dns', 'fresh', 'typed', 'long'];
let report: Report;

beforeAll(async () => {
  await labDown(LAB);
  const options = { lab: LAB, events: EVENTS, seed: 4, calmMs: 2500, clients: { kinds: KINDS, freshPerSecond: 60 } };
  report = await continuity({ ...options, progress: () => undefined });
}, 150_000);

afterAll(async () => {
  await labDown(LAB);
});

describe('I3: nothing broken on purpose', () => {
  it('no request fails, no byte is lost, no connection is reset, no query times out', () => {
    expect(report.rows).toHaveLength(EVENTS);
    expect(report.failures).toEqual([]);
  });

  it.each(KINDS.filter((kind) => kind !== 'typed'))('%s really worked, over both families', (kind) => {
    for (const family of ['4', '6']) expect(report.requests[`${kind}${family}`], family).toBeGreaterThan(0);
  });

  it('new connections follow the new shares', () => {
    for (const { text, fresh, shareError } of report.rows) {
      expect(fresh, text).toBeGreaterThan(80);
      // Four standard deviations of a half.
      expect(shareError, text).toBeLessThan(2 / Math.sqrt(fresh));
    }
  });

  it('a crash breaks the connections of the node that crashed, and no other', () => {
    const { sessionsThere, sessionsElsewhere, brokenThere, brokenElsewhere } = report.crash;
    expect(sessionsThere).toBeGreaterThan(0);
    expect(sessionsElsewhere).toBeGreaterThan(0);
    expect(brokenThere).toBe(sessionsThere);
    expect(brokenElsewhere).toEqual([]);
  });
});

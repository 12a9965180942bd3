/** Nodes that die, stand still, lose their cable and come back, under load. Figures of the defaults: 100 ms, 500 ms. */
import { describe, expect, it } from 'vitest';
import { labCut, labKill, labStall, labStart } from '../../src/lab/lab.js';
import { nodePaths } from '../../src/lab/names.js';
import { until, useFarm } from './farm.js';

const farm = useFarm('faults');
const OTHERS = ['n1', 'n3'];
const FAILOVER_MS = 1000;
/** A poll of status starts a process; on two busy cores that takes this long at most. */
const POLL_MS = 300;

/** Does `fault` to n2 under load; gives how long until the others held all buckets, and what the load saw. */
async function fault(act: () => Promise<unknown>) {
  const { child, summary } = farm.load(5);
  await until('the load runs', () => /^\s+1\s/m.test(child.stdout()));
  const begun = performance.now();
  await act();
  await until('n1 counts n2 out', () => farm.sees('n1', OTHERS), 5000);
  const outMs = performance.now() - begun;
  return { outMs, summary: await summary };
}

async function comeBack(): Promise<void> {
  const { child, summary } = farm.load(4);
  await until('the load runs', () => /^\s+1\s/m.test(child.stdout()));
  await labStart(farm.lab, 'n2');
  await farm.whole();
  const { lost, errors } = await summary;
  // I3: a return breaks nothing.
  expect({ lost, errors }).toEqual({ lost: 0, errors: {} });
  for (const member of (await farm.report('n2')).members) expect(Math.abs(member.share - 1 / 3)).toBeLessThan(0.001);
}

describe.sequential('I2: no orphan', () => {
  it('kill -9 of supervisor and agent: out, and its buckets served, within 1 s', async () => {
    const { outMs, summary } = await fault(() => labKill(farm.lab, 'n2'));
    expect(outMs).toBeLessThan(FAILOVER_MS + POLL_MS);
    expect(summary.longestGapMs).toBeLessThan(FAILOVER_MS);
    expect(summary.gapsMs.length).toBeLessThanOrEqual(1);
  });

  it('started again, it gets its share back and nobody loses a request', comeBack);

  it('kill -9 of the agent alone: the supervisor starts another, and the gap is short', async () => {
    const { child, summary } = farm.load(5);
    await until('the load runs', () => /^\s+1\s/m.test(child.stdout()));
    await labKill(farm.lab, 'n2', true);
    await farm.whole();
    const { longestGapMs } = await summary;
    expect(longestGapMs).toBeLessThan(400);
  });

  it('SIGSTOP: out, and its buckets served, within 1 s', async () => {
    const { outMs, summary } = await fault(() => labStall(farm.lab, 'n2'));
    expect(outMs).toBeLessThan(FAILOVER_MS + POLL_MS);
    expect(summary.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('continued, it serves nothing from before, joins anew and gets its share back', comeBack);

  it('cable pulled: out, and its buckets served, within 1 s', async () => {
    const { outMs, summary } = await fault(() => labCut(farm.lab, 'n2'));
    expect(outMs).toBeLessThan(FAILOVER_MS + POLL_MS);
    expect(summary.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('the node without a cable knows that it serves nothing', async () => {
    await until('n2 waits', async () => (await farm.report('n2')).state === 'waiting', 5000);
    expect((await farm.report('n2')).reason).not.toBe('');
  });

  it('plugged in again, it gets its share back and nobody loses a request', comeBack);

  it('its log names each change of state', async () => {
    const { readFile } = await import('node:fs/promises');
    const log = await readFile(nodePaths(farm.lab, 'n2').agentLog, 'utf8');
    for (const state of ['joining', 'up', 'waiting']) expect(log).toContain(state);
  });
});

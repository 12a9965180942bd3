/** A farm of two, on a network where nothing else is said: the smallest one, and the last of any farm looks like it. */
import { describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { nodePaths } from '../../src/lab/names.js';
import { until, useFarm } from './farm.js';
import { MembershipBed, pass } from './membership-bed.js';

const farm = useFarm('two', { nodes: 2 });
const bed = new MembershipBed(farm);
const control = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir);

describe.sequential('two nodes', () => {
  it('one is stopped and started from the other', async () => {
    await bed.whole();
    await control('n1').command({ command: 'stop', node: 'n2', deadlineMs: null, now: true });
    await until('n2 has stopped', async () => (await bed.status('n2')).state === 'stopped');
    await bed.whole(['n1']);
    await control('n1').command({ command: 'start', node: 'n2', deadlineMs: null });
    await bed.whole();
  });

  it('one dies while all is quiet: the other is not deaf for that, and serves everything', async () => {
    // The kernel's memory of the client is what the node asks by.
    const [first] = await farm.ids({ prefix: 'before', count: 1 });
    expect(first?.error).toBe(null);
    await pass(5500);
    const [before] = await bed.incarnations(['n1']);
    for (const pid of bed.pids('n2')) process.kill(pid, 'SIGKILL');
    await bed.whole(['n1']);
    expect((await farm.ids({ prefix: 'after', count: 20 })).filter(({ error }) => error !== null)).toEqual([]);
    expect(await bed.incarnations(['n1'])).toEqual([before]);
  });
});

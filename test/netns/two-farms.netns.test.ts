/**
 * Two farms with one VIP in one segment: each knows the other for a farm, whichever of name, key and node names they have in common.
 *
 *     client ---- switch (nft: may hide n3 from the others) ---- n1, n2: the lab's farm; n3: another one
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StatusReport } from '../../src/control/contract.js';
import { labConfig } from '../../src/lab/config.js';
import { labKill, startAgent } from '../../src/lab/lab.js';
import { CLI, labPaths } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { until, useFarm } from './farm.js';
import { between, MembershipBed } from './membership-bed.js';

const farm = useFarm('farms', { overrides: ['{ heartbeat: { lease: 1500ms } }'] });
const bed = new MembershipBed(farm);
const OURS = ['n1', 'n2'];
const OTHER_FARM = /10\.77\.0\.50 is also served by node (\S+) of another Covey farm \(id ([0-9a-f]{16})\)/;

/** n3 as a node of another farm, with the lab's config but for what is laid over it. */
async function other(override: string, name = 'n3'): Promise<void> {
  await labKill(farm.lab, 'n3').catch(() => undefined);
  await bed.whole(OURS);
  const directory = labPaths(farm.lab).directory;
  const key = join(directory, 'other.key');
  await run('rm', ['-f', key]);
  await run('node', [CLI, 'keygen', key]);
  const config = join(directory, 'other.yaml');
  const overrides = ['{ heartbeat: { lease: 1500ms } }', override];
  writeFileSync(config, labConfig({ lab: farm.lab, ipv6: false, overrides }));
  await startAgent(farm.lab, 'n3', config, name);
}

/** What n3's agent says, whatever its node is called. */
const third = () => bed.statusOrNull('n3');
/** The other farm that is named among the warnings: the node that was seen, and its farm. */
const named = ({ warnings }: StatusReport) =>
  OTHER_FARM.exec(warnings.find((line) => line.startsWith('conflict')) ?? '');

describe.sequential('two farms with one VIP', () => {
  it.each([
    ['another name, the same key', '{ farm: second }', 'n3'],
    ['the same name, another key', '{ key: "file:other.key" }', 'n3'],
    ['another name and key, and a node of the same name', '{ farm: second, key: "file:other.key" }', 'n1'],
  ])('the one that comes later waits and names a node of the first: %s', async (_what, override, name) => {
    await other(override, name);
    const report = await until(
      'it waits',
      async () => {
        const now = await third();
        return now?.state === 'waiting' ? now : null;
      },
      20_000,
    );
    expect(report.node).toBe(name);
    expect(report.reason).toMatch(/^conflict: /);
    expect(OURS).toContain(OTHER_FARM.exec(report.reason)?.[1]);
    await bed.events('n3', /"vip-check".*another Covey farm/);
    // The first farm is what it was: who waits claims nothing.
    await bed.whole(OURS);
    expect((await bed.status('n1')).members.find((member) => member.name === 'n3')?.state ?? 'dead').toBe('dead');
  });

  it('same name and key, another config: it is one farm, and the odd node waits for its config', async () => {
    await other('{ rules: [{ name: web, protocol: tcp, ports: [80], affinity: client }] }');
    await bed.waits('n3', /^config/, 20_000);
    await bed.whole(OURS);
  });

  it('two that serve already, when they meet, tell each other apart, and each goes on', async () => {
    const hidden = OURS.flatMap((node) => [between('n3', node), between(node, 'n3')]);
    await bed.drop(hidden);
    await other('{ farm: second, key: "file:other.key" }');
    await until(
      'n3 serves by itself',
      async () => {
        // A segment in which nothing moves at all would look like a dead cable to it.
        await farm.exec('client', ['curl', '-s', '-m', '1', 'http://10.77.0.3/']).catch(() => undefined);
        return (await third())?.state === 'up';
      },
      20_000,
    );
    await bed.dropNothing();
    const seen = await until('n1 names the other', async () => named(await bed.status('n1')));
    expect(seen[1]).toBe('n3');
    const back = await until('n3 names the first', async () => named((await third())!));
    expect(OURS).toContain(back[1]);
    expect(back[2]).not.toBe(seen[2]);
    await bed.events('n1', /"vip-conflict".*also served by node n3/);
    await bed.events('n3', /"vip-conflict".*also served by node n[12]/);
    // ARP is not authenticated: nobody stops serving by it, and no node becomes a member of the other farm.
    await bed.whole(OURS);
    expect((await third())?.state).toBe('up');
    expect((await third())?.members.map(({ name }) => name)).toEqual(['n3']);
  });
});

/**
 * Heartbeats on two paths: raw frames on the VIP's network, and UDP on a second one; see two-networks.ts for the drawing.
 * A member lives while heard on any path, but only one that the clients reach may serve.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { labCut, labKill, labStart } from '../../src/lab/lab.js';
import { until, useFarm } from './farm.js';
import { expectOneOwner, HEARTBEATS, MembershipBed, pass } from './membership-bed.js';
import { addSecondNetwork, SECOND_NETWORK, setSecondCable } from './two-networks.js';

const farm = useFarm('mb-udp', { overrides: [`{ heartbeat: { udp: ["${SECOND_NETWORK}"] } }`] });
const bed = new MembershipBed(farm);
const UDP = `udp:${SECOND_NETWORK}`;
const FAILOVER_MS = 1200;

/** True when `node` has heard all others within 300 ms on `path`. */
async function hearsOn(node: string, path: string): Promise<boolean> {
  const { members } = await bed.status(node);
  return members.every(({ name, paths }) => name === node || (paths[path] ?? Number.POSITIVE_INFINITY) < 300);
}

beforeAll(async () => {
  await addSecondNetwork(farm.lab, farm.nodes);
  for (const node of farm.nodes) await until(`${node} hears all by UDP`, () => hearsOn(node, UDP));
});

afterEach(() => bed.dropNothing());

describe.sequential('two paths', () => {
  it('both are in use at once, and status shows each', async () => {
    await bed.whole();
    for (const node of farm.nodes) {
      await until(`${node} hears all on both`, async () => (await hearsOn(node, 'raw')) && (await hearsOn(node, UDP)));
      const { paths } = await bed.status(node);
      expect(paths.map(({ path, ok }) => [path, ok])).toEqual([
        ['raw', true],
        [UDP, true],
      ]);
    }
  });

  it('raw heartbeats blocked, UDP lives: nobody is ejected, nothing is lost', async () => {
    const before = await bed.incarnations();
    const witness = await bed.witness();
    await bed.drop([HEARTBEATS]);
    await pass(2500);
    expect(await hearsOn('n1', 'raw')).toBe(false);
    expect(await hearsOn('n1', UDP)).toBe(true);
    await bed.whole(farm.nodes, 1000);
    await bed.dropNothing();
    expect(await bed.incarnations()).toEqual(before);
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.datagrams.filter(({ answers }) => answers.length === 0)).toEqual([]);
  });

  it('the second network fails: nobody is ejected, nothing is lost, status says which path is silent', async () => {
    await bed.whole();
    const before = await bed.incarnations();
    const witness = await bed.witness();
    await setSecondCable(farm.lab, 'n2', 'down');
    await until('n1 shows the silence', async () => {
      const n2 = (await bed.status('n1')).members.find(({ name }) => name === 'n2');
      return (n2?.paths[UDP] ?? 0) > 1000 && (n2?.paths.raw ?? 1000) < 300;
    });
    await setSecondCable(farm.lab, 'n2', 'up');
    await until('n1 hears n2 by UDP again', () => hearsOn('n1', UDP));
    expect(await bed.incarnations()).toEqual(before);
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.datagrams.filter(({ answers }) => answers.length === 0)).toEqual([]);
  });

  it('the cable of the VIP network is cut at n2, UDP lives: n2 is deaf and waits, the others take over', async () => {
    await bed.whole();
    const witness = await bed.witness();
    await labCut(farm.lab, 'n2');
    await bed.whole(['n1', 'n3'], 4000);
    const { state, reason } = await bed.status('n2');
    expect(state).toBe('waiting');
    expect(reason).toMatch(/no carrier|deaf/);
    // It is no stranger meanwhile: the others go on hearing it.
    expect((await bed.status('n1')).members.find(({ name }) => name === 'n2')?.state).toBe('waiting');
    await labStart(farm.lab, 'n2');
    await bed.whole();
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('the agent is killed while raw heartbeats are blocked: the obituary comes by UDP', async () => {
    await bed.whole();
    const witness = await bed.witness();
    await bed.drop([HEARTBEATS]);
    const known = bed.log('n1').length;
    await labKill(farm.lab, 'n2', true);
    await until('the obituary is heard', () => /"how":"gone","msg":"member-lost"/.test(bed.log('n1').slice(known)));
    await bed.dropNothing();
    await bed.whole();
    const testimony = await witness.stop();
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(500);
  });
});

/**
 * Networks that lose: one way, at random, or between two halves. The switch drops, by nft, what a scenario says.
 *
 *                      +-- n1
 *     client ---- switch-- n2     heartbeats (EtherType 0x88B5) or all frames, from one port to another
 *                      +-- n3
 */
import { afterEach, describe, expect, it } from 'vitest';
import { until, useFarm } from './farm.js';
import { between, expectOneOwner, HEARTBEATS, MembershipBed, nowMs, pass, type Testimony } from './membership-bed.js';

const farm = useFarm('mb-loss');
const bed = new MembershipBed(farm);
const FAILOVER_MS = 1200;

afterEach(() => bed.dropNothing());

/** Applies `rules` until `meanwhile` is done, then heals, and waits for the whole farm; the witness watches all of it. */
async function during(rules: readonly string[], meanwhile: () => Promise<unknown>): Promise<Testimony> {
  await bed.whole();
  const witness = await bed.witness();
  await bed.drop(rules);
  await meanwhile();
  await bed.dropNothing();
  await bed.whole();
  return witness.stop();
}

describe.sequential('one-way loss', () => {
  it('nobody hears the heartbeats of n2, which hears all: n2 ends its lease, the others take over', async () => {
    const testimony = await during([`iifname "p-n2" ${HEARTBEATS}`], async () => {
      await bed.whole(['n1', 'n3'], 4000);
      expect((await bed.status('n2')).state).not.toBe('up');
    });
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('nobody hears any frame of n2: the same', async () => {
    const testimony = await during(['iifname "p-n2"'], async () => {
      await bed.whole(['n1', 'n3'], 4000);
      expect((await bed.status('n2')).state).not.toBe('up');
    });
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('n2 hears no heartbeat, all hear n2: one owner each, and all are served again', async () => {
    const testimony = await during([`oifname "p-n2" ${HEARTBEATS}`], () => pass(3000));
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(3000);
  });

  it('n2 hears no frame at all: it is deaf, the others take over', async () => {
    const testimony = await during(['oifname "p-n2"'], async () => {
      await bed.whole(['n1', 'n3'], 4000);
      await until('n2 waits', async () => (await bed.status('n2')).state === 'waiting', 3000);
      expect((await bed.status('n2')).reason).toMatch(/deaf/);
    });
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
  });

  it('n2 does not hear n1 alone: n3 passes on, and the farm stays whole', async () => {
    await bed.whole();
    const before = await bed.incarnations();
    const testimony = await during([between('n1', 'n2', HEARTBEATS)], async () => {
      await pass(2500);
      await bed.whole(farm.nodes, 1000);
    });
    expect(await bed.incarnations()).toEqual(before);
    expect(await bed.counters('n2', ['wirePassedOn'])).toBeGreaterThan(10);
    expectOneOwner(testimony);
    expect(testimony.datagrams.filter(({ answers }) => answers.length === 0)).toEqual([]);
  });
});

describe.sequential('random loss of heartbeats', () => {
  it('10 %: nobody is ejected, nothing is lost', async () => {
    await bed.whole();
    const before = await bed.incarnations();
    const testimony = await during([`${HEARTBEATS} numgen random mod 100 < 10`], () => pass(8000));
    expect(await bed.incarnations()).toEqual(before);
    expectOneOwner(testimony);
    expect(testimony.datagrams.filter(({ answers }) => answers.length === 0)).toEqual([]);
  });

  it('30 %: whatever becomes of the members, one owner each', async () => {
    const testimony = await during([`${HEARTBEATS} numgen random mod 100 < 30`], () => pass(8000));
    expectOneOwner(testimony);
    expect(testimony.longestGapMs).toBeLessThan(FAILOVER_MS);
  });
});

describe.sequential('partition', () => {
  const HALVES = ['n2', 'n3'].flatMap((other) => [between('n1', other), between(other, 'n1')]);
  /** A heartbeat is at most 100 ms away when the halves meet; the rest is for two busy cores. */
  const FIRST_HEARTBEATS_MS = 250;

  it('both halves serve; when it heals, the overlap ends with the first heartbeats, and n1 rejoins', async () => {
    await bed.whole();
    const [before1, ...before] = await bed.incarnations();
    const witness = await bed.witness();
    await bed.drop(HALVES);
    await bed.whole(['n1'], 5000);
    await bed.whole(['n2', 'n3'], 5000);
    await pass(500);
    await bed.dropNothing();
    const healedMs = nowMs();
    await bed.whole();
    const { doubles } = await witness.stop();
    // The client sees both halves, so the witness must have caught them; that also shows that it can.
    expect(doubles.filter(({ sentMs }) => sentMs < healedMs).length).toBeGreaterThan(20);
    expect(doubles.filter(({ sentMs }) => sentMs > healedMs + FIRST_HEARTBEATS_MS)).toEqual([]);
    const [after1, ...after] = await bed.incarnations();
    expect(after1).not.toBe(before1);
    expect(after).toEqual(before);
  });
});

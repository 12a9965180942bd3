/**
 * Full partitions that somebody decides: `quorum: majority` by counting, `witness:` by an ICMP echo. The side that may not go on stops
 * before the other takes over, so the client, which sees both sides, is never answered twice.
 *
 *                      +-- n1
 *     client ---- switch-- n2     the switch cuts n1 from n2 and n3, and from the witness where a test says so
 *     (witness)        +-- n3
 */
import { afterEach, describe, expect, it } from 'vitest';
import { useFarm } from './farm.js';
import { between, expectOneOwner, MembershipBed, type Testimony } from './membership-bed.js';

const HALVES = ['n2', 'n3'].flatMap((other) => [between('n1', other), between(other, 'n1')]);
const WITNESS = '10.77.0.100';

/** Applies `rules` until `meanwhile` is done, then heals, and waits for the whole farm; a client asks all the while. */
async function during(
  bed: MembershipBed,
  rules: readonly string[],
  meanwhile: () => Promise<void>,
): Promise<Testimony> {
  await bed.whole();
  const client = await bed.witness();
  await bed.drop(rules);
  await meanwhile();
  await bed.dropNothing();
  await bed.whole();
  return client.stop();
}

describe.sequential('quorum: majority', () => {
  const farm = useFarm('mb-quorum', { overrides: ['quorum: majority\nnodes: { n1: {}, n2: {}, n3: {} }'] });
  const bed = new MembershipBed(farm);
  afterEach(() => bed.dropNothing());

  it('the minority waits and says why, the majority takes over, nobody is answered twice', async () => {
    const before = await bed.incarnations(['n2', 'n3']);
    const testimony = await during(bed, HALVES, async () => {
      await bed.whole(['n2', 'n3'], 5000);
      await bed.waits('n1', /quorum: 1 of 3/);
    });
    expectOneOwner(testimony);
    expect(await bed.incarnations(['n2', 'n3'])).toEqual(before);
  });

  it('nobody has a majority when each is alone: none serves, and all come back', async () => {
    const others = [between('n2', 'n3'), between('n3', 'n2')];
    const testimony = await during(bed, [...HALVES, ...others], async () => {
      for (const node of farm.nodes) await bed.waits(node, /quorum/);
    });
    expectOneOwner(testimony);
  });
});

describe.sequential('witness: [the client]', () => {
  const farm = useFarm('mb-witn', { overrides: [`witness: [${WITNESS}]`] });
  const bed = new MembershipBed(farm);
  afterEach(() => bed.dropNothing());

  it('the side that the witness does not answer waits and says why, the other one takes over', async () => {
    const unanswered = `iifname "p-client" oifname "p-n1" ip saddr ${WITNESS} icmp type echo-reply`;
    const before = await bed.incarnations(['n2', 'n3']);
    const testimony = await during(bed, [...HALVES, unanswered], async () => {
      await bed.whole(['n2', 'n3'], 5000);
      await bed.waits('n1', new RegExp(`witness.*${WITNESS}`));
    });
    expectOneOwner(testimony);
    expect(await bed.incarnations(['n2', 'n3'])).toEqual(before);
  });

  it('a farm that hears all its members goes on without its witness', async () => {
    const before = await bed.incarnations();
    const answers = `iifname "p-client" ip saddr ${WITNESS} icmp type echo-reply`;
    const testimony = await during(bed, [answers], async () => {
      await bed.events('n1', /no witness answers/);
      await bed.whole(farm.nodes, 2000);
    });
    expectOneOwner(testimony);
    expect(await bed.incarnations()).toEqual(before);
    expect(testimony.datagrams.filter(({ answers: by }) => by.length === 0)).toEqual([]);
  });
});

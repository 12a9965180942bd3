/** Farms whose frames come by relay, in part with a reach that changes in the midst of faults: COVEY_SIM_RELAY_FARMS lives (600 unless set). */
import { describe, expect, it } from 'vitest';
import { RULES } from '../../src/membership/rules.js';
import { NO_FLAWS } from './host.js';
import { RelayFarm } from './relay-farm.js';
import { deafenRelay, relayLife, staleRelay } from './relay-lives.js';

const FARMS = Number(process.env.COVEY_SIM_RELAY_FARMS ?? 600);
const MINUTES = 60_000;

describe('farms in relay mode', () => {
  it(`${FARMS} of them keep the invariants, packet by packet`, { timeout: 20 * MINUTES }, () => {
    for (let seed = 1; seed <= FARMS; seed++) {
      const violation = new RelayFarm(relayLife(seed)).run();
      const replay = `npm run sim:relay -- --seeds 1 --seed ${seed} --notes`;
      expect(violation, `${violation?.message ?? ''}; ${replay}`).toBeNull();
    }
  });

  it('caught: a cut does not wait for those who relay by an older view', { timeout: 5 * MINUTES }, () => {
    const run = (relaysMustKnow: boolean) => {
      const flaws = { ...NO_FLAWS, rules: { ...RULES, relaysMustKnow: () => relaysMustKnow } };
      const farm = new RelayFarm(staleRelay(1), flaws);
      deafenRelay(farm);
      return farm.run();
    };
    expect(run(true)).toBeNull();
    expect(run(false)?.invariant).toBe('I3');
  });
});

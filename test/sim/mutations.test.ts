/** Every deliberate bug of the list is caught by a life aimed at it, and that life is clean without the bug. */
import { describe, expect, it } from 'vitest';
import { RULES, type Rules } from '../../src/membership/rules.js';
import { lateTick } from './aimed.js';
import { Farm } from './farm.js';
import { NO_FLAWS } from './host.js';
import { hunt, lifeOf, MUTATIONS } from './mutations.js';

describe('mutations', () => {
  for (const mutation of MUTATIONS) {
    it(`caught: ${mutation.name}`, { timeout: 300_000 }, () => {
      const caught = hunt(mutation);
      expect(caught, 'no life caught it').not.toBeNull();
      expect(new Farm(lifeOf(mutation, caught!.seed)).run()).toBeNull();
    });
  }

  it('caught: death by a late tick', { timeout: 300_000 }, () => {
    // A shell that ticks before it reads what waits: the core itself must notice that it comes late.
    const ejects = (seed: number, rules: Rules): boolean => {
      const farm = new Farm(lateTick(seed), { ...NO_FLAWS, rules, ticksFirst: true });
      farm.noting = true;
      const violation = farm.run();
      if (rules === RULES) expect(violation).toBeNull();
      // Whoever calls a living member dead may also take its buckets while it serves: caught all the more.
      return violation !== null || farm.notes.some((note) => note.includes('"how":"dead"'));
    };
    // Where the heartbeats happen to fall decides whether someone is dead in truth; those lives show nothing.
    const seeds = Array.from({ length: 15 }, (_, seed) => seed).filter((seed) => !ejects(seed, RULES));
    expect(seeds.length).toBeGreaterThan(2);
    expect(seeds.filter((seed) => ejects(seed, { ...RULES, tickIsLate: () => false })).length).toBeGreaterThan(0);
  });
});

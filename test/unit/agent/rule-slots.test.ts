/** Whose count goes on over configs, and whose begins anew. */
import { describe, expect, it } from 'vitest';
import { RULE_SLOTS, type RuleSlotList, RuleSlots } from '../../../src/agent/rule-slots.js';
import { MAX_RULES } from '../../../src/config/schema.js';
import { COUNTER_NAMES, counterWords, ruleWord } from '../../../src/dataplane/counters.js';

/** Slots, and a data plane that counts in those of the shape that it has. */
function farm() {
  const counters = new BigUint64Array(counterWords(RULE_SLOTS));
  const slots = new RuleSlots(counters);
  let shape: RuleSlotList = [];
  return {
    counters,
    slots,
    renew: (names: readonly string[]) =>
      slots.renew(names, (next) => {
        shape = next;
      }),
    shape: () => shape,
    accept: (slot: number | undefined) => {
      counters[ruleWord(slot!, 'accepted')]! += 1n;
    },
    accepted: () => Object.fromEntries(Object.entries(slots.counts()).map(([name, { accepted }]) => [name, accepted])),
  };
}

describe('the slots of rules', () => {
  it('are each rule`s own, behind the named counters', () => {
    const { renew, shape, counters, accept, slots } = farm();
    renew(['web', 'dns']);
    expect(new Set(shape()).size).toBe(2);
    accept(shape()[1]);
    expect(slots.counts().dns).toMatchObject({ accepted: 1, relayed: 0, rejectedNotOwner: 0 });
    expect([...counters.subarray(0, COUNTER_NAMES.length)].every((word) => word === 0n)).toBe(true);
  });

  it('follow the rule by its name, whatever its place', () => {
    const { renew, shape, accept, accepted } = farm();
    renew(['web', 'dns']);
    accept(shape()[0]);
    renew(['ssh', 'dns', 'web']);
    accept(shape()[2]);
    expect(accepted()).toEqual({ ssh: 0, dns: 0, web: 2 });
  });

  it('of a rule that was away begin at zero', () => {
    const { renew, shape, accept, accepted } = farm();
    renew(['web', 'dns']);
    accept(shape()[0]);
    renew(['dns']);
    expect(accepted()).toEqual({ dns: 0 });
    renew(['web', 'dns']);
    expect(accepted()).toEqual({ web: 0, dns: 0 });
  });

  it('of a rule that leaves are nobody`s until the data plane has let them go', () => {
    const { slots, renew, shape, accept, accepted } = farm();
    renew(['old']);
    const [old] = shape();
    slots.renew(['new'], (next) => {
      // Frames of the old shape are still counted while the new one is on its way.
      accept(old);
      expect(next).not.toContain(old);
    });
    expect(accepted()).toEqual({ new: 0 });
    renew(['new', 'third', 'old']);
    expect(accepted()).toEqual({ new: 0, third: 0, old: 0 });
  });

  it('stay as they were when the data plane refuses the shape, and suffice when it does so again and again', () => {
    const { slots, renew, shape, accept, accepted } = farm();
    const names = (of: string) => Array.from({ length: MAX_RULES }, (_, i) => `${of}${i}`);
    renew(names('a'));
    accept(shape()[0]);
    for (const of of ['b', 'c', 'd'])
      expect(() =>
        slots.renew(names(of), () => {
          throw new Error('refused');
        }),
      ).toThrow('refused');
    expect(accepted().a0).toBe(1);
    // Some have none now, and are not counted: no two rules ever share one.
    renew(names('e'));
    const given = shape().filter((slot) => slot !== undefined);
    expect(new Set(given).size).toBe(given.length);
    renew(names('f'));
    expect(shape()).not.toContain(undefined);
  });
});

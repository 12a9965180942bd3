import { describe, expect, it } from 'vitest';
import { countersReport, rejectionReason, rulePackets } from '../../../src/control/counters-report.js';
import { COUNTER_NAMES, RULE_OUTCOMES, type RuleCounts } from '../../../src/dataplane/counters.js';

describe('countersReport', () => {
  const report = countersReport((_name, index) => index + 1);

  it('has the fields that the contract promises', () => {
    const promised = [
      'framesSeen',
      'accepted',
      'injected',
      'relayed',
      'held',
      'replayed',
      'captureDrops',
      'arpAnswered',
    ];
    for (const name of promised) expect(report[name], name).toBeTypeOf('number');
  });

  it('loses no counter: each is a field or a reason', () => {
    const shown = Object.keys(report).length - 1 + Object.keys(report.rejected).length;
    expect(shown).toBe(COUNTER_NAMES.length);
    expect(report.rejected).toMatchObject({
      notOwner: COUNTER_NAMES.indexOf('rejectedNotOwner') + 1,
      malformedIpv4: COUNTER_NAMES.indexOf('malformedIpv4') + 1,
    });
  });

  it('leaves out reasons that never occurred, and keeps other zeros', () => {
    const quiet = countersReport((name) => (name === 'rejectedNoRule' ? 3 : 0));
    expect(quiet.rejected).toEqual({ noRule: 3 });
    expect(quiet.accepted).toBe(0);
  });

  it('names reasons as verdicts do', () => {
    expect(rejectionReason('rejectedLeaseLapsed')).toBe('leaseLapsed');
    expect(rejectionReason('malformedArp')).toBe('malformedArp');
    expect(rejectionReason('rejected')).toBe('rejected');
  });
});

describe('rulePackets', () => {
  const counts = (of: (index: number) => number) =>
    Object.fromEntries(RULE_OUTCOMES.map((outcome, index) => [outcome, of(index)])) as unknown as RuleCounts;

  it('loses no outcome', () => {
    expect(rulePackets(counts((index) => index + 1))).toEqual({
      accepted: 1,
      relayed: 2,
      rejected: { denied: 3, notOwner: 4, foreignKeep: 5, tableFull: 6 },
    });
  });

  it('leaves out reasons that never occurred', () => {
    expect(rulePackets(counts(() => 0))).toEqual({ accepted: 0, relayed: 0, rejected: {} });
  });
});

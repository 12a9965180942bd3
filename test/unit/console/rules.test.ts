import { describe, expect, it } from 'vitest';
import type { TrafficReport } from '../../../src/console/contract.js';
import { TrafficHistory } from '../../../src/console/traffic.js';
import { dashAt, looksOf } from '../../../src/console/web/colours.js';
import { ruleLines, ruleRows, rulesOf } from '../../../src/console/web/rules.js';
import { appended } from '../../../src/console/web/series.js';
import type { NodeSummary } from '../../../src/control/console-contract.js';
import type { RulePackets } from '../../../src/control/contract.js';

const packets = (accepted: number, rejected: Record<string, number> = {}): RulePackets => ({
  accepted,
  relayed: 0,
  rejected,
});
const reading = (uptimeMs: number, rules: NodeSummary['rules']) => ({
  uptimeMs,
  counters: { accepted: 0, relayed: 0, held: 0, rejected: {} } as unknown as NodeSummary['counters'],
  ...(rules === undefined ? {} : { rules }),
});

/** Two nodes, three seconds: web on both, dns on n1, and n2 silent in the last one. */
function hour(): { history: TrafficHistory; page: TrafficReport } {
  const history = new TrafficHistory();
  let page: TrafficReport = { times: [], nodes: {} };
  const add = (at: number, nodes: Parameters<TrafficHistory['add']>[1]) => {
    page = appended(page, history.add(at, nodes)!);
  };
  add(1, { n1: reading(1000, { web: packets(5) }), n2: reading(1000, { web: packets(0) }) });
  add(2, {
    n1: reading(2000, { web: packets(15), dns: packets(3) }),
    n2: reading(2000, { web: packets(4, { notOwner: 6 }) }),
  });
  add(3, { n1: reading(3000, { web: packets(15, { denied: 1 }), dns: packets(5) }) });
  return { history, page };
}

describe('the hour by rule', () => {
  it('is made of counts, by the time between them, and leaves zeros out', () => {
    const { history } = hour();
    expect(history.newest?.nodes.n1?.rules).toEqual({ web: { denied: 1 }, dns: { accepted: 2 } });
    expect(history.report().nodes.n1?.rules.web).toEqual({ accepted: [null, 10, 0], denied: [null, 0, 1] });
  });

  it('grows on the page to what the server itself would report', () => {
    const { history, page } = hour();
    expect(page).toEqual(history.report());
  });

  it('takes a count that shrank for one that began anew', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, { web: packets(500) }) });
    expect(history.add(2, { n1: reading(2000, { web: packets(7) }) })?.nodes.n1?.rules).toEqual({
      web: { accepted: 7 },
    });
  });

  it('has nothing of an agent that does not count by rule', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, undefined) });
    expect(history.add(2, { n1: reading(2000, undefined) })?.nodes.n1?.rules).toEqual({});
  });
});

describe('the lines by rule', () => {
  const { page } = hour();
  const valuesOf = (nodes: readonly string[], verdict: 'accepted' | 'rejected') =>
    Object.fromEntries(ruleLines(page, nodes, ['web', 'dns'], verdict).map(({ label, values }) => [label, values]));

  it('are of one node or of all, and tell silence from zero', () => {
    expect(valuesOf(['n1'], 'accepted')).toEqual({ web: [null, 10, 0], dns: [null, 3, 2] });
    expect(valuesOf(['n2'], 'accepted')).toEqual({ web: [null, 4, null], dns: [null, 0, null] });
    expect(valuesOf(['n1', 'n2'], 'accepted').web?.[1]).toBe(14);
  });

  it('sum up the reasons of rejection', () => {
    expect(valuesOf(['n1', 'n2'], 'rejected').web?.[1]).toBe(6);
    expect(valuesOf(['n1'], 'rejected')).toEqual({ web: [null, 0, 1], dns: [null, 0, 0] });
  });

  it('are the busiest when there are many, each with a look of its own that stays', () => {
    const names = Array.from({ length: 30 }, (_, i) => `rule${i}`);
    const all = ruleLines(page, ['n1'], ['web', ...names, 'dns'], 'accepted');
    expect(all).toHaveLength(8);
    expect(all.map(({ label }) => label)).toEqual(expect.arrayContaining(['web', 'dns']));
    const lookOf = (lines: typeof all) => lines.map(({ label, colour }) => [label, colour]);
    expect(lookOf(ruleLines(page, ['n2'], ['web', ...names, 'dns'], 'accepted'))).toEqual(
      expect.arrayContaining([lookOf(all).find(([label]) => label === 'web')]),
    );
  });

  it('differ in colour or dashes, as many as a config can have', () => {
    const names = Array.from({ length: 64 }, (_, i) => `r${String(i).padStart(2, '0')}`);
    const looks = looksOf(names);
    const seen = new Set(names.map((name, place) => `${looks.get(name)!.colour} ${dashAt(place).join()}`));
    expect(seen.size).toBe(64);
  });
});

describe('the table by rule', () => {
  const { history, page } = hour();
  const newest = history.newest!.nodes;

  it('has the rules of the config in its order, then those that the hour still knows', () => {
    expect(rulesOf(page, ['ssh', 'web'])).toEqual(['ssh', 'web', 'dns']);
  });

  it('has a row for each rule, with the reasons of its rejections', () => {
    expect(ruleRows(newest, ['n1', 'n2'], ['ssh', 'web', 'dns'])).toEqual([
      { rule: 'ssh', accepted: 0, relayed: 0, rejected: [] },
      { rule: 'web', accepted: 0, relayed: 0, rejected: [['denied', 1]] },
      { rule: 'dns', accepted: 2, relayed: 0, rejected: [] },
    ]);
  });

  it('says nothing of nodes that were not heard', () => {
    expect(ruleRows(newest, ['n2'], ['web'])).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import type { TrafficReport } from '../../../src/console/contract.js';
import { HISTORY_SECONDS, TrafficHistory } from '../../../src/console/traffic.js';
import { appended, reasonsOf, summed, valuesAt } from '../../../src/console/web/series.js';
import type { NodeSummary } from '../../../src/control/console-contract.js';

const reading = (uptimeMs: number, accepted: number, over: Record<string, unknown> = {}) => ({
  uptimeMs,
  counters: { accepted, relayed: 0, held: 0, rejected: {}, ...over } as unknown as NodeSummary['counters'],
});

describe('the history', () => {
  it('makes packets a second of counts, by the time between them', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, 100, { rejected: { notOwner: 5 } }) });
    const rejected = { notOwner: 45, noRule: 10 };
    const second = history.add(2, { n1: reading(3000, 500, { rejected, captureDrops: 4, heldOverflow: 2 }) });
    expect(second?.nodes.n1).toEqual({
      accepted: 200,
      relayed: 0,
      held: 0,
      lost: 3,
      rejected: { notOwner: 20, noRule: 5 },
      rules: {},
    });
  });

  it('counts what the kernel held back among the rejected', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, 0, { filteredInKernel: 100 }) });
    const second = history.add(2, { n1: reading(2000, 0, { filteredInKernel: 500, rejected: { noRule: 3 } }) });
    expect(second?.nodes.n1?.rejected).toEqual({ filteredInKernel: 400, noRule: 3 });
  });

  it('shows nothing, rather than zero, of a node that says nothing new, or began anew', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, 100) });
    expect(history.add(2, { n1: reading(1000, 100) })?.nodes).toEqual({});
    expect(history.add(3, { n1: reading(100, 7) })?.nodes).toEqual({});
    expect(history.add(4, { n1: reading(1100, 57) })?.nodes.n1?.accepted).toBe(50);
    expect(history.report().nodes.n1?.accepted).toEqual([null, null, null, 50]);
  });

  it('tells a second once, and keeps an hour', () => {
    const history = new TrafficHistory();
    history.add(5, {});
    expect(history.add(5, {})).toBeNull();
    expect(history.add(4, {})).toBeNull();
    for (let at = 6; at < HISTORY_SECONDS + 100; at++) history.add(at, { n1: reading(at * 1000, at) });
    const { times, nodes } = history.report();
    expect([times.length, nodes.n1?.accepted.length]).toEqual([HISTORY_SECONDS, HISTORY_SECONDS]);
    expect(times.at(-1)).toBe(HISTORY_SECONDS + 99);
  });
});

describe('a word that is late', () => {
  it('covers the seconds since the last one, so that a living node is no hole', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, 100), n2: reading(1000, 0) });
    history.add(2, { n1: reading(2000, 200), n2: reading(1000, 0) });
    expect(history.report().nodes.n2).toBeUndefined();
    history.add(3, { n1: reading(3000, 300), n2: reading(2900, 190) });
    expect(history.report().nodes).toMatchObject({
      n1: { accepted: [null, 100, 100] },
      n2: { accepted: [null, 100, 100] },
    });
  });

  it('is taken within its second, too, and once', () => {
    const history = new TrafficHistory();
    history.add(1, { n2: reading(1000, 0) });
    history.add(2, { n2: reading(1000, 0) });
    history.add(2, { n2: reading(1500, 50) });
    history.add(2, { n2: reading(1900, 950) });
    history.add(3, { n2: reading(2500, 1050) });
    expect(history.report().nodes.n2?.accepted).toEqual([null, 100, 1000]);
  });

  it('covers a second in which nobody asked, and no more than five', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, 0) });
    history.add(3, { n1: reading(3000, 20) });
    history.add(20, { n1: reading(20_000, 190) });
    const { times, nodes } = history.report();
    expect([times, nodes.n1?.accepted]).toEqual([
      [1, 2, 3, 20],
      [null, 10, 10, 10],
    ]);
  });

  it('of a node that began anew covers nothing', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(9000, 900) });
    history.add(3, { n1: reading(500, 5) });
    history.add(4, { n1: reading(1500, 15) });
    expect(history.report().nodes.n1?.accepted).toEqual([null, null, null, 10]);
  });

  it('leaves a node in the present picture for one second more, not for two', () => {
    const history = new TrafficHistory();
    history.add(1, { n1: reading(1000, 0) });
    history.add(2, { n1: reading(2000, 10) });
    history.add(3, {});
    expect(history.present).toMatchObject({ at: 3, nodes: { n1: { accepted: 10 } } });
    history.add(4, {});
    expect(history.present).toEqual({ at: 4, nodes: {} });
  });
});

describe('the columns of the page', () => {
  const rates = (accepted: number, rejected: Record<string, number> = {}) => ({
    accepted,
    relayed: 0,
    held: 0,
    lost: 0,
    rejected,
    rules: {},
  });
  const empty: TrafficReport = { times: [], nodes: {} };

  it('grow by the seconds of the stream to what the server itself would report', () => {
    const history = new TrafficHistory();
    let page = empty;
    for (let at = 1; at <= 40; at++) {
      const n2 = reading(at * 1000, at * at, { rejected: at > 30 ? { noRule: at } : {} });
      const n1 = reading(at * 1000, at * 10);
      const second = history.add(at, at > 10 && at < 20 ? { n1 } : { n1, n2 });
      page = appended(page, second!);
    }
    expect(page).toEqual(history.report());
  });

  it('are the same as the server’s when words come late, with reasons and rules that are new in them', () => {
    const history = new TrafficHistory();
    let page = empty;
    for (let at = 1; at <= 60; at++) {
      const rejected: Record<string, number> = at > 45 ? { denied: at * at } : {};
      const rules: NodeSummary['rules'] & {} = at > 40 ? { web: { accepted: at, relayed: 0, rejected } } : {};
      const n2 = { ...reading(at * 1000, at * at, { rejected: at > 21 ? { noRule: at } : {} }), rules };
      const isLate = at % 7 === 1 || at % 7 === 2 || (at > 30 && at < 40);
      history.add(at, isLate ? { n1: reading(at * 1000, at) } : { n1: reading(at * 1000, at), n2 });
      page = history.takeChanged().reduce(appended, page);
    }
    expect(history.report().nodes.n2?.accepted.filter((rate) => rate === null).length).toBeLessThan(15);
    expect(page).toEqual(history.report());
  });

  it('take a second that is there already once', () => {
    const page = appended(empty, { at: 7, nodes: { n1: rates(1) } });
    expect(appended(page, { at: 7, nodes: { n1: rates(2) } })).toBe(page);
  });

  it('are read at a second, also where a node was not heard, and not beside what is shown', () => {
    const line = (label: string, values: (number | null)[]) => ({ label, colour: '', dash: [], values });
    const lines = [line('n1', [1, 2, 3]), line('n2', [4, null, 6])];
    expect(valuesAt([10, 11, 12], lines, 11)).toEqual([
      { label: 'n1', value: 2 },
      { label: 'n2', value: null },
    ]);
    expect(valuesAt([10, 11, 12], lines, 9)).toBeNull();
  });

  it('are summed over the nodes that were heard, and name the most frequent reason first', () => {
    expect(
      summed(
        [
          [1, null, null],
          [2, 3],
        ],
        3,
      ),
    ).toEqual([3, 3, null]);
    // A word that was late is no slump; a node that is gone is.
    expect(
      summed(
        [
          [5, 5, 5, 5],
          [3, null, 3, null],
        ],
        4,
      ),
    ).toEqual([8, null, 8, 5]);
    expect(
      summed(
        [
          [5, 5, 5, 5, 5, 5],
          [3, null, null, null, null, 3],
        ],
        6,
      ),
    ).toEqual([8, 5, 5, 5, 5, 8]);
    const page = appended(empty, { at: 1, nodes: { n1: rates(0, { a: 1, b: 5 }), n2: rates(0, { a: 1 }) } });
    expect(reasonsOf(page)).toEqual(['b', 'a']);
  });
});

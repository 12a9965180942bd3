import { describe, expect, it } from 'vitest';
import type { TrafficReport } from '../../../src/console/contract.js';
import { HISTORY_SECONDS, TrafficHistory } from '../../../src/console/traffic.js';
import { appended, reasonsOf, summed } from '../../../src/console/web/series.js';
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

  it('take a second that is there already once', () => {
    const page = appended(empty, { at: 7, nodes: { n1: rates(1) } });
    expect(appended(page, { at: 7, nodes: { n1: rates(2) } })).toBe(page);
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

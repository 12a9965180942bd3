import { describe, expect, it } from 'vitest';
import { Checkers, MOST_AT_ONCE } from '../../../src/checkers/checkers.js';
import type { CheckerChange, Probe, Verdict } from '../../../src/checkers/contract.js';
import type { Checker } from '../../../src/config/contract.js';
import { FakeTimers } from '../../fakes/timers.js';

const checker = (name: string, over: Partial<Checker> = {}) =>
  ({
    type: 'tcp',
    address: '127.0.0.1:80',
    name,
    intervalMs: 1000,
    timeoutMs: 500,
    fall: 3,
    rise: 2,
    graceMs: 0,
    onFail: { action: 'wait' },
    ...over,
  }) as Checker;

function bed(checkers: readonly Checker[], probes: Readonly<Record<string, Probe>>, random = 0) {
  const timers = new FakeTimers();
  const changes: string[] = [];
  const subject = new Checkers(checkers, {
    timers,
    random: () => random,
    probeFor: ({ name }) => probes[name] ?? (async () => ({ ok: true, detail: 'fine' })),
    changed: ({ checker: { name }, from, to }: CheckerChange) => changes.push(`${name} ${from}->${to}`),
  });
  return { subject, timers, changes };
}

const state = (subject: Checkers, index = 0) => subject.reports()[index]!.state;
/** A check that gets no answer, and ends when it is called off. */
const silent: Probe = (signal) =>
  new Promise((_, fail) => signal.addEventListener('abort', () => fail(new Error('aborted'))));

describe('when checks run', () => {
  it('first at a random time within the interval, then every interval', async () => {
    const atMs: number[] = [];
    const { subject, timers } = bed(
      [checker('a')],
      {
        a: async () => {
          atMs.push(timers.nowMs());
          return { ok: true, detail: '' };
        },
      },
      0.3,
    );
    const begunMs = timers.nowMs();
    await timers.pass(5000);
    expect(atMs).toEqual([]);
    subject.begin('a', true);
    await timers.pass(3000);
    expect(atMs.map((ms) => ms - begunMs - 5000)).toEqual([300, 1300, 2300]);
    subject.suspend('a');
    await timers.pass(5000);
    expect(atMs).toHaveLength(3);
    expect([state(subject), timers.outstanding]).toEqual(['idle', 0]);
  });

  it('a check that does not answer in time is a failure; three of them in a row are one of the application', async () => {
    const { subject, timers, changes } = bed([checker('a', { timeoutMs: 1000 })], { a: silent });
    subject.begin('a', true);
    await timers.pass(2999);
    expect(changes).toEqual(['a idle->starting']);
    await timers.pass(1);
    // Begun within an interval after the application hung: 4 s at the most until the node knows.
    expect(changes).toEqual(['a idle->starting', 'a starting->failed']);
  });

  it('one that hangs is never begun a second time, and goes on when it has ended', async () => {
    let begun = 0;
    let end: (verdict: Verdict) => void = () => undefined;
    const { subject, timers } = bed([checker('a')], {
      a: () => {
        begun += 1;
        return new Promise((done) => (end = done));
      },
    });
    subject.begin('a', true);
    await timers.pass(20_000);
    expect([begun, state(subject)]).toEqual([1, 'failed']);
    expect(subject.reports()[0]!.detail).toBe('the check before has not ended yet');
    end({ ok: true, detail: '' });
    await timers.pass(1000);
    expect(begun).toBe(2);
  });

  it('calls a late check off by its signal', async () => {
    let aborted = 0;
    const { subject, timers } = bed([checker('a')], {
      a: (signal) =>
        new Promise((_, fail) =>
          signal.addEventListener('abort', () => {
            aborted += 1;
            fail(new Error('aborted'));
          }),
        ),
    });
    subject.begin('a', true);
    await timers.pass(499);
    expect(aborted).toBe(0);
    await timers.pass(1);
    expect([aborted, subject.reports()[0]!.detail]).toEqual([1, 'no answer within 500 ms']);
  });

  it('so many at once and no more; the others have their turn', async () => {
    const names = Array.from({ length: MOST_AT_ONCE + 5 }, (_, i) => `c${i}`);
    let running = 0;
    let most = 0;
    const slow: Probe = (signal) => {
      running += 1;
      most = Math.max(most, running);
      return new Promise((_, fail) =>
        signal.addEventListener('abort', () => {
          running -= 1;
          fail(new Error('aborted'));
        }),
      );
    };
    const { subject, timers } = bed(
      names.map((name) => checker(name)),
      Object.fromEntries(names.map((name) => [name, slow])),
    );
    for (const name of names) subject.begin(name, true);
    await timers.pass(1000);
    expect(most).toBe(MOST_AT_ONCE);
    expect(subject.reports().every(({ lastMs }) => lastMs !== null)).toBe(true);
  });

  it('a check that throws is a failure, with what it threw', async () => {
    const { subject, timers } = bed([checker('a')], {
      a: async () => Promise.reject(new Error('connect ECONNREFUSED')),
    });
    subject.begin('a', true);
    await timers.pass(0);
    expect(subject.reports()[0]).toMatchObject({ failures: 1, detail: 'connect ECONNREFUSED', isAwaited: true });
  });

  it('within the grace it looks every second, however long the interval is', async () => {
    let checks = 0;
    const { subject, timers } = bed([checker('a', { intervalMs: 60_000, graceMs: 5000 })], {
      a: async () => ({ ok: ++checks > 3, detail: '' }),
    });
    subject.begin('a', true);
    await timers.pass(3000);
    expect([checks, state(subject)]).toEqual([4, 'well']);
    await timers.pass(10_000);
    expect(checks).toBe(4);
  });
});

describe('custom checkers', () => {
  it('count as up until a script says otherwise; its word counts at once', () => {
    const { subject, changes } = bed([checker('a', { type: 'custom' } as Partial<Checker>)], {});
    subject.begin('a', true);
    subject.set('a', false, 'backup runs');
    expect(subject.reports()[0]).toMatchObject({ state: 'failed', detail: 'backup runs' });
    subject.set('a', true, '');
    expect(changes).toEqual(['a idle->starting', 'a starting->well', 'a well->failed', 'a failed->well']);
  });

  it('what was said before they began counts then', () => {
    const { subject } = bed([checker('a', { type: 'custom' } as Partial<Checker>)], {});
    subject.set('a', false, 'down since yesterday');
    expect(state(subject)).toBe('idle');
    subject.begin('a', true);
    expect(state(subject)).toBe('failed');
  });
});

describe('a new config', () => {
  it('what has not changed goes on; what is new or changed waits for its begin; what is gone rests', async () => {
    let gone = 0;
    const { subject, timers } = bed([checker('same'), checker('other'), checker('gone')], {
      gone: async () => ({ ok: ++gone > 0, detail: '' }),
    });
    for (const name of ['same', 'other', 'gone']) subject.begin(name, true);
    await timers.pass(100);
    expect(subject.update([checker('new'), checker('same'), checker('other', { fall: 9 })])).toEqual(['new', 'other']);
    expect(subject.reports().map(({ name, state: is }) => `${name} ${is}`)).toEqual([
      'new idle',
      'same well',
      'other idle',
    ]);
    await timers.pass(10_000);
    expect(gone).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import { bitmapOf, countBits, fullBitmap } from '../../../src/buckets/bitmap.js';
import type { LinkMessage } from '../../../src/membership/messages.js';
import { Bench, BUCKETS } from './bench.js';

function messages(bench: Bench, type: LinkMessage['type']): LinkMessage[] {
  return bench.out.flatMap((d) => (d.type === 'link' && d.message.type === type ? [d.message] : []));
}

describe('starting', () => {
  it('listens for lease and margin, then a farm of one owns everything', () => {
    const bench = new Bench();
    bench.run(590);
    expect(bench.state).toBe('joining');
    expect(bench.held).toBe(0);
    bench.run(20);
    expect(bench.state).toBe('up');
    expect(bench.held).toBe(BUCKETS);
  });

  it('starts the lease before it owns anything', () => {
    const bench = new Bench();
    bench.run(700);
    const kinds = bench.out.map(({ type }) => type);
    expect(kinds.indexOf('renew-lease')).toBeLessThan(kinds.indexOf('tables'));
  });

  it('hears a recording: listens longer, says so, and is not stopped by it', () => {
    const bench = new Bench();
    bench.run(700, () => bench.hear('n2', { heard: [] }));
    expect(bench.reason).toContain('unproved: n2');
    expect(bench.core.status(bench.nowMs).view.members).toEqual(['n1']);
    bench.run(1200, () => bench.hear('n2', { heard: [] }));
    expect(bench.state).toBe('up');
  });

  it('goes above an incarnation of ours that others remember', () => {
    const bench = new Bench();
    const remembered = { name: 'n1', incarnation: 9 * 2 ** 20, sequence: 5, viewDigest: '', gained: 0 };
    bench.hear('n2', { heard: [remembered] });
    expect(bench.core.status(bench.nowMs).incarnation).toBeGreaterThan(remembered.incarnation);
  });
});

describe('the lease', () => {
  function pair(): Bench {
    const bench = new Bench();
    bench.run(800, () => bench.hear('n2'));
    expect(bench.state).toBe('up');
    return bench;
  }

  it('ends when a living peer no longer hears us', () => {
    const bench = pair();
    const { heard } = bench.heartbeatOf('n2');
    bench.run(700, () => bench.hear('n2', { heard }));
    expect(bench.out.some((d) => d.type === 'log' && d.event === 'lapsed')).toBe(true);
    expect(bench.out.some((d) => d.type === 'reset')).toBe(true);
  });

  it('goes on when the peer is silent, and the peer is called dead', () => {
    const bench = pair();
    bench.run(700);
    expect(bench.state).toBe('up');
    expect(bench.held).toBe(BUCKETS);
  });

  it('ends for good: a new incarnation, and an obituary for the old one', () => {
    const bench = pair();
    const old = bench.newest().incarnation;
    bench.step({ type: 'lapsed' });
    expect(bench.state).toBe('joining');
    const obituary = bench.out.find((d) => d.type === 'obituary');
    expect(obituary).toMatchObject({ obituary: { name: 'n1', incarnation: old } });
    bench.run(50);
    expect(bench.newest()).toMatchObject({ gone: old });
  });

  it('ends when a living peer has called us dead', () => {
    const bench = pair();
    const { incarnation } = bench.newest();
    bench.hear('n2', { dead: [{ name: 'n1', incarnation }] });
    expect(bench.state).toBe('joining');
  });

  it('a peer that only listens cannot end it', () => {
    const bench = pair();
    const { incarnation } = bench.newest();
    bench.hear('n2', { state: 'joining', dead: [{ name: 'n1', incarnation }] });
    expect(bench.state).toBe('up');
  });
});

describe('waiting', () => {
  it('without a majority', () => {
    const bench = new Bench({ quorum: 'majority', electorate: ['n1', 'n2', 'n3'] });
    bench.run(900);
    expect(bench.state).toBe('waiting');
    expect(bench.reason).toContain('quorum: 1 of 3');
    bench.run(1500, () => bench.hear('n2'));
    expect(bench.state).toBe('up');
  });

  describe('deaf', () => {
    const sees = (framesSeen: number) =>
      ({ type: 'dataplane', framesSeen, kept: { kept: [], count: 0 }, alive: true, capture: 'running' }) as const;

    /** Up, with n2, and frames that come: then neither. */
    function bereaved(): Bench {
      const bench = new Bench({ electorate: ['n1', 'n2'] });
      bench.run(900, () => {
        bench.hear('n2');
        bench.step(sees(bench.nowMs));
      });
      expect(bench.state).toBe('up');
      return bench;
    }

    it('from the start: where no frame ever came, the first one ends it', () => {
      const bench = new Bench({ electorate: ['n1', 'n2'] });
      bench.step(sees(0));
      bench.run(900, () => bench.step(sees(0)));
      expect(bench.state).toBe('waiting');
      expect(bench.reason).toContain('deaf');
      bench.step(sees(1));
      bench.run(2000, () => bench.step(sees(1)));
      expect(bench.state).toBe('up');
    });

    it('no peer heard, no frame captured: waits before the lease of others ends, having asked its neighbours', () => {
      const bench = bereaved();
      const last = bench.nowMs;
      // The peer was last heard up to 50 ms ago, and the last frame may have come right after the look before the one that saw it.
      bench.run(240, () => bench.step(sees(last)));
      expect(bench.state).toBe('up');
      expect(bench.out.filter(({ type }) => type === 'ask-neighbours').length).toBeGreaterThan(1);
      bench.run(70, () => bench.step(sees(last)));
      expect(bench.state).toBe('waiting');
      expect(bench.reason).toContain('deaf');
      bench.run(5000, () => bench.step(sees(last)));
      expect(bench.state, 'only a frame is proof of the contrary').toBe('waiting');
      bench.step(sees(last + 1));
      bench.run(5000, () => bench.step(sees(last + 1)));
      expect(bench.state, 'one frame is enough for the last one left').toBe('up');
    });

    it('a tick that comes late: what counts is how long there had been silence when it was due', () => {
      const bench = bereaved();
      const last = bench.nowMs;
      bench.run(180, () => bench.step(sees(last)));
      expect(bench.out.some(({ type }) => type === 'ask-neighbours')).toBe(true);
      // Nobody answers, and the thread gets no processor for a while.
      bench.nowMs = bench.core.nextTickMs() + 125;
      bench.step(sees(last));
      bench.step({ type: 'tick' });
      expect(bench.nowMs - last).toBeGreaterThan(300);
      expect(bench.state).toBe('up');
      bench.run(60, () => bench.step(sees(last)));
      expect(bench.reason).toContain('deaf');
    });

    it('frames went on when the only peer fell silent, and end when it has been called dead: waits, unless a neighbour answers', () => {
      for (const [answers, state] of [
        [false, 'waiting'],
        [true, 'up'],
      ] as const) {
        const bench = bereaved();
        let framesSeen = bench.nowMs;
        bench.run(500, () => bench.step(sees(++framesSeen)));
        let asked = bench.out.filter(({ type }) => type === 'ask-neighbours').length;
        bench.run(1500, () => {
          const questions = bench.out.filter(({ type }) => type === 'ask-neighbours').length;
          if (answers && questions > asked) framesSeen++;
          asked = questions;
          bench.step(sees(framesSeen));
        });
        expect(bench.state).toBe(state);
        if (!answers) expect(bench.reason).toContain('since the last peer fell silent');
      }
    });

    it('the only peer died, and a neighbour answers: up all the time', () => {
      const bench = bereaved();
      let [asked, framesSeen] = [0, bench.nowMs];
      bench.run(5000, () => {
        const questions = bench.out.filter(({ type }) => type === 'ask-neighbours').length;
        if (questions > asked) framesSeen++;
        asked = questions;
        bench.step(sees(framesSeen));
        expect(bench.state).toBe('up');
      });
      expect(asked).toBeGreaterThan(0);
    });

    it('a peer that came later is heard by another way, and sees frames: waits if no neighbour answers, and only then', () => {
      for (const [answers, state] of [
        [false, 'waiting'],
        [true, 'up'],
      ] as const) {
        const bench = new Bench({ electorate: ['n1', 'n2'] });
        bench.step(sees(1));
        bench.run(700, () => bench.step(sees(2)));
        expect(bench.state).toBe('up');
        let [asked, framesSeen] = [0, 2];
        bench.run(1500, () => {
          bench.step({ ...bench.eventOf('n2', { framesSeen: bench.nowMs }), path: 'udp:10.9.0.0/24' });
          const questions = bench.out.filter(({ type }) => type === 'ask-neighbours').length;
          if (answers && questions > asked) framesSeen++;
          asked = questions;
          bench.step(sees(framesSeen));
        });
        expect(asked).toBeGreaterThan(0);
        expect(bench.state).toBe(state);
      }
    });

    it('no carrier: waits, and says so, though it hears its peers by other ways', () => {
      const bench = bereaved();
      const cut = { ...sees(0), capture: 'no-carrier' } as const;
      bench.run(600, () => {
        bench.hear('n2');
        bench.step({ ...cut, framesSeen: bench.nowMs });
      });
      expect(bench.state).toBe('waiting');
      expect(bench.reason).toMatch(/interface: no carrier/);
    });
  });

  it('another config than the majority has', () => {
    const bench = new Bench();
    bench.run(900, () => {
      bench.hear('n2', { configDigest: 'c1' });
      bench.hear('n3', { configDigest: 'c1' });
    });
    expect(bench.state).toBe('waiting');
    expect(bench.reason).toContain('config');
  });

  it('a namesake on another host that began earlier; until it is gone', () => {
    const bench = new Bench();
    bench.run(800, () => bench.hear('n1', { incarnation: 2 ** 20 - 5 }));
    expect(bench.reason).toContain('twin');
    bench.run(1300);
    expect(bench.state).toBe('up');
  });

  it('a conflict closes the lease at once', () => {
    const bench = new Bench();
    bench.run(700);
    bench.step({ type: 'condition', reason: 'conflict', bad: true, detail: 'VIP answered by aa:bb' });
    expect(bench.state).toBe('waiting');
    expect(bench.out.some(({ type }) => type === 'reset')).toBe(true);
  });
});

describe('keeps', () => {
  it('an owner asks for keeps that it hears of and lacks', () => {
    for (const fetchLacking of [true, false]) {
      const bench = new Bench({}, { fetchLacking: () => fetchLacking });
      bench.run(700);
      expect(bench.held).toBe(BUCKETS);
      const kept = bitmapOf([3], BUCKETS);
      const report = { held: bitmapOf([], BUCKETS), granting: bitmapOf([], BUCKETS), kept };
      bench.hear('n2', { state: 'waiting', plans: [report] });
      const asked = messages(bench, 'keeps-wanted');
      expect(asked.length).toBe(fetchLacking ? 1 : 0);
      if (fetchLacking) expect(asked[0]).toMatchObject({ plan: 0, buckets: kept });
    }
  });
});

describe('weights that count in part', () => {
  const granted = (bench: Bench) =>
    messages(bench, 'offer').reduce(
      (sum, offer) => sum + countBits((offer as { readonly buckets: Uint8Array }).buckets),
      0,
    );

  it('at 50 % a node keeps a third of what it shares with one other, and grants the rest; at 0 % all of it', () => {
    for (const [percent, kept] of [
      [100, 1 / 2],
      [50, 1 / 3],
      [0, 0],
    ] as const) {
      const bench = new Bench({ weightPercent: percent });
      bench.run(700);
      expect(bench.newest().weightPercent).toBe(percent);
      bench.run(300, () => bench.hear('n2'));
      expect(granted(bench)).toBe(BUCKETS - Math.round(BUCKETS * kept));
    }
  });

  it('a change of it is a change of the view, on both sides', () => {
    const bench = new Bench();
    bench.run(700);
    bench.run(300, () => bench.hear('n2'));
    const { digest } = bench.core.status(bench.nowMs).view;
    bench.run(100, () => bench.hear('n2', { weightPercent: 50 }));
    expect(bench.core.status(bench.nowMs).view.digest).not.toBe(digest);
    expect(bench.core.status(bench.nowMs).members.map(({ weightPercent }) => weightPercent)).toEqual([100, 50]);
  });

  it('plans with weights of their own are lightened too, and where all are at 0 % nobody is', () => {
    const plans = [{ mode: 'balance', order: [], weights: { n1: 3, n2: 1 } } as const];
    const planned = (own: number, other: number) => {
      const bench = new Bench({ weightPercent: own, plans });
      bench.run(700);
      bench.run(300, () => bench.hear('n2', { weightPercent: other }));
      const { planned: of } = bench.core.status(bench.nowMs);
      return (
        Array.from({ length: BUCKETS }, (_, bucket) => of(0, bucket)).filter((name) => name === 'n1').length / BUCKETS
      );
    };
    expect(planned(100, 100)).toBe(3 / 4);
    expect(planned(33, 99)).toBe(1 / 2);
    expect(planned(0, 100)).toBe(0);
    expect(planned(0, 0)).toBe(3 / 4);
  });
});

describe('leaving', () => {
  it('drains: gives everything to the others, then stops', () => {
    const bench = new Bench();
    bench.run(700);
    bench.run(200, () => bench.hear('n2', { weight: 0 }));
    bench.step({ type: 'command', command: { name: 'drain', deadlineMs: null } });
    bench.run(200, () => bench.hear('n2', { weight: 1 }));
    const offers = messages(bench, 'offer');
    expect(offers.length).toBe(1);
    expect(offers[0]).toMatchObject({ buckets: fullBitmap(BUCKETS) });
    expect(bench.state).toBe('draining');
  });

  it('stops at once: says so, and is silent', () => {
    const bench = new Bench();
    bench.run(700);
    bench.step({ type: 'command', command: { name: 'stop' } });
    expect(bench.newest().state).toBe('stopped');
    expect(bench.out[bench.out.length - 1]!.type).toBe('stopped');
    const before = bench.out.length;
    bench.run(500);
    expect(bench.out.length).toBe(before);
  });
});

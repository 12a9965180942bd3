/** Reach in the core: which mode the farm agrees on, what the data plane is told, and what grants and drains wait for. */
import { describe, expect, it } from 'vitest';
import { bitmapOf, emptyBitmap } from '../../../src/buckets/bitmap.js';
import type { ReachMode, TableOp } from '../../../src/buckets/contract.js';
import type { Settings } from '../../../src/membership/contract.js';
import type { Heartbeat } from '../../../src/membership/messages.js';
import { Bench, BUCKETS } from './bench.js';

type ReachOp = Extract<TableOp, { op: 'reach' }>;

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const macOf = (name: string) => Uint8Array.of(2, 0, 0, 0, 0, Number(name.slice(1)));

/** What the data plane was told last. */
function told(bench: Bench): ReachOp {
  const ops = bench.out.flatMap((d) => (d.type === 'tables' ? d.ops : []));
  return ops.filter((op) => op.op === 'reach').at(-1)!;
}

function node(settings: Partial<Settings> = {}): Bench {
  return new Bench({ reach: 'relay', mac: MAC, ...settings });
}

/** Up, with these peers, each of which may say something else than usual. */
function farm(
  settings: Partial<Settings> = {},
  peers: Readonly<Record<string, Partial<Heartbeat>>> = { n2: {} },
): Bench {
  const bench = node(settings);
  if (settings.reach === 'auto') bench.step({ type: 'reach', best: 'flood', why: 'all arrives' });
  bench.run(900, () => talk(bench, peers));
  expect(bench.state).toBe('up');
  return bench;
}

function talk(bench: Bench, peers: Readonly<Record<string, Partial<Heartbeat>>>): void {
  for (const [name, change] of Object.entries(peers)) bench.hear(name, change);
}

function targets({ plans }: ReachOp, bucket: number): number {
  return plans[0]!.targets[2 * bucket]!;
}

describe('what the data plane is told', () => {
  it('its own mode when the config says it, whatever others offer', () => {
    expect(told(farm({ reach: 'relay' }, { n2: { reach: 'flood' } })).mode).toBe('relay');
    expect(told(farm({ reach: 'multicast' }, { n2: { reach: 'relay' } })).mode).toBe('multicast');
  });

  it('before it owns anything', () => {
    const ops = farm().out.flatMap((d) => (d.type === 'tables' ? d.ops : []));
    expect(ops[0]!.op).toBe('reach');
  });

  it('who is a member, with which MAC, and which of them we are', () => {
    const { members, self } = told(farm({}, { n2: {}, n3: { state: 'draining' } }));
    expect(members).toEqual([
      { mac: MAC, answers: true },
      { mac: macOf('n2'), answers: true },
      { mac: macOf('n3'), answers: false },
    ]);
    expect(self).toBe(0);
  });

  it('that a bucket goes to those who hold, grant or keep something in it, and to whom it is planned for', () => {
    const report = { held: bitmapOf([3], BUCKETS), granting: bitmapOf([4], BUCKETS), kept: bitmapOf([5], BUCKETS) };
    const peers = { n2: { plans: [report] }, n3: {} };
    const bench = farm({}, peers);
    // Until the view before the last one is forgotten.
    bench.run(1500, () => talk(bench, peers));
    const op = told(bench);
    const { planned } = bench.core.status(bench.nowMs);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const meant = planned(0, bucket);
      const expected = ([3, 4, 5].includes(bucket) || meant === 'n2' ? 2 : 0) | (meant === 'n3' ? 4 : 0);
      expect(targets(op, bucket), `bucket ${bucket}`).toBe(expected);
      expect(op.plans[0]!.last[bucket]).toBe(meant === 'n2' ? 1 : meant === 'n3' ? 2 : 255);
    }
  });

  it('for a while, also those whom the view before planned for', () => {
    const bench = farm({}, { n2: {}, n3: {} });
    const { planned } = bench.core.status(bench.nowMs);
    const ofN3 = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) => planned(0, bucket) === 'n3');
    talk(bench, { n3: { weight: 0 } });
    bench.run(200, () => talk(bench, { n2: {}, n3: { weight: 0 } }));
    for (const bucket of ofN3) expect(targets(told(bench), bucket) & 4).toBe(4);
    bench.run(1500, () => talk(bench, { n2: {}, n3: { weight: 0 } }));
    for (const bucket of ofN3) expect(targets(told(bench), bucket) & 4).toBe(0);
  });

  it('that a member who is gone relays no more, but may have: its MAC stays known', () => {
    const bench = farm({}, { n2: {}, n3: {} });
    bench.step({ type: 'obituary', obituary: { name: 'n3', incarnation: 2 ** 20 + 7 } });
    const { members, plans } = told(bench);
    expect(members).toEqual([
      { mac: MAC, answers: true },
      { mac: macOf('n2'), answers: true },
      { mac: macOf('n3'), answers: false },
    ]);
    for (let bucket = 0; bucket < BUCKETS; bucket++) expect(plans[0]!.targets[2 * bucket]! & 4).toBe(0);
  });

  it('again after a lapse', () => {
    const bench = farm();
    const before = bench.out.length;
    bench.step({ type: 'lapsed' });
    bench.run(900, () => talk(bench, { n2: {} }));
    const ops = bench.out.slice(before).flatMap((d) => (d.type === 'tables' ? d.ops : []));
    expect(ops.some(({ op }) => op === 'reach')).toBe(true);
  });

  it('nothing new while nothing changes', () => {
    const bench = farm();
    bench.run(1500, () => talk(bench, { n2: {} }));
    const before = bench.out.length;
    bench.run(1000, () => talk(bench, { n2: {} }));
    const ops = bench.out.slice(before).flatMap((d) => (d.type === 'tables' ? d.ops : []));
    expect(ops.filter(({ op }) => op === 'reach')).toEqual([]);
  });
});

describe('reach: auto', () => {
  const mode = (bench: Bench): ReachMode => bench.core.status(bench.nowMs).reach.mode;

  it('a node waits until it knows what the network does, and says so', () => {
    const bench = node({ reach: 'auto' });
    bench.run(1000);
    expect(bench.state).toBe('waiting');
    expect(bench.reason).toContain('reach: nothing is known yet');
    expect(bench.newest().reach).toBe('none');
    bench.step({ type: 'reach', best: 'multicast', why: 'no flooding' });
    bench.run(800);
    expect(bench.state).toBe('up');
    expect([mode(bench), told(bench).mode, bench.newest().reach]).toEqual(['multicast', 'multicast', 'multicast']);
  });

  it('the lowest offer of the farm counts, at once', () => {
    const bench = farm({ reach: 'auto' }, { n2: {}, n3: {} });
    expect(mode(bench)).toBe('flood');
    talk(bench, { n3: { reach: 'relay' } });
    expect([mode(bench), told(bench).mode]).toEqual(['relay', 'relay']);
    expect(bench.core.status(bench.nowMs).reach.why).toContain('all arrives; ');
  });

  it('our own evidence takes the farm down, also while peers offer more', () => {
    const bench = farm({ reach: 'auto' });
    bench.step({ type: 'reach', best: 'relay', why: 'n2 hears no probe of ours' });
    expect([mode(bench), told(bench).mode]).toEqual(['relay', 'relay']);
    bench.run(50);
    expect(bench.newest().reach).toBe('relay');
  });

  it('goes up only when told so, and not above the evidence', () => {
    const bench = farm({ reach: 'auto' });
    bench.step({ type: 'reach', best: 'relay', why: 'a bad moment' });
    bench.step({ type: 'reach', best: 'multicast', why: 'better' });
    expect(mode(bench)).toBe('relay');
    bench.step({ type: 'command', command: { name: 'reach-up' } });
    expect(mode(bench)).toBe('multicast');
    bench.step({ type: 'command', command: { name: 'reach-up' } });
    expect(mode(bench)).toBe('multicast');
  });

  it('does not jump up when the member leaves that could do no more', () => {
    const bench = farm({ reach: 'auto' }, { n2: {}, n3: { reach: 'relay' } });
    expect(mode(bench)).toBe('relay');
    bench.step({ type: 'obituary', obituary: { name: 'n3', incarnation: 2 ** 20 + 7 } });
    bench.run(300, () => talk(bench, { n2: { reach: 'relay' } }));
    expect([mode(bench), bench.newest().reach]).toEqual(['relay', 'relay']);
    bench.step({ type: 'command', command: { name: 'reach-up' } });
    bench.run(200, () => talk(bench, { n2: { reach: 'relay' } }));
    expect(mode(bench)).toBe('relay');
    talk(bench, { n2: { reach: 'flood' } });
    expect(mode(bench)).toBe('flood');
  });

  it('a node that joins offers no more than the farm uses', () => {
    const bench = node({ reach: 'auto' });
    bench.run(300, () => talk(bench, { n2: { reach: 'relay' } }));
    bench.step({ type: 'reach', best: 'flood', why: 'all arrives' });
    bench.run(50);
    expect(bench.newest().reach).toBe('relay');
  });

  it('without any way left it gives its buckets away in good order', () => {
    const bench = farm({ reach: 'auto' });
    bench.step({ type: 'reach', best: 'none', why: 'another subnet' });
    expect(bench.state).toBe('waiting');
    expect(bench.reason).toBe('reach: another subnet');
    expect(bench.out.some((d) => d.type === 'reset')).toBe(false);
  });

  it('offers of members with another config do not count', () => {
    const bench = farm({ reach: 'auto' }, { n2: {}, n3: { reach: 'relay', configDigest: 'other' } });
    expect(mode(bench)).toBe('flood');
  });
});

describe('grants', () => {
  /** n2 is to get buckets of ours, and is ready for them; n3 relays by a view of its own. */
  function readyToCut(reach: ReachMode, digestOfN3: string | undefined): Bench {
    const bench = farm({ reach }, { n3: {} });
    const peers = (): Readonly<Record<string, Partial<Heartbeat>>> => ({
      n2: {},
      n3: digestOfN3 === undefined ? {} : { viewDigest: digestOfN3 },
    });
    talk(bench, peers());
    bench.run(150, () => talk(bench, peers()));
    const offer = bench.out
      .flatMap((d) => (d.type === 'link' && d.message.type === 'offer' ? [d.message] : []))
      .at(-1)!;
    expect(offer).toBeDefined();
    const incarnation = 2 ** 20 + 7;
    bench.step({ type: 'link', from: 'n2', incarnation, message: { type: 'ready', sequence: 1, id: offer.id } });
    return bench;
  }
  const cuts = (bench: Bench) =>
    bench.out.flatMap((d) => (d.type === 'tables' ? d.ops : [])).filter(({ op }) => op === 'cut').length;

  it('with relay a cut waits until every member shows our view', () => {
    const bench = readyToCut('relay', 'an old one');
    expect(cuts(bench)).toBe(0);
    talk(bench, { n2: {}, n3: {} });
    expect(cuts(bench)).toBe(1);
  });

  it('with relay it does not wait where all agree, and with flood it never does', () => {
    expect(cuts(readyToCut('relay', undefined))).toBe(1);
    expect(cuts(readyToCut('flood', 'an old one'))).toBe(1);
  });
});

describe('a node that leaves', () => {
  const peers = { n2: {} };
  const drain = (bench: Bench) => {
    bench.step({ type: 'command', command: { name: 'drain', deadlineMs: null } });
    // All that we held is given away at once, as if there were no keeps.
    bench.run(100, () => talk(bench, peers));
  };
  /** Joined last, with nothing of its own: what is left to do is to wait for askers. */
  const idle = (reach: ReachMode): Bench => {
    const full = {
      held: bitmapOf(
        Array.from({ length: BUCKETS }, (_, b) => b),
        BUCKETS,
      ),
      granting: emptyBitmap(BUCKETS),
      kept: emptyBitmap(BUCKETS),
    };
    const bench = node({ reach, weight: 0 });
    bench.run(900, () => talk(bench, { n2: { plans: [full] } }));
    expect([bench.state, bench.held]).toEqual(['up', 0]);
    return bench;
  };

  it('stops answering at once, and goes on relaying until its askers have been steered away', () => {
    const bench = idle('relay');
    drain(bench);
    expect(bench.state).toBe('draining');
    expect(told(bench).members[0]).toEqual({ mac: MAC, answers: false });
    expect(told(bench).plans[0]!.targets.some((word) => word !== 0)).toBe(true);
    bench.run(800, () => talk(bench, peers));
    expect(bench.state).toBe('draining');
    bench.run(500, () => talk(bench, peers));
    expect(bench.state).toBe('stopped');
  });

  it('waits longer while frames still come to its own MAC, but not for ever', () => {
    const bench = idle('relay');
    let frames = 0;
    const busy = (): void => {
      talk(bench, peers);
      bench.step({
        type: 'dataplane',
        framesSeen: ++frames,
        ingressFrames: frames,
        kept: { kept: [], count: 0 },
        alive: true,
        capture: 'running',
      });
    };
    bench.step({ type: 'command', command: { name: 'drain', deadlineMs: null } });
    bench.run(3000, busy);
    expect(bench.state).toBe('draining');
    bench.run(2500, busy);
    expect(bench.state).toBe('stopped');
  });

  it('with flood it need not wait', () => {
    const bench = idle('flood');
    drain(bench);
    expect(bench.state).toBe('stopped');
  });
});

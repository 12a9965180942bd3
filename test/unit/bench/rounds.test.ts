/** The runner, with beds that only count. */
import { describe, expect, it } from 'vitest';
import type { Bed, Peer, Sample, Scenario } from '../../../src/bench/contract.js';
import { failedPeers, type RoundOptions, rotated, runScenario } from '../../../src/bench/rounds.js';

interface Rig {
  readonly scenario: Scenario;
  readonly order: string[];
  readonly closed: string[];
  readonly options: (change?: Partial<RoundOptions>) => RoundOptions;
}

type Measure = (round: number) => Sample;

function rig(peers: Readonly<Record<string, Measure | 'cannot be set up'>>): Rig {
  const order: string[] = [];
  const closed: string[] = [];
  const list = Object.entries(peers).map(([name, measure]): Peer => {
    let round = 0;
    const bed: Bed = {
      measure: async () => {
        order.push(name);
        if (typeof measure === 'string') throw new Error('never set up');
        return measure(round++);
      },
      notes: async () => [`${name} was here`],
      close: async () => void closed.push(name),
    };
    const setUp = async () => {
      if (typeof measure === 'string') throw new Error('no such module');
      return bed;
    };
    return { name, about: '', needs: [], setUp };
  });
  const figures = [{ id: 'rate', name: 'rate', unit: '1/s', better: 'more' as const, digits: 0 }];
  const scenario = { id: 's', title: 't', about: 'a', figures, base: 'base', peers: list };
  const signal = new AbortController().signal;
  const options = (change = {}) => ({
    rounds: 3,
    endMs: 1,
    nowMs: () => 0,
    seconds: 1,
    overrides: [],
    say: () => undefined,
    signal,
    ...change,
  });
  return { scenario, order, closed, options };
}

const run = ({ scenario }: Rig, options: RoundOptions) => runScenario(scenario, scenario.peers, [], options);

describe('rounds', () => {
  it('go through all peers in turn, another one first each time', async () => {
    const all = rig({ base: () => ({ rate: 10 }), a: () => ({ rate: 5 }), b: () => ({ rate: 20 }) });
    const { peers, isCut } = await run(all, all.options());
    expect(all.order).toEqual(['base', 'a', 'b', 'a', 'b', 'base', 'b', 'base', 'a']);
    expect(peers.map(({ name, figures }) => [name, figures.rate?.ratio?.median ?? null])).toEqual([
      ['base', null],
      ['a', 0.5],
      ['b', 2],
    ]);
    expect(isCut).toBe(false);
    expect(all.closed.sort()).toEqual(['a', 'b', 'base']);
  });

  it('go through one peer after the other where beds would disturb each other', async () => {
    const all = rig({ base: () => ({ rate: 1 }), a: () => ({ rate: 1 }) });
    const scenario = { ...all.scenario, isOneByOne: true };
    await runScenario(scenario, scenario.peers, [], all.options({ rounds: 2 }));
    expect(all.order).toEqual(['base', 'base', 'a', 'a']);
  });

  it('that fail are void, and said to be, for that peer alone', async () => {
    const failing = (round: number) => {
      if (round === 1) throw new Error('socket errors');
      return { rate: 8 };
    };
    const all = rig({ base: () => ({ rate: 10 }), a: failing });
    const { peers } = await run(all, all.options());
    expect(peers[1]?.figures.rate).toMatchObject({ n: 2, ratio: { n: 2, median: 0.8 } });
    expect(peers[1]?.notes).toEqual(['round 2 is void: socket errors', 'a was here']);
    expect(peers[0]?.figures.rate?.n).toBe(3);
  });

  it('end when the time is over, with what there is', async () => {
    let nowMs = 0;
    const tick = () => {
      nowMs += 10;
      return { rate: 1 };
    };
    const all = rig({ base: tick, a: tick });
    const { isCut, peers } = await run(all, all.options({ rounds: 100, endMs: 35, nowMs: () => nowMs }));
    expect(isCut).toBe(true);
    expect(peers.map(({ figures }) => figures.rate?.n)).toEqual([2, 2]);
    expect(all.closed).toHaveLength(2);
  });

  it('leave nothing behind when they are interrupted', async () => {
    const interrupt = new AbortController();
    const stop = () => {
      interrupt.abort(new Error('interrupted'));
      return { rate: 1 };
    };
    const all = rig({ base: () => ({ rate: 1 }), a: stop });
    const { isCut, peers } = await run(all, all.options({ signal: interrupt.signal }));
    expect([isCut, peers.map(({ figures }) => figures.rate?.n)]).toEqual([true, [1, 1]]);
    expect(all.order).toEqual(['base', 'a']);
    expect(all.closed.sort()).toEqual(['a', 'base']);
  });
});

describe('a peer that cannot be set up', () => {
  it('or of which nothing could be measured has failed', async () => {
    const all = rig({
      base: () => ({ rate: 10 }),
      a: () => {
        throw new Error('no answer');
      },
      b: 'cannot be set up',
    });
    expect(failedPeers(await run(all, all.options())).toSorted()).toEqual(['a', 'b']);
  });

  it('is absent, with the reason, and the others are measured', async () => {
    const all = rig({ base: () => ({ rate: 10 }), a: 'cannot be set up', b: () => ({ rate: 5 }) });
    const result = await run(all, all.options());
    expect(result.peers.map(({ name }) => name)).toEqual(['base', 'b']);
    expect(result.absent).toEqual([{ name: 'a', reason: 'could not be set up: no such module', install: null }]);
    expect(failedPeers(result)).toEqual(['a']);
  });
});

it('rotation keeps all, whatever it is by', () => {
  expect(rotated([1, 2, 3], 4)).toEqual([2, 3, 1]);
  expect(rotated([], 4)).toEqual([]);
});

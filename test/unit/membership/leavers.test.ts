/** Members that left or died, namesakes, and what `status` shows of them. */
import { describe, expect, it } from 'vitest';
import type { MemberStatus } from '../../../src/membership/contract.js';
import { Bench } from './bench.js';

const INCARNATION = 2 ** 20 + 7;

function shown(bench: Bench, name: string): MemberStatus | undefined {
  return bench.core.status(bench.nowMs).members.find((member) => member.name === name);
}

function pair(electorate: readonly string[] = []): Bench {
  const bench = new Bench({ electorate });
  bench.run(800, () => bench.hear('n2'));
  expect(shown(bench, 'n2')).toMatchObject({ state: 'up' });
  return bench;
}

describe('status shows a member', () => {
  it('that stopped as stopped, with its reason', () => {
    const bench = pair();
    bench.hear('n2', { state: 'stopped', reason: 'drained' });
    bench.run(2000);
    expect(shown(bench, 'n2')).toMatchObject({ state: 'stopped', reason: 'drained', share: 0 });
    expect(shown(bench, 'n2')!.lastHeardMs).toBeGreaterThanOrEqual(2000);
  });

  it('whose obituary overtook its last word as stopped too', () => {
    const bench = pair();
    bench.step({ type: 'obituary', obituary: { name: 'n2', incarnation: INCARNATION } });
    expect(shown(bench, 'n2')).toMatchObject({ state: 'dead', reason: 'its agent ended' });
    bench.hear('n2', { state: 'stopped', reason: 'stopped' });
    expect(shown(bench, 'n2')).toMatchObject({ state: 'stopped', reason: 'stopped' });
  });

  it('that fell silent as dead', () => {
    const bench = pair();
    bench.run(900);
    expect(shown(bench, 'n2')).toMatchObject({ state: 'dead', reason: 'not heard' });
  });

  it('that left ten minutes ago no more, unless the config names it', () => {
    for (const [electorate, isShown] of [
      [[], false],
      [['n1', 'n2'], true],
    ] as const) {
      const bench = pair(electorate);
      bench.hear('n2', { state: 'stopped', reason: 'drained' });
      bench.nowMs += 599_000;
      bench.step({ type: 'tick' });
      expect(shown(bench, 'n2')).toMatchObject({ state: 'stopped' });
      bench.nowMs += 2000;
      bench.step({ type: 'tick' });
      expect(shown(bench, 'n2') !== undefined).toBe(isShown);
    }
  });
});

describe('a new life of a member', () => {
  const next = 9 * 2 ** 20;

  it('takes the place of the old one once that has not spoken for a while', () => {
    const bench = pair();
    bench.run(300, () => bench.hear('n2', { incarnation: next, state: 'joining', gone: INCARNATION }));
    expect(shown(bench, 'n2')).toMatchObject({ incarnation: next, state: 'joining' });
  });

  it('that counts from below, its memory and its clock having been set back, hears of the old one and goes above it', () => {
    const bench = pair();
    bench.hear('n2', { state: 'stopped', reason: 'drained' });
    bench.run(5000);
    expect(bench.newest().heard).toMatchObject([{ name: 'n2', incarnation: INCARNATION, sequence: 0 }]);
    const fresh = new Bench();
    fresh.hear('n3', { heard: [{ name: 'n1', incarnation: 7 * 2 ** 20, sequence: 0, viewDigest: '', gained: 0 }] });
    expect(fresh.core.status(fresh.nowMs).incarnation).toBeGreaterThan(7 * 2 ** 20);
  });

  it('does not while the old one speaks on: then it is another host with its name, whose numbers are higher', () => {
    const bench = pair();
    bench.run(1000, () => {
      bench.hear('n2');
      bench.hear('n2', { incarnation: next, state: 'waiting', gone: next - 1 });
    });
    expect(shown(bench, 'n2')).toMatchObject({ incarnation: INCARNATION, state: 'up' });
    bench.step({ type: 'obituary', obituary: { name: 'n2', incarnation: next } });
    expect(shown(bench, 'n2')).toMatchObject({ incarnation: INCARNATION, state: 'up' });
  });
});

describe('two hosts with our name', () => {
  const ours = 2 ** 20;
  const count = (bench: Bench, event: string) => bench.out.filter((d) => d.type === 'log' && d.event === event).length;

  it('we serve and the other does not: we go on, and say so once', () => {
    const bench = pair();
    for (const incarnation of [ours - 5, ours + 99]) {
      bench.run(3000, () => {
        bench.hear('n2');
        bench.hear('n1', { incarnation, state: 'waiting' });
      });
      expect(bench.state).toBe('up');
    }
    expect(count(bench, 'twin')).toBe(1);
    bench.run(1000, () => bench.hear('n2'));
    expect(count(bench, 'twin-gone')).toBe(1);
  });

  it('the other serves: we wait, calmly, until it is gone, and come back above its number', () => {
    const bench = new Bench();
    const changes = () => bench.out.filter(({ type }) => type === 'state').length;
    bench.run(300, () => bench.hear('n1', { incarnation: ours + 99, state: 'up' }));
    expect(bench.reason).toBe('twin: another host uses the name n1');
    const before = changes();
    bench.run(5000, () => bench.hear('n1', { incarnation: ours + 99, state: 'up' }));
    expect(changes()).toBe(before);
    expect(count(bench, 'twin')).toBe(1);
    bench.run(1500);
    expect(bench.state).toBe('up');
    expect(bench.newest().incarnation).toBeGreaterThan(ours + 99);
  });

  it('both serve: the lower number goes on', () => {
    for (const [incarnation, state] of [
      [ours + 99, 'up'],
      [ours - 99, 'waiting'],
    ] as const) {
      const bench = pair();
      bench.run(200, () => {
        bench.hear('n2');
        bench.hear('n1', { incarnation, state: 'up' });
      });
      expect(bench.state).toBe(state);
    }
  });
});

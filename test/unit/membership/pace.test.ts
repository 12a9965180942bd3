/** How often heartbeats go out while acknowledgements lag, at an interval of 100 ms; and what `members` says beside `status`. */
import { expect, it } from 'vitest';
import { Bench } from './bench.js';

function farmWith(others: readonly string[]): Bench {
  const bench = new Bench();
  const all = () => others.forEach((name) => void bench.hear(name));
  bench.run(1500, all);
  expect(bench.state).toBe('up');
  return bench;
}

/** Heartbeats in 130 ms, beginning 210 ms after the others last acknowledged one, which are `heard` meanwhile. */
function beatsInLag(bench: Bench, others: readonly string[]): number {
  const { heard: frozen } = bench.heartbeatOf(others[0]!);
  const all = () => others.forEach((name) => void bench.hear(name, { heard: frozen }));
  bench.run(210, all);
  const before = bench.newest().sequence;
  bench.run(130, all);
  return bench.newest().sequence - before;
}

it('one who is heard and does not hear us: six times as often, since its word ends our lease', () => {
  const beats = beatsInLag(farmWith(['n2']), ['n2']);
  expect(beats).toBeGreaterThanOrEqual(7);
  expect(beats).toBeLessThanOrEqual(9);
});

it('in a farm of more than four, whose members pass heartbeats on: three times', () => {
  const others = ['n2', 'n3', 'n4', 'n5'];
  const beats = beatsInLag(farmWith(others), others);
  expect(beats).toBeGreaterThanOrEqual(3);
  expect(beats).toBeLessThanOrEqual(5);
});

it('one who has fallen silent may be dead: three times', () => {
  const bench = farmWith(['n2']);
  bench.run(310);
  const before = bench.newest().sequence;
  bench.run(200);
  expect(bench.newest().sequence - before).toBeLessThanOrEqual(7);
});

it('a node that comes late itself lacks time, not heartbeats: three times', () => {
  const bench = farmWith(['n2']);
  const { heard } = bench.heartbeatOf('n2');
  bench.run(210, () => void bench.hear('n2', { heard }));
  bench.nowMs = bench.core.nextTickMs() + 60;
  bench.hear('n2', { heard });
  expect(bench.core.nextTickMs() - bench.nowMs).toBeGreaterThan(30);
});

it('one who falls silent: a tick is due right when it counts no more, for our lease may have hung on it until then', () => {
  const bench = farmWith(['n2']);
  const lastMs = bench.nowMs - 50;
  bench.run(130);
  const ticks: number[] = [];
  while (bench.nowMs < lastMs + 450) {
    bench.nowMs = bench.core.nextTickMs();
    bench.step({ type: 'tick' });
    ticks.push(bench.nowMs - lastMs);
  }
  expect(ticks).toContain(301);
});

it('the members are those of the status', () => {
  const bench = farmWith(['n2', 'n3']);
  bench.hear('n4', { state: 'draining' });
  bench.run(100, () => void bench.hear('n2'));
  bench.hear('n3', { state: 'stopped' });
  bench.run(800, () => void bench.hear('n2'));
  const members = bench.core.members();
  expect(members.map(({ name, state }) => `${name} ${state}`)).toEqual(['n1 up', 'n2 up', 'n3 stopped', 'n4 dead']);
  expect(members).toEqual(
    bench.core.status(bench.nowMs).members.map(({ name, incarnation, state }) => ({ name, incarnation, state })),
  );
});

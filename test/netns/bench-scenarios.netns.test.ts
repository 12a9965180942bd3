/** Every scenario of `covey bench` but those of bench.netns, once and short: it runs to its end and measures all that it names. */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { PeerResult, Report, ScenarioResult } from '../../src/bench/contract.js';
import { run } from '../../src/platform/run.js';
import { ROOT } from './farm.js';

const CLI = join(ROOT, 'dist', 'cli', 'main.js');
const SCENARIOS = ['streams', 'accepted', 'latency', 'faults', 'growth', 'micro'];
/** Of `growth` and `micro` the peers have other names. */
const PEERS = 'covey,2 nodes,IPv6,membership';
const RUN_MS = 240_000;

let report: Report;
beforeAll(async () => {
  const words = ['bench', ...SCENARIOS, '--rounds', '1', '--seconds', '1', '--peers', PEERS, '--json'];
  report = JSON.parse((await run(process.execPath, [CLI, ...words], { timeoutMs: RUN_MS })).stdout) as Report;
}, RUN_MS);

const scenario = (id: string): ScenarioResult => report.scenarios.find((one) => one.id === id)!;
const peer = (id: string, name: string): PeerResult => scenario(id).peers.find((one) => one.name === name)!;
const value = (id: string, name: string, figure: string): number => peer(id, name).figures[figure]!.median;

const notes = () => peer('latency', 'covey').notes.join(' ');

it('runs all, and none is cut', () => {
  expect(report.scenarios.map(({ id, isCut }) => [id, isCut])).toEqual(SCENARIOS.map((id) => [id, false]));
});

it.each([
  ['streams', ['covey']],
  ['accepted', ['covey']],
  ['latency', ['covey']],
  ['faults', ['covey']],
  ['growth', ['1 node', '2 nodes']],
])('measures every figure of %s at %j', (id, names) => {
  for (const name of names)
    for (const { id: figure } of scenario(id).figures) {
      expect(peer(id, name).figures[figure], `${name}, ${figure}`).toMatchObject({ n: 1 });
      expect(value(id, name, figure), `${name}, ${figure}`).toBeGreaterThanOrEqual(0);
    }
});

it('measures every figure of micro at one of its peers, and none as nothing', () => {
  const { figures, peers } = scenario('micro');
  expect(peers.map(({ name }) => name)).toEqual(['IPv4', 'IPv6', 'membership']);
  // Kernels before Linux 6.6 have no fast path.
  const hasFastPath = /; with fast path/.test(notes());
  for (const { id } of figures.filter((one) => hasFastPath || !one.id.startsWith('fast-'))) {
    const medians = peers.flatMap(({ figures: { [id]: one } }) => (one === undefined ? [] : [one.median]));
    expect(medians.length, id).toBeGreaterThan(0);
    for (const median of medians) expect(median, id).toBeGreaterThan(0);
  }
});

it('measured what it says', () => {
  const oneStream = scenario('streams').figures[0]!.id;
  expect(value('streams', 'covey', oneStream)).toBeGreaterThan(0);
  expect(value('accepted', 'covey', 'rate')).toBeGreaterThan(1000);
  expect(value('accepted', 'covey', 'lost-steady')).toBeLessThan(100);
  // Whoever waited for a dead node waited at least for its lease, and a node that drains leaves no gap like that.
  expect(value('faults', 'covey', 'kill-gap')).toBeGreaterThan(300);
  expect(value('faults', 'covey', 'kill-gap')).toBeLessThan(4000);
  expect(value('faults', 'covey', 'kill-lost')).toBeGreaterThan(0);
  expect(value('growth', '2 nodes', 'sent')).toBeGreaterThan(value('growth', '1 node', 'sent'));
  expect(notes()).toMatch(/accepted [1-9]\d{3}/);
  if (/; with fast path/.test(notes())) expect(notes()).toMatch(/acceptedInKernel [1-9]\d{3}/);
});

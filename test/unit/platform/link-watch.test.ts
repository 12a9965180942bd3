/** The watch on a connection's silence, on a clock of its own. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LINK_TIMES } from '../../../src/platform/link-contract.js';
import { LinkWatch } from '../../../src/platform/link-watch.js';

const { aliveMs, silentMs, restAfterMs, restAliveMs, restSilentMs } = LINK_TIMES;
let signs = 0;
let silences: number[] = [];
let watch: LinkWatch;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  signs = 0;
  silences = [];
  watch = new LinkWatch(LINK_TIMES, { sayAlive: () => void signs++, onSilence: (ms) => silences.push(ms) });
  watch.start();
});

afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

/** Time passes while the other end says something every `everyMs`. */
function hear(forMs: number, everyMs: number): void {
  for (let ms = 0; ms < forMs; ms += everyMs) {
    vi.advanceTimersByTime(everyMs);
    watch.heard();
  }
}

it('at rest says it lives once in 10 s, and bears 40 s of silence', () => {
  hear(60_000, restAliveMs);
  expect(signs).toBe(60_000 / restAliveMs);
  vi.advanceTimersByTime(restSilentMs);
  expect(silences).toEqual([]);
  vi.advanceTimersByTime(restAliveMs);
  expect(silences).toEqual([restSilentMs + restAliveMs]);
});

it('a message after a long rest: silence from then on is noticed within two seconds and a sign of life', () => {
  hear(60_000, restAliveMs);
  vi.advanceTimersByTime(restAliveMs - 1);
  watch.used();
  vi.advanceTimersByTime(silentMs);
  expect(silences).toEqual([]);
  vi.advanceTimersByTime(aliveMs);
  expect(silences).toEqual([silentMs + aliveMs]);
  vi.advanceTimersByTime(60_000);
  expect(silences).toHaveLength(1);
});

it('while messages go, says it lives twice a second, and for 5 s after the last one', () => {
  for (let i = 0; i < 10; i++) {
    watch.used();
    hear(1000, aliveMs);
  }
  expect(signs).toBe(20);
  hear(restAfterMs, aliveMs);
  const before = signs;
  hear(10 * restAliveMs, restAliveMs);
  expect(signs - before).toBeLessThanOrEqual(11);
});

it('calls nobody silent for a stall of its own', () => {
  watch.used();
  const spy = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 2 * restSilentMs);
  vi.advanceTimersByTime(aliveMs);
  spy.mockRestore();
  expect(silences).toEqual([]);
  expect(signs).toBe(1);
});

it('once stopped, says nothing', () => {
  watch.used();
  watch.stop();
  vi.advanceTimersByTime(120_000);
  expect([signs, silences]).toEqual([0, []]);
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ApiError } from '../../../src/console/web/api.js';
import { leftText, type Outcome, send, waitingText } from '../../../src/console/web/deed.js';

let told: Outcome[];
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
});
afterEach(() => vi.useRealTimers());
const drain = (act: () => Promise<string>) =>
  send({ verb: 'Drain n3', act, limitMs: 12_000 }, (outcome) => told.push(outcome));

it('tells the answer, once', async () => {
  drain(async () => 'n3 drains');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual([{ text: 'n3 drains', bad: false }]);
});

it('says of what it was that it was refused', async () => {
  drain(() => Promise.reject(new ApiError(409, 'refused', 'n3 is dead', 'see the farm')));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual([{ text: 'Drain n3: n3 is dead (see the farm)', bad: true }]);
});

it('does not wait for ever, says that it may still happen, and then what did', async () => {
  let answer: (text: string) => void = () => undefined;
  drain(() => new Promise((done) => (answer = done)));
  await vi.advanceTimersByTimeAsync(11_999);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([{ text: 'Drain n3: no answer in 12 s. It was sent, and may still happen.', bad: true }]);
  answer('n3 drains');
  await vi.advanceTimersByTimeAsync(0);
  expect(told.at(-1)).toEqual({ text: 'n3 drains', bad: false });
});

it('has a word for those who wait, and for those who do not', () => {
  expect(waitingText(300, 12_000)).toBe('');
  expect(waitingText(3400, 12_000)).toMatch(/^Sent 3 s ago.*may still happen.*does not take it back.*12 s\.$/);
  expect(leftText('Drain n3')).toMatch(/^Drain n3: sent, and may still happen/);
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProbeKind } from '../../../src/reach/contract.js';
import { Evidence, MISSED_ROUNDS } from '../../../src/reach/evidence.js';
import { kindsSent } from '../../../src/reach/judge.js';
import { type ProbeSender, parseProbe } from '../../../src/reach/probe-frame.js';
import { BURST_ROUNDS, Prober } from '../../../src/reach/prober.js';

const tag = () => new Uint8Array(8);
const sender: ProbeSender = {
  name: 'n1',
  run: 1,
  mac: Uint8Array.of(0x0a, 0x77, 0, 0, 0, 1),
  address: Uint8Array.of(10, 77, 0, 1),
  probeMac: Uint8Array.of(2, 1, 2, 3, 4, 5),
  vip4: Uint8Array.of(10, 77, 0, 50),
  vip6: null,
  port: 7947,
  tag,
};
const kinds = kindsSent({ ipv4: true, ipv6: false });
const macOf = (peer: number) => Uint8Array.of(0x0a, 0x77, 0, 0, 1, peer);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A prober in a farm of so many others. `sent`: kind and destination of what it has sent. */
function bench(peers: number, isContinuous: boolean) {
  const evidence = new Evidence(1);
  for (let peer = 0; peer < peers; peer++) {
    const carrier = { address: new Uint8Array(4), framesSeen: 0, mode: '', kinds, to: [1] };
    evidence.take(
      { kind: 'carrier', mac: macOf(peer), run: 100 + peer, round: 1, name: `p${peer}`, carrier, bytes: 60 },
      0,
    );
  }
  const sent: { readonly kind: ProbeKind; readonly to: string; readonly bytes: number }[] = [];
  const send = (frame: Uint8Array) => {
    const to = frame.slice(0, 6);
    const receiver = { mac: to, probeMac: sender.probeMac, tag };
    const kind = parseProbe(frame, receiver)!.kind;
    sent.push({ kind, to: to.join(), bytes: frame.length - 14 });
  };
  const prober = new Prober(
    { sender, kinds, evidence, send, nowMs: () => 0, framesSeen: () => 0, mode: () => '' },
    isContinuous,
  );
  const count = (kind: ProbeKind) => sent.filter((frame) => frame.kind === kind).length;
  return { prober, sent, count };
}

describe('the pace of probes', () => {
  it('a burst is over in a second, and sends each kind to each peer in each round, the carrier last', () => {
    const { prober, sent, count } = bench(2, false);
    prober.burst();
    vi.advanceTimersByTime(1000);
    expect(count('carrier')).toBe(BURST_ROUNDS);
    expect(count('flood-ipv4')).toBe(BURST_ROUNDS);
    expect(count('answer-flood')).toBe(2 * BURST_ROUNDS);
    expect(sent.at(-1)?.kind).toBe('carrier');
    vi.advanceTimersByTime(60_000);
    expect(count('carrier')).toBe(BURST_ROUNDS);
  });

  it('goes on at a low rate, so that something missing is noticed within 10 s in farms of any size', () => {
    for (const peers of [0, 2, 63]) {
      const { prober, count } = bench(peers, true);
      prober.burst(1);
      vi.advanceTimersByTime(10_000);
      expect(count('carrier')).toBeGreaterThan(MISSED_ROUNDS);
      expect(count('carrier')).toBeLessThan(20);
      prober.close();
    }
  });

  it('in a large farm peers take turns, and none is left out', () => {
    const { prober, sent } = bench(63, false);
    prober.burst();
    vi.advanceTimersByTime(10_000);
    const frames = sent.filter(({ kind }) => kind === 'unicast-ipv4');
    expect(new Set(frames.map(({ to }) => to)).size).toBe(63);
    expect(frames.length).toBeLessThanOrEqual(16 * BURST_ROUNDS);
  });

  it('sizes are tried with the burst that asks for them', () => {
    const { prober, sent } = bench(1, false);
    prober.burst(BURST_ROUNDS, [1280, 1500]);
    vi.advanceTimersByTime(1000);
    expect(new Set(sent.filter(({ kind }) => kind === 'size').map(({ bytes }) => bytes))).toEqual(
      new Set([1280, 1500]),
    );
    prober.close();
    prober.burst();
    const before = sent.length;
    vi.advanceTimersByTime(1000);
    expect(sent.length).toBe(before);
  });
});

/** What pages are told, also while the agent is slow, gone or emptied. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Frame } from '../../../src/console/contract.js';
import { Live, type LiveAgent, type LiveMessage } from '../../../src/console/live.js';
import type { EventReport } from '../../../src/control/contract.js';
import { statusOf } from './rig.js';

const never = () => new Promise<never>(() => undefined);
const event = (seq: number): EventReport => ({
  seq,
  at: '2026-01-01T00:00:00.000Z',
  node: 'n1',
  event: 'state',
  fields: {},
});

let live: Live;
let heard: LiveMessage[];
let agent: { -readonly [K in keyof LiveAgent]: (...words: never[]) => Promise<unknown> };

beforeEach(() => {
  vi.useFakeTimers();
  heard = [];
  agent = {
    status: async () => statusOf(),
    peers: async () => ({ version: 1, nodes: [] }),
    buckets: async () => ({ version: 1, plan: 0, buckets: 4096, nodes: [], owners: '', planned: '' }),
    events: async () => ({ version: 1, events: [], lastSeq: 0 }),
  };
  live = new Live({
    agent: new Proxy({} as LiveAgent, { get: (_, name: keyof LiveAgent) => agent[name] }),
    fingerprint: 'AA',
    listen: '0.0.0.0:9443',
    nowMs: () => Date.now(),
    wallMs: () => Date.now(),
    warnings: () => ['disk full'],
  });
});
afterEach(() => {
  live.close();
  vi.useRealTimers();
});

const frames = () => heard.flatMap((message) => (message.event === 'frame' ? [message.data as Frame] : []));
const eventsHeard = () =>
  heard.flatMap((message) => (message.event === 'events' ? (message.data as EventReport[]).map(({ seq }) => seq) : []));
const listen = () => live.listen((message) => heard.push(message));

describe('frames', () => {
  it('go on while the agent hangs, with an age that grows: the console itself is there', async () => {
    live.start();
    listen();
    await vi.advanceTimersByTimeAsync(1000);
    agent.status = never;
    agent.buckets = never;
    const before = frames().length;
    await vi.advanceTimersByTimeAsync(5000);
    const told = frames().slice(before);
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(told.at(-1)?.statusAgeMs).toBeGreaterThanOrEqual(4000);
    expect(told.at(-1)?.bucketsAgeMs).toBeGreaterThanOrEqual(4000);
    expect(told.at(-1)?.peersAgeMs).toBeLessThan(1000);
  });

  it('say why the agent does not answer, and that it does again', async () => {
    agent.status = async () => Promise.reject(new Error('no agent runs'));
    live.start();
    listen();
    await vi.advanceTimersByTimeAsync(1000);
    expect(frames().at(-1)).toMatchObject({
      agent: { ok: false, trouble: 'no agent runs' },
      status: null,
      statusAgeMs: null,
    });
    agent.status = async () => statusOf();
    await vi.advanceTimersByTimeAsync(1000);
    expect(frames().at(-1)).toMatchObject({ agent: { ok: true }, warnings: ['disk full'] });
  });

  it('come often while somebody looks, and stop for one who does not', async () => {
    live.start();
    const stop = listen();
    await vi.advanceTimersByTimeAsync(4000);
    const looked = frames().length;
    expect(looked).toBeGreaterThanOrEqual(10);
    stop();
    await vi.advanceTimersByTimeAsync(4000);
    expect(frames().length).toBe(looked);
    expect(live.listeners).toBe(0);
  });
});

describe('the traffic', () => {
  /** A node asks the others with one call and has their words with the next. */
  const farmOf = (lost: (turn: number) => boolean) => {
    let turn = 0;
    let word = { uptimeMs: 0, atMs: 0 };
    agent.peers = async () => {
      const nowMs = Date.now();
      const of = (node: string, uptimeMs: number, ageMs: number) => ({
        node,
        ageMs,
        uptimeMs,
        counters: { accepted: uptimeMs / 10, rejected: {} },
      });
      const nodes = [of('n1', nowMs, 0), ...(word.atMs === 0 ? [] : [of('n2', word.uptimeMs, nowMs - word.atMs)])];
      if (!lost(turn++)) word = { uptimeMs: nowMs + 5, atMs: nowMs + 5 };
      return { version: 1, nodes };
    };
  };
  const holes = () => {
    const column = live.traffic.report().nodes.n2!.accepted;
    const from = column.findIndex((rate) => rate !== null);
    return column.slice(from, -1).filter((rate) => rate !== 100).length;
  };

  it.each([
    ['with no page open', false],
    ['while somebody looks', true],
  ])('has each second of each node, %s, also when a word is lost', async (_, isLookedAt) => {
    farmOf((turn) => turn % 5 === 3);
    live.start();
    if (isLookedAt) listen();
    await vi.advanceTimersByTimeAsync(94_000);
    expect(live.traffic.report().times.length).toBeGreaterThanOrEqual(94);
    expect(holes()).toBe(0);
    if (!isLookedAt) return;
    const late = frames().slice(12);
    expect(late.filter(({ traffic }) => traffic?.nodes.n2 === undefined)).toEqual([]);
  });
});

describe('events', () => {
  it('are asked for by number, so that two of one millisecond are both told, once', async () => {
    const all = [event(1)];
    agent.events = async (query: { after?: number }) => ({
      version: 1,
      events: all.filter(({ seq }) => seq > (query.after ?? 0)),
      lastSeq: all.at(-1)!.seq,
    });
    live.start();
    listen();
    await vi.advanceTimersByTimeAsync(500);
    all.push(event(2), event(3));
    await vi.advanceTimersByTimeAsync(1000);
    expect(eventsHeard()).toEqual([1, 2, 3]);
    expect(live.events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('begin anew when the run directory was emptied', async () => {
    let all = [event(8), event(9)];
    agent.events = async (query: { after?: number }) => ({
      version: 1,
      events: all.filter(({ seq }) => seq > (query.after ?? 0)),
      lastSeq: all.at(-1)!.seq,
    });
    live.start();
    listen();
    await vi.advanceTimersByTimeAsync(500);
    all = [event(1), event(2)];
    await vi.advanceTimersByTimeAsync(1500);
    expect(live.events.map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('buckets', () => {
  it('that aged while nobody looked are fresh in the first frame after their answer', async () => {
    live.start();
    const stop = listen();
    await vi.advanceTimersByTimeAsync(1000);
    stop();
    await vi.advanceTimersByTimeAsync(10_000);
    heard = [];
    listen();
    await vi.advanceTimersByTimeAsync(0);
    expect(frames()[0]?.bucketsAgeMs).toBeGreaterThan(5000);
    expect(frames().at(-1)?.bucketsAgeMs).toBe(0);
  });

  it('are told when they change, and their age tells that they did not', async () => {
    live.start();
    listen();
    await vi.advanceTimersByTimeAsync(4000);
    expect(heard.filter(({ event: kind }) => kind === 'buckets').length).toBe(1);
    expect(frames().at(-1)?.bucketsAgeMs).toBeLessThan(1000);
  });
});

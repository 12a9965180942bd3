/** The agent's side of the capturing process, with small programs in the place of the real one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawProcess } from '../../../../src/platform/raw/process.js';

let directory: string;
let port: RawProcess | null = null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-raw-'));
});
afterEach(() => {
  port?.close();
  port = null;
  rmSync(directory, { recursive: true });
});

function start(program: string): RawProcess {
  const entry = join(directory, 'entry.mjs');
  writeFileSync(entry, program);
  port = new RawProcess({ entry, interface: 'eth0', filter: 'arp' });
  return port;
}

const OPENS = `process.on('message', (order) => {
  if (order.type === 'open') process.send({ type: 'open' });
  else process.send({ type: 'frames', frames: [{ bytes: order.frame, atMs: 5 }], skipped: 2 });
});`;

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what}: not in time`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

describe('the capturing process', () => {
  it('opens, takes frames to send, and brings captured ones', async () => {
    const raw = start(OPENS);
    expect(await raw.ready()).toEqual({ state: 'open' });
    const frames: Uint8Array[] = [];
    raw.onFrame(({ bytes }) => frames.push(bytes));
    raw.send(Uint8Array.of(1, 2, 3));
    await until('the frame comes back', () => frames.length === 1);
    expect([...frames[0]!]).toEqual([1, 2, 3]);
    expect(raw.skipped).toBe(2);
  });

  it('a missing package is final, and said', async () => {
    const raw = start(`process.on('message', () => process.send({ type: 'missing', why: 'no cap' }));`);
    expect(await raw.ready()).toEqual({ state: 'failed', why: 'no cap', isFinal: true });
    raw.send(Uint8Array.of(1));
  });

  it('is started again when it aborts, as cap does when the interface goes down', async () => {
    const raw = start(`process.on('message', (order) => {
      if (order.type === 'send') process.abort();
      process.send({ type: 'open' });
    });`);
    const states: string[] = [];
    await raw.ready();
    raw.onState(({ state }) => states.push(state));
    raw.send(Uint8Array.of(1));
    await until('it is open again', () => states.join() === 'failed,open');
    expect(raw.state).toEqual({ state: 'open' });
  });

  it('after close nothing is told, and nothing started', async () => {
    const raw = start(OPENS);
    await raw.ready();
    const states: string[] = [];
    raw.onState(({ state }) => states.push(state));
    raw.close();
    raw.close();
    raw.send(Uint8Array.of(1));
    await new Promise((done) => setImmediate(done));
    expect(states).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { filterFor } from '../../../src/cli/commands/trace.js';
import { type QueueParts, TraceQueue } from '../../../src/cli/trace/queue.js';
import type { TraceRequest, TraceVerdict } from '../../../src/control/contract.js';
import type { CapturedFrame } from '../../../src/platform/pcap.js';
import { MINIMAL } from '../config/examples.js';
import { covey } from './fake-parts.js';
import { healthy } from './reports.js';

const frame = (number: number): CapturedFrame => ({
  atMs: Date.parse('2026-11-28T12:00:00.000Z') + number,
  bytes: Uint8Array.of(number & 0xff),
  length: 60,
  decoded: { protocol: 'tcp', from: `10.77.0.100:${number}`, to: '10.77.0.50:80', detail: 'syn' },
});
const verdict: TraceVerdict = {
  verdict: 'reject',
  reason: 'rejectedNotOwner',
  rule: 'web',
  plan: 0,
  bucket: 1871,
  owner: 'n2',
  planned: 'n2',
};

function queue(over: Partial<QueueParts> = {}) {
  const shown: string[] = [];
  const batches: number[] = [];
  const made = new TraceQueue({
    judge: async (frames) => {
      batches.push(frames.length);
      return frames.map(() => verdict);
    },
    show: ({ decoded }) => shown.push(decoded.from!.split(':')[1]!),
    room: 128,
    pauseMs: 0,
    count: null,
    wait: async () => undefined,
    ...over,
  });
  return { queue: made, shown, batches };
}

describe('the queue of a trace', () => {
  it('asks in batches, in order', async () => {
    const { queue: made, shown, batches } = queue();
    for (let i = 0; i < 100; i++) made.put(frame(i));
    await made.drained();
    expect(batches).toEqual([64, 36]);
    expect(shown).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });

  it('skips what comes faster than it may ask, and counts it', async () => {
    const { queue: made, shown } = queue({ room: 10 });
    for (let i = 0; i < 100; i++) made.put(frame(i));
    await made.drained();
    expect(made.counts).toEqual({ seen: 100, shown: 10, skipped: 90 });
    expect(shown).toHaveLength(10);
  });

  it('pauses between two batches', async () => {
    const waits: number[] = [];
    const { queue: made } = queue({ pauseMs: 100, wait: async (ms) => void waits.push(ms) });
    for (let i = 0; i < 100; i++) made.put(frame(i));
    await made.drained();
    expect(waits).toEqual([100, 100]);
  });

  it('ends after so many', async () => {
    const { queue: made, shown } = queue({ count: 3 });
    for (let i = 0; i < 100; i++) made.put(frame(i));
    await made.done;
    made.put(frame(200));
    await made.drained();
    expect(shown).toEqual(['0', '1', '2']);
  });

  it('ends with the one who judges', async () => {
    const { queue: made } = queue({ judge: () => Promise.reject(new Error('the agent went away')) });
    made.put(frame(1));
    await expect(made.done).rejects.toThrow('the agent went away');
  });
});

describe('the default filter', () => {
  it('takes frames for the VIPs', () => {
    expect(filterFor(['10.77.0.50/24'])).toBe('dst host 10.77.0.50');
    expect(filterFor(['10.77.0.50/24', 'fd77::50/64'])).toBe(
      'dst host 10.77.0.50 or dst host fd77::50 or (icmp6 and ip6[40] = 135)',
    );
  });
});

/** A capture that brings these frames at once. */
function capture(frames: readonly CapturedFrame[]) {
  const opened: string[][] = [];
  let closed = 0;
  const open = (what: string, filter: string, onFrame: (frame: CapturedFrame) => void) => {
    opened.push([what, filter]);
    for (const each of frames) onFrame(each);
    return {
      ended: Promise.resolve(),
      lost: () => 0,
      close: () => {
        closed += 1;
      },
    };
  };
  return { door: { checkFile: () => undefined, openLive: open, openFile: open }, opened, closed: () => closed };
}

const judged = async ({ frames }: TraceRequest) => ({
  version: 1 as const,
  node: 'n1',
  serving: true,
  verdicts: frames.map(() => verdict),
});

describe('covey trace', () => {
  it('captures on the farm interface, and says what becomes of each frame', async () => {
    const { door, opened, closed } = capture([frame(1), frame(2)]);
    const { out, exitCode } = await covey('trace --count 2', {
      control: { status: async () => healthy(), trace: judged },
      parts: { capture: door },
    });
    expect(exitCode).toBe(0);
    expect(opened).toEqual([['eth0', 'dst host 10.77.0.50']]);
    expect(out.split('\n')[0]).toBe(
      '12:00:00.001  tcp   10.77.0.100:1 > 10.77.0.50:80 syn  reject rejectedNotOwner  rule web, bucket 1871, owner n2',
    );
    expect(closed()).toBe(1);
  });

  it('prints JSON a line, and last what it left out', async () => {
    const { door } = capture(Array.from({ length: 300 }, (_, i) => frame(i)));
    const { out, err } = await covey('trace --json tcp port 80', {
      control: { status: async () => healthy(), trace: judged },
      parts: { capture: door },
    });
    const records = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.every(({ version }) => version === 1)).toBe(true);
    expect(records[0]).toMatchObject({ type: 'frame', node: 'n1', bucket: 1871, owner: 'n2', from: '10.77.0.100:0' });
    expect(records.at(-1)).toEqual({ version: 1, type: 'summary', seen: 300, shown: 128, skipped: 172, lost: 0 });
    expect(err).toMatch(/172 frames were skipped/);
  });

  it('judges a file by the config and the nodes that are named, without any agent', async () => {
    const { door, opened } = capture([frame(1)]);
    const asked: unknown[] = [];
    const { out, exitCode } = await covey('trace --read x.pcap --config covey.yaml --nodes n1,n2 --json', {
      parts: {
        capture: door,
        imagineFarm: async (...words) => {
          asked.push(words);
          return { lacks: null, vips: ['10.77.0.50/24'], judge: (frames) => frames.map(() => verdict) };
        },
      },
    });
    expect(exitCode).toBe(0);
    expect(asked).toEqual([['covey.yaml', ['n1', 'n2']]]);
    expect(opened).toEqual([['x.pcap', 'dst host 10.77.0.50']]);
    expect(JSON.parse(out.split('\n')[0]!)).toMatchObject({ node: 'farm', owner: 'n2' });
  });

  it('judges by the nodes that the config names, where no agent runs and none are given; and says so', async () => {
    const { door } = capture([frame(1)]);
    const asked: unknown[] = [];
    const imagineFarm = async (...words: unknown[]) => {
      asked.push(words);
      return {
        lacks: null,
        vips: ['10.77.0.50/24'],
        judge: (frames: readonly CapturedFrame[]) => frames.map(() => verdict),
      };
    };
    const files = { 'named.yaml': `${MINIMAL}nodes: { n1: , n2: }\n`, 'nameless.yaml': MINIMAL };
    const parts = { capture: door, imagineFarm };
    const named = await covey('trace --read x.pcap --config named.yaml', { files, parts });
    expect([named.exitCode, asked]).toEqual([0, [['named.yaml', ['n1', 'n2']]]]);
    expect(named.err).toMatch(/no agent runs here: judged by the plan of the nodes that the config names, n1, n2/);
    expect((await covey('trace --read x.pcap --config nameless.yaml', { files, parts })).exitCode).toBe(2);
  });

  it('says that the agent judges, where a config is given without nodes', async () => {
    const { door } = capture([frame(1)]);
    const control = { status: async () => healthy(), trace: judged };
    const { err, exitCode } = await covey('trace --read x.pcap --config covey.yaml', {
      control,
      parts: { capture: door },
    });
    expect(exitCode).toBe(0);
    expect(err).toMatch(/judged by the agent here, n1; --config counts only with --nodes/);
  });

  it('says first that there is no such capture, whatever else is missing', async () => {
    const checkFile = (path: string): never => {
      throw new Error(`cannot read the capture ${path}: there is no such file`);
    };
    const parts = { capture: { ...capture([]).door, checkFile } };
    for (const more of ['', ' --config covey.yaml --nodes n1,n2', ' --nodes n1']) {
      const { exitCode, err } = await covey(`trace --read gone.pcap${more}`, { parts });
      expect([exitCode, err]).toEqual([1, 'covey: cannot read the capture gone.pcap: there is no such file\n']);
    }
  });

  it('says what an imagined farm cannot know', async () => {
    const { door } = capture([frame(1)]);
    const imagineFarm = async () => ({
      lacks: 'no key here',
      vips: ['10.77.0.50/24'],
      judge: (frames: readonly CapturedFrame[]) => frames.map(() => ({ ...verdict, bucket: null, owner: null })),
    });
    const line = 'trace --read x.pcap --config covey.yaml --nodes n1,n2';
    const { err, out, exitCode } = await covey(line, { parts: { capture: door, imagineFarm } });
    expect([exitCode, err]).toEqual([0, 'no key here\n']);
    expect(out).toContain('rule web');
    expect(out).not.toContain('bucket');
  });

  it('says what is missing to judge by', async () => {
    const cases = [
      ['trace --read x.pcap', 2, /covey trace --read FILE --config covey.yaml --nodes n1,n2,n3/],
      ['trace --read x.pcap --nodes n1', 2, /add --config covey.yaml/],
      ['trace --nodes n1', 2, /add --read FILE/],
      ['trace --nodes n1,n1', 2, /each once/],
      ['trace', 5, /no agent is running/],
      ['trace --count 0', 2, /number from 1/],
    ] as const;
    for (const [line, code, message] of cases) {
      const { exitCode, err } = await covey(line);
      expect([line, exitCode]).toEqual([line, code]);
      expect(err).toMatch(message);
    }
  });
});

import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LINE_BYTES, TIMELINE_LIMIT, Timeline } from '../../../src/agent/timeline.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-timeline-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const event = (number: number) => ({ at: '2026-01-01T00:00:00.000Z', node: 'n1', event: 'state', fields: { number } });

describe('timeline', () => {
  it('is kept across restarts', () => {
    new Timeline(directory).add(event(1));
    const again = new Timeline(directory);
    again.add(event(2));
    expect(again.newest(10).map(({ fields }) => fields.number)).toEqual([1, 2]);
    expect(again.newest(1).map(({ fields }) => fields.number)).toEqual([2]);
  });

  it('is bounded, on disk too', () => {
    const timeline = new Timeline(directory);
    const total = 3 * TIMELINE_LIMIT;
    for (let number = 0; number < total; number++) timeline.add(event(number));
    expect(timeline.newest(Number.MAX_SAFE_INTEGER)).toHaveLength(TIMELINE_LIMIT);
    expect(timeline.newest(1)[0]?.fields.number).toBe(total - 1);
    const lines = readFileSync(join(directory, 'events.ndjson'), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(2 * TIMELINE_LIMIT);
    expect(JSON.parse(lines.at(-1)!)).toEqual({ seq: total, ...event(total - 1) });
  });

  it('survives a line that a crash cut', () => {
    new Timeline(directory).add(event(1));
    appendFileSync(join(directory, 'events.ndjson'), '{"at":"2026-');
    const again = new Timeline(directory);
    expect(again.newest(10)).toEqual([{ seq: 1, ...event(1) }]);
    again.add(event(2));
    expect(new Timeline(directory).newest(10)).toEqual([
      { seq: 1, ...event(1) },
      { seq: 2, ...event(2) },
    ]);
  });

  it('numbers its events, also across restarts and those of versions that did not', () => {
    const old = [event(1), event(2)].map((each) => `${JSON.stringify(each)}\n`).join('');
    appendFileSync(join(directory, 'events.ndjson'), old);
    const timeline = new Timeline(directory);
    expect(timeline.add(event(3)).seq).toBe(3);
    const again = new Timeline(directory);
    expect(again.lastSeq).toBe(3);
    expect(again.newest(10).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('bounds the length of a line', () => {
    new Timeline(directory).add({ ...event(1), fields: { detail: 'x'.repeat(100_000) } });
    expect(readFileSync(join(directory, 'events.ndjson')).length).toBeLessThan(LINE_BYTES);
    expect(new Timeline(directory).newest(1)[0]?.fields.shortened).toMatch(/^\{"seq":1,/);
  });

  it('starts when the file cannot be read, and says so', () => {
    mkdirSync(join(directory, 'events.ndjson'));
    expect(new Timeline(directory).writeError).toMatch(/cannot be read.*EISDIR/);
  });

  it('outlives a full disk', () => {
    // Every write to it fails with ENOSPC (null(4)).
    symlinkSync('/dev/full', join(directory, 'events.ndjson'));
    const timeline = new Timeline(directory);
    expect(timeline.add(event(1)).seq).toBe(1);
    expect(timeline.writeError).toMatch(/ENOSPC/);
    expect(timeline.newest(10)).toHaveLength(1);
  });

  it('writes what it could not write before, once there is room again', () => {
    const timeline = new Timeline(directory);
    timeline.add(event(1));
    // In the way of every write, as a full disk is.
    const file = join(directory, 'events.ndjson');
    rmSync(file);
    mkdirSync(file);
    timeline.add(event(2));
    expect(timeline.writeError).not.toBe('');
    rmSync(file, { recursive: true });
    timeline.add(event(3));
    expect(timeline.writeError).toBe('');
    expect(new Timeline(directory).newest(10).map(({ fields }) => fields.number)).toEqual([1, 2, 3]);
  });

  it('says why it cannot write, and goes on', () => {
    const timeline = new Timeline(directory);
    rmSync(directory, { recursive: true });
    timeline.add(event(1));
    expect(timeline.writeError).toMatch(/events are not written.*ENOENT/);
    expect(timeline.newest(10)).toEqual([{ seq: 1, ...event(1) }]);
  });
});

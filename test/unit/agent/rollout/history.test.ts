import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigHistory, HISTORY_LIMIT } from '../../../../src/agent/rollout/history.js';
import { hashOf, MAX_SUPERSEDED, nextStamp } from '../../../../src/agent/rollout/revision.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-history-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const entry = (revision: number, text = `text ${revision}`) => ({
  revision,
  hash: hashOf(text),
  supersedes: [],
  text,
  at: '2026-11-28T12:00:00Z',
  by: 'anna',
  node: 'n1',
});
const open = (write: (path: string, text: string) => void = writeFileSync) => new ConfigHistory(directory, write);

describe('the history of configs', () => {
  it('outlives the agent, and is bounded, on the disk too', () => {
    const history = open();
    for (let revision = 1; revision <= HISTORY_LIMIT + 5; revision++) history.add(entry(revision));
    const again = open();
    expect(again.entries().map(({ revision }) => revision)).toEqual(
      Array.from({ length: HISTORY_LIMIT }, (_, at) => at + 6),
    );
    expect(readdirSync(join(directory, 'config-history'))).toHaveLength(HISTORY_LIMIT);
    expect(again.find(10)?.text).toBe('text 10');
    expect(again.find(1)).toBeNull();
  });

  it('finds the latest with a text, after a roll-back', () => {
    const history = open();
    for (const [revision, text] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
    ] as const)
      history.add(entry(revision, text));
    expect(history.withHash(hashOf('a'))?.revision).toBe(3);
    expect(history.withHash(hashOf('c'))).toBeNull();
  });

  it('leaves out what a crash cut short', () => {
    open().add(entry(1));
    writeFileSync(join(directory, 'config-history', '2.json'), '{"revision":2,');
    writeFileSync(join(directory, 'config-history', '3.json'), '{"revision":"x"}');
    expect(
      open()
        .entries()
        .map(({ revision }) => revision),
    ).toEqual([1]);
  });

  it('goes on in memory on a full disk, and says so', () => {
    const history = open(() => {
      throw new Error('ENOSPC');
    });
    history.add(entry(1));
    expect(history.entries()).toHaveLength(1);
    expect(history.writeError).toContain('ENOSPC');
  });
});

describe('the stamp of a new config', () => {
  it('names all that came before, never itself, and not without bound', () => {
    const before = { ...entry(2, 'b'), supersedes: [hashOf('a')] };
    const stamp = nextStamp('a', 3, before, [entry(1, 'a'), before]);
    expect(stamp).toEqual({ revision: 3, hash: hashOf('a'), supersedes: [hashOf('b')] });
    const many = Array.from({ length: 300 }, (_, at) => entry(at));
    expect(nextStamp('new', 301, many.at(-1)!, many).supersedes).toHaveLength(MAX_SUPERSEDED);
  });
});

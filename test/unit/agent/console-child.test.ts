import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConsoleChild } from '../../../src/agent/console-child.js';
import type { ConsoleSettings } from '../../../src/agent/contract.js';

class FakeProcess extends EventEmitter {
  readonly signals: string[] = [];
  constructor(
    readonly settings: ConsoleSettings,
    readonly pid: number | undefined,
  ) {
    super();
  }
  kill(signal: string): boolean {
    this.signals.push(signal);
    return true;
  }
}

const at = (listen: string, hosts: readonly string[] = []): ConsoleSettings => ({ listen, hosts });
let started: FakeProcess[];
let logged: string[];
let pid: number | undefined;
let child: ConsoleChild;

beforeEach(() => {
  vi.useFakeTimers();
  [started, logged, pid] = [[], [], 1];
  child = new ConsoleChild({
    entry: '/none',
    confinedNode: () => ({ execPath: '/none', execArgv: [] }),
    runDir: '/none',
    log: (_level, message) => logged.push(message),
    nowMs: () => Date.now(),
    start: (settings) => {
      started.push(new FakeProcess(settings, pid));
      return started.at(-1) as unknown as ChildProcess;
    },
  });
});
afterEach(() => {
  child.close();
  vi.useRealTimers();
});

it('starts one console for one wish, however often it is said', () => {
  child.want(at('a:1', ['x']));
  child.want(at('a:1', ['x']));
  vi.runAllTimers();
  expect(started.map(({ settings }) => settings)).toEqual([at('a:1', ['x'])]);
});

it('starts a console that was killed anew, later each time', () => {
  child.want(at('a:1'));
  vi.runAllTimers();
  const pauses: number[] = [];
  for (let n = 1; n <= 4; n++) {
    const endedMs = Date.now();
    started.at(-1)!.emit('exit', null, 'SIGKILL');
    vi.runAllTimers();
    expect(started.length).toBe(n + 1);
    pauses.push(Date.now() - endedMs);
  }
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  expect(pauses.at(-1)).toBeGreaterThan(pauses[0]!);
  expect(logged).toEqual(Array(4).fill('console ended'));
});

it('ends one with other settings, hosts among them, and starts the next when it is gone', () => {
  child.want(at('a:1'));
  vi.runAllTimers();
  child.want(at('a:1', ['covey.example.org']));
  expect(started[0]?.signals).toEqual(['SIGTERM']);
  expect(started.length).toBe(1);
  started[0]!.emit('exit', 0, null);
  vi.runAllTimers();
  expect(started[1]?.settings).toEqual(at('a:1', ['covey.example.org']));
  expect(logged).toEqual([]);
});

it('kills one that does not end, and starts none when none is wanted', () => {
  child.want(at('a:1'));
  vi.runAllTimers();
  child.want(null);
  vi.advanceTimersByTime(10_000);
  expect(started[0]?.signals).toEqual(['SIGTERM', 'SIGKILL']);
  started[0]!.emit('exit', null, 'SIGKILL');
  vi.runAllTimers();
  expect(started.length).toBe(1);
});

it('tries again where no process could be made, which has no exit', () => {
  pid = undefined;
  child.want(at('a:1'));
  vi.runAllTimers();
  pid = 2;
  started[0]!.emit('error', new Error('spawn ENOMEM'));
  vi.runAllTimers();
  expect(started.length).toBe(2);
  expect(logged).toEqual(['console process', 'console ended']);
});

/** What a service manager is told, and when it is not. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ManagerReport, START_PATIENCE_MS } from '../../../src/agent/manager-report.js';
import { Pulse } from '../../../src/agent/pulse.js';
import { serviceManager } from '../../../src/platform/service-manager.js';

type State = Readonly<Record<string, string | number>>;

function report(watchdogMs: number | null = 30_000) {
  const told: State[] = [];
  const clock = { nowMs: 0 };
  const made = new ManagerReport({
    tell: (state) => told.push(state),
    isThere: true,
    watchdogMs,
    nowMs: () => clock.nowMs,
  });
  return { made, told, clock };
}

describe('the report to the service manager', () => {
  it('feeds the watchdog itself while an agent starts, but not for ever, and not once an agent can', () => {
    const { made, told, clock } = report();
    made.beat();
    expect(told).toEqual([{ WATCHDOG: 1 }]);
    clock.nowMs = START_PATIENCE_MS;
    made.beat();
    expect(told).toHaveLength(1);
    made.lifeBegins();
    made.beat();
    expect(told).toHaveLength(2);
    made.ready();
    made.beat();
    expect(told.slice(2)).toEqual([{ READY: 1 }]);
    made.alive();
    expect(told.at(-1)).toEqual({ WATCHDOG: 1 });
  });

  it('goes on through the wait after a death', () => {
    const { made, told, clock } = report();
    made.ready();
    clock.nowMs = START_PATIENCE_MS * 2;
    made.waits(10_000, 'killed by SIGKILL');
    clock.nowMs += 9000;
    made.beat();
    expect(told.at(-1)).toEqual({ WATCHDOG: 1 });
    expect(told[1]!.STATUS).toContain('killed by SIGKILL');
  });

  it('asks for more time while it drains, as long as the node moves', () => {
    const { made, told } = report();
    made.stopping();
    expect(told[0]).toMatchObject({ STOPPING: 1 });
    made.alive();
    expect(told[1]!.EXTEND_TIMEOUT_USEC).toBeGreaterThan(0);
    made.staying();
    made.alive();
    expect(told[2]).toEqual({ WATCHDOG: 1 });
  });

  it('beats three times within the watchdog, and also without one', () => {
    expect(report(30_000).made.beatMs).toBe(10_000);
    expect(report(null).made.beatMs).toBe(5000);
    const nobody = { tell: () => undefined, isThere: false, watchdogMs: null, nowMs: () => 0 };
    expect(new ManagerReport(nobody).beatMs).toBeNull();
  });
});

describe('the pulse', () => {
  afterEach(() => void vi.useRealTimers());

  function pulse() {
    vi.useFakeTimers();
    const seen = { alive: 0, stuck: [] as string[] };
    const node = { turns: 1n, ask: async (): Promise<unknown> => ({}) };
    const made = new Pulse({
      everyMs: 1000,
      loopTurns: () => node.turns,
      askMembership: () => node.ask(),
      alive: () => {
        seen.alive += 1;
      },
      stuck: (what) => seen.stuck.push(what),
    });
    return { seen, node, made };
  }

  it('is there only while packet thread and membership both move, and says once what does not', async () => {
    const { seen, node, made } = pulse();
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual({ alive: 1, stuck: [] });
    await vi.advanceTimersByTimeAsync(2000);
    expect(seen).toEqual({ alive: 1, stuck: ['the packet thread does not move'] });
    node.turns = 2n;
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.alive).toBe(2);
    node.turns = 3n;
    node.ask = async () => Promise.reject(new Error('the membership thread did not answer'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen).toEqual({
      alive: 2,
      stuck: ['the packet thread does not move', 'the membership thread did not answer'],
    });
    made.close();
  });

  it('does not ask again while an answer is owed', async () => {
    const { node, made, seen } = pulse();
    let asked = 0;
    node.ask = () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toBe(1);
    expect(seen.alive).toBe(0);
    made.close();
  });
});

describe('the service manager', () => {
  const parts = (environment: Record<string, string>, send: (path: string, text: string) => void = () => undefined) => {
    const failures: string[] = [];
    return { manager: serviceManager({ environment, pid: 7, send, failed: (why) => failures.push(why) }), failures };
  };

  it('is told lines, which no value can add to', () => {
    const sent: string[][] = [];
    const { manager } = parts({ NOTIFY_SOCKET: '@x' }, (...words) => sent.push(words));
    manager.tell({ READY: 1, STATUS: 'waiting: a\nWATCHDOG=1' });
    expect(sent).toEqual([['@x', 'READY=1\nSTATUS=waiting: a WATCHDOG=1']]);
  });

  it('is not there without a socket, and its watchdog only where it is meant for this process', () => {
    expect(parts({ WATCHDOG_USEC: '1000' }).manager).toMatchObject({ isThere: false, watchdogMs: null });
    const socket = { NOTIFY_SOCKET: '/run/x' };
    expect(parts({ ...socket, WATCHDOG_USEC: '30000000' }).manager.watchdogMs).toBe(30_000);
    expect(parts({ ...socket, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }).manager.watchdogMs).toBe(30_000);
    expect(parts({ ...socket, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }).manager.watchdogMs).toBeNull();
    expect(parts({ ...socket, WATCHDOG_USEC: 'soon' }).manager.watchdogMs).toBeNull();
  });

  it('that cannot be reached is complained about once', () => {
    const { manager, failures } = parts({ NOTIFY_SOCKET: '/nowhere' }, () => {
      throw new Error('ENOENT');
    });
    manager.tell({ READY: 1 });
    manager.tell({ WATCHDOG: 1 });
    expect(failures).toEqual(['ENOENT']);
  });
});

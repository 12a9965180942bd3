import { describe, expect, it } from 'vitest';
import type { Service } from '../../../src/config/contract.js';
import type {
  Outcome,
  RestartStore,
  RestartTimes,
  ServiceChange,
  ServiceCommands,
} from '../../../src/services/contract.js';
import { Services } from '../../../src/services/services.js';
import { FakeTimers } from '../../fakes/timers.js';

const service = (name: string, over: Partial<Service> = {}): Service => ({
  name,
  systemd: null,
  start: 'start',
  stop: 'stop',
  restart: null,
  timeoutMs: 1000,
  maxRestarts: 3,
  windowMs: 86_400_000,
  ...over,
});

const EPOCH_MS = 1_790_000_000_000;

/** A run directory that outlives agents. */
function memoryRestarts() {
  let kept: RestartTimes = {};
  let writes = 0;
  const store: RestartStore = {
    read: () => kept,
    write: (times) => {
      kept = times;
      writes += 1;
    },
  };
  return { store, kept: () => kept, writes: () => writes };
}

/** Services whose commands end when and how the test says; by default at once, and well. */
function bed(
  services: readonly Service[],
  answers: (name: string) => boolean = () => false,
  restarts: RestartStore = { read: () => ({}), write: () => undefined },
  /** Wall clock less the monotonic one. */
  epochMs = EPOCH_MS,
) {
  const timers = new FakeTimers();
  const ran: string[] = [];
  const changes: ServiceChange[] = [];
  const output: string[] = [];
  const outcomes = new Map<string, Outcome | Promise<Outcome>>();
  const active = new Map<string, boolean>();
  let shareGiven = Promise.resolve();
  const commands: ServiceCommands = {
    run: async ({ name }, what, onLine) => {
      ran.push(`${name} ${what}`);
      onLine(`${what} says something`);
      return outcomes.get(`${name} ${what}`) ?? { ok: true, detail: '' };
    },
    isActive: async ({ name, systemd }) =>
      systemd === null ? null : { ok: active.get(name) ?? true, detail: 'systemd says that it is failed' },
  };
  const subject = new Services(services, {
    commands,
    timers,
    restarts,
    wallMs: () => epochMs + timers.nowMs(),
    output: (name, line) => output.push(`${name}: ${line}`),
    changed: (change) => changes.push(change),
    answers: async (name) => answers(name),
    shareGiven: () => shareGiven,
  });
  const states = () => subject.reports().map(({ name, state }) => `${name} ${state}`);
  return {
    subject,
    timers,
    ran,
    changes,
    output,
    outcomes,
    active,
    states,
    holdShare: (until: Promise<void>) => (shareGiven = until),
  };
}

const never = new Promise<never>(() => undefined);

describe('services of a node', () => {
  it('start one after the other in the order of the config, and stop in reverse order', async () => {
    const { subject, timers, ran, outcomes, states } = bed([service('db'), service('app')]);
    let begin: (outcome: Outcome) => void = () => undefined;
    outcomes.set('db start', new Promise((done) => (begin = done)));
    subject.bringUp();
    await timers.pass(5000);
    expect(ran).toEqual(['db start']);
    expect(states()).toEqual(['db starting', 'app stopped']);
    begin({ ok: true, detail: '' });
    await timers.pass(0);
    expect(states()).toEqual(['db ready', 'app ready']);
    await subject.bringDown();
    expect(ran).toEqual(['db start', 'app start', 'app stop', 'db stop']);
    expect(states()).toEqual(['db stopped', 'app stopped']);
  });

  it('hold the node until all are ready', async () => {
    const { subject, timers } = bed([service('app')]);
    expect(subject.reports()[0]!.holdsNode).toBe(true);
    subject.bringUp();
    await timers.pass(0);
    expect(subject.reports()[0]!.holdsNode).toBe(false);
  });

  it('are not started where they answer already, as after a crash of the agent', async () => {
    const { subject, timers, ran, states } = bed([service('app')], () => true);
    subject.bringUp();
    await timers.pass(0);
    expect(states()).toEqual(['app ready']);
    expect(ran).toEqual([]);
  });

  it('what they say goes into the log', async () => {
    const { subject, timers, output } = bed([service('app')]);
    subject.bringUp();
    await timers.pass(0);
    expect(output).toEqual(['app: start says something']);
  });

  it('are restarted when they fail, once the share is given away; pauses are kept; then they are given up', async () => {
    const { subject, timers, ran, outcomes, states, changes, holdShare } = bed([service('app', { maxRestarts: 2 })]);
    subject.bringUp();
    await timers.pass(0);
    let given: () => void = () => undefined;
    holdShare(new Promise((done) => (given = done)));
    outcomes.set('app restart', { ok: false, detail: 'exit code 7' });
    subject.failed('app', 'no answer');
    await timers.pass(0);
    expect([states(), ran]).toEqual([['app restarting'], ['app start']]);
    given();
    await timers.pass(999);
    expect(ran).toEqual(['app start', 'app restart']);
    await timers.pass(1);
    expect(ran).toEqual(['app start', 'app restart', 'app restart']);
    expect(states()).toEqual(['app spent']);
    expect(changes.map(({ from, to }) => `${from}->${to}`)).toEqual([
      ...['stopped->looking', 'looking->starting', 'starting->ready', 'ready->pausing'],
      ...['pausing->restarting', 'restarting->pausing', 'pausing->restarting', 'restarting->spent'],
    ]);
    expect(subject.reports()[0]).toMatchObject({ restarts: 2, maxRestarts: 2, holdsNode: true });
    // Told to try again, it is.
    outcomes.delete('app restart');
    subject.tryAgain();
    await timers.pass(0);
    expect(states()).toEqual(['app ready']);
  });

  it('of systemd fail when it says so twice in a row, and not when it says so once', async () => {
    const { subject, timers, active, states, ran } = bed([
      service('web', { systemd: 'nginx', start: null, stop: null }),
    ]);
    subject.bringUp();
    await timers.pass(1000);
    active.set('web', false);
    await timers.pass(1000);
    active.set('web', true);
    await timers.pass(5000);
    expect(states()).toEqual(['web ready']);
    active.set('web', false);
    await timers.pass(2500);
    expect(ran).toEqual(['web start', 'web restart']);
  });

  it('a stop calls a start off, and starts that come during a stop win', async () => {
    const { subject, timers, ran, outcomes, states } = bed([service('a'), service('b')]);
    let stop: (outcome: Outcome) => void = () => undefined;
    subject.bringUp();
    await timers.pass(0);
    outcomes.set('b stop', new Promise((done) => (stop = done)));
    const down = subject.bringDown();
    await timers.pass(0);
    expect(states()).toEqual(['a ready', 'b stopping']);
    subject.bringUp();
    stop({ ok: true, detail: '' });
    await down;
    await timers.pass(0);
    expect(states()).toEqual(['a ready', 'b ready']);
    expect(ran).not.toContain('a stop');
  });

  it('a new config starts what is new and stops what is gone; what runs goes on, and nothing of it holds the node', async () => {
    const { subject, timers, ran, outcomes, states } = bed([service('a'), service('b')]);
    subject.bringUp();
    await timers.pass(0);
    outcomes.set('c start', never);
    ran.length = 0;
    subject.update([service('a', { start: 'other', maxRestarts: 9 }), service('c')]);
    await timers.pass(0);
    expect(ran).toEqual(['b stop', 'c start']);
    expect(states()).toEqual(['a ready', 'c starting']);
    expect(subject.reports().map(({ holdsNode, maxRestarts }) => [holdsNode, maxRestarts])).toEqual([
      [false, 9],
      [false, 3],
    ]);
  });

  it('another unit is another service', async () => {
    const { subject, timers, ran } = bed([service('web', { systemd: 'nginx' })]);
    subject.bringUp();
    await timers.pass(0);
    subject.update([service('web', { systemd: 'apache2' })]);
    await timers.pass(0);
    expect(ran).toEqual(['web start', 'web stop', 'web start']);
  });

  it('closed, they call commands off and ask nobody any more', async () => {
    const { subject, timers, ran } = bed([service('web', { systemd: 'nginx' })]);
    subject.bringUp();
    await timers.pass(0);
    subject.close();
    expect(timers.outstanding).toBe(0);
    subject.failed('web', 'late');
    await timers.pass(10_000);
    expect(ran).toEqual(['web start']);
  });
});

describe('restarts over the death of an agent', () => {
  const never = () => false;
  const APP = service('app', { maxRestarts: 2, windowMs: 600_000 });

  /** An agent in whose life `app` fails once, and is restarted; it is not stopped, it dies. */
  async function livesWithOneFailure(store: RestartStore, epochMs = EPOCH_MS) {
    const agent = bed([APP], never, store, epochMs);
    agent.subject.bringUp();
    await agent.timers.pass(0);
    agent.subject.failed('app', 'no answer');
    await agent.timers.pass(0);
    return agent;
  }

  it('are counted on: the third failure within the window gives it up, whoever saw the first two', async () => {
    const { store, kept } = memoryRestarts();
    expect((await livesWithOneFailure(store)).states()).toEqual(['app ready']);
    expect(kept()).toEqual({ app: [EPOCH_MS + 1000] });
    // Each agent's own clock begins anew; the wall clock has gone on.
    const second = await livesWithOneFailure(store, EPOCH_MS + 60_000);
    expect(second.subject.reports()[0]).toMatchObject({ state: 'ready', restarts: 2 });
    expect(kept().app).toHaveLength(2);
    const third = await livesWithOneFailure(store, EPOCH_MS + 120_000);
    expect(third.subject.reports()[0]).toMatchObject({ state: 'spent', restarts: 2 });
  });

  it('leave the window by the wall clock', async () => {
    const { store } = memoryRestarts();
    await livesWithOneFailure(store);
    const later = bed([APP], never, store, EPOCH_MS + 600_001);
    expect(later.subject.reports()[0]!.restarts).toBe(0);
  });

  it('count as just now where the wall clock was set back', async () => {
    const { store } = memoryRestarts();
    await livesWithOneFailure(store);
    const { subject, timers } = bed([APP], never, store, EPOCH_MS - 86_400_000);
    expect(subject.reports()[0]!.restarts).toBe(1);
    await timers.pass(600_001);
    expect(subject.reports()[0]!.restarts).toBe(0);
  });

  it('are those of the service of that name, and forgotten with it', async () => {
    const { store, kept } = memoryRestarts();
    await livesWithOneFailure(store);
    const other = bed([service('other')], never, store);
    expect(other.subject.reports()[0]!.restarts).toBe(0);
    other.subject.bringUp();
    await other.timers.pass(0);
    other.subject.failed('other', 'no answer');
    await other.timers.pass(0);
    expect(Object.keys(kept())).toEqual(['other']);
  });

  it('are forgotten by a stop in good order, and written only when they change', async () => {
    const { store, kept, writes } = memoryRestarts();
    const { subject } = await livesWithOneFailure(store);
    expect(writes()).toBe(1);
    await subject.bringDown();
    expect([kept(), writes()]).toEqual([{}, 2]);
  });

  it('that cannot be kept are said so, and the service is restarted all the same', async () => {
    const full: RestartStore = {
      read: () => ({}),
      write: () => {
        throw new Error('ENOSPC: no space left on device');
      },
    };
    const { states, output } = await livesWithOneFailure(full);
    expect(states()).toEqual(['app ready']);
    expect(output).toContain(
      'app: (its restarts are not kept over a crash of the agent: ENOSPC: no space left on device)',
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { Notification } from '../../../../src/agent/notify/contract.js';
import { isWanted, Notifier, notification, notifyWarnings } from '../../../../src/agent/notify/notifier.js';
import { MOST_ATTEMPTS, OUTBOX_LIMIT, Outbox, pauseAfter } from '../../../../src/agent/notify/outbox.js';
import type { Notify } from '../../../../src/config/contract.js';

const hook: Notify = { way: 'exec', command: 'true', events: ['state', 'member-*'], timeoutMs: 1000 };
const event = (seq: number, kind = 'state') => ({
  seq,
  at: '2026-11-28T12:00:00.000Z',
  node: 'n1',
  event: kind,
  fields: {},
});

/** A target whose answers the test gives, and a clock that it turns. */
class World {
  readonly sent: number[] = [];
  readonly outages: (string | null)[] = [];
  readonly pauses: number[] = [];
  #due: (() => void)[] = [];
  fails = false;
  readonly parts = {
    send: async (_target: Notify, { seq }: Notification) => {
      if (this.fails) throw new Error('connection refused');
      this.sent.push(seq);
    },
    onOutage: (_target: string, error: string | null) => void this.outages.push(error),
    later: (ms: number, then: () => void) => {
      this.pauses.push(ms);
      this.#due.push(then);
      return () => {
        this.#due = this.#due.filter((other) => other !== then);
      };
    },
  };

  /** Lets promises run, then the clock. */
  async turn(): Promise<void> {
    for (let i = 0; i < 10; i++) await Promise.resolve();
    for (const then of this.#due.splice(0)) then();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

const message = (seq: number) => notification('web', event(seq));

describe('an outbox', () => {
  it('sends in order', async () => {
    const world = new World();
    const outbox = new Outbox(hook, world.parts);
    for (const seq of [1, 2, 3]) outbox.put(message(seq));
    await outbox.settled();
    expect(world.sent).toEqual([1, 2, 3]);
    expect(outbox.report()).toMatchObject({ sent: 3, waiting: 0, failedAttempts: 0, lost: 0, error: '' });
  });

  it('tries again with pauses that grow, and tells of an outage once', async () => {
    const world = new World();
    const outbox = new Outbox(hook, world.parts);
    world.fails = true;
    outbox.put(message(1));
    for (let i = 0; i < 4; i++) await world.turn();
    expect(world.pauses.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(world.outages).toEqual(['connection refused']);
    expect(notifyWarnings([outbox.report()])).toEqual([
      'notifications by exec do not arrive (1 waiting, 0 lost): connection refused',
    ]);
    world.fails = false;
    await world.turn();
    expect(world.sent).toEqual([1]);
    expect(world.outages).toEqual(['connection refused', null]);
    expect(notifyWarnings([outbox.report()])).toEqual([]);
  });

  it('never waits longer than a minute', () => {
    expect(Array.from({ length: 50 }, (_, i) => pauseAfter(i + 1)).every((ms) => ms > 0 && ms <= 60_000)).toBe(true);
  });

  it('gives one up after many attempts, counts it, and goes on with the next', async () => {
    const world = new World();
    const outbox = new Outbox(hook, world.parts);
    world.fails = true;
    outbox.put(message(1));
    outbox.put(message(2));
    for (let i = 0; i < MOST_ATTEMPTS; i++) await world.turn();
    world.fails = false;
    await world.turn();
    await world.turn();
    expect(world.sent).toEqual([2]);
    expect(outbox.report()).toMatchObject({ sent: 1, lost: 1, waiting: 0 });
  });

  it('holds no more than its bound: the oldest goes', async () => {
    const world = new World();
    const outbox = new Outbox(hook, world.parts);
    world.fails = true;
    outbox.put(message(0));
    await world.turn();
    for (let seq = 1; seq <= OUTBOX_LIMIT + 10; seq++) outbox.put(message(seq));
    expect(outbox.report()).toMatchObject({ waiting: OUTBOX_LIMIT, lost: 11 });
    world.fails = false;
    await world.turn();
    await outbox.settled();
    expect(world.sent[0]).toBe(11);
    expect(world.sent).toHaveLength(OUTBOX_LIMIT);
  });

  it('calls a webhook by its origin: the rest may be a secret', () => {
    const target: Notify = {
      way: 'webhook',
      url: 'https://u:p@hooks.example.org/T0/secret?x=1',
      secretFile: null,
      events: [],
      timeoutMs: 1,
    };
    expect(new Outbox(target, new World().parts).report().target).toBe('webhook https://hooks.example.org');
  });
});

describe('the notifier', () => {
  it('tells each target the kinds that it wants', async () => {
    const world = new World();
    const notifier = new Notifier(world.parts);
    notifier.configure({ farm: 'web', notify: [hook] });
    for (const [seq, kind] of [
      [1, 'state'],
      [2, 'granted'],
      [3, 'member-lost'],
    ] as const)
      notifier.offer(event(seq, kind));
    await world.turn();
    expect(world.sent).toEqual([1, 3]);
  });

  it('does not feed on its own failures', async () => {
    const world = new World();
    const notifier = new Notifier(world.parts);
    notifier.configure({ farm: 'web', notify: [{ ...hook, events: ['*'] }] });
    notifier.offer(event(1, 'notify-failed'));
    await world.turn();
    expect(world.sent).toEqual([]);
  });

  it('keeps what waits for a target that a reload leaves as it is', async () => {
    const world = new World();
    const notifier = new Notifier(world.parts);
    notifier.configure({ farm: 'web', notify: [hook] });
    world.fails = true;
    notifier.offer(event(1));
    await world.turn();
    notifier.configure({ farm: 'web', notify: [{ ...hook, command: 'false' }, { ...hook }] });
    expect(notifier.reports().map(({ waiting }) => waiting)).toEqual([0, 1]);
    notifier.configure({ farm: 'web', notify: [] });
    world.fails = false;
    await world.turn();
    expect(world.sent).toEqual([]);
  });

  it('matches kinds by name or beginning', () => {
    expect(isWanted({ events: ['member-*'] }, { event: 'member-lost', fields: {} })).toBe(true);
    expect(isWanted({ events: ['member'] }, { event: 'member-lost', fields: {} })).toBe(false);
    expect(isWanted({ events: ['*'] }, { event: 'anything', fields: {} })).toBe(true);
  });
});

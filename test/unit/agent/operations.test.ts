/** Services and checkers joined to the node: real rooms, with commands, checks and time in the test's hand. */
import { describe, expect, it } from 'vitest';
import { effectOf } from '../../../src/agent/effect.js';
import { Operations, type Said } from '../../../src/agent/operations.js';
import { Checkers } from '../../../src/checkers/checkers.js';
import type { Verdict } from '../../../src/checkers/contract.js';
import type { Outcome } from '../../../src/services/contract.js';
import { Services } from '../../../src/services/services.js';
import { FakeTimers } from '../../fakes/timers.js';
import { configFrom, MINIMAL } from '../config/examples.js';

const NGINX = 'services: [{ name: nginx, start: "begin", stop: "end", maxRestarts: 2 }]\n';
const web = (onFail: string, more = '') =>
  `checkers: [{ name: web, type: tcp, address: "127.0.0.1:80", on-fail: ${onFail}${more} }]\n`;
const custom = (onFail: string) => `checkers: [{ name: half, type: custom, on-fail: ${onFail} }]\n`;
const configOf = (...parts: string[]) => configFrom(`${MINIMAL}${parts.join('')}`);

function bed(...parts: string[]) {
  const timers = new FakeTimers();
  /** What the node was told, in order. */
  const told: string[] = [];
  const events: string[] = [];
  const ran: string[] = [];
  const world = {
    isWell: true,
    holdsShare: false,
    said: {} as Record<string, Said>,
    outcome: { ok: true, detail: '' } as Outcome,
  };
  const verdict = (): Verdict => ({ ok: world.isWell, detail: world.isWell ? 'connected' : 'refused' });
  const operations = new Operations({
    config: configOf(...parts),
    open: (config, hooks) => ({
      services: new Services(config.services, {
        commands: {
          run: async ({ name }, what) => {
            ran.push(`${name} ${what}`);
            return world.outcome;
          },
          isActive: async () => null,
        },
        timers,
        restarts: { read: () => ({}), write: () => undefined },
        wallMs: () => timers.nowMs(),
        output: hooks.serviceOutput,
        changed: hooks.serviceChanged,
        answers: hooks.answers,
        shareGiven: hooks.shareGiven,
      }),
      checkers: new Checkers(config.checkers, {
        timers,
        random: () => 0,
        probeFor: () => async () => verdict(),
        changed: hooks.checkerChanged,
      }),
      said: {
        read: () => world.said,
        write: (said) => {
          world.said = { ...said };
        },
      },
      close: () => undefined,
    }),
    condition: (reason, bad, detail) => told.push(bad ? `${reason}: ${detail}` : `${reason} gone`),
    weight: (percent) => told.push(`weight ${percent}`),
    command: ({ name }) => told.push(`command ${name}`),
    record: (_, event, fields) => events.push(`${event} ${JSON.stringify(fields)}`),
    output: () => undefined,
    holdsShare: async () => world.holdsShare,
    pause: async (ms) => new Promise((done) => timers.after(ms, done)),
    nowMs: () => timers.nowMs(),
  });
  const waits = () => {
    const last = (reason: string) => told.filter((line) => line.startsWith(reason)).at(-1) ?? `${reason} gone`;
    return [last('services'), last('checker')].filter((line) => !line.endsWith('gone'));
  };
  return { operations, timers, told, events, ran, world, waits };
}

describe('a node that begins', () => {
  it('waits for its services, then for the first success of their checkers, without a gap between', async () => {
    const { operations, timers, told, world, ran } = bed(NGINX, web('restart nginx'));
    world.isWell = false;
    operations.begin();
    expect(told).toEqual(['services: nginx is being looked at']);
    await timers.pass(100);
    expect(ran).toEqual(['nginx start']);
    const [handOver] = [told.findIndex((line) => line.startsWith('checker: web has not been well yet'))];
    expect(handOver).toBeGreaterThan(0);
    expect(told.indexOf('services gone')).toBeGreaterThan(handOver);
    world.isWell = true;
    await timers.pass(1000);
    expect(told.at(-1)).toBe('checker gone');
  });

  it('with nothing configured waits for nothing', () => {
    const { operations, told } = bed();
    operations.begin();
    expect(told).toEqual([]);
  });

  it('starts no service that answers its checkers already', async () => {
    const { operations, timers, ran, waits } = bed(NGINX, web('restart nginx'));
    operations.begin();
    await timers.pass(100);
    expect(ran).toEqual([]);
    expect(waits()).toEqual([]);
  });

  it('does not wait for checkers that only lower its weight or notify', async () => {
    const { operations, timers, waits, world } = bed(web('notify'));
    world.isWell = false;
    operations.begin();
    await timers.pass(10_000);
    expect(waits()).toEqual([]);
  });
});

describe('a checker that fails', () => {
  it('restart: the node waits first, gives its share away, then the service is restarted, and it comes back when well', async () => {
    const { operations, timers, told, world, ran, waits } = bed(NGINX, web('restart nginx'));
    operations.begin();
    await timers.pass(5000);
    told.length = 0;
    world.isWell = false;
    world.holdsShare = true;
    await timers.pass(3000);
    expect(told.slice(0, 2)).toEqual([
      'checker: web: refused',
      'services: nginx failed, and will be restarted (checker web: refused)',
    ]);
    expect([ran, waits().length]).toEqual([[], 1]);
    world.holdsShare = false;
    await timers.pass(50);
    expect(ran).toEqual(['nginx restart']);
    world.isWell = true;
    await timers.pass(1000);
    expect(waits()).toEqual([]);
    // Never a moment without a reason until the last one.
    let reasons = 0;
    const open = new Set<string>();
    for (const line of told) {
      const reason = line.split(/[: ]/)[0]!;
      if (line.endsWith('gone')) open.delete(reason);
      else open.add(reason);
      if (open.size === 0) reasons += 1;
    }
    expect([reasons, told.at(-1)]).toEqual([1, 'checker gone']);
  });

  it('restart does not wait for ever for a share that nobody takes', async () => {
    const { operations, timers, ran, world } = bed(NGINX, web('restart nginx'));
    operations.begin();
    await timers.pass(5000);
    world.isWell = false;
    world.holdsShare = true;
    await timers.pass(2900);
    expect(ran).toEqual([]);
    await timers.pass(2200);
    expect(ran).toEqual(['nginx restart']);
  });

  it('restart that does not help: given up after maxRestarts, until it is well or an operator says start', async () => {
    const { operations, timers, ran, world, waits } = bed(NGINX, web('restart nginx'));
    operations.begin();
    await timers.pass(5000);
    world.isWell = false;
    await timers.pass(60_000);
    expect(ran).toEqual(['nginx restart', 'nginx restart']);
    expect(waits()).toEqual([
      'services: nginx is given up (restarted 2 times within 24 h, and failed again: checker web: refused (it was not well once; does it need more grace?))',
    ]);
    operations.tryAgain();
    await timers.pass(100);
    expect(ran).toHaveLength(3);
    world.isWell = true;
    await timers.pass(1000);
    expect(waits()).toEqual([]);
    // Given up again, and mended by hand: the checker sees it.
    world.isWell = false;
    await timers.pass(120_000);
    expect(waits()[0]).toContain('given up');
    world.isWell = true;
    await timers.pass(3000);
    expect(waits()).toEqual([]);
  });

  it('wait: until it is well again', async () => {
    const { operations, timers, waits, world } = bed(web('wait'));
    operations.begin();
    await timers.pass(5000);
    world.isWell = false;
    await timers.pass(3000);
    expect(waits()).toEqual(['checker: web: refused']);
    world.isWell = true;
    await timers.pass(1000);
    expect(waits()).toHaveLength(1);
    await timers.pass(1000);
    expect(waits()).toEqual([]);
  });

  it('stop: the node is drained and stops', async () => {
    const { operations, timers, told, events, world } = bed(web('stop'));
    operations.begin();
    await timers.pass(5000);
    world.isWell = false;
    await timers.pass(3000);
    expect(told).toContain('command drain');
    expect(events.some((line) => line.startsWith('command') && line.includes('checker web'))).toBe(true);
  });

  it('weight: counts for less, and fully again when it is well', async () => {
    const { operations, timers, told, waits } = bed(custom('weight 50%'));
    operations.begin();
    await timers.pass(100);
    told.length = 0;
    operations.set('half', false, 'backup');
    operations.set('half', true, '');
    expect([told, waits()]).toEqual([['weight 50', 'weight 100'], []]);
  });

  it('notify: is told, and nothing else happens', async () => {
    const { operations, timers, told, events, world } = bed(web('notify'));
    operations.begin();
    await timers.pass(5000);
    world.isWell = false;
    await timers.pass(3000);
    expect(told).toEqual([]);
    expect(events.filter((line) => line.includes('"to":"failed"'))).toEqual([
      'checker {"checker":"web","from":"well","to":"failed","detail":"refused","action":"notify"}',
    ]);
  });
});

describe('a node that stops', () => {
  it('checks nothing, stops its services, and begins anew when it is started', async () => {
    const { operations, timers, ran, waits, world } = bed(NGINX, web('restart nginx'));
    world.isWell = false;
    operations.begin();
    world.isWell = true;
    await timers.pass(5000);
    await operations.end();
    expect(ran.at(-1)).toBe('nginx stop');
    expect(operations.checkers()[0]!.state).toBe('idle');
    expect(waits()).toEqual(['services: nginx is stopped']);
    world.isWell = false;
    await timers.pass(60_000);
    expect(ran.at(-1)).toBe('nginx stop');
    operations.begin();
    await timers.pass(100);
    world.isWell = true;
    await timers.pass(1000);
    expect([ran.at(-1), waits()]).toEqual(['nginx start', []]);
  });
});

describe('a node that is started again at once', () => {
  it('keeps its services, though its last connections were still being reset', async () => {
    const { operations, timers, ran, waits } = bed(NGINX, web('restart nginx'));
    operations.begin();
    await timers.pass(5000);
    let isReset: () => void = () => undefined;
    const ended = operations.end(new Promise((done) => (isReset = done)));
    operations.begin();
    isReset();
    await ended;
    await timers.pass(5000);
    expect([ran, waits()]).toEqual([[], []]);
  });
});

describe('custom checkers', () => {
  it('are remembered over a restart of the agent', () => {
    const first = bed(custom('wait'));
    first.operations.begin();
    first.operations.set('half', false, 'by hand');
    expect(first.world.said).toEqual({ half: { isUp: false, reason: 'by hand' } });
    expect(first.waits()).toEqual(['checker: half: by hand']);
  });

  it('that are not there are refused with those that are', () => {
    const { operations } = bed(custom('wait'));
    expect(() => operations.set('other', true, '')).toThrow('there is no custom checker other; there are: custom.half');
    expect(() => bed(web('wait')).operations.set('web', true, '')).toThrow('the config has none');
  });
});

describe('a new config', () => {
  it('a new checker that never was well holds nothing up, and counts from its first success on', async () => {
    const { operations, timers, waits, world } = bed();
    operations.begin();
    world.isWell = false;
    operations.update(configOf(web('wait')));
    await timers.pass(10_000);
    expect(waits()).toEqual([]);
    expect(operations.warnings()).toEqual([
      'checker web is new and was not well once, so nothing hangs on it yet: refused',
    ]);
    world.isWell = true;
    await timers.pass(3000);
    world.isWell = false;
    await timers.pass(5000);
    expect(waits()).toEqual(['checker: web: refused']);
  });

  it('a new service holds nothing up, and its new checker neither', async () => {
    const { operations, timers, waits, world, ran } = bed();
    operations.begin();
    world.isWell = false;
    world.outcome = { ok: false, detail: 'exit code 1' };
    operations.update(configOf(NGINX, web('restart nginx')));
    await timers.pass(60_000);
    expect(ran).toEqual(['nginx start', 'nginx restart', 'nginx restart']);
    expect(waits()).toEqual([]);
  });

  it('a changed checker that the node waits for is waited for; one that was well is not', async () => {
    const { operations, timers, waits, world } = bed(web('wait'));
    operations.begin();
    await timers.pass(3000);
    operations.update(configOf(web('wait', ', rise: 1')));
    expect(waits()).toEqual([]);
    world.isWell = false;
    await timers.pass(5000);
    operations.update(configOf(web('wait', ', rise: 3')));
    expect(waits()[0]).toContain('checker: web has not been well yet');
    world.isWell = true;
    await timers.pass(1000);
    expect(waits()).toEqual([]);
  });

  it('a checker that asks for something else now holds nothing up before it was well, unless the node waits for it', async () => {
    const { operations, timers, waits, world } = bed(web('wait'));
    operations.begin();
    await timers.pass(3000);
    world.isWell = false;
    operations.update(configOf(web('wait').replace(':80', ':8080')));
    await timers.pass(10_000);
    expect(waits()).toEqual([]);
    expect(operations.warnings()).toEqual([
      'checker web asks for something else now and was not well since, so nothing hangs on it yet: refused',
    ]);
    world.isWell = true;
    await timers.pass(3000);
    expect(operations.warnings()).toEqual([]);
    world.isWell = false;
    await timers.pass(5000);
    expect(waits()).toEqual(['checker: web: refused']);
    operations.update(configOf(web('wait').replace(':80', ':81')));
    await timers.pass(5000);
    expect(waits().at(-1)).toContain('checker: web');
  });

  it('without the checker that the node waited for, it waits no longer', async () => {
    const { operations, timers, waits, world } = bed(web('wait'));
    world.isWell = false;
    operations.begin();
    await timers.pass(5000);
    expect(waits()).toHaveLength(1);
    operations.update(configOf());
    expect(waits()).toEqual([]);
  });
});

describe('what all of it means together', () => {
  it('the lowest weight counts, and a service that is not ready says more than its checker', () => {
    const { checkers } = configOf(
      NGINX,
      'checkers: [{ name: a, type: custom, on-fail: weight 50% }, { name: b, type: custom, on-fail: weight 20% }, { name: c, type: custom, on-fail: restart nginx }]\n',
    );
    const report = (name: string) =>
      ({
        name,
        type: 'custom',
        state: 'failed',
        detail: 'bad',
        onFail: '',
        failures: 1,
        successes: 0,
        lastMs: 0,
        tookMs: 0,
        isAwaited: false,
      }) as const;
    const nginx = {
      name: 'nginx',
      state: 'spent',
      reason: 'tried',
      restarts: 2,
      maxRestarts: 2,
      windowMs: 1,
      forMs: 0,
      holdsNode: true,
    } as const;
    const all = ['a', 'b', 'c'].map(report);
    expect(effectOf([nginx], all, checkers)).toEqual({
      services: 'nginx is given up (tried)',
      checker: null,
      percent: 20,
    });
    expect(effectOf([{ ...nginx, holdsNode: false }], all, checkers)).toEqual({
      services: null,
      checker: 'c: bad',
      percent: 20,
    });
  });
});

import { describe, expect, it } from 'vitest';
import { changes, harm, needsRestart, newVips, reloadConfig } from '../../../src/agent/reload.js';
import type { Config } from '../../../src/config/contract.js';
import { ControlError } from '../../../src/control/errors.js';
import { configFrom, MINIMAL } from '../config/examples.js';

const running = configFrom(MINIMAL);
const withRules = (...rules: string[]) =>
  configFrom(
    `${MINIMAL.slice(0, MINIMAL.indexOf('rules:'))}rules:\n${rules.map((rule) => `  - { ${rule} }\n`).join('')}`,
  );
const WEB = 'name: web, protocol: tcp, ports: [80]';

/** Reloads from `text`; gives what was put in force. */
async function reload(text: string) {
  const applied: string[] = [];
  const parts = {
    configFile: 'covey.yaml',
    node: 'n1',
    running,
    readFile: async () => text,
    apply: async (config: string) => void applied.push(config),
  };
  const outcome = await reloadConfig(parts).catch((error: ControlError) => error);
  return { outcome, applied };
}

describe('I10: bad config never replaces good', () => {
  it('tells every fault by file, line and column, and applies nothing', async () => {
    const { outcome, applied } = await reload(MINIMAL.replace('80', '99999').replace('farm: web', 'farm: ""'));
    expect(outcome).toBeInstanceOf(ControlError);
    const { code, message } = outcome as ControlError;
    expect(code).toBe('bad-config');
    expect(message.split('\n')).toHaveLength(2);
    for (const line of message.split('\n')) expect(line).toMatch(/^covey\.yaml:\d+:\d+: /);
    expect(applied).toEqual([]);
  });

  it('refuses what needs a restart as a whole, and names it', async () => {
    const text = `${MINIMAL}capture: ring\nnodes: { n1: { weight: 3, interface: eth9 } }\n`;
    const { outcome, applied } = await reload(text);
    expect((outcome as ControlError).code).toBe('refused');
    expect((outcome as ControlError).message).toContain('interface, capture');
    expect(applied).toEqual([]);
  });

  it('applies a good one and says what changed', async () => {
    const text = `${MINIMAL}nodes: { n1: { weight: 3 } }\n`;
    const { outcome, applied } = await reload(text);
    expect(outcome).toEqual({ version: 1, node: 'n1', changed: ['weight 1 -> 3', 'nodes changed'], warnings: [] });
    expect(applied).toEqual([text]);
  });
});

describe('what a reload means', () => {
  it('needs no restart for rules, weights, drain, and another node`s interface', () => {
    const next = configFrom(
      `${MINIMAL.replace('80', '80, 443')}nodes: { n1: { weight: 2 }, n2: { interface: eth1 } }\ndrain: { deadline: 5s }\n`,
    );
    expect(needsRestart(running, next, 'n1')).toEqual([]);
    expect(needsRestart(running, next, 'n2')).toEqual(['interface']);
    expect(needsRestart(running, configFrom(`${MINIMAL}reachCalm: 10m\nwitness: [10.77.0.1]\n`), 'n1')).toEqual([]);
    expect(needsRestart(running, configFrom(`${MINIMAL}reach: relay\n`), 'n1')).toEqual(['reach']);
    expect(changes(running, next, 'n1')).toEqual([
      'weight 1 -> 2',
      'rule web changed',
      'nodes changed',
      'drain changed',
    ]);
  });

  it('names VIPs that come and go; connections to those that go end', () => {
    const two = configFrom(MINIMAL.replace('10.77.0.50/24', '10.77.0.50/24, "fd77::50/64"'));
    expect(needsRestart(running, two, 'n1')).toEqual([]);
    expect(changes(running, two, 'n1')).toEqual(['VIP fd77::50/64 is new']);
    expect(harm(running, two)).toEqual([]);
    expect(changes(two, running, 'n1')).toEqual(['VIP fd77::50/64 is gone']);
    expect(harm(two, running)).toEqual(['VIP fd77::50/64 is no longer served: connections to it end']);
    // The length of the network is no part of an address: nothing is taken away for it.
    expect(newVips(running, configFrom(MINIMAL.replace('/24', '/16')))).toEqual([]);
  });

  it('names new, gone and reordered rules', () => {
    const [two, swapped] = [[WEB, 'name: dns, protocol: udp, ports: [53]'], []] as [string[], string[]];
    swapped.push(...[...two].reverse());
    expect(changes(running, withRules(...two), 'n1')).toEqual(['rule dns is new']);
    expect(changes(withRules(...two), running, 'n1')).toEqual(['rule dns is gone']);
    expect(changes(withRules(...two), withRules(...swapped), 'n1')).toEqual(['rules are in another order']);
    expect(changes(running, running, 'n1')).toEqual([]);
  });

  const FAILOVER = `${WEB}, mode: failover, order: [n1, n2]`;
  it.each<[string, Config, Config, number]>([
    ['a new rule', running, withRules(WEB, 'name: dns, protocol: udp, ports: [53]'), 0],
    ['another weight of one node', running, configFrom(`${MINIMAL}nodes: { n1: { weight: 9 } }\n`), 0],
    ['other weights of a rule', withRules(`${WEB}, weights: { n1: 2 }`), withRules(`${WEB}, weights: { n1: 3 }`), 0],
    ['a longer hold', running, withRules(`${WEB}, hold: 5m`), 0],
    ['another affinity', running, withRules(`${WEB}, affinity: connection`), 1],
    ['failover instead of balance', running, withRules(FAILOVER), 1],
    ['a rule that is gone', withRules(WEB, 'name: b, protocol: tcp, ports: [81]'), running, 1],
    ['a rule that denies now', running, withRules(`${WEB}, mode: deny`), 1],
    [
      'a rule with a plan of its own above another',
      withRules('name: b, protocol: tcp, ports: [81], weights: { n1: 2 }'),
      withRules(
        'name: a, protocol: tcp, ports: [82], weights: { n1: 5 }',
        'name: b, protocol: tcp, ports: [81], weights: { n1: 2 }',
      ),
      0,
    ],
    [
      'a rule above that takes over the plan, and so its number,',
      withRules('name: b, protocol: tcp, ports: [81], weights: { n1: 2 }'),
      withRules(
        'name: other, protocol: tcp, ports: [82], weights: { n1: 2 }',
        'name: b, protocol: tcp, ports: [81], weights: { n1: 2 }',
      ),
      1,
    ],
  ])('%s breaks open connections of so many rules', (_, before, after, count) => {
    expect(harm(before, after)).toHaveLength(count);
  });
});

import { describe, expect, it } from 'vitest';
import { advice } from '../../../src/config/advice.js';
import type { Config } from '../../../src/config/contract.js';
import { planSpecs, ruleEntries } from '../../../src/config/plans.js';
import { configFrom, EXAMPLE, MINIMAL } from './examples.js';

const withRules = (...rules: string[]) =>
  configFrom(MINIMAL.replace(/ {2}- .*\n/, rules.map((rule) => `  - { ${rule} }\n`).join('')));

const planOf = (config: Config, rule: string) => {
  const index = config.rules.findIndex(({ name }) => name === rule);
  return ruleEntries(config).find((entry) => entry.rule === index)!.plan;
};

describe('planSpecs and ruleEntries', () => {
  const config = withRules(
    'name: a, protocol: tcp, ports: [1], mode: failover, order: [n1, n2]',
    'name: b, protocol: tcp, ports: [2, "3-9"], weights: { n1: 2, n2: 1 }',
    'name: c, protocol: udp, ports: [2], weights: { n2: 1, n1: 2 }, affinity: network, hold: 1m',
    'name: d, protocol: tcp, ports: [10], mode: deny',
    'name: e, protocol: tcp, ports: [11], affinity: connection',
    'name: f, protocol: tcp, ports: [12], mode: failover, order: [n2, n1]',
    'name: g, protocol: udp, ports: [13], mode: failover, order: [n1, n2]',
  );

  const [a, b, f] = [planOf(config, 'a'), planOf(config, 'b'), planOf(config, 'f')];

  it('merge rules of equal weights or order; plan 0 is the general one', () => {
    const specs = planSpecs(config);
    expect(specs[0]).toEqual({ mode: 'balance', order: [], weights: {} });
    expect(specs[a]).toEqual({ mode: 'failover', order: ['n1', 'n2'], weights: {} });
    expect(specs[b]).toEqual({ mode: 'balance', order: [], weights: { n1: 2, n2: 1 } });
    expect(specs[f]).toEqual({ mode: 'failover', order: ['n2', 'n1'], weights: {} });
    expect(new Set([0, a, b, f]).size).toBe(4);
    const unused = { mode: 'failover', order: [], weights: {} };
    expect(specs.filter((_, number) => ![0, a, b, f].includes(number))).toEqual(
      Array.from({ length: specs.length - 4 }, () => unused),
    );
  });

  it('give one entry per port range, in the order of the file', () => {
    expect(
      ruleEntries(config).map((entry) => [entry.rule, entry.protocol, entry.firstPort, entry.lastPort, entry.plan]),
    ).toEqual([
      [0, 'tcp', 1, 1, a],
      [1, 'tcp', 2, 2, b],
      [1, 'tcp', 3, 9, b],
      [2, 'udp', 2, 2, b],
      [3, 'tcp', 10, 10, 0],
      [4, 'tcp', 11, 11, 0],
      [5, 'tcp', 12, 12, f],
      [6, 'udp', 13, 13, a],
    ]);
    expect(ruleEntries(config)[3]).toMatchObject({ affinity: 'network', holdMs: 60_000, deny: false });
    expect(
      ruleEntries(config)
        .filter((entry) => entry.deny)
        .map((entry) => entry.rule),
    ).toEqual([3]);
  });

  it('allow eight plans in all, not counting rules that deny', () => {
    const rules = Array.from(
      { length: 7 },
      (_, i) => `name: r${i}, protocol: tcp, ports: [${i + 1}], weights: { n1: ${i} }`,
    );
    expect(planSpecs(withRules(...rules, 'name: no, protocol: tcp, ports: [99], mode: deny'))).toHaveLength(8);
  });
});

describe('numbers of plans', () => {
  const weighted = (name: string, port: number, weight = port) =>
    `name: ${name}, protocol: tcp, ports: [${port}], weights: { n1: ${weight} }`;
  const names = Array.from({ length: 60 }, (_, i) => `rule-${i}`);

  it('stay when a rule is added below, when weights change, and when rules of the general plan come and go', () => {
    for (const name of names) {
      const before = withRules(weighted('web', 1), weighted('mail', 2));
      const numbers = [planOf(before, 'web'), planOf(before, 'mail')];
      for (const after of [
        withRules(weighted('web', 1), weighted('mail', 2), weighted(name, 3)),
        withRules(weighted('web', 1, 50), weighted('mail', 2, 60)),
        withRules(`name: ${name}, protocol: udp, ports: [9]`, weighted('web', 1), weighted('mail', 2)),
      ]) {
        expect([planOf(after, 'web'), planOf(after, 'mail')]).toEqual(numbers);
      }
    }
  });

  it('seldom move when a rule with a plan of its own is added above', () => {
    const moved = names.filter((name) => {
      const before = withRules(weighted('web', 1));
      return planOf(withRules(weighted(name, 2), weighted('web', 1)), 'web') !== planOf(before, 'web');
    });
    // 1/7 of them, by chance.
    expect(moved.length / names.length).toBeLessThan(0.3);
    expect(moved.length).toBeGreaterThan(0);
  });

  it('are all different, whatever the names', () => {
    for (const name of names) {
      const seven = Array.from({ length: 7 }, (_, i) => weighted(`${name}-${i}`, i + 1));
      const numbers = ruleEntries(withRules(...seven)).map(({ plan }) => plan);
      expect(numbers.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    }
  });
});

describe('advice', () => {
  it('finds rules that can never match', () => {
    const config = withRules(
      'name: a, protocol: tcp, ports: ["1-10"]',
      'name: b, protocol: tcp, ports: ["11-20"]',
      'name: c, protocol: tcp, ports: ["5-15", 7]',
      'name: d, protocol: udp, ports: ["5-15"]',
      'name: e, protocol: tcp, ports: ["15-21"]',
    );
    expect(advice(config)).toEqual([
      'rule c never matches: rules above it take all of its ports, and the first match wins',
    ]);
  });

  it('finds a hold that holds nothing, and a quorum of nobody', () => {
    const config = configFrom(
      `${MINIMAL.replace('[80]', '[80], affinity: connection, hold: 5m')}quorum: majority\nnodes: { n1: , n2: }\n`,
    );
    expect(advice(config).map((line) => line.split(':')[0])).toEqual(['rule web', 'quorum']);
  });

  it('is silent about the example', () => expect(advice(configFrom(EXAMPLE))).toEqual([]));
});

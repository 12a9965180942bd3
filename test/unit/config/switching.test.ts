import { describe, expect, it } from 'vitest';
import { mayShareWhileSwitching } from '../../../src/config/switching.js';
import { configFrom, MINIMAL } from './examples.js';

const withRules = (...rules: string[]) =>
  MINIMAL.replace(/ {2}- .*\n/, rules.map((rule) => `  - { ${rule} }\n`).join(''));
const WEB = 'name: web, protocol: tcp, ports: [80], affinity: connection';
const ALL = 'name: all, protocol: tcp, ports: ["1-65535"], affinity: client';
const may = (running: string, next: string) => mayShareWhileSwitching(configFrom(running), configFrom(next));

describe('nodes with either config may share while they switch', () => {
  for (const [what, next] of [
    ['a VIP more', withRules(WEB).replace('[10.77.0.50/24]', '[10.77.0.50/24, 10.77.0.60/24]')],
    ['a rule more', withRules(WEB, 'name: dns, protocol: udp, ports: [53], affinity: client')],
    ['ports more', withRules(WEB.replace('[80]', '["80-90"]'))],
    ['a rule below that covers another', withRules(WEB, ALL)],
    [
      'the port of one protocol hashed in another way by the other',
      withRules(WEB, 'name: u, protocol: udp, ports: [80], affinity: client'),
    ],
    ['all refused', withRules('name: web, protocol: tcp, ports: [80], mode: deny')],
    ['another hold, that each node counts for itself', withRules(WEB.replace('connection', 'connection, hold: 5m'))],
  ] as const)
    it(`when it has ${what}`, () => {
      expect(may(withRules(WEB), next)).toBe(true);
      expect(may(next, withRules(WEB))).toBe(true);
    });

  for (const [what, next] of [
    ['a port hashed in another way', withRules(WEB.replace('connection', 'client'))],
    ['a rule above, that takes a port away from the old one', withRules(ALL, WEB)],
    ['one port of many hashed in another way', withRules(WEB.replace('[80]', '["70-79"]'), ALL)],
    ['a plan of its own', withRules(`${WEB}, weights: { n1: 2 }`)],
    [
      'another plan, of a rule that is new',
      withRules(WEB, 'name: db, protocol: tcp, ports: [5432], mode: failover, order: [n1, n2]'),
    ],
    ['a quorum', `${withRules(WEB)}quorum: majority\n`],
    ['another lease', `${withRules(WEB)}heartbeat: { lease: 900ms }\n`],
    ['another reach', `${withRules(WEB)}reach: relay\n`],
  ] as const)
    it(`but not when it has ${what}`, () => {
      expect(may(withRules(WEB), next)).toBe(false);
      expect(may(next, withRules(WEB))).toBe(false);
    });
});

import { expect, it } from 'vitest';
import { consequenceOf } from '../../../src/console/web/consequences.js';
import type { MemberReport } from '../../../src/control/contract.js';
import { statusOf } from './rig.js';

const farm = (...states: MemberReport['state'][]): MemberReport[] =>
  statusOf().members.map((one, at) => ({ ...one, state: states[at]!, share: states[at] === 'up' ? 1 / 3 : 0 }));
const asked = (command: 'drain' | 'stop' | 'restart', members: MemberReport[]) =>
  consequenceOf(command, { member: members[0]!, members, connections: null });

it('promises nothing where nobody would serve, whichever way the last node leaves', () => {
  for (const command of ['drain', 'stop', 'restart'] as const) {
    const { text, outage } = asked(command, farm('up', 'stopped', 'dead'));
    expect(outage).toMatch(/no other node is up .*nobody would serve: the VIPs would be dead until/);
    expect(text).toContain('break');
    expect(text).not.toMatch(/Nothing breaks|goes to/);
  }
});

it('names who takes over where others are up', () => {
  expect(asked('stop', farm('up', 'up', 'stopped'))).toEqual({
    text: expect.stringMatching(/serves 33.* Its connections break; its share goes to n2\.$/),
    outage: null,
  });
  expect(asked('drain', farm('up', 'up', 'up')).outage).toBeNull();
  expect(asked('stop', farm('waiting', 'up', 'up')).text).toMatch(/Its connections break\.$/);
});

import { expect, it } from 'vitest';
import { ConfigSwitches } from '../../../src/agent/config-switches.js';

it('what is expected counts until some time after it has come, or never came', () => {
  const switches = new ConfigSwitches();
  switches.expect('a', 'b', 1000);
  switches.expect('b', 'b', 1000);
  switches.switched('b', 1100);
  switches.expect('b', 'c', 1200);
  const both = [
    { base: 'a', next: 'b' },
    { base: 'b', next: 'c' },
  ];
  expect(switches.list()).toEqual(both);
  expect(switches.forgetOld(3099)).toBe(false);
  expect(switches.list()).toEqual(both);
  expect(switches.forgetOld(3100)).toBe(true);
  expect(switches.list()).toEqual([{ base: 'b', next: 'c' }]);
  expect(switches.forgetOld(11_199)).toBe(false);
  expect(switches.forgetOld(11_200)).toBe(true);
  expect(switches.list()).toEqual([]);
});

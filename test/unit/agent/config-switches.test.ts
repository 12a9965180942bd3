import { expect, it } from 'vitest';
import { ConfigSwitches } from '../../../src/agent/config-switches.js';

/** Configs are their own digests; those may share that begin alike. */
const bed = () =>
  new ConfigSwitches<string>({ digestOf: (config) => config, mayShare: (one, other) => one[0] === other[0] });

it('what is expected counts until some time after it has come, or never came', () => {
  const switches = bed();
  expect(switches.expect('a1', 'a2', 1000)).toBe(true);
  expect(switches.expect('a2', 'a2', 1000)).toBe(false);
  switches.switched('a2', 1100);
  expect(switches.expect('a2', 'a3', 1200)).toBe(true);
  const both = [
    { base: 'a1', next: 'a2' },
    { base: 'a2', next: 'a3' },
  ];
  expect(switches.list()).toEqual(both);
  expect(switches.forgetOld(3099)).toBe(false);
  expect(switches.list()).toEqual(both);
  expect(switches.forgetOld(3100)).toBe(true);
  expect(switches.list()).toEqual([{ base: 'a2', next: 'a3' }]);
  expect(switches.forgetOld(11_199)).toBe(false);
  expect(switches.forgetOld(11_200)).toBe(true);
  expect(switches.list()).toEqual([]);
});

it('nothing is expected that may not share with a config which some node may still have', () => {
  const switches = new ConfigSwitches<string>({
    digestOf: (config) => config,
    // A port hashed in one way by `old`, in another by `new`, and closed by `none`.
    mayShare: (one, other) => one === other || one === 'none' || other === 'none',
  });
  expect(switches.expect('old', 'new', 0)).toBe(false);
  expect(switches.expect('old', 'none', 0)).toBe(true);
  switches.switched('none', 0);
  expect(switches.expect('none', 'new', 500)).toBe(false);
  switches.forgetOld(2000);
  expect(switches.expect('none', 'new', 2500)).toBe(true);
});

it('of very many the newest count: each is named by every heartbeat', () => {
  const switches = bed();
  for (let turn = 0; turn < 100; turn++) switches.expect(`a${turn}`, `a${turn + 1}`, turn);
  expect(switches.list()).toHaveLength(32);
  expect(switches.list().at(-1)).toEqual({ base: 'a99', next: 'a100' });
});

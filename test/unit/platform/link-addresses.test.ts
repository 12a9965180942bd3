import type { NetworkInterfaceInfo } from 'node:os';
import { expect, it } from 'vitest';
import { advertisedAddresses, inOrderOfHope } from '../../../src/platform/link-addresses.js';

const info = (cidr: string, internal = false) =>
  ({ address: cidr.split('/')[0]!, cidr, internal }) as NetworkInterfaceInfo;
const INTERFACES = {
  lo: [info('127.0.0.1/8', true), info('::1/128', true)],
  eth0: [info('10.77.0.1/24'), info('fd77::1/64'), info('fe80::1/64')],
  eth1: [info('169.254.7.7/16'), info('192.168.9.1/24')],
  covey0: [info('10.77.0.50/32'), info('fd77::50/128')],
};

it('advertises what others can use: no loopback, no link-local, no VIP however it is written', () => {
  expect(advertisedAddresses(['10.77.0.50', 'FD77:0:0::0050'], INTERFACES)).toEqual([
    '10.77.0.1',
    'fd77::1',
    '192.168.9.1',
  ]);
});

it('tries what worked last, then neighbours, then the rest, each in its order', () => {
  const at = (address: string, port = 1) => ({ address, port });
  const [far, near, near6, name] = [at('8.8.8.8'), at('192.168.9.7'), at('fd77::9'), at('not an address')];
  expect(inOrderOfHope([far, near, name, near6], null, INTERFACES)).toEqual([near, near6, far, name]);
  expect(inOrderOfHope([far, near, near6], far, INTERFACES)).toEqual([far, near, near6]);
  expect(inOrderOfHope([far, near], at('8.8.8.8', 2), INTERFACES)).toEqual([near, far]);
  expect(inOrderOfHope([], far, INTERFACES)).toEqual([]);
});

import { expect, it } from 'vitest';
import { consoleAddresses, parseListen } from '../../../src/console/addresses.js';
import type { PeersReport } from '../../../src/control/console-contract.js';
import { statusOf } from './rig.js';

const peers = (consoles: Record<string, string | null>) =>
  Object.entries(consoles).map(([node, console]) => ({ node, console })) as unknown as PeersReport['nodes'];
const urls = (consoles: Record<string, string | null>, own = '0.0.0.0:9443', status = statusOf()) =>
  consoleAddresses(status, peers(consoles), own).map(({ url }) => url);

it.each([
  ['127.0.0.1:9443', { host: '127.0.0.1', port: 9443 }],
  ['[fd77::1]:443', { host: 'fd77::1', port: 443 }],
  ['host-a.lan:1', { host: 'host-a.lan', port: 1 }],
  ['fd77::1:443', null],
  ['127.0.0.1', null],
  ['127.0.0.1:0', null],
  ['127.0.0.1:65536', null],
  ['', null],
])('%s is %j', (text, address) => expect(parseListen(text)).toEqual(address));

it('offers the other living nodes, at an address of theirs that their console listens on', () => {
  expect(urls({ n2: '0.0.0.0:9443', n3: '[::]:8443' })).toEqual(['https://10.77.0.2:9443/', 'https://10.77.0.3:8443/']);
  expect(urls({ n2: '10.9.9.2:9443', n3: '[fd00::3]:9443' })).toEqual([
    'https://10.9.9.2:9443/',
    'https://[fd00::3]:9443/',
  ]);
});

it('takes a node that has not said where for one that has the same config', () => {
  expect(urls({}, '0.0.0.0:7443')).toEqual(['https://10.77.0.2:7443/', 'https://10.77.0.3:7443/']);
});

it('offers none that has no console, listens to its own host only, is dead, or has no known address', () => {
  expect(urls({ n2: null, n3: '127.0.0.1:9443' })).toEqual([]);
  expect(urls({ n2: '[::1]:9443', n3: 'localhost:9443' })).toEqual([]);
  const { members, ...rest } = statusOf();
  const [n1, n2, n3] = members;
  const status = { ...rest, members: [n1!, { ...n2!, state: 'dead' as const }, { ...n3!, addresses: ['fd77::3'] }] };
  expect(urls({}, '0.0.0.0:9443', status)).toEqual([]);
  expect(urls({}, '[::]:9443', status)).toEqual(['https://[fd77::3]:9443/']);
});

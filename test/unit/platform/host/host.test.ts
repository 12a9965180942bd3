import { describe, expect, it } from 'vitest';
import { addressBytes, addressInSubnet, sameAddress } from '../../../../src/platform/host/address.js';
import { type HostFacts, interfaceAdvice, ownAddressFor, startFaults } from '../../../../src/platform/host/facts.js';
import { guardLines } from '../../../../src/platform/host/guard.js';
import { guardTable, lockName, tunName } from '../../../../src/platform/host/names.js';
import { identify, isAlive } from '../../../../src/platform/host/process.js';

const facts: HostFacts = {
  interface: 'eth0',
  exists: true,
  up: true,
  index: 2,
  mac: '0a:77:00:00:00:01',
  mtu: 1500,
  kind: 'ethernet',
  master: null,
  addresses: [
    { address: '10.77.0.1', prefixLength: 24 },
    { address: 'fd77::1', prefixLength: 64 },
  ],
  others: ['lo', 'eth0'],
};
const vip = { address: '10.77.0.50', prefixLength: 24 };

describe('addresses', () => {
  it.each([
    ['10.77.0.50', '0a4d0032'],
    ['fd77::50', 'fd770000000000000000000000000050'],
    ['::', '00000000000000000000000000000000'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
  ])('%s is %s', (text, hex) => expect(Buffer.from(addressBytes(text)).toString('hex')).toBe(hex));

  it('refuses what is no address', () => expect(() => addressBytes('10.77.0')).toThrow(RangeError));

  it.each([
    ['10.77.0.1', '10.77.0.50', 24, true],
    ['10.77.1.1', '10.77.0.50', 24, false],
    ['10.77.0.1', '10.77.0.50', 27, false],
    ['10.77.0.1', 'fd77::50', 0, false],
    ['fd77:0:0:1::1', 'fd77::50', 64, false],
    ['fd77::1', 'fd77::50', 64, true],
  ])('%s in the subnet of %s/%d: %s', (address, network, length, inside) =>
    expect(addressInSubnet(address, network, length)).toBe(inside),
  );

  it('knows one address in two spellings', () => {
    expect(sameAddress('fd77:0:0::50', 'FD77::50')).toBe(true);
    expect(sameAddress('fd77::51', 'fd77::50')).toBe(false);
  });
});

describe('names', () => {
  it('fit the kernel and differ by farm and interface', () => {
    const names = [tunName('web', 'eth0'), tunName('web', 'eth1'), tunName('db', 'eth0')];
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(15);
    expect(guardTable('web', 'br-lan.7')).toMatch(/^covey-br_lan_7-[0-9a-f]{8}$/);
  });

  it('a lock name fills sun_path, so that every version of libuv makes the same address of it', () => {
    expect(lockName('fd77::50').length).toBe(108);
    expect(lockName('10.77.0.50').startsWith('\0covey/vip/10.77.0.50/')).toBe(true);
  });
});

describe('the guard', () => {
  it('drops frames and ARP for the VIPs, and rewrites the ARP sender', () => {
    const [netdev, arp] = guardLines({
      table: 'covey-eth0-1',
      interface: 'eth0',
      vips: [
        { address: '10.77.0.50', own: '10.77.0.1' },
        { address: '192.0.2.9', own: null },
        { address: 'fd77::50', own: null },
      ],
    });
    for (const rule of ['ip daddr 10.77.0.50 drop', 'arp daddr ip 192.0.2.9 drop', 'ip6 daddr fd77::50 drop'])
      expect(netdev).toContain(rule);
    expect(arp).toContain('oifname "eth0" arp saddr ip 10.77.0.50 arp saddr ip set 10.77.0.1;');
    // Without an own address the request is an ARP probe: sender 0.0.0.0.
    expect(arp).toContain('oifname "eth0" arp saddr ip 192.0.2.9 arp saddr ip set 0.0.0.0;');
    expect(arp).toContain('oifname != "eth0" arp saddr ip 10.77.0.50 arp saddr ip set 0.0.0.0;');
    expect(arp).not.toContain('fd77');
  });
});

describe('facts of an interface', () => {
  it("finds the own address in the VIP's subnet", () => {
    expect(ownAddressFor(facts, vip)).toBe('10.77.0.1');
    expect(ownAddressFor(facts, { address: 'fd77::50', prefixLength: 64 })).toBe('fd77::1');
    expect(ownAddressFor(facts, { address: '192.0.2.9', prefixLength: 24 })).toBeNull();
  });

  it.each<readonly [string, Partial<HostFacts>, string, RegExp]>([
    [
      'no interface',
      { exists: false, up: false, mac: '' },
      'no-interface',
      /eth0 does not exist here; there are: lo, eth0/,
    ],
    ['down', { up: false }, 'interface-down', /ip link set eth0 up/],
    [
      'the loopback',
      { interface: 'lo', kind: 'loopback' },
      'not-ethernet',
      /lo is no Ethernet device.*set interface: to one of eth0/,
    ],
    ['an own address that is the VIP', { addresses: [vip] }, 'busy', /10\.77\.0\.50 is already an address of eth0/],
  ])('refuses a start for %s, and advises of nothing more', (_, change, code, message) => {
    const changed = { ...facts, ...change };
    expect(startFaults(changed, [vip])).toEqual([{ code, message: expect.stringMatching(message) }]);
    expect(interfaceAdvice(changed, [vip])).toEqual([]);
  });

  it.each<readonly [string, Partial<HostFacts>, RegExp | null]>([
    ['nothing', {}, null],
    ['a bridge port', { master: 'br0' }, /port of br0.*set interface: br0/],
    ['wireless', { kind: 'wireless' }, /wireless/],
    ['macvlan', { kind: 'macvlan' }, /macvlan/],
    ['no own address in the subnet', { addresses: [] }, /no address of its own in 10\.77\.0\.50\/24/],
  ])('advises of %s, which refuses no start', (_, change, message) => {
    const changed = { ...facts, ...change };
    expect(startFaults(changed, [vip])).toEqual([]);
    expect(interfaceAdvice(changed, [vip])).toEqual(message === null ? [] : [expect.stringMatching(message)]);
  });
});

describe('processes', () => {
  it('are known by pid and start time', () => {
    const self = identify(process.pid)!;
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ ...self, startTicks: self.startTicks + 1 })).toBe(false);
    expect(identify(2 ** 22 + 1)).toBeNull();
  });
});

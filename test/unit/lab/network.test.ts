import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { labConfig } from '../../../src/lab/config.js';
import { macOf, namespaceOf } from '../../../src/lab/names.js';
import type { Step } from '../../../src/lab/network/contract.js';
import { planHost, planSwitch } from '../../../src/lab/network/plan.js';
import { isProfileName, PROFILE_NAMES, type ProfileName, profileOf } from '../../../src/lab/network/profiles.js';

const LAB = 'zoo';

function hostsOf(name: ProfileName): readonly string[] {
  return ['n1', 'n2', 'n3', 'client', ...(profileOf(name).gateway ? ['gateway'] : [])];
}

function plan(name: ProfileName): readonly Step[] {
  const hosts = hostsOf(name);
  const profile = profileOf(name);
  return [...planSwitch(profile), ...hosts.flatMap((host) => planHost(profile, LAB, host, hosts))];
}

/** Every command as `host tool line`. */
function commands(name: ProfileName): readonly string[] {
  return plan(name).flatMap(({ host, tool, lines }) =>
    tool === 'tagger' ? [`${host} tagger ${lines.join(' ')}`] : lines.map((line) => `${host} ${tool} ${line}`),
  );
}

describe.each(PROFILE_NAMES.map((name) => [name]))('plan of the network %s', (name) => {
  it('gives every host one eth0 with its own MAC and an address', () => {
    const text = commands(name);
    for (const host of hostsOf(name)) {
      const devices = text.filter((line) =>
        [`address ${macOf(host)} `, `address ${macOf(host)}`].some((end) => `${line} `.includes(end)),
      );
      expect(devices.filter((line) => line.includes('link '))).toHaveLength(1);
      expect(
        text.filter((line) => new RegExp(`^${host} ip address add 10\\.7[78]\\.0\\.\\d+/24 dev eth0$`).test(line)),
      ).toHaveLength(1);
    }
  });

  it('plugs every host into a switch, and names nothing that Linux refuses (IFNAMSIZ)', () => {
    const text = commands(name);
    for (const host of hostsOf(name))
      expect(
        text.filter((line) => new RegExp(`^switch ip link set p-${host} master br[01] up$`).test(line)),
      ).toHaveLength(1);
    const names = text.flatMap((line) =>
      [...line.matchAll(/(?:link add|name|dev|link set) (\S+)/g)].map((match) => match[1]!),
    );
    expect(Math.max(...names.filter((word) => word !== 'name').map((word) => word.length))).toBeLessThan(16);
  });

  it('works in the namespaces of the lab only', () => {
    expect(new Set(plan(name).map(({ host }) => host))).toEqual(new Set(['switch', ...hostsOf(name)]));
    const entered = commands(name).flatMap((line) => [...line.matchAll(/netns (\S+)/g)].map((match) => match[1]));
    const own = hostsOf(name).map((host) => namespaceOf(LAB, host));
    for (const space of entered) expect(own).toContain(space);
  });
});

describe('what is special about a network', () => {
  it.each<readonly [ProfileName, readonly string[]]>([
    [
      'vswitch',
      [
        'switch ip link set p-client type bridge_slave flood off learning off',
        'switch bridge fdb add 0a:77:00:00:00:02 dev p-n2 master static',
      ],
    ],
    ['vswitch-one', ['switch ip link set p-n2 type bridge_slave flood off']],
    [
      'spoof-guard',
      ['switch nft add rule bridge covey_lab guard iifname "p-n1" ether saddr != 0a:77:00:00:00:01 drop'],
    ],
    [
      'arp-guard',
      [
        'switch nft add rule bridge covey_lab guard iifname "p-n1" arp saddr ether != 0a:77:00:00:00:01 drop',
        'switch nft add rule bridge covey_lab guard iifname "p-n3" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } @th,208,48 != 0x0a7700000003 drop',
      ],
    ],
    ['igmp-snooping', ['switch ip link set br0 type bridge mcast_snooping 1 mcast_querier 1']],
    [
      'macvlan',
      [
        'switch ip link add link u-n1 name eth0 address 0a:77:00:00:00:01 mtu 1500 netns covey-zoo-n1 type macvlan mode bridge',
      ],
    ],
    [
      'isolated',
      [
        'switch ip link set p-n3 type bridge_slave isolated on',
        'n3 ip address add 10.88.0.3/24 brd + dev eth1',
        'n3 ip route add default via 10.77.0.254',
      ],
    ],
    [
      'tagged',
      [
        'n2 tagger eth0 u0 10',
        'client tagger eth0 u0 10',
        'switch ip link add p-n2 mtu 1504 type veth peer name u0 netns covey-zoo-n2 mtu 1504',
      ],
    ],
    [
      'two-switches',
      [
        'switch ip link set br1 type bridge ageing_time 500',
        'switch ip link set trunk1 master br1 up',
        'switch ip link set p-n2 master br1 up',
        'switch ip link set p-n3 master br0 up',
      ],
    ],
    [
      'router',
      [
        'client ip address add 10.78.0.100/24 dev eth0',
        'client ip route add default via 10.78.0.254',
        'gateway ip address add 10.78.0.254/24 dev eth1',
        'n1 ip route add default via fd77::254',
      ],
    ],
    ['hub', ['switch ip link set p-client type bridge_slave learning off']],
    [
      'vxlan',
      [
        'n1 bridge fdb append 00:00:00:00:00:00 dev eth0 dst 10.99.0.100',
        'client ip link add name eth0 address 0a:77:00:00:00:64 mtu 1450 type vxlan id 77 dev u0 local 10.99.0.100 dstport 4789',
      ],
    ],
    ['jumbo', ['switch ip link add br0 mtu 9000 type bridge stp_state 0 forward_delay 0 mcast_snooping 0']],
    [
      'lossy',
      [
        'switch nft add chain bridge covey_lab lossOut { type filter hook postrouting priority -200; numgen random mod 100 < 2 drop; }',
      ],
    ],
    ['l3', ['n2 ip address add 10.78.0.2/24 dev eth0', 'n3 ip address add 10.77.0.3/24 dev eth0']],
  ])('%s', (name, lines) => {
    expect(commands(name)).toEqual(expect.arrayContaining([...lines]));
  });

  it('a plain switch has none of it', () => {
    const text = commands('switch').join('\n');
    expect(text).not.toMatch(/nft|fdb|flood|learning|isolated|route|br1|macvlan|vxlan|tagger/);
    expect(text).toContain('mcast_snooping 0');
  });

  it('isolates no port but those of nodes, and guards no port twice', () => {
    expect(commands('isolated').filter((line) => line.includes('isolated on'))).toHaveLength(3);
    expect(commands('spoof-guard').filter((line) => line.includes('ether saddr'))).toHaveLength(4);
  });
});

describe('config of a lab in a network', () => {
  const config = (network: ProfileName | undefined, overrides: readonly string[] = []): unknown =>
    parse(labConfig({ lab: 'x', ipv6: false, overrides, ...(network && { network }) }));

  it('knows the plain switch, and lets Covey find out elsewhere', () => {
    expect(config(undefined)).toMatchObject({ reach: 'flood' });
    expect(config('switch')).toMatchObject({ reach: 'flood' });
    expect(config('hub')).toMatchObject({ reach: 'auto' });
  });

  it('has what the network needs, under what the user says', () => {
    expect(config('isolated')).toMatchObject({ heartbeat: { udp: ['10.88.0.0/24'] } });
    expect(config('isolated', ['{ heartbeat: { udp: [] } }'])).toMatchObject({ heartbeat: { udp: [] } });
  });
});

it('knows its names', () => {
  expect(isProfileName('hub')).toBe(true);
  expect(isProfileName('toString')).toBe(false);
});

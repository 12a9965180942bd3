/**
 * The zoo's networks without Covey: each does to frames what its profile says. Every host sends one frame of each kind, and
 * all hosts are asked what they have heard.
 */
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labDown, labUp } from '../../src/lab/lab.js';
import { addressOf, FAR, macOf } from '../../src/lab/names.js';
import { PROFILE_NAMES, type ProfileName, profileOf } from '../../src/lab/network/profiles.js';
import { setCable } from '../../src/lab/topology.js';
import { run } from '../../src/platform/run.js';
import { Farm, until } from './farm.js';
import {
  arpClaim,
  BROADCAST,
  datagram,
  FOREIGN,
  frame,
  GROUP,
  type Listener,
  listen,
  send,
  tagged,
  UNKNOWN,
} from './zoo-frames.js';

const LAB = 'test-zoonet';
const HOSTS = ['n1', 'n2', 'n3', 'client'];

type Path = (from: string, to: string) => boolean;
const isNode = (host: string): boolean => host !== 'client';
const always: Path = () => true;
const never: Path = () => false;

/** Which frames arrive, among hosts that hear each other at all. What a network leaves out is as on a plain switch. */
interface Behaviour {
  readonly hears?: Path;
  readonly unknown?: Path;
  readonly group?: Path;
  readonly groupIp?: Path;
  readonly spoofed?: Path;
  readonly claim?: Path;
  /** Whether `to` gets a frame for the MAC of `target`, another host. */
  readonly overheard?: (from: string, to: string, target: string) => boolean;
}

const BEHAVIOUR: Readonly<Record<Exclude<ProfileName, 'lossy'>, Behaviour>> = {
  switch: {},
  vswitch: { unknown: never },
  'vswitch-one': { unknown: (_, to) => to !== 'n2' },
  'spoof-guard': { spoofed: never },
  'arp-guard': { claim: never },
  'igmp-snooping': { groupIp: never },
  macvlan: { unknown: (_, to) => !isNode(to) },
  isolated: { hears: (from, to) => !(isNode(from) && isNode(to)) },
  tagged: {},
  'two-switches': {},
  // A MAC that is not in the segment is unknown to its switch, so a frame for it goes to all.
  router: {
    hears: (from, to) => isNode(from) && isNode(to),
    overheard: (_from, _to, target) => !isNode(target),
  },
  hub: { overheard: always },
  vxlan: {},
  jumbo: {},
  l3: {
    hears: (from, to) => (from === 'n2') === (to === 'n2'),
    overheard: (from, _to, target) => (from === 'n2') !== (target === 'n2'),
  },
};

const farm = new Farm(LAB, 3);

async function network(name: ProfileName): Promise<void> {
  await labDown(LAB);
  const options = { lab: LAB, nodes: 3, client: true, ipv6: false, overrides: [], agents: false, network: name };
  await labUp(options, () => undefined);
}

/** One frame of each kind. The last one, a broadcast, comes after all others: who has heard it has heard what it will. */
function kinds(from: string): readonly string[] {
  const source = macOf(from);
  const plain = HOSTS.filter((to) => to !== from).map((to) => frame(macOf(to), source, `plain ${from} ${to}`));
  return [
    frame(UNKNOWN, source, `unknown ${from}`),
    datagram(UNKNOWN, source, `unknown-ip ${from}`),
    frame(GROUP, source, `group ${from}`),
    datagram(GROUP, source, `group-ip ${from}`),
    frame(BROADCAST, FOREIGN, `spoofed ${from}`),
    arpClaim(source, FOREIGN, `claim ${from}`),
    arpClaim(source, source, `own-claim ${from}`),
    ...plain,
    frame(BROADCAST, source, `end ${from}`),
  ];
}

/** The marks that `to` must have heard of what `from` sent. */
function expected({ hears = always, ...kind }: Behaviour, from: string, to: string): readonly string[] {
  if (!hears(from, to)) return [];
  const { unknown = always, group = always, groupIp = always, spoofed = always, claim = always } = kind;
  const marks: string[] = [];
  const arrives = (path: Path, mark: string): void => {
    if (path(from, to)) marks.push(mark);
  };
  arrives(unknown, `unknown ${from}`);
  arrives(unknown, `unknown-ip ${from}`);
  arrives(group, `group ${from}`);
  arrives(groupIp, `group-ip ${from}`);
  arrives(spoofed, `spoofed ${from}`);
  arrives(claim, `claim ${from}`);
  arrives(always, `own-claim ${from}`);
  for (const target of HOSTS) {
    if (target === from) continue;
    const delivered = target === to || (kind.overheard?.(from, to, target) ?? false);
    if (delivered) marks.push(`plain ${from} ${target}`);
  }
  arrives(always, `end ${from}`);
  return marks;
}

async function listeners(): Promise<ReadonlyMap<string, Listener>> {
  return new Map(await Promise.all(HOSTS.map(async (host) => [host, await listen(farm, host)] as const)));
}

/** Each host says something, so that every switch knows where it is. */
async function introduce(hears: Path, ears: ReadonlyMap<string, Listener>): Promise<void> {
  for (const from of HOSTS) await send(farm, from, [frame(BROADCAST, macOf(from), `hello ${from}`)]);
  for (const from of HOSTS)
    for (const to of HOSTS)
      if (from !== to && hears(from, to))
        await until(`${to} hears ${from}`, () => ears.get(to)!.heard(`hello ${from}`), 20_000);
}

const ping = (from: string, to: string, bytes = 56) =>
  farm.exec(from, ['ping', '-c', '1', '-W', '2', '-M', 'do', '-s', `${bytes}`, to]);

const reaches = (from: string, to: string): Promise<boolean> =>
  ping(from, to).then(
    () => true,
    () => false,
  );

/** Largest payload of an echo in a packet of the MTU: less 20 bytes of IPv4 and 8 of ICMP. */
const echoOf = (mtu: number) => mtu - 28;

/** What the root namespace has: nothing of a lab may ever show there. */
async function rootState(): Promise<string> {
  const commands = [
    ['ip', '-j', 'link', 'show'],
    ['ip', '-j', 'route', 'show', 'table', 'all'],
    ['nft', 'list', 'ruleset'],
  ];
  const parts = await Promise.all(commands.map(([command, ...words]) => run(command!, words)));
  return parts.map(({ stdout }) => stdout).join('\n');
}

let before = '';
beforeEach(async () => {
  before = await rootState();
});
afterEach(async () => {
  expect(await rootState()).toBe(before);
  await labDown(LAB);
  expect(readdirSync('/run/netns').filter((name) => name.startsWith(`covey-${LAB}-`))).toEqual([]);
  expect(await rootState()).toBe(before);
});

describe.sequential('networks of the zoo', () => {
  it.each(Object.entries(BEHAVIOUR) as [ProfileName, Behaviour][])(
    '%s delivers what it says and nothing else',
    async (name, behaviour) => {
      await network(name);
      const ears = await listeners();
      const { hears = always } = behaviour;
      if (name === 'igmp-snooping') await snoopingInForce();
      await introduce(hears, ears);
      for (const from of HOSTS) await send(farm, from, kinds(from));
      for (const to of HOSTS) {
        const ear = ears.get(to)!;
        for (const from of HOSTS) {
          if (from === to) continue;
          if (hears(from, to)) await until(`${to} hears all of ${from}`, () => ear.heard(`end ${from}`));
          const marks = ear
            .frames()
            .map(({ mark }) => mark)
            .filter((mark) => mark.split(' ')[1] === from && !mark.startsWith('hello'));
          expect(marks.sort(), `${from} to ${to}`).toEqual([...expected(behaviour, from, to)].sort());
        }
      }
      const far = name === 'router' ? addressOf('client', FAR) : addressOf('client');
      const mtu = profileOf(name).mtu ?? 1500;
      await ping('n1', far, echoOf(mtu));
      await expect(ping('n1', far, echoOf(mtu) + 1)).rejects.toThrow();
    },
  );

  /** A Linux bridge treats IP multicast as joined or not only once it has heard a querier, itself here, for long enough. */
  async function snoopingInForce(): Promise<void> {
    const [ear, sender] = [await listen(farm, 'n1'), 'n2'];
    let round = 0;
    await until(
      'the switch snoops',
      async () => {
        const mark = `probe ${++round}`;
        await send(farm, sender, [
          datagram(GROUP, macOf(sender), `${mark} group`),
          frame(BROADCAST, macOf(sender), `${mark} end`),
        ]);
        await until('the end', () => ear.heard(`${mark} end`));
        return !ear.heard(`${mark} group`);
      },
      20_000,
    );
  }

  it.each(['switch', 'macvlan', 'tagged', 'vxlan'] as const)(
    '%s: a host whose cable is pulled is alone until it is plugged in again',
    async (name) => {
      await network(name);
      const client = addressOf('client');
      await until('n1 reaches the client', () => reaches('n1', client));
      await setCable(LAB, 'n1', 'down');
      expect(await reaches('n1', client)).toBe(false);
      await setCable(LAB, 'n1', 'up');
      await until('n1 reaches the client again', () => reaches('n1', client));
    },
  );

  it('lossy loses 2 % at every port in each direction', async () => {
    await network('lossy');
    const ear = await listen(farm, 'client');
    const count = 2000;
    const frames = Array.from({ length: count }, (_, index) => frame(macOf('client'), macOf('n1'), `${index} n1`));
    const ends = Array.from({ length: 10 }, () => frame(macOf('client'), macOf('n1'), 'end n1'));
    await send(farm, 'n1', [...frames, ...ends]);
    await until('the end', () => ear.heard('end n1'));
    const lost = count - ear.frames().filter(({ mark }) => mark !== 'end n1').length;
    // Two ports: 1 - 0.98^2 of 2000 are 79, with a standard deviation of 8.7.
    expect(lost).toBeGreaterThan(30);
    expect(lost).toBeLessThan(130);
  });

  it('isolated: nodes reach gateway and client by IP and each other only on the heartbeat network', async () => {
    await network('isolated');
    await ping('n1', addressOf('gateway'));
    await ping('n1', addressOf('client'));
    await expect(ping('n1', addressOf('n2'))).rejects.toThrow();
    await ping('n1', '10.88.0.2');
  });

  it('tagged: every frame on a cable has the tag, and those of another VLAN reach no host', async () => {
    await network('tagged');
    const [cable, ear] = [await listen(farm, 'n2', 'u0'), await listen(farm, 'n2')];
    const own = frame(BROADCAST, macOf('n1'), 'own n1');
    await send(farm, 'n1', [tagged(20, frame(BROADCAST, macOf('n1'), 'foreign n1'))], 'u0');
    await send(farm, 'n1', [own]);
    await until('the frame of the own VLAN', () => ear.heard('own n1'));
    expect(cable.frames().map(({ mark, vlan }) => [mark, vlan])).toEqual([
      ['foreign n1', 20],
      ['own n1', 10],
    ]);
    expect(ear.frames().map(({ mark, vlan }) => [mark, vlan])).toEqual([['own n1', null]]);
  });

  it('two-switches: the switches forget a silent host after 5 s, and flood what is for it', async () => {
    await network('two-switches');
    const [ear, bystander] = [await listen(farm, 'n2'), await listen(farm, 'n3')];
    await send(farm, 'n2', [frame(BROADCAST, macOf('n2'), 'hello n2')]);
    await until('n3 hears n2', () => bystander.heard('hello n2'));
    const call = async (mark: string): Promise<boolean> => {
      await send(farm, 'client', [frame(macOf('n2'), macOf('client'), mark)]);
      await until('n2 hears its frame', () => ear.heard(mark));
      return bystander.heard(mark);
    };
    expect(await call('call 0')).toBe(false);
    let round = 0;
    await until('the frame for n2 comes to n3 as well', () => call(`call ${++round}`), 20_000);
  });

  it('router: its ARP cache keeps what it knows', async () => {
    await network('router');
    await ping('n1', addressOf('client', FAR));
    const { stdout } = await farm.exec('gateway', ['ip', 'ntable', 'show', 'dev', 'eth0', 'name', 'arp_cache']);
    expect(stdout).toMatch(/reachable (?:[6-9]|1\d|2\d)\d{6}/);
    // An entry that came by a request of the node's is looked at once more, 5 s later; then it is held.
    const entry = async () => (await farm.exec('gateway', ['ip', 'neigh', 'show', addressOf('n1')])).stdout;
    await until('the entry is held', async () => /REACHABLE/.test(await entry()), 15_000);
  });

  it('l3: nodes of different subnets reach each other by the gateway only', async () => {
    await network('l3');
    await ping('n1', addressOf('n2', FAR));
    await expect(farm.exec('n1', ['ping', '-c', '1', '-W', '2', '-t', '1', addressOf('n2', FAR)])).rejects.toThrow();
  });

  it('has a test of every profile', () => {
    expect([...Object.keys(BEHAVIOUR), 'lossy'].sort()).toEqual([...PROFILE_NAMES].sort());
  });
});

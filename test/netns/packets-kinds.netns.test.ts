/**
 * Packets of every kind, through a real farm:
 *
 *     client ---- switch ---- n1, n2, n3            MTU 1500, or 9000 where a test says so
 *                   |
 *                 router ---- far                   behind the router the MTU is 1400
 *
 * The namespaces `router` and `far` are of this file alone.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaceOf, VIP, VIP6 } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { background, until, useFarm } from './farm.js';

const farm = useFarm('packets', {
  ipv6: true,
  overrides: [
    `rules:
  - { name: web,  protocol: tcp, ports: [80, 8080], affinity: connection }
  - { name: old,  protocol: tcp, ports: [8090], mode: deny }
  - { name: db,   protocol: tcp, ports: [8100], mode: failover, order: [n2, n3] }
  - { name: few,  protocol: tcp, ports: [8200], affinity: connection, weights: { n1: 0, n2: 1, n3: 3 } }
  - { name: echo, protocol: udp, ports: [7000], affinity: connection }
`,
  ],
});

const space = (host: string) => namespaceOf(farm.lab, host);
const FAR = 'covey-test-packets-far';
const ROUTER = 'covey-test-packets-router';
const BIG_BYTES = 3_000_000;
const inside = (namespace: string, ...command: readonly string[]) =>
  run('ip', ['netns', 'exec', namespace, ...command], { timeoutMs: 30_000 });
const batch = (namespace: string, lines: readonly string[]) =>
  run('ip', ['-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });

/** What each node runs: its name and a big answer over HTTP, and an echo of datagrams that says its name first. */
const SERVICE = `
const name = process.argv[1];
const http = require('http');
const handle = (q, r) => r.end(q.url === '/big' ? Buffer.alloc(${BIG_BYTES}, 97) : name);
const up = [8080, 8090, 8100, 8200].map((port) => new Promise((done) => http.createServer(handle).listen(port, '::', done)));
const udp = require('dgram').createSocket('udp6');
udp.on('message', (m, from) => udp.send(Buffer.concat([Buffer.from(name), m]), from.port, from.address));
up.push(new Promise((done) => udp.bind(7000, '::', done)));
Promise.all(up).then(() => console.log('ready'));
`;

/** Sends datagrams of these sizes from one socket each; prints {node, bytes, whole} for each answer. */
const ASK = `
const [address, sizes] = [process.argv[1], JSON.parse(process.argv[2])];
const family = address.includes(':') ? 'udp6' : 'udp4';
const one = (size) => new Promise((done) => {
  const socket = require('dgram').createSocket(family);
  const data = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7) & 255));
  const timer = setTimeout(() => { socket.close(); done({ size, node: null }); }, 2000);
  socket.on('message', (m) => { clearTimeout(timer); socket.close(); done({ size, node: m.subarray(0, 2).toString(), whole: m.subarray(2).equals(data) }); });
  socket.send(data, 7000, address);
});
Promise.all(sizes.map(one)).then((all) => console.log(JSON.stringify(all)));
`;

async function removeRouter(): Promise<void> {
  for (const namespace of [ROUTER, FAR]) await run('ip', ['netns', 'delete', namespace]).catch(() => undefined);
}

async function addRouter(): Promise<void> {
  await run('ip', ['netns', 'add', ROUTER]);
  await run('ip', ['netns', 'add', FAR]);
  await batch(space('switch'), [
    `link add p-router type veth peer name eth0 address 0a:77:00:00:00:fe netns ${ROUTER}`,
    'link set p-router master br0 up',
  ]);
  await batch(ROUTER, [
    'link set eth0 up',
    'address add 10.77.0.254/24 dev eth0',
    'address add fd77::fe/64 dev eth0 nodad',
    `link add eth1 mtu 1400 type veth peer name eth0 netns ${FAR}`,
    'link set eth1 up',
    'address add 10.78.0.1/24 dev eth1',
    'address add fd78::1/64 dev eth1 nodad',
  ]);
  await inside(ROUTER, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  // Its own MTU stays 1500, so that it offers a segment size that does not fit: only the router's message can tell.
  await batch(FAR, [
    'link set lo up',
    'link set eth0 up',
    'address add 10.78.0.2/24 dev eth0',
    'address add fd78::2/64 dev eth0 nodad',
    'route add default via 10.78.0.1',
    'route add default via fd78::1',
  ]);
  for (const node of farm.nodes) {
    await batch(space(node), ['route add 10.78.0.0/24 via 10.77.0.254', 'route add fd78::/64 via fd77::fe']);
  }
}

beforeAll(async () => {
  await removeRouter();
  for (const node of farm.nodes) {
    const service = background(['ip', 'netns', 'exec', space(node), 'node', '-e', SERVICE, node]);
    await until(`the service of ${node}`, () => /ready/.test(service.stdout()));
  }
});
afterAll(removeRouter);

const url = (vip: string, port: number, path = '/') => `http://${vip.includes(':') ? `[${vip}]` : vip}:${port}${path}`;
const curl = async (namespace: string, ...words: readonly string[]) =>
  (await inside(namespace, 'curl', '-sS', '--max-time', '10', ...words)).stdout;
const BOTH = [
  ['IPv4', VIP],
  ['IPv6', VIP6],
] as const;

describe('path MTU through a router', () => {
  beforeAll(addRouter);

  it.each(BOTH)(
    'the router`s message reaches the node that has the connection, whichever it is: %s',
    async (_, vip) => {
      const homes = new Set<string>();
      for (let turn = 0; turn < 24 && homes.size < 3; turn++) {
        // One connection: the node's name, then the download that cannot pass without the message.
        const words = [
          '-w',
          '%{size_download}\n',
          '-o',
          '-',
          url(vip, 8080),
          '-o',
          '/dev/null',
          url(vip, 8080, '/big'),
        ];
        const text = await curl(FAR, ...words);
        homes.add(/n\d/.exec(text)![0]);
        expect(text).toContain(`${BIG_BYTES}`);
      }
      expect(homes.size).toBe(3);
      const learned = await Promise.all(
        farm.nodes.map(
          async (node) =>
            (await inside(space(node), 'ip', 'route', 'get', vip === VIP ? '10.78.0.2' : 'fd78::2')).stdout,
        ),
      );
      for (const route of learned) expect(route).toContain('mtu 1400');
    },
  );
});

describe('packets that are not like most', () => {
  it.each(BOTH)('fragments: datagrams of 4000 bytes and more come whole, from one node: %s', async (_, vip) => {
    const sizes = [...Array.from({ length: 30 }, (_, index) => 4000 + index), 20_000, 60_000];
    // While an address is being resolved the kernel keeps about 200 KiB for it (neigh/unres_qlen_bytes), less than these are in all.
    await inside(space('client'), 'ping', '-c', '1', '-W', '5', vip);
    const { stdout } = await inside(space('client'), 'node', '-e', ASK, vip, JSON.stringify(sizes));
    const answers = JSON.parse(stdout) as readonly { size: number; node: string | null; whole: boolean }[];
    expect(answers.filter(({ node, whole }) => node === null || !whole)).toEqual([]);
    expect(new Set(answers.map(({ node }) => node)).size).toBe(3);
  });

  it.each(BOTH)('echo is answered exactly once, small, large and in fragments: %s', async (_, vip) => {
    for (const size of ['56', '1400', '4000']) {
      const { stdout } = await inside(space('client'), 'ping', '-c', '4', '-i', '0.05', '-W', '2', '-s', size, vip);
      expect(stdout).toMatch(/4 packets transmitted, 4 received/);
      expect(stdout).not.toContain('DUP!');
    }
  });

  it('IPv4 options: an echo with a recorded route and one with time stamps are answered once', async () => {
    for (const option of [['-R'], ['-T', 'tsonly']]) {
      const { stdout } = await inside(space('client'), 'ping', '-c', '3', '-i', '0.05', '-W', '2', ...option, VIP);
      expect(stdout).toMatch(/3 packets transmitted, 3 received/);
      expect(stdout).not.toContain('DUP!');
    }
  });

  it('jumbo frames: at MTU 9000 large segments and datagrams pass, both ways', async () => {
    await batch(
      space('switch'),
      [...farm.nodes, 'client'].map((host) => `link set p-${host} mtu 9000`),
    );
    for (const host of [...farm.nodes, 'client']) await batch(space(host), ['link set eth0 mtu 9000']);
    const sent = await curl(
      space('client'),
      '-w',
      '%{size_upload}',
      '--data-binary',
      '@/proc/self/exe',
      url(VIP, 8080),
    ).catch(() => '');
    expect(Number(sent.replace(/^n\d/, ''))).toBeGreaterThan(100_000);
    expect(await curl(space('client'), '-o', '/dev/null', '-w', '%{size_download}', url(VIP, 8080, '/big'))).toBe(
      `${BIG_BYTES}`,
    );
    const { stdout } = await inside(space('client'), 'node', '-e', ASK, VIP, JSON.stringify([8900, 8950, 8960]));
    for (const answer of JSON.parse(stdout)) expect(answer.whole).toBe(true);
  });
});

describe('rules', () => {
  const asked = async (port: number, times: number) => {
    const words = Array.from({ length: times }, () => ['--no-keepalive', url(VIP, port)]).flat();
    const texts = await Promise.all(Array.from({ length: times }, () => curl(space('client'), ...words.slice(0, 2))));
    return texts.map((text) => text.slice(0, 2));
  };

  it('failover: the first living node of the order has all', async () => {
    expect(new Set(await asked(8100, 8))).toEqual(new Set(['n2']));
  });

  it('deny: nobody answers, and the frames are counted under that name', async () => {
    await expect(curl(space('client'), '--connect-timeout', '0.4', url(VIP, 8090))).rejects.toThrow(/time/i);
    const { counters } = await farm.report('n1');
    expect((counters.rejected as Record<string, number>).denied).toBeGreaterThan(0);
  });

  it('weights of a rule: none for n1, three times as many for n3 as for n2', async () => {
    const nodes = await asked(8200, 60);
    expect(nodes).not.toContain('n1');
    const third = nodes.filter((node) => node === 'n3').length / nodes.length;
    expect(third).toBeGreaterThan(0.55);
    expect(third).toBeLessThan(0.95);
  });
});

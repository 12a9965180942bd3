import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { canonicalConfig, electorate, resolveForNode } from '../../../src/config/resolve.js';
import { tableBytes } from '../../../src/config/table.js';
import { configFrom, EXAMPLE, MINIMAL } from './examples.js';

describe('the example of the design', () => {
  const config = configFrom(EXAMPLE);

  it('gives durations in ms and addresses as bytes', () => {
    expect(config.heartbeat).toEqual({ intervalMs: 100, leaseMs: 500, marginMs: 100, udp: [], port: 7947 });
    expect(config.vips.map((vip) => [vip.text, vip.address.length, vip.prefixLength])).toEqual([
      ['10.77.0.50/24', 4, 24],
      ['fd77::50/64', 16, 64],
    ]);
    expect([...config.vips[0]!.address]).toEqual([10, 77, 0, 50]);
  });

  it('gives ports as ranges', () => {
    expect(config.rules.map((rule) => rule.ports)).toEqual([
      [
        { first: 80, last: 80 },
        { first: 443, last: 443 },
      ],
      [{ first: 8000, last: 8100 }],
      [{ first: 53, last: 53 }],
      [{ first: 5432, last: 5432 }],
    ]);
    expect(config.rules[1]).toMatchObject({ affinity: 'client', holdMs: 300_000, mode: 'balance' });
    expect(config.rules[3]).toMatchObject({ affinity: 'client', mode: 'failover', order: ['n1', 'n2'] });
  });

  it('keeps the key path as it is in the file', () => expect(config.keyFile).toBe('farm.key'));

  it('gives services, checkers and console', () => {
    expect(config.services[0]).toMatchObject({
      name: 'nginx',
      systemd: null,
      start: 'systemctl start nginx',
      maxRestarts: 3,
    });
    expect(config.checkers[0]).toMatchObject({
      type: 'http',
      intervalMs: 1000,
      fall: 3,
      rise: 2,
      onFail: { action: 'restart', service: 'nginx' },
    });
    expect(config.console).toEqual({ listen: '127.0.0.1:9443', hosts: [] });
  });
});

describe('metrics and notifications', () => {
  const config = configFrom(`${MINIMAL}metrics: { listen: "127.0.0.1:9445" }
notify:
  - { webhook: "https://hooks.example.org/covey", secret: file:webhook.secret, events: [member-lost, "checker*"] }
  - { exec: logger -t covey, timeout: 2s }
  - { email: ops@example.org, smtp: "mail.example.org:25", from: covey@example.org }
`);

  it('are told where', () => expect(config.metrics).toEqual({ listen: '127.0.0.1:9445' }));

  it('go by webhook, command or e-mail', () => {
    expect(config.notify).toEqual([
      {
        way: 'webhook',
        url: 'https://hooks.example.org/covey',
        secretFile: 'webhook.secret',
        events: ['member-lost', 'checker*'],
        timeoutMs: 10_000,
      },
      { way: 'exec', command: 'logger -t covey', events: ['default'], timeoutMs: 2000 },
      {
        way: 'email',
        address: 'ops@example.org',
        smtp: 'mail.example.org:25',
        from: 'covey@example.org',
        user: null,
        passwordFile: null,
        events: ['default'],
        timeoutMs: 10_000,
      },
    ]);
  });
});

describe('defaults', () => {
  const config = configFrom(MINIMAL);

  it('are those of the contract', () => {
    expect(config).toMatchObject({
      reach: 'auto',
      reachCalmMs: null,
      quorum: 'none',
      witness: [],
      nodes: {},
      capture: 'auto',
      table: { keys: 262_144 },
      drain: { deadlineMs: 60_000 },
      heartbeat: { intervalMs: 100, leaseMs: 500, port: 7947 },
      services: [],
      checkers: [],
      console: null,
      metrics: null,
      notify: [],
    });
  });

  it('are replaced by what the file says', () => {
    expect(configFrom(`${MINIMAL}reachCalm: 10m\n`).reachCalmMs).toBe(600_000);
  });

  it('make the lease five intervals', () => {
    expect(configFrom(`${MINIMAL}heartbeat: { interval: 30ms }\n`).heartbeat.leaseMs).toBe(150);
  });
});

describe('the key table', () => {
  it('takes 1024 to 4194304 keys', () => {
    for (const keys of [1024, 4_000_000, 4_194_304]) {
      expect(configFrom(`${MINIMAL}table: { keys: ${keys} }\n`).table).toEqual({ keys });
    }
    expect(configFrom(`${MINIMAL}table: {}\n`).table).toEqual({ keys: 262_144 });
    for (const keys of ['1023', '4194305', '5e5.5', '"many"', 'null']) {
      expect(parseConfig(`${MINIMAL}table: { keys: ${keys} }\n`).ok).toBe(false);
    }
  });

  it('says what memory it takes', () => {
    expect(tableBytes(262_144)).toBe(36 << 20);
    expect(tableBytes(4_194_304)).toBe(576 << 20);
  });
});

describe('every type of checker', () => {
  it('is accepted in full', () => {
    const config = configFrom(`${MINIMAL}checkers:
  - { name: a, type: http, url: "https://127.0.0.1/", status: [200, 204], body: "ok", tls-name: www.example.org }
  - { name: b, type: tcp, address: "[::1]:80", on-fail: weight 50% }
  - { name: c, type: udp, address: "127.0.0.1:53", payload: "x", expect: "^y" }
  - { name: d, type: ping, address: 10.77.0.1, grace: 5s, on-fail: notify }
  - { name: e, type: process, pid-file: /run/nginx.pid, on-fail: stop }
  - { name: f, type: interface, interface: eth1, address: 10.0.0.1 }
  - { name: g, type: exec, command: "test -e /run/ready" }
  - { name: h, type: disk, path: /var, free: 10% }
  - { name: i, type: load, max: 8 }
  - { name: j, type: custom }
`);
    expect(config.checkers.map((checker) => checker.type).join(' ')).toBe(
      'http tcp udp ping process interface exec disk load custom',
    );
    expect(config.checkers[1]!.onFail).toEqual({ action: 'weight', percent: 50 });
    expect(config.checkers[2]!.onFail).toEqual({ action: 'wait' });
  });
});

describe('resolveForNode', () => {
  const config = configFrom(EXAMPLE);

  it('applies overrides', () => {
    expect(resolveForNode(config, 'n2')).toEqual({ name: 'n2', interface: 'eth1', weight: 2 });
    expect(resolveForNode(config, 'n1')).toEqual({ name: 'n1', interface: 'eth0', weight: 1 });
  });

  it('is not fooled by names that every object has', () => {
    expect(resolveForNode(config, 'constructor')).toEqual({ name: 'constructor', interface: 'eth0', weight: 1 });
  });

  it('names the electorate sorted, from wherever the config names nodes', () => {
    expect(electorate(config)).toEqual(['n1', 'n2']);
    expect(electorate(configFrom(MINIMAL))).toEqual([]);
    expect(electorate(configFrom(`${MINIMAL}nodes: { n3: , n1: { weight: 2 }, n2: {} }\n`))).toEqual([
      'n1',
      'n2',
      'n3',
    ]);
  });
});

describe('canonicalConfig', () => {
  const canonical = (text: string) => canonicalConfig(configFrom(text));

  it('is blind to form, order of keys, written defaults and what is local to a host', () => {
    const other = `# a comment
vips: ["10.77.0.50/24"]
rules: [{ ports: ["80-80"], affinity: client, protocol: tcp, name: web, hold: 0s }]
interface: bond0
capture: pcap
key: file:/etc/covey/farm.key
heartbeat: { lease: 500ms }
farm: web
nodes: { n1: { weight: 3, interface: eth1 } }
drain: { deadline: 5s }
services: [{ name: nginx, systemd: nginx }]
`;
    expect(canonical(other)).toBe(canonical(MINIMAL));
  });

  it('sees what nodes must have in common', () => {
    const variants = [
      MINIMAL.replace('farm: web', 'farm: shop'),
      MINIMAL.replace('10.77.0.50/24', '10.77.0.51/24'),
      MINIMAL.replace('10.77.0.50/24', '10.77.0.50/16'),
      MINIMAL.replace('80', '81'),
      `${MINIMAL}reach: flood\n`,
      `${MINIMAL}heartbeat: { interval: 50ms, lease: 500ms }\n`,
      `${MINIMAL}quorum: majority\n`,
      `${MINIMAL}witness: [10.77.0.1]\n`,
      `${MINIMAL}quorum: majority\nnodes: { n1: , n2: , n3: }\n`,
    ].map(canonical);
    expect(new Set([canonical(MINIMAL), ...variants]).size).toBe(variants.length + 1);
  });

  it('lets a node go up again earlier than the others: the farm follows when all have', () => {
    expect(canonical(`${MINIMAL}reachCalm: 10m\n`)).toBe(canonical(MINIMAL));
  });

  it('lets the weight of a node change on one node at a time, also where the nodes are counted', () => {
    const farm = (weight: number) =>
      canonical(`${MINIMAL}quorum: majority\nnodes: { n1: { weight: ${weight} }, n2: , n3: }\n`);
    expect(farm(3)).toBe(farm(1));
  });

  it('orders weights by name, and keeps the order of nodes and rules', () => {
    const rules = (text: string) => canonical(MINIMAL.replace(/ {2}- .*\n/, text));
    const weighted = (weights: string) => rules(`  - { name: web, protocol: tcp, ports: [80], weights: ${weights} }\n`);
    expect(weighted('{ n1: 2, n2: 3 }')).toBe(weighted('{ n2: 3, n1: 2 }'));
    const failover = (order: string) =>
      rules(`  - { name: web, protocol: tcp, ports: [80], mode: failover, order: ${order} }\n`);
    expect(failover('[n1, n2]')).not.toBe(failover('[n2, n1]'));
  });
});

describe('any text', () => {
  it('never makes parseConfig throw', () => {
    for (const text of [
      '',
      '\0',
      '&a [*a]',
      '{',
      '? [a]: b',
      '- - -',
      'a: |',
      '%YAML 9.9\n---\na: 1',
      '__proto__: 1',
      '\t',
    ]) {
      expect(() => parseConfig(text)).not.toThrow();
    }
  });

  it('of any size is answered', () => {
    const result = parseConfig('a'.repeat(200 * 1024));
    expect(result.ok ? [] : result.faults.map((fault) => fault.message)).toEqual([
      'the file is larger than 131072 characters',
    ]);
  });

  // Each of these overflowed the parser's stack, or took it many seconds.
  const hostile: Readonly<Record<string, string>> = {
    'open lists': '['.repeat(100_000),
    'nested lists': `a: ${'['.repeat(800)}${']'.repeat(800)}`,
    'nested maps': `${'{a: '.repeat(800)}1${'}'.repeat(800)}`,
    dashes: '- '.repeat(60_000),
    'question marks': '? '.repeat(60_000),
    indents: Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    'many keys': Array.from({ length: 14_000 }, (_, i) => `k${i}: 1`).join('\n'),
    'one key': 'a: 1\n'.repeat(25_000),
    'many rules': `rules:\n${'  - {}\n'.repeat(18_000)}`,
    'a long order': `rules: [{ order: [${Array.from({ length: 18_000 }, (_, i) => `n${i}`).join(',')}] }]`,
    'bad escapes': `a: "${'\\x'.repeat(60_000)}"`,
    itself: 'farm: &a [*a]',
  };

  it.each(Object.entries(hostile))(
    'made of %s is refused',
    (_name, text) => {
      const result = parseConfig(text);
      expect(result.ok ? 0 : result.faults.length).toBeGreaterThan(0);
    },
    20_000,
  );

  it('may be one long line', () => {
    const weights = Array.from({ length: 64 }, (_, i) => `n${i}: ${i}`).join(', ');
    const rules = Array.from(
      { length: 64 },
      (_, i) => `{ name: r${i}, protocol: tcp, ports: [${i + 1}], weights: { ${weights} } }`,
    );
    const config = configFrom(MINIMAL.replace(/rules:[\s\S]*/, `rules: [${rules.join(', ')}]\n`));
    expect(config.rules).toHaveLength(64);
  });
});

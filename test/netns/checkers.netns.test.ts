/**
 * Each kind of checker, and each action, with real programs: nginx (HTTP, HTTPS), dnsmasq, and a process that leaks. What a checker looks
 * at is broken on n1, in every way that it can tell apart, and mended again.
 *
 *     client 10.77.0.100 (is pinged) ---- switch ---- n1: broken, n2: takes over; VIP 10.77.0.50
 *
 * One farm for all of it, and what does not get in the way of each other is broken at once. How fast it goes at the defaults is tried in
 * operations.netns.test.ts.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { CLI, CLIENT_ADDRESS, labPaths, nodePaths } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { ROOT, until, useFarm } from './farm.js';

const directory = mkdtempSync(join(tmpdir(), 'covey-checkers-'));
const APP = `${join(ROOT, 'test', 'netns', 'fixtures', 'app.sh')} ${directory}`;
const file = (name: string) => join(directory, name);
/** A question for covey.test, type A (RFC 1035 section 4). */
const QUESTION = '\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05covey\x04test\x00\x00\x01\x00\x01';
const FLAG = `${directory}/$COVEY_NODE`;

const PACE = { interval: '1s', timeout: '1s', fall: 2, rise: 1 };
const service = (name: string) => ({ name, start: `${APP} ${name} start`, stop: `${APP} ${name} stop` });
/** The nodes share pids and files: a checker that names either means those of n1, on both nodes. */
const CHECKERS = [
  { name: 'http', type: 'http', url: 'http://127.0.0.1:8081/health', body: '^well' },
  { name: 'https', type: 'http', url: 'https://127.0.0.1:8443/health', 'tls-name': 'www.covey.test' },
  { name: 'tcp', type: 'tcp', address: '127.0.0.1:8081' },
  { name: 'udp', type: 'udp', address: '127.0.0.1:53', payload: QUESTION, expect: '\\x0a\\x01\\x02\\x03' },
  { name: 'ping', type: 'ping', address: CLIENT_ADDRESS },
  { name: 'pid', type: 'process', 'pid-file': file('n1.dns.pid') },
  { name: 'process', type: 'process', process: 'leaky-n1' },
  { name: 'link', type: 'interface', interface: 'spare0', address: '10.99.0.1' },
  { name: 'exec', type: 'exec', command: `test ! -e ${FLAG}.hang || sleep 63.7; test ! -e ${FLAG}.sick` },
  { name: 'disk', type: 'disk', path: file('disk'), free: '50%' },
  { name: 'load', type: 'load', max: 1000 },
].map((checker) => ({ ...PACE, 'on-fail': 'notify', ...checker }));
/** What they do is done at once, by the word of a script: `covey set`. */
const ACTORS = ['wait', 'stop', 'weight 25%', 'notify'].map((action) => ({
  name: `acts-${action.split(' ')[0]}`,
  type: 'custom',
  'on-fail': action,
}));
/** Slow enough for a host whose processors are taken by others: only a leak is to restart anything. */
const LEAK = {
  name: 'leak',
  type: 'exec',
  command: `${APP} leaky check`,
  fall: 2,
  rise: 1,
  grace: '5s',
  'on-fail': 'restart leaky',
};

/** Both certificates, so that nginx can be given the wrong one. */
async function certificate(name: string): Promise<void> {
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=${name} -addext subjectAltName=DNS:${name}`;
  await run('openssl', [...words.split(' '), '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)]);
}

function nginxConfig(node: string, name = 'www.covey.test'): string {
  return `user root; worker_processes 1; pid ${directory}/${node}.nginx.pid;
events { worker_connections 64; }
http { access_log off; root ${directory}/${node}; client_body_temp_path ${directory}/${node}.body;
  proxy_temp_path ${directory}/${node}.proxy; fastcgi_temp_path ${directory}/${node}.fcgi;
  uwsgi_temp_path ${directory}/${node}.uwsgi; scgi_temp_path ${directory}/${node}.scgi;
  ssl_certificate ${file(`${name}.crt`)}; ssl_certificate_key ${file(`${name}.key`)};
  server { listen 127.0.0.1:8081; listen 127.0.0.1:8443 ssl; } }`;
}

beforeAll(async () => {
  await certificate('www.covey.test');
  await certificate('other.covey.test');
  for (const node of ['n1', 'n2']) {
    mkdirSync(file(node));
    writeFileSync(join(file(node), 'health'), 'well');
    writeFileSync(file(`${node}.conf`), nginxConfig(node));
  }
  // A small disk of its own, that may be filled.
  mkdirSync(file('disk'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'covey-test', file('disk')]);
});
const config = {
  services: ['nginx', 'dns', 'leaky'].map(service),
  checkers: [...CHECKERS, ...ACTORS, LEAK],
  notify: [{ exec: `cat >> ${FLAG}.told` }],
};
const farm = useFarm('checkers', { nodes: 2, overrides: [JSON.stringify(config)] });
beforeAll(async () => {
  await onN1('ip link add spare0 type veth peer name spare1 && ip address add 10.99.0.1/30 dev spare0');
  await onN1('ip link set spare0 up && ip link set spare1 up');
});
afterAll(async () => {
  await run('umount', ['-l', file('disk')]);
  rmSync(directory, { recursive: true, force: true });
});

const client = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir);
const onN1 = (line: string) => farm.exec('n1', ['env', 'COVEY_NODE=n1', 'sh', '-c', line]);
const pidOf = (what: string) => Number(readFileSync(file(`n1.${what}.pid`), 'utf8'));
const put = (name: string, text = '') => writeFileSync(file(name), text);
const drop = (name: string) => rmSync(file(name));
const shareOf = async (node: string) => (await client('n2').status()).members.find(({ name }) => name === node)?.share;
const checker = async (name: string) => (await client('n1').status()).checkers.find((report) => report.name === name)!;
const well = (name: string) => until(`${name} is well`, async () => (await checker(name)).state === 'well');

const set = (action: string, ...words: readonly string[]) =>
  farm.exec('n1', [
    'node',
    CLI,
    'set',
    `custom.acts-${action}`,
    ...words,
    '--run-dir',
    nodePaths(farm.lab, 'n1').runDir,
  ]);

/** Of n1's events since then, those of one kind. */
async function told(since: string, kind: string) {
  const { events } = await client('n1').events({ since, limit: 1000 });
  return events.filter(({ event }) => event === kind).map(({ fields }) => fields as Record<string, string>);
}

/** The first change of a checker of n1 into this state since then. */
const changed = async (since: string, name: string, to: string) =>
  (await told(since, 'checker')).find((fields) => fields.checker === name && fields.to === to);

const now = () => new Date().toISOString();

interface Notified {
  readonly event: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What n1 told by `exec`. */
function notifications(): readonly Notified[] {
  const text = existsSync(file('n1.told')) ? readFileSync(file('n1.told'), 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Notified);
}

/** What a checker must say, while `breaks` holds. */
interface Fault {
  readonly what: string;
  readonly breaks: () => unknown;
  readonly mends: () => unknown;
  readonly seen: Readonly<Record<string, RegExp>>;
}

const useCertificate = async (name: string) => {
  writeFileSync(file('n1.conf'), nginxConfig('n1', name));
  await onN1(`nginx -c ${file('n1.conf')} -e ${file('n1.error')} -s reload`);
};
const SILENCE = /^no answer within 1000 ms$/;
const STOPPED = /^pid \d+ is stopped by a signal$/;
const WAVES: readonly (readonly Fault[])[] = [
  [
    {
      what: 'the page says something else',
      breaks: () => put('n1/health', 'sick'),
      mends: () => put('n1/health', 'well'),
      seen: { http: /^status 200, body does not match$/ },
    },
    {
      what: 'the certificate is that of another name',
      breaks: () => useCertificate('other.covey.test'),
      mends: () => useCertificate('www.covey.test'),
      seen: { https: /^the certificate is not for www\.covey\.test: .*other\.covey\.test/ },
    },
    {
      what: 'the name server hangs',
      breaks: () => process.kill(pidOf('dns'), 'SIGSTOP'),
      mends: () => process.kill(pidOf('dns'), 'SIGCONT'),
      seen: { udp: SILENCE, pid: STOPPED },
    },
    {
      what: 'a process is stopped by a signal',
      breaks: () => process.kill(pidOf('leaky'), 'SIGSTOP'),
      mends: () => process.kill(pidOf('leaky'), 'SIGCONT'),
      seen: { process: STOPPED },
    },
    {
      what: 'the host that is pinged does not answer',
      breaks: () => farm.exec('client', ['sysctl', '-q', 'net.ipv4.icmp_echo_ignore_all=1']),
      mends: () => farm.exec('client', ['sysctl', '-q', 'net.ipv4.icmp_echo_ignore_all=0']),
      seen: { ping: /^(10\.77\.0\.100 does not|no) answer within 1000 ms$/ },
    },
    {
      what: 'the interface is down',
      breaks: () => onN1('ip link set spare0 down'),
      mends: () => onN1('ip link set spare0 up'),
      seen: { link: /^spare0 is down$/ },
    },
    {
      what: 'a command ends with another code',
      breaks: () => put('n1.sick'),
      mends: () => drop('n1.sick'),
      seen: { exec: /^exit code 1$/ },
    },
    {
      what: 'the disk is nearly full',
      breaks: () => writeFileSync(file('disk/filling'), Buffer.alloc(3 << 20)),
      mends: () => drop('disk/filling'),
      seen: { disk: /^2\d\.\d % of .*\/disk free$/ },
    },
  ],
  [
    {
      what: 'the page is gone',
      breaks: () => drop('n1/health'),
      mends: () => put('n1/health', 'well'),
      seen: { http: /^status 404$/, https: /^status 404$/ },
    },
    {
      what: 'the cable is out',
      breaks: () => onN1('ip link set spare1 down'),
      mends: () => onN1('ip link set spare1 up'),
      seen: { link: /^spare0 has no carrier$/ },
    },
    {
      what: 'a command hangs, and is killed with all that it started',
      breaks: () => put('n1.hang'),
      mends: async () => {
        drop('n1.hang');
        await until('no sleeper is left', async () => (await processes('sleep 63.7')) === 0);
      },
      seen: { exec: /^no (end|answer) within 1/ },
    },
    {
      what: 'no name server is there',
      breaks: () => onN1(`${APP} dns stop`),
      mends: () => onN1(`${APP} dns start`),
      seen: { udp: /ECONNREFUSED/, pid: /ENOENT|is dead|is gone/ },
    },
  ],
  [
    {
      what: 'the web server hangs: the kernel still takes connections',
      breaks: () => signalNginx('SIGSTOP'),
      mends: () => signalNginx('SIGCONT'),
      seen: { http: SILENCE, https: SILENCE },
    },
    {
      what: 'the address is gone',
      breaks: () => onN1('ip address del 10.99.0.1/30 dev spare0'),
      mends: () => onN1('ip address add 10.99.0.1/30 dev spare0'),
      seen: { link: /^spare0 lacks the address 10\.99\.0\.1$/ },
    },
  ],
  [
    {
      what: 'no web server is there',
      breaks: () => onN1(`${APP} nginx stop`),
      mends: () => onN1(`${APP} nginx start`),
      seen: { tcp: /ECONNREFUSED/, http: /ECONNREFUSED/, https: /ECONNREFUSED/ },
    },
  ],
];

async function signalNginx(signal: NodeJS.Signals): Promise<void> {
  const master = pidOf('nginx');
  const { stdout } = await farm.exec('n1', ['pgrep', '-P', `${master}`]);
  for (const pid of [master, ...stdout.trim().split('\n').map(Number)]) process.kill(pid, signal);
}

async function processes(line: string): Promise<number> {
  const { stdout } = await run('ps', ['-eo', 'args']);
  return stdout.split('\n').filter((args) => args.trim() === line).length;
}

describe.sequential('each kind of checker', () => {
  it('is well where there is nothing to say', async () => {
    for (const { name } of [...CHECKERS, ...ACTORS, LEAK]) await well(name);
    expect((await client('n1').status()).services.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
  });

  it.each(WAVES.map((faults) => [faults.map(({ what }) => what).join('; '), faults] as const))(
    'tells that %s',
    async (_, faults) => {
      const expected = faults.flatMap(({ seen }) => Object.entries(seen));
      for (const [name] of expected) await well(name);
      const since = now();
      try {
        for (const { breaks } of faults) await breaks();
        for (const [name, detail] of expected) {
          const failure = await until(`${name} has failed`, () => changed(since, name, 'failed'));
          expect([name, failure.detail]).toEqual([name, expect.stringMatching(detail)]);
        }
      } finally {
        for (const { mends } of faults) await mends();
      }
      for (const [name] of expected) await until(`${name} is well`, () => changed(since, name, 'well'));
      // All of them say no more than `notify`.
      expect((await client('n1').status()).state).toBe('up');
    },
  );

  it('load: an apply lowers the limit below what a busy host has', async () => {
    const text = readFileSync(labPaths(farm.lab).config, 'utf8');
    const lower = text.replace('max: 1000', 'max: 0.02');
    expect(lower).not.toBe(text);
    // Bounded; the kernel counts who runs every 5 s.
    const busy = farm.background('n1', ['timeout', '20', 'sh', '-c', 'while :; do :; done']);
    const apply = (config: string) => client('n1').apply({ text: config, revision: null, dryRun: false, by: 'test' });
    try {
      expect((await apply(lower)).applied).toBe(true);
      await until('the load is too high', async () => (await checker('load')).state === 'failed', 20_000);
      expect((await checker('load')).detail).toMatch(/^load \d/);
    } finally {
      busy.stop();
      await busy.ended;
    }
    expect((await apply(text)).applied).toBe(true);
    await well('load');
  });
});

describe.sequential('each action', () => {
  it('notify: an event, a notification, and nothing else', async () => {
    await set('notify', 'down', '--reason', 'by hand');
    const found = await until('it is told', () =>
      notifications().find(({ fields }) => fields.checker === 'acts-notify' && fields.to === 'failed'),
    );
    expect(found).toMatchObject({ event: 'checker', node: 'n1', fields: { action: 'notify', detail: 'by hand' } });
    expect(await shareOf('n1')).toBe(0.5);
    const since = now();
    await set('notify', 'up');
    await until('it is well', () => changed(since, 'acts-notify', 'well'));
  });

  it('weight 25%: that part of its weight counts, and no request is lost', async () => {
    const { summary } = farm.load(4, 60);
    await set('weight', 'down', '--reason', 'by hand');
    // 25 of 125 parts, in whole buckets.
    await until('n1 bears less', async () => Math.abs(((await shareOf('n1')) ?? 0) - 0.2) < 0.001);
    const { text } = await client('n1').metrics();
    expect(text).toContain('\ncovey_checker_state{checker="acts-weight",type="custom",state="failed"} 1\n');
    expect(text).toContain('\ncovey_member_weight_ratio{member="n1"} 0.25\n');
    await set('weight', 'up');
    await until('n1 bears its part', async () => (await shareOf('n1')) === 0.5);
    expect((await summary).lost).toBe(0);
  });

  it('wait: the share is given away and taken back, and no request is lost', async () => {
    const { summary } = farm.load(4, 60);
    await set('wait', 'down', '--reason', 'by hand');
    await until('the share is given away', async () => (await shareOf('n1')) === 0);
    expect(await client('n1').status()).toMatchObject({ state: 'waiting', reason: 'checker: acts-wait: by hand' });
    await set('wait', 'up');
    await farm.whole();
    expect((await summary).lost).toBe(0);
  });

  it('stop: the node drains, stops with its services, and stays so until it is told', async () => {
    const since = now();
    await set('stop', 'down', '--reason', 'by hand');
    await until('n1 has stopped', async () => (await client('n1').status()).state === 'stopped');
    expect(await told(since, 'command')).toContainEqual(
      expect.objectContaining({ command: 'stop', from: 'checker acts-stop', reason: 'by hand' }),
    );
    await until('its services are stopped', () => !existsSync(file('n1.nginx.pid')));
    await set('stop', 'up');
    await client('n2').command({ command: 'start', node: 'n1', deadlineMs: null });
    await farm.whole();
  });

  it.each([
    ['memory', /it holds \d+ KiB/],
    ['files', /it holds \d+ open files/],
  ])(
    'restart: a process that leaks %s gives its share away, is restarted, and no request is lost',
    async (what, why) => {
      const since = now();
      const { summary } = farm.load(8, 60);
      const before = pidOf('leaky');
      put('n1.leak', what);
      await until('the leak is seen', async () =>
        (await told(since, 'checker')).some(({ action }) => action !== undefined),
      );
      drop('n1.leak');
      await until('it is another process', () => existsSync(file('n1.leaky.pid')) && pidOf('leaky') !== before);
      await well('leak');
      await farm.whole();
      const changes = await told(since, 'service');
      expect(changes.map(({ from, to }) => `${from}->${to}`)).toEqual([
        'ready->pausing',
        'pausing->restarting',
        'restarting->ready',
      ]);
      expect(changes[0]!.reason).toMatch(why);
      expect((await summary).lost).toBe(0);
    },
  );
});

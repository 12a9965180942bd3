/**
 * Services and checkers with real programs: on each node Covey starts nginx (HTTP on 8080, behind the VIP) and dnsmasq, and watches both at
 * the default intervals. Requests come from the client, each a connection of its own.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { labKill } from '../../src/lab/lab.js';
import { labPaths, nodePaths, VIP } from '../../src/lab/names.js';
import { ROOT, until, useFarm } from './farm.js';

const directory = mkdtempSync(join(tmpdir(), 'covey-operations-'));
const APP = `${join(ROOT, 'test', 'netns', 'fixtures', 'app.sh')} ${directory}`;
/** A question for covey.test, type A (RFC 1035 section 4), and its answer: 10.1.2.3. */
const QUESTION =
  '\\x00\\x07\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x05covey\\x04test\\x00\\x00\\x01\\x00\\x01';
const ANSWER = '\\x0a\\x01\\x02\\x03';

const OPERATIONS = `
services:
  - { name: dns, start: "${APP} dns start", stop: "${APP} dns stop" }
  - { name: nginx, start: "${APP} nginx start", stop: "${APP} nginx stop", maxRestarts: 2 }
checkers:
  - { name: web, type: http, url: "http://127.0.0.1:8080/health", body: "^well", grace: 5s, on-fail: restart nginx }
  - { name: dns, type: udp, address: "127.0.0.1:53", payload: "${QUESTION}", expect: "${ANSWER.replaceAll('\\', '\\\\')}", on-fail: wait }
  - { name: half, type: custom, on-fail: weight 50% }
`;

for (const node of ['n1', 'n2', 'n3']) writeFileSync(join(directory, `${node}.conf`), nginxConfig(node));
const farm = useFarm('operations', { overrides: [OPERATIONS] });
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function nginxConfig(node: string): string {
  return `user root; worker_processes 1; pid ${directory}/${node}.nginx.pid;
events { worker_connections 512; }
http { access_log off; root ${directory}; client_body_temp_path ${directory}/${node}.body;
  proxy_temp_path ${directory}/${node}.proxy; fastcgi_temp_path ${directory}/${node}.fcgi;
  uwsgi_temp_path ${directory}/${node}.uwsgi; scgi_temp_path ${directory}/${node}.scgi;
  server { listen 8080; location = /health { return 200 "well"; } location = /name { return 200 "${node}\\n"; } } }`;
}

const client = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir);
const calls = (node: string) =>
  readFileSync(join(directory, `${node}.calls`), 'utf8')
    .trim()
    .split('\n');
const pidOf = (node: string, what = 'nginx') => Number(readFileSync(join(directory, `${node}.${what}.pid`), 'utf8'));
const flag = (node: string, what: string) => join(directory, `${node}.${what}`);
const shareOf = async (node: string, seenBy: string) =>
  (await client(seenBy).status()).members.find(({ name }) => name === node)?.share;

async function signalApp(node: string, signal: NodeJS.Signals): Promise<void> {
  const master = pidOf(node);
  const { stdout } = await farm.exec(node, ['pgrep', '-P', `${master}`]);
  for (const pid of [master, ...stdout.trim().split('\n').map(Number)]) process.kill(pid, signal);
}

/** What happened to a node since `since`, as "event from->to" in order. */
async function story(node: string, since: string): Promise<readonly string[]> {
  const { events } = await client(node).events({ since, limit: 1000 });
  return events.map(({ event, fields }) => {
    const { service = '', checker = '', from, to } = fields as Record<string, string | undefined>;
    return `${event} ${service}${checker} ${from}->${to}`.replace('  ', ' ');
  });
}

const now = () => new Date().toISOString();

describe.sequential('services and checkers', () => {
  it('starts services in order, and serves when they are well; status shows both', async () => {
    const report = await client('n1').status();
    expect(report.services.map(({ name, state }) => [name, state])).toEqual([
      ['dns', 'ready'],
      ['nginx', 'ready'],
    ]);
    expect(report.checkers.map(({ name, state }) => [name, state])).toEqual([
      ['web', 'well'],
      ['dns', 'well'],
      ['half', 'well'],
    ]);
    expect(calls('n1').slice(0, 2)).toEqual(['dns start', 'nginx start']);
    const all = await story('n1', '2000-01-01T00:00:00Z');
    expect(all.indexOf('checker web starting->well')).toBeLessThan(all.indexOf('state joining->up'));
    expect(all.indexOf('service nginx starting->ready')).toBeLessThan(all.indexOf('checker web starting->well'));
  });

  it('a process that hangs is out of the traffic in < 5 s at the defaults, is restarted, and comes back', async () => {
    const since = now();
    const { summary } = farm.load(13, 60, `http://${VIP}:8080/name`);
    await signalApp('n1', 'SIGSTOP');
    await until('n1 waits', async () => (await client('n1').status()).state === 'waiting', 6000);
    await until('n1 holds nothing', async () => (await shareOf('n1', 'n2')) === 0);
    await until('n1 serves again', async () => ((await shareOf('n1', 'n2')) ?? 0) > 0.3);
    const { lost, longestGapMs, gapsMs, answered } = await summary;
    expect(lost).toBeGreaterThan(0);
    // One stretch, from the moment on that it hung: neither the others' part nor the restart nor the return cost a request.
    expect(longestGapMs).toBeLessThan(5000);
    expect(gapsMs).toHaveLength(1);
    for (const node of farm.nodes) expect([node, answered[node] ?? 0]).not.toEqual([node, 0]);
    const told = await story('n1', since);
    const order = [
      'checker web well->failed',
      'service nginx ready->pausing',
      'service nginx restarting->ready',
      'checker web starting->well',
    ];
    expect(told.filter((line) => order.includes(line))).toEqual(order);
    await farm.whole();
  });

  it('a checker with `wait` gives the share away without losing a request, and takes it back', async () => {
    const { summary } = farm.load(8, 60, `http://${VIP}:8080/name`);
    process.kill(pidOf('n2', 'dns'), 'SIGSTOP');
    const reason = await until('n2 waits', async () => {
      const report = await client('n2').status();
      return report.state === 'waiting' ? report.reason : null;
    });
    expect(reason).toBe('checker: dns: no answer within 1000 ms');
    await until('the share is given away', async () => (await shareOf('n2', 'n1')) === 0);
    process.kill(pidOf('n2', 'dns'), 'SIGCONT');
    await farm.whole();
    expect((await summary).lost).toBe(0);
    expect(calls('n2').filter((line) => line === 'dns start')).toHaveLength(1);
  });

  it('a script lowers the weight by a custom checker, without a lost request; the farm shares accordingly', async () => {
    const { summary } = farm.load(4, 60, `http://${VIP}:8080/name`);
    const covey = (...words: string[]) =>
      farm.exec('n3', [
        'node',
        join(ROOT, 'dist/cli/main.js'),
        ...words,
        '--run-dir',
        nodePaths(farm.lab, 'n3').runDir,
      ]);
    const { stdout } = await covey('set', 'custom.half', 'down', '--reason', 'backup runs');
    expect(stdout.trim()).toBe('custom.half is down on n3');
    await until('n3 has half as much', async () => Math.abs(((await shareOf('n3', 'n1')) ?? 0) - 0.2) < 0.001);
    expect((await client('n1').status()).members.map(({ weight, weightPercent }) => [weight, weightPercent])).toEqual([
      [1, 100],
      [1, 100],
      [1, 50],
    ]);
    expect((await client('n3').status()).checkers[2]).toMatchObject({ state: 'failed', detail: 'backup runs' });
    await covey('set', 'custom.half', 'up');
    await until('n3 has its share', async () => Math.abs(((await shareOf('n3', 'n1')) ?? 0) - 1 / 3) < 0.001);
    expect((await summary).lost).toBe(0);
  });

  it('one that cannot be restarted is given up after maxRestarts: the node waits with the reason, until told', async () => {
    writeFileSync(flag('n2', 'broken'), '');
    await signalApp('n2', 'SIGKILL');
    const reason = await until(
      'n2 gives up',
      async () => {
        const { reason: why } = await client('n2').status();
        return why.includes('given up') ? why : null;
      },
      15_000,
    );
    expect(reason).toBe(
      'services: nginx is given up (restarted 2 times within 24 h, and failed again: restarting failed: exit code 7: the disk is full)',
    );
    expect(await shareOf('n2', 'n1')).toBe(0);
    expect(readFileSync(nodePaths(farm.lab, 'n2').agentLog, 'utf8')).toContain('"msg":"the disk is full"');
    rmSync(flag('n2', 'broken'));
    await client('n1').command({ command: 'start', node: 'n2', deadlineMs: null });
    await farm.whole();
  });

  it('the agent is killed: its services run on, are not started again, and their restarts still count', async () => {
    const [before, pid] = [calls('n1').length, pidOf('n1')];
    await labKill(farm.lab, 'n1', true);
    await until('n1 is back', async () => {
      const report = await client('n1')
        .status()
        .catch(() => null);
      return report?.supervisor.restarts === 1 && report.state === 'up';
    });
    expect(
      calls('n1')
        .slice(before)
        .filter((line) => line.startsWith('nginx')),
    ).toEqual([]);
    expect(pidOf('n1')).toBe(pid);
    // That of the process that hung.
    const { services } = await client('n1').status();
    expect(services.find(({ name }) => name === 'nginx')?.restarts).toBe(1);
    await farm.whole();
  });

  it('stops services after the drain; a start brings them up first, and one that is slow takes no client before', async () => {
    const url = `http://${VIP}:8080/name`;
    // Not n1: the server has reset connections there, which nobody sees who hears the clients alone, so its drain takes long.
    writeFileSync(flag('n3', 'slow'), '');
    let since = now();
    const { summary } = farm.load(11, 60, url);
    await client('n2').command({ command: 'stop', node: 'n3', deadlineMs: null });
    await until('nginx is stopped', () => !existsSync(flag('n3', 'nginx.pid')));
    await until('dnsmasq is stopped', () => !existsSync(flag('n3', 'dns.pid')));
    expect(calls('n3').slice(-2)).toEqual(['nginx stop', 'dns stop']);
    const left = await until('all is told', async () => {
      const told = (await story('n3', since)).filter((line) => /^(state|service)/.test(line));
      return told.includes('service dns stopping->stopped') ? told : null;
    });
    expect(left.indexOf('state draining->stopped')).toBeLessThan(left.indexOf('service nginx ready->stopping'));
    since = now();
    await client('n2').command({ command: 'start', node: 'n3', deadlineMs: null });
    await until('it waits for its services', async () =>
      (await client('n3').status()).reason.startsWith('checker: web has not been well yet'),
    );
    rmSync(flag('n3', 'slow'));
    await farm.whole();
    const told = await story('n3', since);
    expect(told.indexOf('service nginx starting->ready')).toBeLessThan(told.indexOf('checker web starting->well'));
    expect(told.indexOf('checker web starting->well')).toBeLessThan(told.indexOf('state joining->up'));
    expect((await summary).lost).toBe(0);
  });

  it('a reload adds and removes services and checkers, and nothing of it moves a share', async () => {
    const file = labPaths(farm.lab).config;
    const before = readFileSync(file, 'utf8');
    const changed = before
      .replace(
        / {2}- name: half\n {4}type: custom\n.*\n/,
        '  - { name: typo, type: tcp, address: "127.0.0.1:9", on-fail: wait }\n',
      )
      .replace(
        'checkers:',
        `  - { name: extra, start: "echo extra >> ${directory}/n1.calls", stop: "echo gone >> ${directory}/n1.calls" }\ncheckers:`,
      );
    expect(changed).not.toBe(before);
    writeFileSync(file, changed);
    await client('n1').reload();
    await until('the new service runs', () => calls('n1').at(-1) === 'extra');
    // A checker that never was well, as one with a typing error, must not end the farm.
    await until('its failure is told', async () =>
      (await client('n1').status()).warnings.some((line) =>
        line.startsWith('checker typo is new and was not well once'),
      ),
    );
    expect((await client('n1').status()).state).toBe('up');
    writeFileSync(file, before);
    await client('n1').reload();
    await until('the service is stopped', () => calls('n1').at(-1) === 'gone');
    expect((await client('n1').status()).checkers.map(({ name }) => name)).toEqual(['web', 'dns', 'half']);
    await farm.whole();
  });
});

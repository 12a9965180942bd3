/**
 * What people see of a real farm: trace, metrics, explain --without, events, notifications, support.
 *
 *     client 10.77.0.100 ---- switch ---- n1, n2, n3; VIP 10.77.0.50
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventReport, ExplainReport, TraceVerdict } from '../../src/control/contract.js';
import { labKill } from '../../src/lab/lab.js';
import { CLI, CLIENT_ADDRESS, labPaths, nodePaths, VIP } from '../../src/lab/names.js';
import { type Background, until, useFarm } from './farm.js';

const TOLD = '/run/covey-lab/test-seeing/told.ndjson';
const farm = useFarm('seeing', {
  overrides: [
    '{ heartbeat: { lease: 1500ms } }',
    `{ metrics: { listen: "127.0.0.1:9445" }, notify: [{ exec: "cat >> ${TOLD}", events: [member-lost] }] }`,
  ],
});
let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-seeing-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

type Traced = TraceVerdict & { readonly type: string; readonly protocol: string; readonly from: string };

const words = (node: string, line: readonly string[]) => [
  'node',
  CLI,
  ...line,
  '--run-dir',
  nodePaths(farm.lab, node).runDir,
];
const covey = async (node: string, ...line: string[]) => (await farm.exec(node, words(node, line))).stdout;
const records = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Traced);
const explain = async (port: string, ...more: string[]) =>
  JSON.parse(await covey('n1', 'explain', `${CLIENT_ADDRESS}:${port}`, '--json', ...more)) as ExplainReport;

/** A trace that has begun: the capture is open once frames come through it. */
async function traceOnN1(filter: string): Promise<Background> {
  const trace = farm.background('n1', words('n1', ['trace', '--json', filter]));
  await until('the first traced frame', async () => {
    await farm.ids({ prefix: 'warm', count: 1 });
    return trace.stdout().includes('"frame"');
  });
  return trace;
}

describe('trace', () => {
  it('shows each frame live, and from a file what the farm would have done: the same buckets and owners', async () => {
    const file = join(directory, 'n1.pcap');
    const dump = farm.background('n1', [
      'tcpdump',
      '-i',
      'eth0',
      '-U',
      '--immediate-mode',
      // By its default of 256 KiB a frame, the buffer would have room for eight.
      '-s',
      '256',
      '-Z',
      'root',
      '-w',
      file,
      `tcp dst port 80`,
    ]);
    await until('tcpdump', () => /listening on/.test(dump.stderr()));
    const trace = await traceOnN1(`tcp[tcpflags] & tcp-syn != 0 and dst host ${VIP}`);
    const outcomes = await farm.ids({ prefix: 'seen', count: 30 });
    const froms = new Map(outcomes.map(({ localPort, node }) => [`${CLIENT_ADDRESS}:${localPort}`, node]));
    const ofRequests = (all: readonly Traced[]) => all.filter(({ from }) => froms.has(from));
    await until('all frames traced', () => ofRequests(records(trace.stdout())).length >= 30);
    trace.stop('SIGINT');
    expect(await trace.ended).toBe(0);

    const live = ofRequests(records(trace.stdout()));
    for (const { from, owner, verdict, reason, rule } of live) {
      expect(owner).toBe(froms.get(from));
      expect(rule).toBe('web');
      expect([verdict, reason]).toEqual(owner === 'n1' ? ['accept', 'accepted'] : ['reject', 'rejectedNotOwner']);
    }
    expect(records(trace.stdout()).at(-1)).toMatchObject({ version: 1, type: 'summary', skipped: 0 });

    const read = ['trace', '--read', file, '--json', 'tcp[tcpflags] & tcp-syn != 0'];
    const imagined = ['--config', labPaths(farm.lab).config, '--nodes', 'n1,n2,n3'];
    const imaginedFrames = await until('all frames in the file', async () => {
      const found = ofRequests(records(await covey('n1', ...read, ...imagined)));
      return found.length >= 30 ? found : null;
    });
    dump.stop('SIGINT');
    await dump.ended;
    const byAgent = ofRequests(records(await covey('n1', ...read)));
    const places = (all: readonly Traced[]) =>
      new Map(all.map(({ from, bucket, owner }) => [from, `${bucket} ${owner}`]));
    expect(places(imaginedFrames)).toEqual(places(live));
    expect(places(byAgent)).toEqual(places(live));
    expect(imaginedFrames.every(({ verdict }) => verdict === 'accept')).toBe(true);
  });

  it('says what is wrong with a filter, and with what to type', async () => {
    const bad = farm.background('n1', words('n1', ['trace', 'port eighty and']));
    expect(await bad.ended).toBe(1);
    expect(bad.stderr()).toMatch(/"port eighty and" is no filter[\s\S]*man pcap-filter/);
  });
});

describe('status --watch', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'takes the whole terminal, and gives it back on %s',
    async (signal) => {
      const pidFile = join(directory, `watch-${signal}.pid`);
      const command = `echo $$ > ${pidFile}; exec ${words('n1', ['status', '--watch']).join(' ')}`;
      // script(1) makes a terminal for it.
      const watch = farm.background('n1', ['script', '-qec', command, '/dev/null']);
      await until('two pictures', () => watch.stdout().split('\x1b[H').length > 2);
      process.kill(Number(readFileSync(pidFile, 'utf8')), signal);
      await watch.ended;
      const said = watch.stdout();
      expect(said).toContain('whole, 3 of 3 nodes up');
      expect(said.split('\x1b[?1049h')).toHaveLength(2);
      expect(said.trimEnd().endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l')).toBe(true);
    },
  );
});

describe('metrics', () => {
  it('are at the address of the config, and on the socket', async () => {
    const { stdout } = await farm.exec('n1', ['curl', '-sS', '--max-time', '5', 'http://127.0.0.1:9445/metrics']);
    const shares = [...stdout.matchAll(/^covey_member_share_ratio\{member="n\d"\} (\S+)$/gm)].map((match) =>
      Number(match[1]),
    );
    expect(shares).toHaveLength(3);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    // Those of other nodes' buckets, which the filter in the kernel holds back.
    expect(stdout).toMatch(/^covey_filtered_in_kernel_total [1-9]/m);
    expect(stdout).toContain('covey_rejected_frames_total{reason="notOwner"}');
    expect(stdout).toMatch(/^covey_accepted_total [1-9]/m);
    const names = (text: string) => [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
    expect(names(await covey('n1', 'metrics'))).toEqual(names(stdout));
    expect(names(stdout).length).toBeGreaterThanOrEqual(30);
  });
});

describe('support', () => {
  it('holds state, config, host; neither the key nor an address', async () => {
    const file = join(directory, 'support.tar.gz');
    const said = JSON.parse(await covey('n1', 'support', '--json', '--redact-addresses', '--output', file)) as {
      files: string[];
    };
    const { stdout: text } = await farm.exec('n1', ['tar', '-xzOf', file]);
    expect(said.files.map((name) => name.split('/').slice(1).join('/'))).toEqual(
      expect.arrayContaining([
        'status.json',
        'config.yaml',
        'events.ndjson',
        'host/addresses.json',
        'host/nftables.txt',
      ]),
    );
    const key = readFileSync(labPaths(farm.lab).key, 'utf8').match(/covey-key-1:(\S+)/)![1]!;
    expect(text).not.toContain(key);
    expect(text).toContain('"farm": "test-seeing"');
    expect(text).not.toMatch(/10\.77\.0\.\d/);
    expect(text).toMatch(/<ipv4-\d+>/);
  });
});

describe('explain --without', () => {
  it('foretells who serves when the node has died; events and notifications tell that it did', async () => {
    const ports = Array.from({ length: 12 }, (_, index) => String(40_000 + index));
    const foretold = new Map<string, string | null>();
    for (const port of ports) {
      const { owner, without } = await explain(port, '--without', 'n2');
      expect(without).toMatchObject({ nodes: ['n2'], moves: owner === 'n2' });
      if (owner !== 'n2') expect(without!.owner).toBe(owner);
      foretold.set(port, without!.owner);
    }
    await labKill(farm.lab, 'n2');
    await farm.whole(['n1', 'n3']);
    for (const port of ports) expect((await explain(port)).owner).toBe(foretold.get(port));

    const events = records(await covey('n1', 'events', '--json', '--limit', '50')) as unknown as EventReport[];
    const lost = events.find(({ event }) => event === 'member-lost')!;
    expect(lost.fields).toMatchObject({ name: 'n2' });
    expect(lost.fields.buckets).toBeGreaterThan(1000);
    const acquired = events.find(({ event, seq }) => event === 'acquired' && seq > lost.seq)!;
    expect(acquired.fields.buckets).toBeGreaterThan(100);
    expect(acquired.fields.ms).toBeLessThan(5000);
    await until('two nodes have told', () => existsSync(TOLD) && records(readFileSync(TOLD, 'utf8')).length >= 2);
    const told = records(readFileSync(TOLD, 'utf8')) as unknown as EventReport[];
    expect(told.map(({ node, event, fields }) => [node, event, fields.name]).sort()).toEqual([
      ['n1', 'member-lost', 'n2'],
      ['n3', 'member-lost', 'n2'],
    ]);
  });
});

/** I7: no unauthenticated byte changes state. The client sends what a stranger on the same network could send. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labConfig } from '../../src/lab/config.js';
import { labKill, labStart, startAgent } from '../../src/lab/lab.js';
import { CLI, labPaths, macOf, VIP } from '../../src/lab/names.js';
import type { NodeReport } from '../../src/lab/status.js';
import { run } from '../../src/platform/run.js';
import { ROOT, until, useFarm } from './farm.js';

const farm = useFarm('strangers');
const SENDER = join(ROOT, 'test', 'netns', 'fixtures', 'send-frames.py');
const CONTROL = '88b5';
const EVERYONE = 'ffffffffffff';

const plain = (mac: string): string => mac.replaceAll(':', '');
const header = (destination: string, etherType: string, source = plain(macOf('client'))): string =>
  destination + source + etherType;

async function send(frames: readonly string[]): Promise<void> {
  const { stdout } = await farm.exec('client', ['python3', SENDER, 'eth0'], {
    input: `${frames.join('\n')}\n`,
    timeoutMs: 60_000,
  });
  expect(Number(stdout)).toBe(frames.length);
}

/** What a stranger must not be able to change. */
function state(report: NodeReport) {
  const members = report.members.map(({ name, state: memberState, heldBuckets }) => ({
    name,
    state: memberState,
    heldBuckets,
  }));
  return { state: report.state, view: report.view, members, leaseLapses: report.counters.leaseLapses };
}

async function unchangedBy(
  act: () => Promise<unknown>,
): Promise<{ readonly before: NodeReport; readonly after: NodeReport }> {
  const before = await farm.report('n1');
  await act();
  const after = await farm.report('n1');
  expect(state(after)).toEqual(state(before));
  return { before, after };
}

function grown(before: NodeReport, after: NodeReport, names: readonly string[]): number {
  const total = (report: NodeReport): number =>
    names.reduce(
      (sum, name) =>
        sum + Number(report.counters[name] ?? (report.counters.rejected as Record<string, number>)[name] ?? 0),
      0,
    );
  return total(after) - total(before);
}

/** All heartbeats of `ms`, as frames in hex, recorded on the switch. */
async function record(ms: number): Promise<readonly string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'covey-record-'));
  const file = join(directory, 'heartbeats.pcap');
  const words = [
    'tcpdump',
    '-i',
    'p-client',
    '-Q',
    'out',
    '-U',
    '--immediate-mode',
    '-Z',
    'root',
    '-w',
    file,
    'ether',
    'proto',
    '0x88b5',
  ];
  const dump = farm.background('switch', words);
  await until('tcpdump listens', () => /listening on/.test(dump.stderr()));
  const begun = performance.now();
  await until('enough is recorded', () => performance.now() - begun > ms);
  dump.stop('SIGINT');
  await dump.ended;
  const frames = pcapFrames(readFileSync(file));
  rmSync(directory, { recursive: true });
  return frames;
}

/** Frames of a classic pcap file in this machine's byte order. */
function pcapFrames(file: Buffer): readonly string[] {
  const frames: string[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    frames.push(file.subarray(at + 16, at + 16 + length).toString('hex'));
    at += 16 + length;
  }
  return frames;
}

describe.sequential('I7: strangers change nothing', () => {
  it('control frames of random bytes and of every length', async () => {
    const frames = Array.from(
      { length: 300 },
      (_, index) => header(EVERYONE, CONTROL) + randomBytes(index * 5).toString('hex'),
    );
    const { before, after } = await unchangedBy(() => send(frames));
    expect(grown(before, after, ['wireTooShort', 'wireTooLong', 'wireBadMagic', 'controlMalformed'])).toBeGreaterThan(
      200,
    );
  });

  it('true heartbeats with one bit turned, cut short, or under another sender', async () => {
    const heard = (await record(500)).slice(0, 12);
    expect(heard.length).toBeGreaterThan(5);
    const frames = heard.flatMap((frame) => {
      const bytes = Buffer.from(frame, 'hex');
      const mutants: string[] = [];
      for (let at = 14; at < bytes.length; at += 37) {
        const mutant = Buffer.from(bytes);
        mutant[at]! ^= 1 << (at & 7);
        mutants.push(mutant.toString('hex'), bytes.subarray(0, at).toString('hex'));
      }
      return mutants;
    });
    const { before, after } = await unchangedBy(() => send(frames));
    const names = Object.keys(after.counters).filter((name) =>
      /^(wire(Bad|Other|Unknown|Too|Replayed|Limited|Malformed|Own)|control(Overflow|Malformed))/.test(name),
    );
    expect(grown(before, after, names)).toBeGreaterThan(frames.length / 4);
  });

  it('a recording of true heartbeats, played back', async () => {
    const frames = await record(3000);
    const { before, after } = await unchangedBy(() => send(frames));
    expect(
      grown(before, after, ['wireReplayed', 'wireTooOld', 'wireLimitedSource', 'wireLimitedTotal']),
    ).toBeGreaterThan(frames.length / 2);
  });

  it('frames for the VIP with wrong lengths are counted as malformed, and the farm goes on serving', async () => {
    const { stdout } = await farm.exec('client', ['sh', '-c', `curl -s -m 2 http://${VIP}/; ip neigh show ${VIP}`]);
    const vmac = plain(/lladdr ([0-9a-f:]{17})/.exec(stdout)![1]!);
    const vip = '0a4d0032';
    const ip = (versionAndLength: string, total: string): string =>
      `${versionAndLength}00${total}000040004006abcd0a4d0064${vip}`;
    const tcp = 'c3500050000000000000000050020400abcd0000';
    const wrong = [
      ip('45', '0028'),
      ip('45', '0014'),
      `${ip('45', '0500')}${tcp}`,
      `${ip('45', '0004')}${tcp}`,
      `${ip('4f', '0028')}${tcp}`,
      `${ip('42', '0028')}${tcp}`,
      `${ip('65', '0028')}${tcp}`,
      `${ip('45', '0028')}${tcp.slice(0, 10)}`,
      `${ip('45', '0028')}${tcp.replace('5002', 'f002')}`,
      `${ip('45', '0028')}${tcp.replace('5002', '1002')}`,
      '45',
      '',
    ].map((packet) => header(vmac, '0800') + packet);
    const reports = () => Promise.all(farm.nodes.map((node) => farm.report(node)));
    const before = await reports();
    await unchangedBy(() => send(wrong));
    const after = await reports();
    const names = [
      'malformedEthernet',
      'malformedIpv4',
      'malformedTransport',
      'malformedIpv6',
      'truncatedCapture',
      'badChecksum',
    ];
    // All by the node whose client this is; at the others the filter in the kernel holds back what looks like that node's.
    const counted = before.map((report, node) => grown(report, after[node]!, names));
    expect(Math.max(...counted)).toBeGreaterThan(wrong.length / 2);
    expect((await farm.ids({ prefix: 'still', count: 60 })).filter((outcome) => outcome.error !== null)).toEqual([]);
  });

  it('a flood of control frames keeps nobody from hearing its peers', async () => {
    const flood = Array.from({ length: 30_000 }, () => header(EVERYONE, CONTROL) + randomBytes(60).toString('hex'));
    await unchangedBy(() => send(flood));
  });

  it('after a restart of the whole farm, a recording does not raise the dead', async () => {
    const frames = await record(3000);
    for (const node of farm.nodes) await labKill(farm.lab, node);
    await labStart(farm.lab, 'n1');
    // Played at the pace of life, again and again, while n1 listens.
    const paced = frames.map((frame) => `10 ${frame}`);
    const played = send([...paced, ...paced, ...paced]);
    await farm.whole(['n1'], 15_000);
    await played;
    expect(await farm.sees('n1', ['n1'])).toBe(true);
    for (const node of ['n2', 'n3']) await labStart(farm.lab, node);
    await farm.whole();
  });
});

describe.sequential('nodes that do not belong', () => {
  const directory = (): string => labPaths(farm.lab).directory;

  it('a node with another key is no member, and no member notices it', async () => {
    await labKill(farm.lab, 'n3');
    await farm.whole(['n1', 'n2']);
    await run('node', [CLI, 'keygen', join(directory(), 'other.key')]);
    const config = join(directory(), 'other-key.yaml');
    writeFileSync(config, labConfig({ lab: farm.lab, ipv6: false, overrides: ['{ key: "file:other.key" }'] }));
    await startAgent(farm.lab, 'n3', config);
    await until('n3 answers', () =>
      farm.report('n3').then(
        () => true,
        () => false,
      ),
    );
    await until('n1 has met strangers', async () => {
      const { counters } = await farm.report('n1');
      return Number(counters.wireOtherFarm) + Number(counters.wireBadSeal) + Number(counters.wireUnknownKey) > 5;
    });
    expect(await farm.sees('n1', ['n1', 'n2'])).toBe(true);
    expect((await farm.report('n3')).members.map((member) => member.name)).not.toContain('n1');
    await labKill(farm.lab, 'n3');
  });

  it('a node with another config waits, says so, and takes no share', async () => {
    const config = join(directory(), 'other-rules.yaml');
    const override = '{ rules: [{ name: web, protocol: tcp, ports: [80], affinity: client }] }';
    writeFileSync(config, labConfig({ lab: farm.lab, ipv6: false, overrides: [override] }));
    await startAgent(farm.lab, 'n3', config);
    const report = await until('n3 waits', async () => {
      const now = await farm.report('n3').catch(() => null);
      return now?.state === 'waiting' ? now : null;
    });
    expect(report.reason).toMatch(/config/);
    const { members } = await farm.report('n1');
    expect(members.find((member) => member.name === 'n3')?.share ?? 0).toBe(0);
    expect((await farm.ids({ prefix: 'other-config', count: 60 })).filter((outcome) => outcome.error !== null)).toEqual(
      [],
    );
    await labKill(farm.lab, 'n3');
  });

  it('two nodes with one name: never both serve, and no request is answered twice', async () => {
    await startAgent(farm.lab, 'n3', labPaths(farm.lab).config, 'n1');
    await until(
      'n3 answers or has given up',
      () =>
        farm.report('n3').then(
          () => true,
          () => false,
        ),
      10_000,
    );
    const begun = performance.now();
    for (let round = 0; performance.now() - begun < 4000; round++) {
      const outcomes = await farm.ids({ prefix: `twin${round}`, count: 20, timeoutMs: 1500 });
      const log = farm.nodes.flatMap((node) => farm.answeredIds(node)).filter((id) => id.startsWith(`twin${round}-`));
      expect(log.length).toBe(new Set(log).size);
      expect(outcomes.length).toBe(20);
    }
    // The one that came later waits, and says why; the first one goes on.
    const [first, later] = await Promise.all([farm.report('n1'), farm.report('n3')]);
    expect(later.state).not.toBe('up');
    expect(later.reason).toMatch(/another host uses the name n1/);
    expect(first.state).toBe('up');
    expect((await farm.ids({ prefix: 'untwinned', count: 60 })).filter((outcome) => outcome.error !== null)).toEqual(
      [],
    );
  });
});

/** `covey bench` runs and tells all that it must. That its numbers are good is not asked here: machines of tests are busy. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/bench/contract.js';
import type { TargetReport } from '../../src/bench/target/contract.js';
import { labKill } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/names.js';
import { lockRunDir } from '../../src/platform/incarnation-lock.js';
import { CommandError, run } from '../../src/platform/run.js';
import { ROOT, until, useFarm } from './farm.js';

const CLI = join(ROOT, 'dist', 'cli', 'main.js');
const directory = mkdtempSync(join(tmpdir(), 'covey-bench-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('covey bench, on labs', () => {
  const html = join(directory, 'report.html');
  let report: Report;

  beforeAll(async () => {
    const words = [
      'bench',
      'http',
      'rejected',
      '--rounds',
      '1',
      '--seconds',
      '1',
      '--peers',
      'covey,haproxy',
      '--json',
      '--html',
      html,
    ];
    const { stdout } = await run(process.execPath, [CLI, ...words], { timeoutMs: 55_000 });
    report = JSON.parse(stdout) as Report;
  });

  it('is refused while another one runs, whose labs it would remove', async () => {
    const lock = await lockRunDir('/run/covey-bench', 'pid 4242');
    try {
      const refused = run(process.execPath, [CLI, 'bench', 'micro'], { timeoutMs: 30_000 });
      await expect(refused).rejects.toThrow(
        /another covey bench runs on this machine: .* in use by pid 4242; wait until/,
      );
    } finally {
      await lock.release();
    }
  });

  it('prints version, circumstances, and the command that repeats it', () => {
    expect(report).toMatchObject({ version: 1, kind: 'lab', rounds: 1, secondsPerMeasurement: 1 });
    expect(report.command).toBe('covey bench http rejected --rounds 1 --seconds 1 --peers covey,haproxy');
    expect(report.machine.cores).toBeGreaterThan(0);
    expect(report.machine.programs).toMatchObject({
      wrk: expect.stringMatching(/^4\./),
      nginx: expect.stringMatching(/^1\./),
    });
    expect(report.scenarios.map(({ id }) => id)).toEqual(['http', 'rejected']);
  });

  it('measures every figure of every peer, as a positive number, or says why the peer is absent', () => {
    for (const { figures, peers, absent, isCut } of report.scenarios) {
      expect(isCut).toBe(false);
      expect([...peers, ...absent].map(({ name }) => name).sort()).toEqual(['covey', 'direct', 'haproxy']);
      expect(peers.map(({ name }) => name)).toEqual(expect.arrayContaining(['covey', 'direct']));
      for (const one of absent) expect(one.reason).toMatch(/^not installed: |carries no datagrams/);
      for (const one of absent.filter(({ reason }) => reason.startsWith('not')))
        expect(one.install).toMatch(/^apt-get install /);
      for (const peer of peers)
        for (const { id } of figures) {
          expect(peer.figures[id], `${peer.name}, ${id}`).toMatchObject({ n: 1 });
          // A bare host spends nothing on frames of others.
          if (id !== 'node-ns') expect(peer.figures[id]!.median, `${peer.name}, ${id}`).toBeGreaterThan(0);
          if (peer.name === 'covey' && id !== 'node-ns') expect(peer.figures[id]!.ratio!.median).toBeGreaterThan(0);
        }
    }
  });

  it('really measured what it says: requests through the farm were accepted, the frames of the flood were not', () => {
    const counters = report.scenarios.map(({ peers }) => {
      const text = peers.find(({ name }) => name === 'covey')!.notes.join(' ');
      const counter = (name: string) => Number(new RegExp(`${name} (\\d+)`).exec(text)?.[1]);
      return {
        text,
        accepted: counter('accepted'),
        fast: counter('acceptedInKernel'),
        filtered: counter('filteredInKernel'),
      };
    });
    expect(counters[0]!.accepted).toBeGreaterThan(1000);
    expect(counters[0]!.text).toMatch(/capture by ring \(.*; (with|without) fast path/);
    // By either way, and the report says by which.
    expect(counters[0]!.fast > 1000).toBe(/; with fast path/.test(counters[0]!.text));
    expect(counters[1]!.accepted).toBe(0);
    expect(counters[1]!.filtered).toBeGreaterThan(1000);
  });

  it('writes a report with plots that asks nobody for anything', () => {
    const text = readFileSync(html, 'utf8');
    expect(text).toMatch(/^<!doctype html>/);
    expect(text.match(/<svg /g)!.length).toBe(report.scenarios.flatMap(({ figures }) => figures).length);
    expect(text).not.toMatch(/https?:|src=|href=|url\(|@import|<script/i);
  });

  it('leaves no namespace behind', async () => {
    expect((await run('ip', ['netns', 'list'])).stdout).not.toMatch(/covey-bench-(http|rejected)-/);
  });
});

describe('covey bench --target', () => {
  const farm = useFarm('bench-target');

  it('measures a live farm from outside: rates, latencies, and shares that sum to 1', async () => {
    const words = [
      'bench',
      '--target',
      `${VIP}:80`,
      '--seconds',
      '3',
      '--connections',
      '4',
      '--probes',
      '60',
      '--json',
    ];
    const { stdout } = await farm.exec('client', [process.execPath, CLI, ...words], { timeoutMs: 30_000 });
    const report = JSON.parse(stdout) as TargetReport;
    expect(report).toMatchObject({ version: 1, kind: 'target', target: `http://${VIP}:80/` });
    expect(report.requestsPerSecond).toBeGreaterThan(0);
    expect(report.latencyMs!.p50).toBeGreaterThan(0);
    expect(Object.keys(report.shares!).sort()).toEqual(farm.nodes);
    expect(Object.values(report.shares!).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(report.seconds.length).toBeGreaterThanOrEqual(3);
  });

  it('shows how long clients waited when a node was killed meanwhile', async () => {
    const words = [
      'bench',
      '--target',
      `${VIP}:80`,
      '--seconds',
      '5',
      '--connections',
      '2',
      '--probes',
      '100',
      '--json',
    ];
    const bench = farm.background('client', [process.execPath, CLI, ...words]);
    await until('the load has begun', () => bench.stderr().includes('asking'));
    await labKill(farm.lab, 'n2');
    expect(await bench.ended).toBe(0);
    const report = JSON.parse(bench.stdout()) as TargetReport;
    // A lease of 500 ms and its margin, in which a third of the new connections meet nobody.
    expect(report.newConnectionsLost).toBeGreaterThan(1);
    expect(report.longestGapMs).toBeGreaterThan(50);
    // And then the others had it.
    expect(report.longestGapMs).toBeLessThan(3000);
    expect(report.requests).toBeGreaterThan(0);
    expect(report.failed.timeout).toBeGreaterThan(0);
    expect(report.newConnections).toBeGreaterThan(report.newConnectionsLost);
  });
});

describe('covey bench, misused', () => {
  it('says what there is', async () => {
    const refused = run(process.execPath, [CLI, 'bench', 'nothing']);
    await expect(refused).rejects.toThrow(CommandError);
    await expect(refused).rejects.toThrow(/no scenario "nothing"; there are: http, streams/);
  });
});

/** Table, plots and HTML of one report; what the programs print. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repeatCommand } from '../../../src/bench/commands.js';
import type { FigureResult, Peer, Report, Scenario } from '../../../src/bench/contract.js';
import { gapOf } from '../../../src/bench/faults/gap.js';
import { workedSeconds } from '../../../src/bench/machine.js';
import { isInstalled, present } from '../../../src/bench/programs.js';
import { mustBeWritable, writeReport } from '../../../src/bench/report/file.js';
import { htmlReport } from '../../../src/bench/report/html.js';
import { listed, listLines } from '../../../src/bench/report/list.js';
import { niceTop } from '../../../src/bench/report/plot.js';
import { reportLines } from '../../../src/bench/report/table.js';
import { chosenScenarios, SCENARIOS, withPeers } from '../../../src/bench/scenarios/all.js';
import { receivedGigabits } from '../../../src/bench/scenarios/streams.js';
import { parseWrk } from '../../../src/bench/scenarios/wrk.js';

const result = (values: readonly number[], ratio: number | null): FigureResult => ({
  n: values.length,
  median: values[1]!,
  min: values[0]!,
  max: values[2]!,
  values,
  ratio: ratio === null ? null : { n: 3, median: ratio, min: ratio - 0.1, max: ratio + 0.1 },
});

const REPORT: Report = {
  version: 1,
  kind: 'lab',
  begun: '2026-01-02T03:04:05.000Z',
  tookSeconds: 12.4,
  command: "covey bench http --peers 'a b'",
  rounds: 3,
  secondsPerMeasurement: 2,
  machine: {
    cores: 2,
    processor: 'a <fast> & "good" one',
    memoryMiB: 1024,
    kernel: '6.1',
    node: 'v20.0.0',
    covey: '0.1.0',
    commit: null,
    programs: { wrk: '4.1.0' },
    loadBefore: 0.1,
    loadAfter: 2.5,
  },
  scenarios: [
    {
      id: 'http',
      title: 'What does it cost?',
      about: 'Requests.',
      base: 'direct',
      figures: [
        { id: 'rate', name: 'requests', unit: '1/s', better: 'more', digits: 0 },
        { id: 'none', name: 'never measured', unit: 's', better: 'less', digits: 1 },
      ],
      peers: [
        { name: 'direct', about: 'the kernel', figures: { rate: result([900, 1000, 1100], null) }, notes: [] },
        {
          name: 'covey',
          about: 'us',
          figures: { rate: result([700, 850, 990], 0.85) },
          notes: ['round 2 is void: <why>'],
        },
      ],
      absent: [{ name: 'haproxy', reason: 'not installed: haproxy', install: 'apt-get install haproxy' }],
      isCut: true,
    },
  ],
};

describe('the table', () => {
  const text = reportLines(REPORT).join('\n');
  it('has medians, spread, ratios, who is missing and how to get it, the machine, and the command', () => {
    expect(text).toContain('    direct             1000  (900..1100)');
    expect(text).toMatch(/ {4}covey {14}850 {2}\(700\.\.990\) +0\.85 x direct \(0\.75\.\.0\.95\)/);
    expect(text).toContain('absent: haproxy: not installed: haproxy; to have it: apt-get install haproxy');
    expect(text).toContain('covey: round 2 is void: <why>');
    expect(text).toContain('not measured');
    expect(text).toContain('Not all rounds were done: the time was over, or it was interrupted.');
    expect(text).toContain('wrk 4.1.0');
    expect(text).toContain("command: covey bench http --peers 'a b'");
  });
});

describe('the HTML report', () => {
  const html = htmlReport(REPORT);
  it('asks nobody for anything', () => {
    expect(html).not.toMatch(/https?:|src=|href=|url\(|@import|<script/i);
  });
  it('plots every figure that was measured, with a dot for each round', () => {
    expect(html.match(/<svg /g)).toHaveLength(1);
    expect(html.match(/<circle /g)).toHaveLength(6);
    expect(html).not.toContain('never measured');
  });
  it('shows text as text', () => {
    expect(html).toContain('a &lt;fast&gt; &amp; &quot;good&quot; one');
    expect(html).not.toContain('<why>');
  });
  it('closes every element that it opens', () => {
    const open: string[] = [];
    for (const [, end, name, own] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/g)) {
      if (end === '/') expect(open.pop()).toBe(name);
      else if (own !== '/' && name !== 'meta') open.push(name!);
    }
    expect(open).toEqual([]);
  });
  it.each([
    [0, 1],
    [0.03, 0.05],
    [1, 1],
    [101, 200],
    [2.1, 2.5],
    [178_154, 200_000],
  ])('an axis for %d ends at %d', (value, top) => {
    expect(niceTop(value)).toBeCloseTo(top, 9);
  });
});

describe('peers', () => {
  const program = { name: 'haproxy', package: 'haproxy', version: ['-v'] };
  const peer = (name: string, change: Partial<Peer> = {}): Peer => {
    return { name, about: '', needs: [], setUp: () => Promise.reject(new Error('not here')), ...change };
  };
  it('that lack a program are absent with the package that has it, never left out silently', () => {
    const peers = [peer('direct'), peer('haproxy', { needs: [program] }), peer('other', { cannot: 'it carries none' })];
    const { there, absent } = present(peers, () => false);
    expect(there.map(({ name }) => name)).toEqual(['direct']);
    expect(absent).toEqual([
      { name: 'haproxy', reason: 'not installed: haproxy', install: 'apt-get install haproxy' },
      { name: 'other', reason: 'it carries none', install: null },
    ]);
    expect(present(peers, () => true).there).toHaveLength(2);
  });
  it('are looked for in PATH', () => {
    expect(isInstalled({ ...program, name: 'sh' }, '/bin')).toBe(true);
    expect(isInstalled({ ...program, name: 'no-such-program' }, '/bin')).toBe(false);
  });
  it('can be chosen; what others are compared with is always there', () => {
    const [http] = withPeers(chosenScenarios(['http']), ['covey']);
    expect(http?.peers.map(({ name }) => name)).toEqual(['direct', 'covey']);
    expect(() => withPeers(SCENARIOS, ['nobody'])).toThrow(/no peer "nobody".*haproxy/);
    expect(() => chosenScenarios(['nothing'])).toThrow(/no scenario "nothing".*http/);
  });
});

describe('every scenario', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.id, scenario] as const))('%s is whole', (_, scenario: Scenario) => {
    expect(scenario.title).toMatch(/\?$/);
    expect(scenario.peers.map(({ name }) => name)).toContain(scenario.base);
    for (const ids of [scenario.figures.map(({ id }) => id), scenario.peers.map(({ name }) => name)])
      expect(new Set(ids).size).toBe(ids.length);
  });
  it('is listed with what is missing', () => {
    const text = listLines(listed(chosenScenarios(['http']), ({ name }) => name !== 'haproxy')).join('\n');
    expect(text).toMatch(/haproxy .*\[absent: not installed: haproxy; apt-get install haproxy\]/);
    expect(text).toMatch(/\* direct/);
  });
});

describe('what programs print', () => {
  const WRK = `Running 2s test @ http://10.77.0.50:8080/
  Latency Distribution
     50%  631.00us
     75%  700.00us
     90%    1.20ms
     99%    2.12ms
  34310 requests in 2.00s, 5.50MB read
Requests/sec:  17120.21
`;
  it('wrk', () => {
    expect(parseWrk(WRK)).toEqual({ requests: 34310, requestsPerSecond: 17120.21, p50Ms: 0.631, p99Ms: 2.12 });
    expect(() => parseWrk(`${WRK}  Socket errors: connect 0, read 3, write 0, timeout 0`)).toThrow(/read 3/);
    expect(() => parseWrk('unable to connect')).toThrow(/something else/);
  });
  it('iperf3', () => {
    expect(receivedGigabits('{"end":{"sum_received":{"bits_per_second":13400000000}}}')).toBe(13.4);
  });
  it('/proc/stat: waiting is no work', () => {
    expect(workedSeconds('cpu  100 10 200 9999 9999 30 60 0 0 0\ncpu0 ...')).toBe(4);
  });
});

describe('a gap', () => {
  it('lasts from the fault to the last datagram without an answer', () => {
    expect(gapOf({ sent: 9, lostAtMs: [95, 101, 150, 400.5] }, 100)).toEqual({ gapMs: 300.5, lost: 3 });
    expect(gapOf({ sent: 9, lostAtMs: [] }, 100)).toEqual({ gapMs: 0, lost: 0 });
  });
  it('means nothing where the farm was not well before', () => {
    expect(() => gapOf({ sent: 9, lostAtMs: [1, 2, 3, 4, 5, 6] }, 100)).toThrow('before the fault');
  });
});

it('the command to repeat a run has all that has a say in it, quoted for a shell', () => {
  const flags = {
    rounds: 9,
    seconds: 2,
    limit: 60,
    peers: ['covey', 'nft jhash'],
    configOverride: ['{ reach: relay }'],
  };
  const command =
    "covey bench http --rounds 9 --seconds 2 --limit 60 --peers 'covey,nft jhash' --config-override '{ reach: relay }'";
  expect(repeatCommand(['http'], flags, { PATH: '/bin' })).toBe(command);
  expect(repeatCommand(['http'], flags, { COVEY_FAST_PATH: 'off' })).toBe(`COVEY_FAST_PATH=off ${command}`);
});

describe('the file of the report', () => {
  const directory = mkdtempSync(join(tmpdir(), 'covey-report-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('is refused before anything is measured where it cannot be written', async () => {
    await expect(mustBeWritable(join(directory, 'none', 'r.html'))).rejects.toThrow(/cannot be written to .*ENOENT/);
    const path = join(directory, 'r.html');
    writeFileSync(path, 'of last week');
    await mustBeWritable(path);
    expect(readFileSync(path, 'utf8'), 'kept until there is a new one').toBe('of last week');
    await writeReport(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('says it where the disk is full, and removes no device', async () => {
    await expect(writeReport('/dev/full', 'x'.repeat(8192))).rejects.toThrow(/was not written to .*ENOSPC/);
    expect(existsSync('/dev/full')).toBe(true);
  });
});

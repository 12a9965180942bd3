/** `covey bench --target` against servers of this process. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseTarget, runTargetBench } from '../../../src/bench/target/command.js';
import type { Asked, TargetOptions } from '../../../src/bench/target/contract.js';
import { nodeOf } from '../../../src/bench/target/node-name.js';
import { targetFigures } from '../../../src/bench/target/report.js';
import { targetHtml, targetLines } from '../../../src/bench/target/view.js';

/** Client and server share this process, and perhaps a busy machine. */
const PATIENT = { timeoutMs: 10_000 };

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<number> {
  server = createServer(listener);
  await new Promise<void>((resolve) => void server!.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function measure(port: number, change: Partial<TargetOptions> = {}) {
  const at = { host: '127.0.0.1', address: '127.0.0.1', port };
  const load = { ...at, path: '/', seconds: 1, connections: 4, probesPerSecond: 50, timeoutMs: 300 };
  const options = { ...load, nodeHeader: null, ...change };
  const { signal } = new AbortController();
  return runTargetBench({ options, command: 'covey bench', signal, wallTime: () => '2026-01-02T03:04:05Z' });
}

describe('a live farm', () => {
  it('is measured: rates, latencies, and shares of new connections by what the answers say', async () => {
    let connections = 0;
    const port = await serve((_, response) => response.end(`n${(connections % 2) + 1}\n`));
    server!.on('connection', () => connections++);
    const report = await measure(port, PATIENT);
    expect(report.requestsPerSecond).toBeGreaterThan(0);
    expect(report.latencyMs!.p50).toBeGreaterThan(0);
    expect(report.latencyMs!.max).toBeGreaterThanOrEqual(report.latencyMs!.p999);
    expect(Object.keys(report.shares!).sort()).toEqual(['n1', 'n2']);
    expect(report.shares!.n1! + report.shares!.n2!).toBeCloseTo(1, 9);
    expect(report.sharesBy).toContain('body');
    expect(report.failed).toEqual({});
    expect(report.newConnections).toBeGreaterThan(10);
    expect(targetLines(report).join('\n')).toContain('longest gap       0 ms');
    expect(targetHtml(report)).not.toMatch(/<script|src=|href=/);
  });

  it('whose answers do not say who gave them has no shares, and it is said what to do', async () => {
    const port = await serve((_, response) => response.end('<html>some page</html>'));
    const report = await measure(port);
    expect(report.shares).toBeNull();
    expect(targetLines(report).join('\n')).toMatch(/shares +unknown.*X-Served-By/);
  });

  it('that answers late or not at all is told as such', async () => {
    const port = await serve((request, response) => {
      if (request.headers.connection === 'close') return;
      response.statusCode = 503;
      response.end();
    });
    const report = await measure(port, { timeoutMs: 50 });
    expect(report.latencyMs).toBeNull();
    expect(report.failed.timeout).toBeGreaterThan(0);
    expect(report.failed['status 503']).toBeGreaterThan(0);
    expect(report.newConnectionsLost).toBe(report.newConnections);
    expect(report.longestGapMs).toBeGreaterThan(0);
  });

  it('of which nobody listens is no crash', async () => {
    const port = await serve(() => undefined);
    await new Promise((resolve) => server!.close(resolve));
    const report = await measure(port, { seconds: 1, connections: 1 });
    expect(report.failed.ECONNREFUSED).toBeGreaterThan(0);
    expect(report.requestsPerSecond).toBe(0);
  });
});

describe('figures of a live farm', () => {
  const asked = (atMs: number, tookMs: number, error: string | null = null, node: string | null = null): Asked => {
    return { atMs, tookMs, error, node };
  };
  it('are counted where they belong', () => {
    const kept = [asked(0, 10), asked(100, 20), asked(1500, 300), asked(1600, 900, 'timeout')];
    const fresh = [
      asked(0, 5, null, 'n1'),
      asked(900, 900, 'timeout'),
      asked(1450, 900, 'timeout'),
      asked(3000, 5, null, 'n2'),
    ];
    const figures = targetFigures({ kept, fresh, by: 'the header x-node', elapsedMs: 3000 });
    expect(figures).toMatchObject({
      requestsPerSecond: 1,
      requests: 4,
      failed: { timeout: 3 },
      latencyMs: { p50: 20, max: 300 },
      shares: { n1: 0.5, n2: 0.5 },
      newConnectionsLost: 2,
      longestGapMs: 550,
    });
    expect(figures.seconds.map(({ answered, failed }) => [answered, failed])).toEqual([
      [2, 0],
      [1, 0],
      [0, 1],
    ]);
  });
});

describe('who answered', () => {
  it.each([
    [{ headers: { 'x-served-by': 'web1' }, body: 'n2' }, null, 'web1'],
    [{ headers: {}, body: ' n2\n' }, null, 'n2'],
    [{ headers: {}, body: 'two words' }, null, undefined],
    [{ headers: { via: 'edge' }, body: 'n2' }, 'Via', 'edge'],
    [{ headers: {}, body: 'n2' }, 'Via', undefined],
  ])('%j, header %s: %s', (answer, header, name) => {
    expect(nodeOf(answer, header)?.name).toBe(name);
  });
});

describe('a target', () => {
  it.each([
    ['10.77.0.50:80', { host: '10.77.0.50', port: 80 }],
    ['[fd77::50]:443', { host: 'fd77::50', port: 443 }],
    ['www.example.org:8080', { host: 'www.example.org', port: 8080 }],
    ['10.77.0.50', null],
    ['fd77::50:80', null],
    ['host:0', null],
    ['host:70000', null],
  ])('%s', (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });
});

/** Real programs behind the VIP, unchanged: nginx (HTTP on 8080, affinity connection) and iperf3 (bulk TCP, super-frames). */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VIP } from '../../src/lab/names.js';
import { until, useFarm } from './farm.js';

const farm = useFarm('services');
const BYTES = 20 * 1024 * 1024;

interface IperfEnd {
  readonly end: { readonly sum_received: { readonly bits_per_second: number; readonly bytes: number } };
}

let directory = '';
let digest = '';

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'covey-services-'));
  const content = randomBytes(BYTES);
  writeFileSync(join(directory, 'large'), content);
  digest = createHash('sha256').update(content).digest('hex');
  for (const node of farm.nodes) {
    const conf = join(directory, `${node}.conf`);
    writeFileSync(conf, nginxConfig(node));
    farm.background(node, ['nginx', '-c', conf, '-e', join(directory, `${node}.error`)]);
    farm.background(node, ['iperf3', '-s']);
    await until(`nginx and iperf3 on ${node}`, async () => {
      const { stdout } = await farm.exec(node, ['ss', '-Hltn']);
      return stdout.includes(':8080') && stdout.includes(':5201');
    });
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

function nginxConfig(node: string): string {
  return `daemon off; user root; worker_processes 1; pid ${directory}/${node}.pid;
events { worker_connections 512; }
http { access_log off; root ${directory}; client_body_temp_path ${directory}/${node}.body;
  proxy_temp_path ${directory}/${node}.proxy; fastcgi_temp_path ${directory}/${node}.fcgi;
  uwsgi_temp_path ${directory}/${node}.uwsgi; scgi_temp_path ${directory}/${node}.scgi;
  server { listen 8080; location = /name { return 200 "${node}\\n"; } } }`;
}

describe('real services', () => {
  it('nginx: a 20 MiB file arrives whole, from several nodes', async () => {
    const script = `for i in 1 2 3 4 5 6; do curl -sS -m 20 http://${VIP}:8080/large | sha256sum; done`;
    const { stdout } = await farm.exec('client', ['sh', '-c', script], { timeoutMs: 50_000 });
    expect(stdout.trim().split('\n')).toEqual(Array(6).fill(`${digest}  -`));
  });

  it('nginx: every node answers under keep-alive load, and wrk sees no error', async () => {
    const { stdout } = await farm.exec('client', ['wrk', '-t', '1', '-c', '30', '-d', '2s', `http://${VIP}:8080/name`]);
    expect(stdout).toMatch(/Requests\/sec/);
    expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
    const names = await farm.exec('client', [
      'sh',
      '-c',
      `for i in $(seq 30); do curl -s -m 2 http://${VIP}:8080/name; done`,
    ]);
    expect(new Set(names.stdout.trim().split('\n'))).toEqual(new Set(farm.nodes));
  });

  it.each([
    ['to the farm', []],
    ['from the farm', ['-R']],
  ])('iperf3: one bulk TCP stream %s', async (_, words) => {
    const { stdout } = await farm.exec('client', ['iperf3', '-c', VIP, '-t', '2', '-J', ...words], {
      timeoutMs: 30_000,
    });
    const { sum_received: received } = (JSON.parse(stdout) as IperfEnd).end;
    // Without handling of super-frames and partial checksums a stream crawls or stands still; with it, it is Gbit/s.
    expect(received.bits_per_second).toBeGreaterThan(500e6);
  });

  it('the capture lost nothing on the way', async () => {
    for (const node of farm.nodes) {
      const report = await farm.report(node);
      for (const name of ['injectErrors', 'truncatedCapture', 'malformedTransport']) {
        const value = report.counters[name];
        expect([node, name, value ?? 0]).toEqual([node, name, 0]);
      }
    }
  });
});

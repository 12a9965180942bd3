import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsListener } from '../../../../src/agent/metrics/listener.js';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function listener(metrics: () => Promise<string>) {
  const logged: string[] = [];
  const made = new MetricsListener({ metrics, log: (_level, _fields, message) => logged.push(message) });
  closers.push(() => made.close());
  return { made, logged };
}

/** The port is the kernel's choice. */
async function open(metrics: () => Promise<string>): Promise<string> {
  const { made } = listener(metrics);
  made.configure('127.0.0.1:0');
  await expect.poll(() => made.port).not.toBeNull();
  return `http://127.0.0.1:${made.port}`;
}

describe('the metrics listener', () => {
  it('answers with the text format', async () => {
    const response = await fetch(`${await open(async () => 'covey_up 1\n')}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('covey_up 1\n');
  });

  it('knows one path, and takes nothing', async () => {
    const base = await open(async () => '');
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
  });

  it('says 503 when the node cannot say', async () => {
    const response = await fetch(`${await open(() => Promise.reject(new Error('still starting')))}/metrics`);
    expect([response.status, await response.text()]).toEqual([503, 'still starting\n']);
  });

  it('goes on without, and says so, where another program listens; and ends with the config', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    closers.push(() => other.close());
    const { made, logged } = listener(async () => '');
    made.configure(`127.0.0.1:${(other.address() as AddressInfo).port}`);
    await expect.poll(() => made.trouble).toMatch(/metrics cannot be had at 127.0.0.1:\d+: .*EADDRINUSE/);
    expect(logged).toEqual(['metrics cannot be had; trying again']);
    made.configure(null);
    expect(made.trouble).toBe('');
    expect(made.port).toBeNull();
  });
});

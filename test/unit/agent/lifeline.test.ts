import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { holdLifeline, watchLifeline } from '../../../src/agent/lifeline.js';
import { hasEnded } from '../../../src/platform/host/process.js';

/** A process that holds the lifeline of this one, and a socket of its own, and runs on. */
async function holder() {
  const script = `require('net').connect('\\0covey-lifeline-${process.pid}', () => console.log('held')); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

describe('lifeline', () => {
  it('ends with the process that holds it, and by then that process has ended', async () => {
    let ends = 0;
    const server = watchLifeline(process.pid, () => {
      ends += 1;
    });
    const child = await holder();
    expect(hasEnded(child.pid!)).toBe(false);
    expect(ends).toBe(0);
    child.kill('SIGKILL');
    await expect.poll(() => ends, { interval: 1 }).toBe(1);
    await expect.poll(() => hasEnded(child.pid!), { interval: 1 }).toBe(true);
    server.close();
  });

  it('that ends while its holder lives is no death', async () => {
    let ends = 0;
    const server = watchLifeline(process.pid, () => {
      ends += 1;
    });
    server.on('connection', (socket) => socket.destroy());
    const child = await holder();
    await expect.poll(() => ends).toBe(1);
    expect(hasEnded(child.pid!)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(hasEnded(child.pid!)).toBe(true);
    server.close();
  });

  it('a stopped process has not ended', async () => {
    const child = spawn('sleep', ['60']);
    child.kill('SIGSTOP');
    expect(hasEnded(child.pid!)).toBe(false);
    child.kill('SIGKILL');
    await expect.poll(() => hasEnded(child.pid!)).toBe(true);
  });

  it('without a supervisor to hold it for, is no error', async () => {
    holdLifeline(2 ** 22 + 1);
    await new Promise((resolve) => setImmediate(resolve));
  });
});

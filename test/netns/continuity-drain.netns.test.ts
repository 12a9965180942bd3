/** Drain and stop, as an operator sees them: progress, taking it back, the deadline, and what a config reload may do. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { labStart } from '../../src/lab/lab.js';
import { labPaths, nodePaths, VIP, VIP6 } from '../../src/lab/names.js';
import { agentProcesses, recorded, signalAll } from '../../src/lab/processes.js';
import { type Background, until, useFarm } from './farm.js';

/** By libpcap, as where the kernel has no better; all other farms capture by the ring. */
const farm = useFarm('drain', { ipv6: true, overrides: ['{ capture: pcap }'] });
const ECHO_PORT = 8001;

const client = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir);

/** Connections of socat from the client to an echo that names its node; `say` waits for the echo of a line. */
async function session(vip: string) {
  const script = `
    const s = require('net').connect(${ECHO_PORT}, '${vip}');
    s.setEncoding('utf8').on('data', (t) => process.stdout.write(t));
    s.on('error', (e) => { process.stdout.write('ERROR ' + e.code + '\\n'); process.exit(0); });
    s.on('end', () => { process.stdout.write('END\\n'); process.exit(0); });
    setInterval(() => s.write('x\\n'), 50);`;
  const child = farm.background('client', ['node', '-e', script]);
  const node = await until('the first echo', () => /n\d/.exec(child.stdout())?.[0]);
  return { child, node };
}

async function startEchos(): Promise<readonly Background[]> {
  const echos = farm.nodes.map((node) => {
    const script = `require('net').createServer((c) => { c.on('data', () => c.write('${node}\\n')).on('error', () => 0); }).listen(${ECHO_PORT}, '::', () => console.log('ready'))`;
    return farm.background(node, ['node', '-e', script]);
  });
  for (const echo of echos) await until('the echo', () => /ready/.test(echo.stdout()));
  return echos;
}

const lines = (child: Background) => child.stdout().split('\n').length;
const shareOf = async (node: string, seenBy: string) =>
  (await client(seenBy).status()).members.find(({ name }) => name === node)?.share;

describe.sequential('drain', () => {
  it('shows what is left and how long it may take, also when another node asked for it', async () => {
    await startEchos();
    const { child, node } = await session(VIP);
    const other = farm.nodes.find((name) => name !== node)!;
    await client(other).command({ command: 'stop', node, deadlineMs: 30_000 });
    await until('the drain shows', async () => (await client(node).status()).state === 'draining');
    await until('the share is given away', async () => (await shareOf(node, other)) === 0);
    // The keep is counted with the next look at the data plane, a heartbeat later at most.
    const drain = await until('the keep is counted', async () => {
      const { drain: report } = await client(node).status();
      return report?.left === 1 ? report : null;
    });
    expect(drain?.connections).toBe(1);
    expect(drain?.remainingMs).toBeGreaterThan(20_000);
    expect(drain?.remainingMs).toBeLessThan(30_000);
    // The session goes on, on the node that it began on.
    const before = lines(child);
    await until('the session goes on', () => lines(child) > before + 10);
    expect(new Set(child.stdout().match(/n\d/g))).toEqual(new Set([node]));
    // Taken back: the share returns, and the session never noticed.
    await client(node).command({ command: 'start', node: null, deadlineMs: null });
    await farm.whole();
    expect(child.stdout()).not.toMatch(/ERROR|END/);
    child.stop();
    await child.ended;
  });

  it.each([
    ['IPv4', VIP],
    ['IPv6', VIP6],
  ])('resets what is left at the deadline, counts it, and reports it: %s', async (_, vip) => {
    const { child, node } = await session(vip);
    await client(node).command({ command: 'drain', node: null, deadlineMs: 1000 });
    await until('the session is reset', () => /ERROR ECONNRESET/.test(child.stdout()), 5000);
    await until('the event', async () => {
      const { events } = await client(node).events({ since: null, limit: 20 });
      return events.some(({ event, fields }) => event === 'connections-reset' && fields.count === 1);
    });
    expect((await client(node).status()).state).toBe('stopped');
    await client(node).command({ command: 'start', node: null, deadlineMs: null });
    await farm.whole();
  });

  it('SIGTERM drains; a start takes it back, and the next SIGTERM drains again; stop --now ends at once', async () => {
    const { child, node } = await session(VIP);
    const supervisor = recorded(farm.lab, node, 'agent')!;
    signalAll([supervisor], 'SIGTERM');
    await until('it drains', async () => (await client(node).status()).drain?.remainingMs);
    await client(node).command({ command: 'start', node: null, deadlineMs: null });
    await farm.whole();
    expect(child.stdout()).not.toMatch(/ERROR|END/);
    signalAll([supervisor], 'SIGTERM');
    await until('it drains again', async () => (await client(node).status()).state === 'draining');
    expect(child.stdout()).not.toMatch(/ERROR|END/);
    await client(node).command({ command: 'stop', node: null, deadlineMs: null, now: true });
    await until('the process has ended', () => agentProcesses(farm.lab, node).length === 0, 5000);
    await labStart(farm.lab, node);
    await farm.whole();
  });

  it('a second SIGTERM during a drain stops at once, and resets what was still served', async () => {
    const { child, node } = await session(VIP);
    const supervisor = recorded(farm.lab, node, 'agent')!;
    signalAll([supervisor], 'SIGTERM');
    await until('it drains', async () => (await client(node).status()).state === 'draining');
    expect(child.stdout()).not.toMatch(/ERROR|END/);
    signalAll([supervisor], 'SIGTERM');
    await until('the process has ended', () => agentProcesses(farm.lab, node).length === 0, 5000);
    await until('the session is reset', () => /ERROR ECONNRESET/.test(child.stdout()), 5000);
    await labStart(farm.lab, node);
    await farm.whole();
  });
});

describe.sequential('I10: reload', () => {
  const config = () => readFileSync(labPaths(farm.lab).config, 'utf8');

  it('a bad config changes nothing and is told by line; SIGHUP with it changes nothing either', async () => {
    const good = config();
    writeFileSync(labPaths(farm.lab).config, good.replace('protocol: tcp', 'protocol: tpc'));
    await expect(client('n1').reload()).rejects.toThrow(/covey\.yaml:\d+:\d+: rules\[0\]/);
    signalAll([recorded(farm.lab, 'n1', 'agent')!], 'SIGHUP');
    writeFileSync(labPaths(farm.lab).config, `${good}table: { keys: 4096 }\n`);
    await expect(client('n1').reload()).rejects.toThrow(/table: this cannot change/);
    writeFileSync(labPaths(farm.lab).config, good);
    expect((await client('n1').reload()).changed).toEqual([]);
    await farm.whole();
  });

  it('a weight takes effect by SIGHUP on its node alone, and outlives a crash of the agent', async () => {
    writeFileSync(labPaths(farm.lab).config, `${config()}nodes: { n2: { weight: 2 } }\n`);
    signalAll([recorded(farm.lab, 'n2', 'agent')!], 'SIGHUP');
    await until('the half', async () => (await shareOf('n2', 'n1')) === 0.5);
    const agent = agentProcesses(farm.lab, 'n2').slice(1);
    signalAll(agent, 'SIGKILL');
    await until('the crash shows', async () => (await shareOf('n2', 'n1')) !== 0.5);
    await until('the half is back', async () => (await shareOf('n2', 'n1')) === 0.5);
  });
});

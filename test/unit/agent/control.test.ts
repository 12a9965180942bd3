/** What the control socket says, with a membership thread that only answers. */
import { describe, expect, it } from 'vitest';
import type { ExplainSnapshot } from '../../../src/agent/contract.js';
import { AgentControl, type AgentControlParts } from '../../../src/agent/control.js';
import type { News } from '../../../src/agent/order-news.js';
import type { Order } from '../../../src/agent/orders.js';
import { explainReport } from '../../../src/agent/report.js';
import { carryOut, orderText, type SteerParts } from '../../../src/agent/steer.js';
import { configFrom, MINIMAL } from '../config/examples.js';

const ALICE = { uid: 1000, user: 'alice', claimed: null };

describe('what a command does, in words', () => {
  const drain = { name: 'drain', deadlineMs: 5000 } as const;

  it.each([
    ['up', 'n1 takes no new clients, and stops when its old ones are done, at most in 5 s'],
    ['stopped', 'n1 is stopped already; to bring it back: covey start n1'],
    ['joining', 'n1 has no share yet, and stops'],
    ['waiting', 'n1 is waiting, and takes no new clients; it stops as soon as it has no old ones left'],
  ] as const)('drain of a node that is %s', (before, text) => expect(orderText(drain, 'n1', before)).toBe(text));

  it('start and stop', () => {
    expect(orderText({ name: 'start' }, 'n1', 'stopped')).toBe('n1 starts');
    expect(orderText({ name: 'start' }, 'n1', 'up')).toBe('n1 is started already (up)');
    expect(orderText({ name: 'start' }, 'n1', 'draining')).toBe('n1 stays, and takes new clients again');
    expect(orderText({ name: 'stop' }, 'n1', 'up')).toBe('n1 stops now');
    expect(orderText({ name: 'stop' }, 'n1', null)).toBe('n1 stops now');
    expect(orderText({ name: 'stop' }, 'n1', 'stopped')).toContain('stopped already');
  });

  it('says so where no other node is up: nobody would serve', async () => {
    const members = [
      { name: 'n1', state: 'up', weight: 1 },
      { name: 'n2', state: 'stopped', weight: 1 },
    ];
    const steering = { node: 'n1', status: async () => ({ state: 'up', members }), post: () => undefined };
    const said = (order: Order) => carryOut(order, steering as unknown as SteerParts);
    expect(await said({ name: 'stop' })).toMatch(/^n1 stops now; no other node is up .*nobody would serve/);
    expect(await said(drain)).toMatch(/^n1 drains; .* until its drain's deadline in 5 s, and then nobody would serve/);
    members[1]!.state = 'up';
    expect(await said({ name: 'stop' })).toBe('n1 stops now');
  });

  it('asks for the state before it acts', async () => {
    const posted: unknown[] = [];
    const thread = {
      ask: async () => ({ state: 'stopped', members: [{ name: 'n2', state: 'waiting' }] }),
      post: (request: unknown) => posted.push(request),
    };
    const sent: unknown[] = [];
    const orders = {
      send: async (...words: unknown[]) => {
        sent.push(words);
        return 'n2 takes no new clients';
      },
    };
    const recorded: object[] = [];
    const record = (_event: string, fields: object) => recorded.push(fields);
    const told: News[] = [];
    const news = { tell: (each: News) => told.push(each) };
    const parts = { config: () => configFrom(MINIMAL), node: 'n1', thread, record, orders, news };
    const control = new AgentControl(parts as unknown as AgentControlParts);
    const own = await control.command({ command: 'drain', node: null, deadlineMs: null }, ALICE);
    expect(own.message).toContain('n1 is stopped already');
    expect(posted).toHaveLength(1);
    const other = await control.command({ command: 'drain', node: 'n2', deadlineMs: 5000 }, ALICE);
    expect(other.message).toBe('n2 takes no new clients');
    expect(sent).toEqual([['n2', drain, 'alice (uid 1000) on n1']]);
    expect(posted).toHaveLength(1);
    expect(recorded).toMatchObject([
      { command: 'drain', node: 'n1', by: 'alice (uid 1000)', uid: 1000 },
      { command: 'drain', node: 'n2', by: 'alice (uid 1000)', uid: 1000 },
    ]);
    expect(told).toEqual(['n1', 'n2'].map((node) => ({ command: 'drain', node, by: 'alice (uid 1000) on n1' })));
    await expect(control.command({ command: 'drain', node: 'n3', deadlineMs: null }, ALICE)).rejects.toThrow(
      'node n3 is not known; the farm has: n2',
    );
    // Once, as what was not done; nobody was told.
    expect(recorded.slice(2)).toMatchObject([
      { command: 'drain', node: 'n3', by: 'alice (uid 1000)', failed: expect.stringContaining('n3 is not known') },
    ]);
    expect(sent).toHaveLength(1);
    orders.send = async () => Promise.reject(new Error('n2 does not answer'));
    await expect(control.command({ command: 'drain', node: 'n2', deadlineMs: null }, ALICE)).rejects.toThrow('answer');
    expect(recorded.slice(3)).toMatchObject([{ node: 'n2' }, { node: 'n2', failed: 'n2 does not answer' }]);
    expect(recorded[3]).not.toHaveProperty('failed');
  });

  it('a restart is refused while the config file is bad or cannot be read, and asked of nobody', async () => {
    let text: string | null = 'farm: [';
    const asked: unknown[] = [];
    const parts = {
      config: () => configFrom(MINIMAL),
      node: 'n1',
      configFile: '/etc/covey/covey.yaml',
      readFile: async () => text ?? Promise.reject(new Error('it is a directory')),
      thread: { ask: async () => ({ state: 'up', members: [] }) },
      record: () => undefined,
      news: { tell: () => undefined },
      restart: (deadlineMs: number | null) => asked.push(deadlineMs),
    };
    const control = new AgentControl(parts as unknown as AgentControlParts);
    const request = { command: 'restart', node: null, deadlineMs: 7000 } as const;
    await expect(control.command(request, ALICE)).rejects.toMatchObject({ code: 'bad-config' });
    text = null;
    const message = 'cannot read /etc/covey/covey.yaml: it is a directory';
    await expect(control.command(request, ALICE)).rejects.toMatchObject({ code: 'bad-config', message });
    expect(asked).toEqual([]);
    text = MINIMAL;
    expect((await control.command(request, ALICE)).message).toContain('at most in 7 s, its agent is started anew');
    expect(asked).toEqual([7000]);
  });
});

describe('explain without a port', () => {
  const snapshot: ExplainSnapshot = {
    serving: true,
    kind: 'reject',
    reason: 'rejectedNotOwner',
    rule: 0,
    plan: 0,
    bucket: 7,
    owner: 'n2',
    planned: 'n2',
  };
  const report = (rule: string, clientPort: number | null) =>
    explainReport({
      config: configFrom(MINIMAL.replace(/rules:[\s\S]*/, `rules:\n  - ${rule}\n`)),
      node: 'n1',
      client: '10.77.0.100',
      clientPort,
      to: { address: '10.77.0.50', port: 80, protocol: 'tcp' },
      snapshot,
    });
  const rule = (rest: string) => `{ name: web, protocol: tcp, ports: [80], ${rest} }`;

  it('names no owner where each port has its own, and asks for one', () => {
    const told = report(rule('affinity: connection'), null);
    expect(told).toMatchObject({ bucket: null, owner: null, planned: null, rule: 'web', verdict: 'depends' });
    expect(told.why).toContain('give one, as in covey explain 10.77.0.100:40000');
    expect(Object.keys(told).sort()).toEqual(Object.keys(report(rule('affinity: connection'), 1)).sort());
  });

  it('names it where the port does not matter', () => {
    for (const rest of ['affinity: client', 'affinity: connection, mode: failover, order: [n2]'])
      expect(report(rule(rest), null), rest).toMatchObject({ owner: 'n2', bucket: 7 });
    expect(report(rule('affinity: connection'), 40000)).toMatchObject({ owner: 'n2', bucket: 7 });
  });
});

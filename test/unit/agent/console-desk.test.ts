import { describe, expect, it } from 'vitest';
import { CONSOLE_MESSAGE, ConsoleDesk } from '../../../src/agent/console-desk.js';
import { MAX_SHARED_BYTES, NOBODY, type NodeSummary } from '../../../src/control/console-contract.js';

const summaryOf = (over: Partial<NodeSummary> = {}): NodeSummary => ({
  uptimeMs: 1000,
  counters: { framesSeen: 5, rejected: { notOwner: 2 } } as unknown as NodeSummary['counters'],
  connections: 3,
  drain: null,
  warnings: [],
  console: '0.0.0.0:9443',
  ...over,
});

/** Desks of several nodes, whose words take a moment to arrive. */
function desks(...names: string[]) {
  const clock = { nowMs: 0 };
  const sent: { from: string; to: string | null; bytes: number }[] = [];
  const own = new Map<string, () => Promise<NodeSummary>>();
  const places = new Map<string, string>();
  const all = new Map<string, ConsoleDesk>();
  for (const node of names) {
    all.set(
      node,
      new ConsoleDesk({
        node,
        plans: () => 1,
        buckets: async () => ({ owners: ['n1', null, 'n2', 'n1'], planned: ['n1', 'n1', 'n2', 'n2'] }),
        summary: () => own.get(node)?.() ?? Promise.resolve(summaryOf()),
        console: () => places.get(node) ?? '0.0.0.0:9443',
        tell: (to, body) => {
          sent.push({ from: node, to, bytes: body.length });
          const receivers = [...all].filter(([name]) => name !== node && (to ?? name) === name);
          setImmediate(() => receivers.forEach(([, desk]) => void desk.told(node, body)));
        },
        openDoor: async () => ({ version: 1, directory: '/x', user: 'nobody', uid: 1, gid: 1 }),
        nowMs: () => clock.nowMs,
      }),
    );
  }
  return { clock, sent, own, places, desk: (name: string) => all.get(name)! };
}
/** A word, the answer to it, and what follows from that. */
async function settled(): Promise<void> {
  for (let moments = 0; moments < 5; moments++) await new Promise((done) => setImmediate(done));
}
const said = (message: object) => Buffer.from(JSON.stringify({ version: 1, ...message }));

it('speaks under a kind of its own', () => expect(CONSOLE_MESSAGE).toBe('console'));

describe('buckets', () => {
  it('are one byte each, an index of the names, or nobody', async () => {
    const report = await desks('n1').desk('n1').buckets(0);
    expect(report.nodes).toEqual(['n1', 'n2']);
    expect([...Buffer.from(report.owners, 'base64')]).toEqual([0, NOBODY, 1, 0]);
    expect([...Buffer.from(report.planned, 'base64')]).toEqual([0, 0, 1, 1]);
  });
});

describe('what the nodes say of themselves', () => {
  it('is had with the second question, with its age, the own one first hand', async () => {
    const { desk, clock } = desks('n1', 'n2');
    expect((await desk('n1').peers()).nodes.map(({ node }) => node)).toEqual(['n1']);
    await settled();
    clock.nowMs = 300;
    expect((await desk('n1').peers()).nodes).toMatchObject([
      { node: 'n1', ageMs: 0, connections: 3 },
      { node: 'n2', ageMs: 300, connections: 3 },
    ]);
  });

  it('is a new word at every call, whether the answer is quicker or slower than the own word', async () => {
    const { desk, clock, own } = desks('n1', 'n2');
    own.set('n2', async () => summaryOf({ uptimeMs: clock.nowMs }));
    const ages: (number | undefined)[] = [];
    for (let turn = 0; turn < 6; turn++) {
      clock.nowMs = turn * 1000;
      own.set('n1', async () => {
        if (turn % 2 === 0) await settled();
        return summaryOf();
      });
      ages.push((await desk('n1').peers()).nodes[1]?.ageMs);
      await settled();
    }
    expect(ages).toEqual([undefined, 1000, 1000, 1000, 1000, 1000]);
  });

  it('is worked out once for all that ask at the same time', async () => {
    const { desk, own } = desks('n1', 'n2', 'n3', 'n4');
    let count = 0;
    own.set('n4', async () => summaryOf({ uptimeMs: ++count }));
    await Promise.all(['n1', 'n2', 'n3'].map((node) => desk(node).peers()));
    await settled();
    expect(count).toBe(1);
    for (const node of ['n1', 'n2', 'n3']) expect((await desk(node).peers()).nodes.at(-1)?.node).toBe('n4');
  });

  it('has the place of its console as of now, also in a word that others had a moment before', async () => {
    const { desk, places } = desks('n1');
    await desk('n1').peers();
    places.set('n1', '0.0.0.0:9444');
    expect((await desk('n1').peers()).nodes).toMatchObject([{ console: '0.0.0.0:9444' }]);
  });

  it('is asked for no more than three times a second, however often a console asks', async () => {
    const { desk, clock, sent } = desks('n1', 'n2');
    for (clock.nowMs = 0; clock.nowMs < 4000; clock.nowMs += 50) await desk('n1').peers();
    expect(sent.filter(({ from }) => from === 'n1').length).toBe(12);
  });

  it('is not asked for while nobody looks', async () => {
    const { desk, sent } = desks('n1', 'n2');
    await desk('n1').share(null);
    await desk('n1').buckets(0);
    expect(sent).toEqual([]);
  });

  it('is forgotten of a node that has said nothing for a minute', async () => {
    const { desk, clock } = desks('n1', 'n2');
    await desk('n1').peers();
    await settled();
    desk('n2').told = () => undefined;
    clock.nowMs = 61_000;
    expect((await desk('n1').peers()).nodes.map(({ node }) => node)).toEqual(['n1']);
  });

  it('stays silent, and nothing worse, when the membership thread does not answer', async () => {
    const { desk, own } = desks('n1', 'n2');
    own.set('n2', () => Promise.reject(new Error('the thread is gone')));
    await desk('n1').peers();
    await settled();
    expect((await desk('n1').peers()).nodes.map(({ node }) => node)).toEqual(['n1']);
  });

  it('holds eight warnings at most', async () => {
    const { desk, own } = desks('n1', 'n2');
    own.set('n2', async () => summaryOf({ warnings: Array.from({ length: 30 }, (_, n) => `warning ${n}`) }));
    await desk('n1').peers();
    await settled();
    expect((await desk('n1').peers()).nodes[1]?.warnings.length).toBe(8);
  });

  it('carries what the rules have, and takes a summary without it for one of an older release', async () => {
    const { desk } = desks('n1');
    const rules = { web: { accepted: 7, relayed: 0, rejected: { notOwner: 2 } } };
    desk('n1').told('n2', said({ type: 'summary', summary: summaryOf({ rules }) }));
    desk('n1').told('n3', said({ type: 'summary', summary: summaryOf() }));
    const { nodes } = await desk('n1').peers();
    expect(nodes.slice(1).map((node) => node.rules)).toEqual([rules, undefined]);
  });

  it('takes a summary with as many rules and checks as there can be, with long names and large counts', async () => {
    const { desk } = desks('n1');
    const names = Array.from({ length: 64 }, (_, n) => `${n}`.padStart(63, 'x'));
    const most = 999_999_999_999;
    const rejected = { denied: most, notOwner: most, foreignKeep: most, tableFull: most };
    const rules = Object.fromEntries(names.map((name) => [name, { accepted: most, relayed: most, rejected }]));
    const text = '語'.repeat(160);
    const checks = names.map((name) => ({ kind: 'checker' as const, name, state: 'failed', detail: text, note: name }));
    desk('n1').told('n2', said({ type: 'summary', summary: summaryOf({ rules, checks }) }));
    const { nodes } = await desk('n1').peers();
    expect(Object.keys(nodes[1]?.rules ?? {})).toEqual(names);
  });

  it('takes nothing from what is no message, is too long, or of another version', async () => {
    const { desk } = desks('n1');
    const other = { type: 'summary', summary: { ...summaryOf(), uptimeMs: 'long' } };
    for (const body of [
      Buffer.from('{'),
      said({ type: 'shout' }),
      said(other),
      said({ version: 2, type: 'ask' }),
      said({ type: 'shared', document: 'x'.repeat(MAX_SHARED_BYTES + 1) }),
    ])
      desk('n1').told('n2', body);
    expect((await desk('n1').peers()).nodes.length).toBe(1);
    expect((await desk('n1').share(null)).documents).toEqual([]);
  });

  it('leaves out what a later release says besides', async () => {
    const { desk } = desks('n1');
    desk('n1').told('n2', said({ type: 'summary', summary: { ...summaryOf(), mood: 'good' }, more: 1 }));
    expect((await desk('n1').peers()).nodes[1]).toEqual({ node: 'n2', ageMs: 0, ...summaryOf() });
  });
});

describe('documents of the consoles', () => {
  it('come to every other node, the newest of each', async () => {
    const { desk } = desks('n1', 'n2', 'n3');
    await desk('n1').share('old');
    await desk('n1').share('new');
    await settled();
    for (const node of ['n2', 'n3'])
      expect((await desk(node).share(null)).documents).toEqual([{ node: 'n1', document: 'new' }]);
    expect((await desk('n1').share(null)).documents).toEqual([]);
  });
});

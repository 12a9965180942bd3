/** Orders between two nodes whose messages a test passes on, or loses. */
import { describe, expect, it } from 'vitest';
import { type Order, Orders } from '../../../src/agent/orders.js';

type Message = readonly [to: string, kind: string, body: Uint8Array];

function pair(carryOut: (order: Order, from: string, by: string) => Promise<string>) {
  const sent: Message[] = [];
  const n1 = new Orders({
    tell: (...message) => sent.push(message),
    carryOut: async () => 'n1 was not asked',
    withinMs: 50,
  });
  const answers: Message[] = [];
  const n2 = new Orders({ tell: (...message) => answers.push(message), carryOut, withinMs: 50 });
  return { n1, n2, sent, answers };
}

const drain: Order = { name: 'drain', deadlineMs: 5000 };

async function delivered({ n2, sent, answers }: ReturnType<typeof pair>): Promise<Message> {
  const [, kind, body] = sent.at(-1)!;
  n2.told('n1', kind, body);
  await new Promise((done) => setImmediate(done));
  return answers.at(-1)!;
}

describe('an order to another node', () => {
  it('is done when that node says so, in its words', async () => {
    const obeyed: unknown[] = [];
    const nodes = pair(async (...words) => {
      obeyed.push(words);
      return 'n2 takes no new clients';
    });
    const answer = nodes.n1.send('n2', drain, 'alice (uid 1000) on n1');
    const [to, kind, body] = await delivered(nodes);
    expect(to).toBe('n1');
    expect(obeyed).toEqual([[drain, 'n1', 'alice (uid 1000) on n1']]);
    nodes.n1.told('n2', kind, body);
    expect(await answer).toBe('n2 takes no new clients');
  });

  it('fails with the reason of a node that refuses', async () => {
    const nodes = pair(async () => Promise.reject(new Error('covey.yaml:3:1: bad')));
    const answer = nodes.n1.send('n2', { name: 'restart', deadlineMs: null }, 'root');
    const [, kind, body] = await delivered(nodes);
    nodes.n1.told('n2', kind, body);
    await expect(answer).rejects.toMatchObject({ code: 'refused', message: 'n2 refuses: covey.yaml:3:1: bad' });
  });

  it('fails as unknown when nobody answers, or another node does, or too late', async () => {
    const nodes = pair(async () => 'done');
    const answer = nodes.n1.send('n2', drain, 'root');
    const [, kind, body] = await delivered(nodes);
    nodes.n1.told('n3', kind, body);
    await expect(answer).rejects.toMatchObject({ code: 'unreachable' });
    expect(() => nodes.n1.told('n2', kind, body)).not.toThrow();
  });

  it('of an older node without an id is carried out, and not answered', async () => {
    const obeyed: unknown[] = [];
    const nodes = pair(async (order) => `${obeyed.push(order)}`);
    nodes.n2.told('n1', 'command', Buffer.from(JSON.stringify({ version: 1, command: drain })));
    await new Promise((done) => setImmediate(done));
    expect(obeyed).toEqual([drain]);
    expect(nodes.answers).toEqual([]);
  });

  it.each([
    '',
    '{',
    'null',
    '{"version":2,"command":{"name":"stop"}}',
    '{"version":1,"command":{"name":"explode"}}',
    '{"version":1}',
  ])('that is %s is left alone', async (text) => {
    const obeyed: unknown[] = [];
    const nodes = pair(async (order) => `${obeyed.push(order)}`);
    nodes.n2.told('n1', 'command', Buffer.from(text));
    nodes.n2.told('n1', 'command-answer', Buffer.from(text));
    await new Promise((done) => setImmediate(done));
    expect(obeyed).toEqual([]);
    expect(nodes.answers).toEqual([]);
  });
});

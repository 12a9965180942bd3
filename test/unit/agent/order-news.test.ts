/** News of orders between nodes whose messages a test passes on. */
import { beforeEach, expect, it } from 'vitest';
import { ORDER_NEWS_KIND, OrderNews } from '../../../src/agent/order-news.js';

let nowMs: number;
let noted: string[];
beforeEach(() => {
  nowMs = 0;
  noted = [];
});

/** Three nodes; what one tells, the others hear. */
function farm() {
  const nodes = new Map<string, OrderNews>();
  for (const node of ['n1', 'n2', 'n3']) {
    const tell = (kind: string, body: Uint8Array) => {
      expect(kind).toBe(ORDER_NEWS_KIND);
      for (const [name, other] of nodes) if (name !== node) other.told(node, body);
    };
    const note = (news: object, from: string) => noted.push(`${node} ${JSON.stringify(news)} from ${from}`);
    nodes.set(node, new OrderNews({ node, tell, note, nowMs: () => nowMs }));
  }
  return { n1: nodes.get('n1')!, n2: nodes.get('n2')!, n3: nodes.get('n3')! };
}
const drain = { command: 'drain', node: 'n3', by: 'anna (console) on n2' } as const;
const heard = (by: string, from: string) => `n1 {"command":"drain","node":"n3","by":"${by}"} from ${from}`;

it('are noted once, though the node that ordered and the one that does it both tell them', () => {
  const { n2, n3 } = farm();
  n2.tell(drain);
  n3.tell(drain);
  expect(noted).toEqual([heard(drain.by, 'n2')]);
});

it('are noted of either alone, and not by the node that does it: that notes what it does', () => {
  const { n3 } = farm();
  n3.tell(drain);
  expect(noted).toHaveLength(2);
  expect(noted[0]).toBe(heard(drain.by, 'n3'));
  noted = [];
  farm().n2.tell(drain);
  expect(noted).toHaveLength(1);
});

it('are noted again when the same is ordered again', () => {
  const { n2, n3 } = farm();
  n2.tell(drain);
  n2.tell(drain);
  nowMs = 6000;
  n3.tell(drain);
  expect(noted.filter((line) => line.startsWith('n1'))).toHaveLength(3);
});

it('are bounded: in number of one node, and in length', () => {
  const { n1, n2, n3 } = farm();
  for (let n = 0; n < 100; n++) n2.tell({ ...drain, by: `script ${n}` });
  expect(noted).toHaveLength(60);
  n3.tell({ command: 'apply', node: null, by: 'root on n3' });
  expect(noted).toHaveLength(62);
  nowMs = 60_001;
  n2.tell({ ...drain, by: 'later' });
  expect(noted).toHaveLength(63);
  n1.told('n2', Buffer.from(JSON.stringify({ version: 1, ...drain, by: 'x'.repeat(4000) })));
  expect(noted).toHaveLength(63);
});

it.each([
  'not json',
  'null',
  JSON.stringify({ version: 2, ...drain }),
  JSON.stringify({ version: 1, ...drain, command: 'melt' }),
  JSON.stringify({ version: 1, ...drain, by: 7 }),
])('of another release or shape are left alone: %s', (text) => {
  farm().n1.told('n2', Buffer.from(text));
  expect(noted).toEqual([]);
});

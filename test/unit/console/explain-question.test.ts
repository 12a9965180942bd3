/** What the page Explain asks for what was typed, and what it says in large of the answer. */
import { describe, expect, it } from 'vitest';
import { headlineOf, parseClient, questionOf } from '../../../src/console/web/explain-question.js';
import type { ExplainReport, RuleReport } from '../../../src/control/contract.js';

const rule = (name: string, protocol: 'tcp' | 'udp', ports: readonly string[]) =>
  ({ name, protocol, ports, affinity: 'connection', mode: 'balance', plan: 0, holdMs: 0 }) as RuleReport;
const RULES = [rule('web', 'tcp', ['80', '443']), rule('dns', 'udp', ['53']), rule('app', 'tcp', ['8000-8100'])];
const VIPS = ['10.77.0.50/24', '10.77.0.51/24', 'fd77::50/64'];
const ask = (over: object) =>
  questionOf({ client: '10.77.0.100', vip: '', rule: 'web', port: '', protocol: 'tcp', ...over }, RULES, VIPS);

describe('a client', () => {
  it.each([
    ['10.77.0.100', '10.77.0.100', null],
    [' 10.77.0.100:40000 ', '10.77.0.100', 40000],
    ['fd77::100', 'fd77::100', null],
    ['[fd77::100]:40000', 'fd77::100', 40000],
  ])('%s is read', (text, address, port) => expect(parseClient(text)).toEqual({ address, port }));
  it.each(['', 'n1', '10.77.0.100:', 'example.org:80'])('"%s" is none', (text) => expect(parseClient(text)).toBeNull());
});

describe('what is asked', () => {
  it('goes to the first VIP of the family, and to the first port of the rule', () => {
    expect(ask({})).toMatchObject({ to: { address: '10.77.0.50', port: 80, protocol: 'tcp' } });
    expect(ask({ client: '[fd77::1]:5', rule: 'dns' })).toEqual({
      address: 'fd77::1',
      port: 5,
      to: { address: 'fd77::50', port: 53, protocol: 'udp' },
    });
    expect(ask({ rule: 'app' })).toMatchObject({ to: { port: 8000 } });
  });

  it('may go to another VIP, and to a port that no rule takes', () => {
    expect(ask({ vip: '10.77.0.51', rule: '', port: ' 9999 ', protocol: 'udp' })).toMatchObject({
      to: { address: '10.77.0.51', port: 9999, protocol: 'udp' },
    });
  });

  it('is refused in words when something is missing', () => {
    expect(ask({ client: 'n1' })).toMatch(/^Write an address/);
    expect(ask({ rule: '', port: '70000' })).toMatch(/^Write the port/);
    expect(ask({ rule: '', port: '' })).toMatch(/^Write the port/);
    expect(ask({ rule: 'gone' })).toMatch(/no rule gone/);
    const asked = { client: 'fd77::1', vip: '', rule: 'web', port: '', protocol: 'tcp' } as const;
    expect(questionOf(asked, RULES, ['10.77.0.50/24'])).toMatch(/no IPv6 address/);
  });
});

describe('the answer in large', () => {
  const report = (over: Partial<ExplainReport>): ExplainReport => ({
    version: 1,
    bucket: null,
    owner: null,
    rule: 'web',
    why: '',
    verdict: 'reject',
    reason: '',
    plan: null,
    planned: null,
    node: 'n1',
    client: '10.77.0.100',
    to: { address: '10.77.0.50', port: 80, protocol: 'tcp' },
    ...over,
  });

  it('names the node', () => {
    expect(headlineOf(report({ owner: 'n2' }))).toMatchObject({ node: 'n2', text: 'n2', next: '' });
  });

  it('says that it depends on the port, and what to add, rather than nobody', () => {
    const { text, next } = headlineOf(report({ verdict: 'depends' }));
    expect(text).toContain('depends on the client’s port');
    expect(next).toContain('10.77.0.100:40000');
    expect(headlineOf(report({ verdict: 'depends', client: 'fd77::1' })).next).toContain('[fd77::1]:40000');
  });

  it('tells three kinds of nobody apart', () => {
    const texts = [{ rule: null, reason: 'rejectedNoRule' }, { reason: 'rejectedDenied' }, {}].map(
      (over) => headlineOf(report(over)).text,
    );
    expect(texts).toEqual(['nobody: no rule takes this port', 'nobody: rule web denies it', 'nobody now']);
  });
});

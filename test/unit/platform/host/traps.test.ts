import { describe, expect, it } from 'vitest';
import { trapsIn, trapText } from '../../../../src/platform/host/traps.js';
import { savedTraps } from '../../../../src/platform/host/traps-legacy.js';

const chain = (name: string, hook?: string) => ({
  chain: { family: 'inet', table: 'firewalld', name, ...(hook === undefined ? {} : { hook }) },
});
const rule = (chainName: string, ...expr: readonly unknown[]) => ({
  rule: { family: 'inet', table: 'firewalld', chain: chainName, expr },
});
const reversePath = { match: { left: { fib: { result: 'oif', flags: ['saddr', 'mark', 'iif'] } }, right: false } };
const from = (right: unknown) => ({ match: { left: { meta: { key: 'iifname' } }, right } });

describe('firewall rules that hurt a farm', () => {
  it('a reverse-path rule is named by its chain, as firewalld has it', () => {
    const found = trapsIn(
      { nftables: [chain('rpfilter', 'prerouting'), rule('rpfilter', reversePath, { drop: null })] },
      'eth0',
    );
    expect(found).toHaveLength(1);
    expect(trapText(found[0]!, 'eth0')).toMatch(
      /inet firewalld rpfilter has a reverse-path rule.*nft insert rule inet firewalld rpfilter iifname '"covey-\*"' accept/,
    );
  });

  it('a reverse-path match of iptables is one as well', () => {
    const ruleset = {
      nftables: [chain('PREROUTING'), rule('PREROUTING', { xt: { type: 'match', name: 'rpfilter' } })],
    };
    expect(trapsIn(ruleset, 'eth0').map(({ kind }) => kind)).toEqual(['reverse-path']);
  });

  it('the interface is found in verdict maps, concatenations and patterns, but not in one for all interfaces', () => {
    const key = { meta: { key: 'iifname' } };
    const both = { concat: [key, { payload: { protocol: 'tcp', field: 'dport' } }] };
    const trapped = [
      { vmap: { key, data: { set: [['eth0', { accept: null }]] } } },
      { vmap: { key: both, data: { set: [[{ concat: ['eth0', 80] }, { accept: null }]] } } },
      { match: { left: both, right: { set: [{ concat: ['eth0', 80] }] } } },
      from('eth*'),
    ];
    const kinds = (part: unknown) => trapsIn({ nftables: [rule('input', part)] }, 'eth0').map(({ kind }) => kind);
    for (const part of trapped) expect(kinds(part), JSON.stringify(part)).toEqual(['interface']);
    for (const part of [from('*'), from('eth00'), from('wlan*')]) expect(kinds(part)).toEqual([]);
  });

  it('rules for the interface by name are named once for each chain', () => {
    const ruleset = {
      nftables: [chain('input', 'input'), rule('input', from('eth0')), rule('input', from({ set: ['eth0', 'eth1'] }))],
    };
    expect(trapsIn(ruleset, 'eth0')).toHaveLength(1);
    expect(trapsIn(ruleset, 'eth9')).toEqual([]);
  });

  it('a named set of interfaces counts as if it were written in the rule, one of the same name elsewhere does not', () => {
    const set = (table: string, elem: readonly unknown[]) => ({
      set: { family: 'inet', table, name: 'lan', type: 'ifname', elem },
    });
    const kinds = (...sets: readonly ReturnType<typeof set>[]) =>
      trapsIn({ nftables: [...sets, rule('input', from('@lan'))] }, 'eth0').map(({ kind }) => kind);
    expect(kinds(set('firewalld', ['eth1', 'eth0']))).toEqual(['interface']);
    expect(kinds(set('firewalld', ['eth1']), set('other', ['eth0']))).toEqual([]);
    expect(kinds()).toEqual([]);
  });

  it('outgoing rules and our own tables are no traps', () => {
    const own = { rule: { family: 'netdev', table: 'covey-eth0-1', chain: 'ingress', expr: [from('eth0')] } };
    expect(trapsIn({ nftables: [chain('output', 'output'), rule('output', from('eth0')), own] }, 'eth0')).toEqual([]);
  });

  it('rules of the older iptables are named by table and chain', () => {
    const text = [
      '*raw',
      '-A PREROUTING -m rpfilter --invert -j DROP',
      'COMMIT',
      '*filter',
      ':INPUT DROP [0:0]',
      '-A INPUT -i eth0 -p tcp -m tcp --dport 80 -j ACCEPT',
      '-A INPUT -i eth+ -p udp -j ACCEPT',
      '-A INPUT -i lo -j ACCEPT',
      '-A OUTPUT -o eth0 -j ACCEPT',
      'COMMIT',
    ].join('\n');
    expect(savedTraps(text, 'iptables', 'eth0').map(({ place, kind }) => [place, kind])).toEqual([
      ['iptables raw PREROUTING', 'reverse-path'],
      ['iptables filter INPUT', 'interface'],
    ]);
  });
});

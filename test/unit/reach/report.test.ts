import { describe, expect, it } from 'vitest';
import { probeView, whyNotFit } from '../../../src/cli/probe-view.js';
import { plain } from '../../../src/cli/style.js';
import type { Capability, NodeRow, ProbeKind, SenderRow } from '../../../src/reach/contract.js';
import { kindsSent, needsOf } from '../../../src/reach/judge.js';
import { Reasons } from '../../../src/reach/reasons.js';
import { probeReport } from '../../../src/reach/report.js';

const families = { ipv4: true, ipv6: false };

function heard(from: string, lost: readonly ProbeKind[] = []): SenderRow {
  const kinds = Object.fromEntries(kindsSent(families).map((kind) => [kind, lost.includes(kind) ? 'no' : 'yes']));
  return { from, mac: '', kinds, missed: {}, largestBytes: 1500 };
}

function row(
  node: string,
  rows: readonly SenderRow[],
  best: Capability | null,
  evidence: readonly string[] = [],
): NodeRow {
  const host = {
    interface: 'eth0',
    mac: `0a:77:00:00:00:0${node.slice(1)}`,
    kind: 'veth',
    mtu: 1500,
    promiscuous: true,
    master: null,
    settings: { rp_filter: 2, arp_ignore: 0 },
    warnings: [],
  };
  const judgement = { best, why: evidence[0] ?? 'well', evidence, isAlone: false, isVague: false };
  return { node, trouble: '', host, gateway: null, heard: rows, claims: [], judgement };
}

const lost: readonly ProbeKind[] = ['flood-ipv4', 'flood-raw'];
const NOT_FLOODED = 'flood: IPv4 to a MAC that no switch knows from n1 does not arrive';
const report = (rows: readonly NodeRow[], silent: readonly string[] = [], mode = 'flood') =>
  probeReport({
    farm: 'web',
    node: 'n1',
    reach: { mode, reason: 'so it is' },
    needs: needsOf(families),
    rows,
    silent,
    applied: false,
    tookMs: 1234.5,
  });
const whole = [row('n1', [heard('n2')], 'flood'), row('n2', [heard('n1')], 'flood')];
const split = [row('n1', [heard('n2')], 'flood'), row('n2', [heard('n1', lost)], 'multicast', [NOT_FLOODED])];

describe('the report of a probe', () => {
  it('is the lowest of what the nodes judge, and says at which node it fails', () => {
    expect(report(whole).verdict).toMatchObject({ reach: 'flood', evidence: [], fixes: [] });
    const { verdict } = report(split);
    expect(verdict.reach).toBe('multicast');
    expect(verdict.evidence).toEqual([`at n2, ${NOT_FLOODED}`]);
    expect(verdict.fixes).toHaveLength(1);
  });

  it('has a cell for each pair and direction', () => {
    const cells = report(split).matrix.map(({ from, to, flood, multicast, unicast }) => [
      from,
      to,
      flood,
      multicast,
      unicast,
    ]);
    expect(cells).toEqual([
      ['n2', 'n1', true, true, true],
      ['n1', 'n2', false, true, true],
    ]);
  });

  it('does not claim to know what a node without capture hears', () => {
    const deaf = { ...row('n2', [], null), trouble: 'the package cap cannot be loaded' };
    const { matrix, verdict } = report([row('n1', [], 'relay'), deaf]);
    expect(matrix.map(({ flood }) => flood)).toEqual([null, null]);
    expect(verdict.fixes).toContain('n2 cannot probe: the package cap cannot be loaded');
  });

  it('says when only the gateway tells of the way from clients', () => {
    const rows = ['n1', 'n2'].map((node) => ({ ...row(node, [], 'flood' as const, []) }));
    expect(report(rows).verdict.reason).toBe('nodes do not hear each other, but well');
  });

  it('none, when no node can say anything', () => {
    expect(report([row('n1', [], null)], ['n2']).verdict).toMatchObject({
      reach: 'none',
      reason: 'no node can say anything; n2 did not answer, and is not counted',
    });
  });

  it('decides the exit code: what is in use must work, and everybody must have answered', () => {
    expect(whyNotFit(report(whole))).toBeNull();
    expect(whyNotFit(report(split))).toMatch(/flood is in use, and does not work everywhere/);
    expect(whyNotFit(report(split, [], 'relay'))).toBeNull();
    expect(whyNotFit(report(whole, ['n3']))).toMatch(/n3 did not answer/);
    expect(whyNotFit(report([row('n1', [], 'none', ['relay: nothing'])]))).toMatch(/no way works/);
  });
});

describe('the report for people', () => {
  const text = (rows: readonly NodeRow[], mode?: string) => probeView(report(rows, [], mode), plain).join('\n');

  it('shows the matrix, the MTU and the verdict', () => {
    const shown = text(split, 'multicast');
    expect(shown).toMatch(/FROM \\ TO {2}n1 {5}n2\n/);
    expect(shown).toMatch(/\nn1 {9}- {6}\. M U\nn2 {9}F M U {2}-\n/);
    expect(shown).toMatch(/n1 {7}eth0 \(veth, mtu 1500, 0a:77:00:00:00:01, promiscuous\), no gateway, rp_filter=2\n/);
    expect(shown).toMatch(/mtu {6}1500 between all nodes/);
    expect(shown).toMatch(/verdict {2}multicast: n2 can do no more than multicast/);
    expect(shown).toMatch(/fix {6}for flood: let the switch flood/);
  });

  it('says when a better way works than is in use', () => {
    expect(text(whole, 'relay')).toMatch(/flood works again.*covey probe --apply/);
  });

  it('names pairs that carry less than their interfaces allow', () => {
    const narrow = [row('n1', [{ ...heard('n2'), largestBytes: 1400 }], 'flood'), row('n2', [heard('n1')], 'flood')];
    expect(text(narrow)).toMatch(/n2 -> n1: 1400, although both interfaces have 1500/);
  });

  it('names who else has the VIP, once', () => {
    const claim = { vip: '10.77.0.50', mac: '0a:77:00:00:00:64', farm: { id: '0909', node: 'web1' } };
    const shown = text(whole.map((one) => ({ ...one, claims: [claim] })));
    expect(shown.match(/10\.77\.0\.50 is claimed by/g)).toHaveLength(1);
    expect(shown).toMatch(/node web1 of another Covey farm \(id 0909\)/);
  });
});

describe('why the farm uses the mode that it does', () => {
  const status = (mode: 'flood' | 'relay') => ({ mode, best: 'flood' as const, why: 'own words' });

  it('own words, unless another member pulled it down', () => {
    const reasons = new Reasons();
    reasons.say('n2', { best: 'relay', why: NOT_FLOODED });
    reasons.follow('relay', 'flood');
    expect(reasons.reason(status('relay'))).toBe(`at n2, ${NOT_FLOODED}`);
    expect(reasons.reason(status('flood'))).toBe('own words');
  });

  it('remembers the cause after it has gone, until the farm goes up', () => {
    const reasons = new Reasons();
    reasons.say('n2', { best: 'relay', why: NOT_FLOODED });
    reasons.follow('relay', 'flood');
    reasons.say('n2', { best: 'flood', why: 'well' });
    reasons.follow('relay', 'flood');
    expect(reasons.reason(status('relay'))).toMatch(/^at n2, flood: .*goes up only when told: covey probe --apply$/);
    reasons.follow('flood', 'flood');
    reasons.follow('relay', 'relay');
    expect(reasons.reason(status('relay'))).toBe('own words');
  });
});

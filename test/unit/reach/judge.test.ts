import { describe, expect, it } from 'vitest';
import type { Delivered, ProbeKind, SenderRow } from '../../../src/reach/contract.js';
import { type Evidences, judge, kindsSent, needsOf } from '../../../src/reach/judge.js';

const needs = needsOf({ ipv4: true, ipv6: false });
const all = kindsSent({ ipv4: true, ipv6: false });

/** Everything of `from` arrives but `lost`. */
function row(from: string, lost: readonly ProbeKind[] = [], otherwise: Delivered = 'yes'): SenderRow {
  const kinds = Object.fromEntries(all.map((kind) => [kind, lost.includes(kind) ? 'no' : otherwise]));
  return { from, mac: '', kinds, missed: Object.fromEntries(lost.map((kind) => [kind, 6])), largestBytes: 0 };
}

const judged = (parts: Partial<Evidences>) =>
  judge({ needs, rows: [], unheard: [], gateway: null, obstacles: {}, ...parts });

describe('the best mode by the evidence', () => {
  const cases: readonly (readonly [string, Partial<Evidences>, string | null, RegExp])[] = [
    ['all arrives', { rows: [row('n2'), row('n3')] }, 'flood', /n2, n3/],
    [
      'one sender floods to us in vain',
      { rows: [row('n2'), row('n3', ['flood-ipv4'])] },
      'multicast',
      /from n3 does not/,
    ],
    [
      'only an EtherType of our own is dropped, which no client uses',
      { rows: [row('n2', ['flood-raw', 'multicast-raw', 'unicast-raw'])] },
      'flood',
      /arrive/,
    ],
    [
      'an ARP guard drops the answers',
      { rows: [row('n2', ['answer-flood', 'answer-multicast'])] },
      'relay',
      /ARP answer/,
    ],
    [
      'neither flooded nor multicast',
      { rows: [row('n2', ['flood-ipv4', 'multicast-ipv4'])] },
      'relay',
      /to a MAC that no switch knows/,
    ],
    [
      'nothing but broadcasts',
      { rows: [row('n2', ['flood-ipv4', 'multicast-ipv4', 'unicast-ipv4'])] },
      'none',
      /this node's own MAC/,
    ],
    ['too few rounds', { rows: [row('n2', [], 'unknown')] }, null, /too few/],
    ['too few rounds for the way that is left', { rows: [row('n2', ['flood-ipv4'], 'unknown')] }, null, /too few/],
    ['nobody else', {}, 'relay', /no other node/],
    ['an obstacle', { rows: [row('n2')], obstacles: { flood: 'a leak' } }, 'multicast', /a leak/],
    ['alone where no way works', { obstacles: { relay: 'not in the segment' } }, 'none', /not in the segment/],
  ];
  it.each(cases)('%s', (_name, parts, best, why) => {
    const judgement = judged(parts);
    expect(judgement.best).toBe(best);
    expect(judgement.why).toMatch(why);
  });

  const unheard = (isInSegment: boolean) => [{ name: 'n2', why: 'no probe arrives', isInSegment }];
  const gateway = (flood: Delivered, multicast: Delivered) => ({
    delivered: (question: 'flood' | 'multicast') => (question === 'flood' ? flood : multicast),
  });

  it('a member whose probes are not heard: relay, since its heartbeats show that it is in the segment', () => {
    expect(judged({ unheard: unheard(true) })).toMatchObject({ best: 'relay', isVague: true, isAlone: false });
  });

  it('alone, but where the gateway shows that flooding works: flood, unless something speaks against it', () => {
    expect(judged({ gateway: gateway('yes', 'yes') })).toMatchObject({ best: 'flood', isAlone: true });
    expect(judged({ gateway: gateway('no', 'yes') }).best).toBe('relay');
    expect(judged({ gateway: gateway('yes', 'yes'), obstacles: { flood: 'a leak' } }).best).toBe('relay');
  });

  it('nodes on isolated ports cannot relay, but the gateway can show that flooding reaches them', () => {
    expect(judged({ unheard: unheard(false) }).best).toBe('none');
    expect(judged({ unheard: unheard(false), gateway: gateway('yes', 'yes') })).toMatchObject({
      best: 'flood',
      isVague: false,
    });
    expect(judged({ unheard: unheard(false), gateway: gateway('no', 'yes') }).best).toBe('multicast');
    expect(judged({ unheard: unheard(false), gateway: gateway('unknown', 'no') }).best).toBe('none');
  });

  it('a farm with IPv6 VIPs needs IPv6 to arrive as well', () => {
    const both = needsOf({ ipv4: true, ipv6: true });
    expect(judged({ needs: both, rows: [row('n2')] }).best).toBeNull();
    const rows = [row('n2'), { ...row('n3'), kinds: { ...row('n3').kinds, 'nd-flood': 'no' as const } }];
    expect(judged({ needs: { ...both, multicast: needs.multicast }, rows }).best).toBe('multicast');
  });
});

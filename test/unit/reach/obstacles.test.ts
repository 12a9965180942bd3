import { describe, expect, it } from 'vitest';
import type { MemberStatus } from '../../../src/membership/contract.js';
import type { Delivered, FarmView, HostLook } from '../../../src/reach/contract.js';
import type { Sender } from '../../../src/reach/evidence.js';
import { obstaclesOf, unheardMembers } from '../../../src/reach/obstacles.js';
import { Shares } from '../../../src/reach/shares.js';

const look = (kind = 'ethernet', foreignVips: readonly string[] = []): HostLook => ({
  report: {
    interface: 'eth0',
    mac: '',
    kind,
    mtu: 1500,
    promiscuous: true,
    master: null,
    settings: {},
    warnings: [],
  },
  mac: new Uint8Array(6),
  address: new Uint8Array(4),
  foreignVips,
  gateway: null,
});
const gatewayThat = (multicast: Delivered, answers: boolean, reachesVip: boolean | null = true) => ({
  delivered: (question: 'flood' | 'multicast') => (question === 'multicast' ? multicast : ('yes' as const)),
  report: () => ({ answers, reachesVip }),
});
const obstacles = (parts: Partial<Parameters<typeof obstaclesOf>[0]>) =>
  obstaclesOf({ host: look(), heardAnyone: true, leak: null, shares: '', gateway: null, mode: 'flood', ...parts });

describe('obstacles', () => {
  it('none on a plain interface', () => expect(obstacles({})).toEqual({}));

  it('a node outside of the segment can do nothing, and is told why; one without an own address in it can', () => {
    const host = look('ethernet', ['10.77.0.50/24']);
    expect(Object.keys(obstacles({ host, heardAnyone: false })).sort()).toEqual(['flood', 'multicast', 'relay']);
    expect(obstacles({ host, heardAnyone: false }).relay).toMatch(/all nodes must be in one Ethernet segment/);
    expect(obstacles({ host })).toEqual({});
  });

  it('wireless leaves relay alone', () => {
    expect(Object.keys(obstacles({ host: look('wireless') })).sort()).toEqual(['flood', 'multicast']);
  });

  it('a leaked vMAC forbids flood alone: no switch learns a group address', () => {
    expect(Object.keys(obstacles({ leak: { atMs: 0, count: 1, evidence: '' } }))).toEqual(['flood']);
  });

  it('a gateway that refuses group addresses forbids multicast, if it answers at all', () => {
    expect(Object.keys(obstacles({ gateway: gatewayThat('no', true) }))).toEqual(['multicast']);
    expect(obstacles({ gateway: gatewayThat('no', false) })).toEqual({});
    expect(obstacles({ gateway: gatewayThat('unknown', true) })).toEqual({});
  });

  it('a gateway that answers the node and not the VIP, while a group address is in use', () => {
    const gateway = gatewayThat('yes', true, false);
    expect(Object.keys(obstacles({ gateway, mode: 'multicast' }))).toEqual(['multicast']);
    expect(obstacles({ gateway, mode: 'flood' })).toEqual({});
    expect(obstacles({ gateway: gatewayThat('yes', true, null), mode: 'relay' })).toEqual({});
  });
});

describe('members whose probes are not heard', () => {
  const member = (name: string, state: MemberStatus['state'], paths: Record<string, number>): MemberStatus => {
    const nothing = {
      reason: '',
      incarnation: 1,
      weight: 1,
      weightPercent: 100,
      share: 0,
      heldBuckets: 0,
      keeps: 0,
      lastHeardMs: 0,
    };
    return { name, state, paths, ...nothing, reach: 'none', mac: '' };
  };

  it('living ones but us, and whether they are in the segment', () => {
    const members = [
      member('n1', 'up', {}),
      member('n2', 'up', { raw: 50 }),
      member('n3', 'up', { 'udp:10.0.0.0/8': 50 }),
      member('n4', 'dead', { raw: 50 }),
      member('n5', 'up', { raw: 50 }),
    ];
    const rows = [{ from: 'n5', mac: '', kinds: {}, missed: {}, largestBytes: 0 }];
    const unheard = unheardMembers('n1', members, rows, '');
    expect(unheard.map(({ name, isInSegment }) => [name, isInSegment])).toEqual([
      ['n2', true],
      ['n3', false],
    ]);
    expect(unheardMembers('n1', members, rows, 'cap is missing')[0]?.why).toMatch(/cannot probe \(cap is missing\)/);
  });
});

describe('comparing captured frames', () => {
  const view = (mode: 'flood' | 'relay'): FarmView => ({
    state: 'up',
    reach: { mode, best: mode, why: '' },
    members: [],
  });
  const n2 = (framesSeen: number, mode = 'flood') =>
    ({ name: 'n2', run: 2, isProven: true, carrier: { framesSeen, mode } }) as Sender;

  /** Frames a second that n2 and we see. @returns what is said at the end of 5 s. */
  function run(theirs: number, ours: number, mode: 'flood' | 'relay' = 'flood'): string {
    const shares = new Shares();
    let said = '';
    for (let atMs = 0; atMs <= 5000; atMs += 500) {
      said = shares.compare([n2((theirs * atMs) / 1000, mode)], (ours * atMs) / 1000, view(mode), atMs);
    }
    return said;
  }

  it('says so when another node sees many frames and we hardly any', () => {
    expect(run(1000, 5)).toMatch(/in 4 s n2 captured 4000 frames, this node 20/);
  });
  it('is silent about what chance may bring', () => expect(run(1000, 800)).toBe(''));
  it('is silent while there is little traffic', () => expect(run(50, 0)).toBe(''));
  it('is silent with relay, where each node sees its own share', () => expect(run(1000, 0, 'relay')).toBe(''));
});

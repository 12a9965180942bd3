import { describe, expect, it } from 'vitest';
import type { NodeState } from '../../../src/membership/contract.js';
import type { Capability, Delivered, EchoRoute, FarmView } from '../../../src/reach/contract.js';
import { EchoPath } from '../../../src/reach/echo-path.js';
import { echoRoute, sameRoute } from '../../../src/reach/echo-route.js';
import { ETHER, groupMac, macText, parseArp, parseEthernet, parseIp } from '../../../src/reach/packets.js';

const VIP = Uint8Array.of(10, 77, 0, 50);
const GATEWAY = Uint8Array.of(10, 77, 0, 254);
const GATEWAY_MAC = Uint8Array.of(0x0a, 0x77, 0, 0, 0, 0xfe);
const VMAC = Uint8Array.of(2, 1, 1, 1, 1, 1);
const OWN = Uint8Array.of(0x0a, 0x77, 0, 0, 0, 1);
const ROUTE: EchoRoute = { vip: VIP, vipMac: VMAC, gateway: GATEWAY, gatewayMac: GATEWAY_MAC };
const DATAGRAM = Uint8Array.from('COVY and a seal', (letter) => letter.charCodeAt(0));

class Bed {
  nowMs = 0;
  readonly sent: Uint8Array[] = [];
  readonly listened: (Uint8Array | null)[] = [];
  readonly path = new EchoPath({
    port: {
      sendFrame: (frame) => void this.sent.push(frame),
      listenEcho: (vip) => void this.listened.push(vip),
    },
    mac: () => OWN,
    nowMs: () => this.nowMs,
    identifier: 7,
  });

  constructor(state: NodeState = 'up', route: EchoRoute | null = ROUTE) {
    this.path.setState(state);
    this.path.setRoute(route);
  }

  /** Sends a heartbeat every 100 ms for `ms`; gives how many went out as echoes. */
  beat(ms: number): number {
    const before = this.echoes().length;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 100) this.path.send(DATAGRAM);
    return this.echoes().length - before;
  }

  echoes() {
    return this.sent.map((frame) => parseEthernet(frame)!).filter(({ type }) => type === ETHER.ipv4);
  }
}

describe('the path by way of the gateway', () => {
  it('asks the gateway from the VIP, from our own MAC, with the datagram as payload; and before, tells it where the VIP is', () => {
    const { path, sent, listened } = new Bed();
    path.send(DATAGRAM);
    const [reminder, echo] = sent.map((frame) => parseEthernet(frame)!);
    const arp = parseArp(reminder!)!;
    expect([macText(reminder!.to), macText(reminder!.from)]).toEqual([macText(GATEWAY_MAC), macText(OWN)]);
    expect([arp.senderAddress, arp.senderMac, arp.targetAddress]).toEqual([VIP, VMAC, GATEWAY]);
    const packet = parseIp(echo!)!;
    expect([macText(echo!.to), macText(echo!.from)]).toEqual([macText(GATEWAY_MAC), macText(OWN)]);
    expect([packet.from, packet.to, packet.protocol, packet.payload[0]]).toEqual([VIP, GATEWAY, 1, 8]);
    expect(packet.payload.subarray(8)).toEqual(DATAGRAM);
    expect(listened).toEqual([VIP]);
  });

  it.each<[NodeState, boolean]>([
    ['stopped', false],
    ['waiting', false],
    ['joining', true],
    ['up', true],
    ['draining', true],
  ])('in state %s a node speaks for the VIP: %s', (state, speaks) => {
    const { path, sent } = new Bed(state);
    path.send(DATAGRAM);
    expect(sent.length > 0).toBe(speaks);
  });

  it('one that waits speaks only while members are heard by it, and tells the gateway nothing', () => {
    const bed = new Bed('waiting');
    expect(bed.beat(1000)).toBe(0);
    bed.path.heard();
    expect(bed.beat(1000)).toBe(10);
    expect(bed.sent.length).toBe(10);
    bed.path.setState('stopped');
    expect(bed.beat(1000)).toBe(0);
  });

  it('alone it is used once a second, with every heartbeat while somebody is heard by it, and while joining', () => {
    const bed = new Bed();
    expect(bed.beat(5000)).toBe(5);
    bed.path.heard();
    expect(bed.beat(3000)).toBe(30);
    expect(bed.beat(5000)).toBeLessThanOrEqual(6);
    bed.path.setState('joining');
    expect(bed.beat(1000)).toBe(10);
  });

  it('datagrams of one heartbeat go together, and one that does not fit the MTU is not sent', () => {
    const { path, sent, ...bed } = new Bed();
    for (let part = 0; part < 3; part++) path.send(DATAGRAM);
    expect(bed.nowMs).toBe(0);
    expect(sent).toHaveLength(4);
    path.send(new Uint8Array(1473));
    expect(sent).toHaveLength(4);
    path.send(new Uint8Array(1472));
    expect(sent).toHaveLength(5);
  });

  it('is silent and hears nothing without a way', () => {
    const { path, sent, listened } = new Bed();
    path.setRoute(null);
    path.send(DATAGRAM);
    expect(sent).toEqual([]);
    expect(path.isUsed).toBe(false);
    expect(listened.at(-1)).toBeNull();
  });
});

describe('whether heartbeats go by the gateway', () => {
  interface Given {
    readonly mode: FarmView['reach']['mode'];
    readonly best: Capability | null;
    /** Of n2, ms; null: there is no n2. */
    readonly paths: Readonly<Record<string, number>> | null;
    readonly state: 'up' | 'dead';
    readonly heardProbes: boolean;
    readonly answers: boolean;
    readonly delivered: Delivered;
  }
  const given = (over: Partial<Given>): EchoRoute | null => {
    const usual = { mode: 'flood', best: 'flood', paths: { echo: 20 }, state: 'up', heardProbes: false } as const;
    const { mode, best, paths, state, heardProbes, answers, delivered } = {
      ...usual,
      answers: true,
      delivered: 'yes' as Delivered,
      ...over,
    };
    const members = (paths === null ? [] : [{ name: 'n2', state, paths }]) as unknown as FarmView['members'];
    const view: FarmView = { state: 'up', reach: { mode, best: 'flood', why: '' }, members };
    const gateway = {
      address: GATEWAY,
      delivered: () => delivered,
      report: () => ({ mac: macText(GATEWAY_MAC), answers }),
    };
    return echoRoute({ node: 'n1', view, best, heardProbes, gateway, vip: VIP, vmac: VMAC });
  };

  it.each<[string, Partial<Given>]>([
    ['a member is heard by it alone', {}],
    ['a member is heard by another network', { paths: { 'udp:10.88.0.0/24': 10 } }],
    ['a member has not been heard on the segment for long', { paths: { raw: 5000, echo: 20 } }],
    ['nobody is there', { paths: null }],
  ])('yes: %s', (_what, over) => {
    expect(given(over)).toEqual(ROUTE);
  });

  it.each<[string, Partial<Given>]>([
    ['all are heard on the segment', { paths: { raw: 50, echo: 20 } }],
    ['nobody is a member yet, but probes of others arrive', { paths: null, heardProbes: true }],
    ['the one that is not heard is dead', { state: 'dead', heardProbes: true }],
    ['the farm relays: the answer would come to one node', { mode: 'relay' }],
    ['this node can only relay', { best: 'relay' }],
    ['this node has not decided', { best: null }],
    ['the gateway does not echo', { answers: false }],
    ['the gateway`s frames are not flooded to us', { delivered: 'no' }],
    ['it is not known whether they are', { delivered: 'unknown' }],
  ])('no: %s', (_what, over) => {
    expect(given(over)).toBeNull();
  });

  it('with multicast the gateway is told the group address', () => {
    expect(given({ best: 'multicast' })?.vipMac).toEqual(groupMac(VMAC));
  });

  it('a way is another one when anything of it changes', () => {
    expect(sameRoute(ROUTE, { ...ROUTE })).toBe(true);
    expect(sameRoute(ROUTE, { ...ROUTE, vipMac: groupMac(VMAC) })).toBe(false);
    expect(sameRoute(ROUTE, null)).toBe(false);
    expect(sameRoute(null, null)).toBe(true);
  });
});

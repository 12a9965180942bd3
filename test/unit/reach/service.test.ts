/** Whole reach services on a switch in memory: what they find, and what they tell the core. */
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { MemberStatus, NodeState } from '../../../src/membership/contract.js';
import type { RawFrame, RawFrames, RawState } from '../../../src/platform/raw/contract.js';
import type { Capability, FarmView, HostLook } from '../../../src/reach/contract.js';
import { ARP, arpPacket, ETHER, ethernet, macText, parseArp, parseEthernet } from '../../../src/reach/packets.js';
import type { ReachParts } from '../../../src/reach/ports.js';
import { ReachService } from '../../../src/reach/service.js';

const VMAC = Uint8Array.of(2, 1, 1, 1, 1, 1);
const PROBE = Uint8Array.of(2, 7, 7, 7, 7, 7);
const VIP = Uint8Array.of(10, 77, 0, 50);
const nowMs = () => performance.now();
const macOf = (name: string) => Uint8Array.of(0x0a, 0x77, 0, 0, 0, Number(name.slice(1)));

/** True: the frame arrives. */
type Delivers = (frame: Uint8Array, from: string, to: string) => boolean;
const isUnknown = (frame: Uint8Array) => frame[0] === 2;
const isGroup = (frame: Uint8Array) => frame[0] === 3;

class Port implements RawFrames {
  readonly state: RawState = { state: 'open' };
  readonly skipped = 0;
  listener: (frame: RawFrame) => void = () => undefined;
  constructor(readonly send: (frame: Uint8Array) => void) {}
  ready = async () => this.state;
  onFrame(listener: (frame: RawFrame) => void): void {
    this.listener = listener;
  }
  onState(): void {}
  close(): void {
    this.listener = () => undefined;
  }
}

/** A farm's services; the core is reduced to what they tell it. */
class Bench {
  delivers: Delivers = () => true;
  readonly nodes = new Map<string, ReachService>();
  readonly ports = new Map<string, Port>();
  readonly offers = new Map<string, Capability>();
  readonly ups: string[] = [];
  readonly events: {
    readonly node: string;
    readonly event: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }[] = [];
  readonly conflicts = new Map<string, string>();
  readonly states = new Map<string, NodeState>();

  async add(name: string, setting: ReachParts['setting'] = 'auto'): Promise<ReachService> {
    const service = new ReachService(this.#parts(name, setting));
    this.nodes.set(name, service);
    this.states.set(name, 'up');
    await service.start();
    return service;
  }

  /** A frame that comes into the switch from `from`. */
  inject(frame: Uint8Array, from: string): void {
    for (const [to, port] of this.ports) {
      const isForIt = (frame[0]! & 1) === 1 || isUnknown(frame) || macText(frame.subarray(0, 6)) === macText(macOf(to));
      if (to === from || !isForIt || !this.delivers(frame, from, to)) continue;
      queueMicrotask(() => port.listener({ bytes: frame.slice(), atMs: nowMs() }));
    }
  }

  async view(node: string): Promise<FarmView> {
    return {
      state: this.states.get(node)!,
      reach: { mode: this.#mode(), best: this.offers.get(node) ?? 'none', why: 'told' },
      members: [...this.nodes.keys()].map((name) => this.#member(name)),
    };
  }

  close(): void {
    for (const service of this.nodes.values()) service.close();
  }

  #parts(node: string, setting: ReachParts['setting']): ReachParts {
    const port = new Port((frame) => this.inject(frame, node));
    const report: HostLook['report'] = {
      interface: 'eth0',
      mac: macText(macOf(node)),
      kind: 'veth',
      mtu: 1500,
      promiscuous: true,
      master: null,
      settings: {},
      warnings: [],
    };
    const look = {
      report,
      mac: macOf(node),
      address: Uint8Array.of(10, 77, 0, macOf(node)[5]!),
      foreignVips: [],
      gateway: null,
    };
    return {
      node,
      farm: 'web',
      setting,
      vips: [{ address: VIP, text: '10.77.0.50/24' }],
      port: 7947,
      vmac: VMAC,
      probeMac: PROBE,
      farmId: new Uint8Array(8),
      tag: (bytes) => new Uint8Array(createHmac('sha256', 'farm').update(bytes).digest().subarray(0, 8)),
      run: Math.floor(Math.random() * 2 ** 32),
      calmMs: null,
      openRaw: () => {
        this.ports.set(node, port);
        return port;
      },
      look: async () => look,
      nowMs,
      view: () => this.view(node),
      framesSeen: () => 0,
      offer: (best) => void this.offers.set(node, best),
      goUp: () => void this.ups.push(node),
      echo: () => undefined,
      conflict: (bad, detail) => void this.conflicts.set(node, bad ? detail : ''),
      tell: (to, body) => {
        for (const [name, service] of this.nodes) if (name !== node && (to ?? name) === name) service.told(node, body);
      },
      record: (_level, event, fields) => void this.events.push({ node, event, fields }),
    };
  }

  #mode() {
    const offers = [...this.offers.values()];
    return offers.includes('relay') ? 'relay' : offers.includes('multicast') ? 'multicast' : 'flood';
  }

  #member(name: string): MemberStatus {
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
    const [mac, state] = [macText(macOf(name)), this.states.get(name)!];
    return { name, state, ...nothing, paths: { raw: 0 }, reach: this.offers.get(name) ?? 'none', mac };
  }
}

async function until(what: string, condition: () => boolean, withinMs = 15_000): Promise<void> {
  const end = nowMs() + withinMs;
  while (!condition()) {
    if (nowMs() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

let bench: Bench;
async function farm(delivers: Delivers, names = ['n1', 'n2', 'n3']): Promise<void> {
  bench = new Bench();
  bench.delivers = delivers;
  await Promise.all(names.map((name) => bench.add(name)));
  for (const service of bench.nodes.values()) service.watch();
}
const offered = (best: Capability) => () =>
  bench.offers.size === bench.nodes.size && [...bench.offers.values()].every((offer) => offer === best);

afterEach(() => bench.close());

describe('reach services on a switch', () => {
  it('find that flooding works, and report it as a matrix', async () => {
    await farm(() => true);
    await until('all offer flood', offered('flood'));
    const report = await bench.nodes.get('n1')!.probe(false);
    expect(report.verdict.reach).toBe('flood');
    expect(report.matrix.map(({ from, to }) => `${from}${to}`)).toEqual([
      'n2n1',
      'n3n1',
      'n1n2',
      'n3n2',
      'n1n3',
      'n2n3',
    ]);
    expect(report.matrix.every(({ flood, multicast, unicast }) => flood && multicast && unicast)).toBe(true);
    expect(report.matrix.map(({ mtu }) => mtu)).toEqual(Array(6).fill(1500));
    expect(report.silent).toEqual([]);
    expect(bench.ups).toEqual([]);
  });

  it('find that one port gets no unknown unicast, and say at which', async () => {
    await farm((frame, _from, to) => !(isUnknown(frame) && to === 'n2'));
    await until('n2 offers multicast', () => bench.offers.get('n2') === 'multicast');
    await until(
      'the others offer flood',
      () => bench.offers.get('n1') === 'flood' && bench.offers.get('n3') === 'flood',
    );
    const { verdict, matrix } = await bench.nodes.get('n1')!.probe(false);
    expect(verdict.reach).toBe('multicast');
    expect(verdict.reason).toMatch(/^n2 can do no more than multicast: IPv4 to a MAC that no switch knows from n1, n3/);
    expect(verdict.fixes[0]).toMatch(/Promiscuous mode: Accept/);
    expect(matrix.filter(({ flood }) => !flood).map(({ to }) => to)).toEqual(['n2', 'n2']);
    // The others could do more: they say who cannot.
    const view = await bench.view('n1');
    expect(bench.nodes.get('n1')!.reach(view)).toMatchObject({
      mode: 'multicast',
      reason: expect.stringMatching(/^at n2, flood: IPv4/),
    });
  });

  it('find an ARP guard, though all frames arrive', async () => {
    const guarded: Delivers = (frame) => {
      const arp = parseArp(parseEthernet(frame)!);
      return arp === null || macText(arp.senderMac) === macText(frame.subarray(6, 12));
    };
    await farm(guarded, ['n1', 'n2']);
    await until('both offer relay', offered('relay'));
    const { verdict } = await bench.nodes.get('n2')!.probe(false);
    expect(verdict.reason).toMatch(/ARP answer that names the farm MAC/);
    expect(verdict.fixes[0]).toMatch(/Forged transmits: Accept/);
  });

  it('notice within 10 s that the network has stopped flooding, and go up only when told', async () => {
    await farm(() => true, ['n1', 'n2']);
    await until('both offer flood', offered('flood'));
    bench.delivers = (frame, _from, to) => !((isUnknown(frame) || isGroup(frame)) && to === 'n2');
    await until('n2 offers relay', () => bench.offers.get('n2') === 'relay', 10_000);
    bench.delivers = () => true;
    await until('n2 could do flood again', () => bench.offers.get('n2') === 'flood');
    expect(bench.ups).toEqual([]);
    expect((await bench.nodes.get('n1')!.probe(true)).applied).toBe(true);
    expect([...bench.ups].sort()).toEqual(['n1', 'n2']);
  });

  it('a node alone relays, and raises the farm when the first other one comes', async () => {
    await farm(() => true, ['n1']);
    await until('n1 offers relay', () => bench.offers.get('n1') === 'relay');
    (await bench.add('n2')).watch();
    await until('both offer flood', offered('flood'));
    await until('both were told to go up', () => new Set(bench.ups).size === 2);
  });

  it('a foreign owner of the VIP keeps a node from beginning, and its MAC is told', async () => {
    bench = new Bench();
    const service = await bench.add('n1', 'flood');
    const stranger = Uint8Array.of(0x0a, 0x77, 0, 0, 0, 0x64);
    const answer = {
      operation: ARP.reply,
      senderMac: stranger,
      senderAddress: VIP,
      targetMac: macOf('n1'),
      targetAddress: VIP,
    };
    let answers = true;
    const original = bench.inject.bind(bench);
    bench.inject = (frame, from) => {
      original(frame, from);
      if (answers && parseArp(parseEthernet(frame)!)?.operation === ARP.request) {
        original(ethernet(macOf('n1'), stranger, ETHER.arp, arpPacket(answer)), 'stranger');
      }
    };
    await service.checkVips();
    expect(bench.conflicts.get('n1')).toBe('10.77.0.50 belongs to the host with MAC 0a:77:00:00:00:64');
    expect(bench.events.map(({ event }) => event)).toContain('vip-conflict');
    answers = false;
    await until('the VIP is free', () => bench.conflicts.get('n1') === '');
  });

  it('a frame from the vMAC is an alarm, and the farm leaves flood for as long as switches remember', async () => {
    await farm(() => true, ['n1', 'n2']);
    await until('both offer flood', offered('flood'));
    const packet = { operation: ARP.request, senderMac: VMAC, senderAddress: VIP, targetMac: VMAC, targetAddress: VIP };
    bench.inject(ethernet(Uint8Array.of(255, 255, 255, 255, 255, 255), VMAC, ETHER.arp, arpPacket(packet)), 'stranger');
    await until('both offer multicast', offered('multicast'));
    expect(bench.events.filter(({ event }) => event === 'vmac-as-source').map(({ node }) => node)).toEqual([
      'n1',
      'n2',
    ]);
    expect(bench.nodes.get('n1')!.warnings().join()).toMatch(/1 frames came from the farm's MAC as source/);
  });

  it('says who does not answer a probe', async () => {
    await farm(() => true, ['n1', 'n2']);
    bench.states.set('n9', 'up');
    bench.nodes.set('n9', { told: () => undefined, close: () => undefined } as unknown as ReachService);
    const report = await bench.nodes.get('n1')!.probe(false);
    expect(report.silent).toEqual(['n9']);
    expect(report.verdict.reason).toMatch(/n9 did not answer/);
  });
});

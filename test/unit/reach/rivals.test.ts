import { describe, expect, it } from 'vitest';
import { ARP, arpPacket, ETHER, ethernet, parseArp, parseEthernet } from '../../../src/reach/packets.js';
import { Rivals } from '../../../src/reach/rivals.js';

const PROBE_MAC = Uint8Array.of(0x02, 1, 2, 3, 4, 5);
const GATEWAY = Uint8Array.of(10, 77, 0, 254);
const GATEWAY_MAC = Uint8Array.of(0x0a, 0x77, 0, 0, 0, 0xfe);

/** Nodes behind isolated ports: each hears what the gateway answers to any of them, and nothing else. */
function privateVlan(...runs: readonly number[]) {
  let nowMs = 0;
  const nodes: Rivals[] = runs.map(
    (run, index) =>
      new Rivals({
        probeMac: PROBE_MAC,
        run,
        gateway: GATEWAY,
        mac: Uint8Array.of(0x0a, 0x77, 0, 0, 0, index + 1),
        send: (frame) => {
          const asked = parseArp(parseEthernet(frame)!)!;
          expect([...asked.senderAddress]).toEqual([0, 0, 0, 0]);
          expect(asked.targetAddress).toEqual(GATEWAY);
          const answer = {
            operation: ARP.reply,
            senderMac: GATEWAY_MAC,
            senderAddress: GATEWAY,
            targetMac: asked.senderMac,
            targetAddress: asked.senderAddress,
          };
          const reply = parseEthernet(ethernet(asked.senderMac, GATEWAY_MAC, ETHER.arp, arpPacket(answer)))!;
          for (const node of nodes) node.take(reply, nowMs);
        },
      }),
  );
  return { nodes, pass: (ms: number) => (nowMs += ms), now: () => nowMs };
}

describe('rivals behind isolated ports', () => {
  it('a node that does not serve gives way to any that does, until it is silent', () => {
    const { nodes, pass, now } = privateVlan(1, 2);
    for (const [serving, waiting] of [
      [0, 1],
      [1, 0],
    ] as const) {
      nodes[serving]!.announce();
      expect(nodes[waiting]!.takePrecedence(now(), false)).toBe(true);
      pass(2999);
      expect(nodes[waiting]!.takePrecedence(now(), false)).toBe(true);
      pass(1);
      expect(nodes[waiting]!.takePrecedence(now(), false)).toBe(false);
    }
  });

  it.each([
    [1, 2],
    [0x1234, 0x1200],
    [0, 0xffff],
  ])('of two that serve exactly one gives way: lives %i and %i', (first, second) => {
    const { nodes, now } = privateVlan(first, second);
    for (const node of nodes) node.announce();
    expect(nodes.filter((node) => node.takePrecedence(now(), true))).toHaveLength(1);
  });

  it('who was seen before others were heard is none', () => {
    const { nodes, now } = privateVlan(1, 2);
    nodes[0]!.announce();
    nodes[1]!.forget();
    expect(nodes[1]!.takePrecedence(now(), false)).toBe(false);
  });

  it('of three that serve exactly one goes on', () => {
    const { nodes, now } = privateVlan(7, 8, 9);
    for (const node of nodes) node.announce();
    expect(nodes.filter((node) => !node.takePrecedence(now(), true))).toHaveLength(1);
  });

  it('a node is no rival of its own, nor is one that asks with the probe MAC itself', () => {
    const { nodes, now } = privateVlan(1);
    nodes[0]!.announce();
    const answer = {
      operation: ARP.reply,
      senderMac: GATEWAY_MAC,
      senderAddress: GATEWAY,
      targetMac: PROBE_MAC,
      targetAddress: new Uint8Array(4),
    };
    const toProbeMac = parseEthernet(ethernet(PROBE_MAC, GATEWAY_MAC, ETHER.arp, arpPacket(answer)))!;
    nodes[0]!.take(toProbeMac, now());
    const foreign = Uint8Array.of(0x02, 9, 2, 3, 4, 6);
    nodes[0]!.take(parseEthernet(ethernet(foreign, GATEWAY_MAC, ETHER.arp, arpPacket(answer)))!, now());
    expect(nodes[0]!.takePrecedence(now(), false)).toBe(false);
  });
});

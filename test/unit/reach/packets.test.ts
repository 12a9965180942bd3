import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arpProbe,
  arpRequest,
  ETHER,
  echoRequest,
  ethernet,
  groupMac,
  macText,
  parseAdvertisement,
  parseArp,
  parseEchoReply,
  parseEthernet,
  parseIp,
  parseMac,
  solicitationProbe,
  udpPacket,
} from '../../../src/reach/packets.js';

const OWN = Uint8Array.of(0x0a, 0x77, 0, 0, 0, 1);
const PEER = Uint8Array.of(0x0a, 0x77, 0, 0, 0, 2);
const VIP = Uint8Array.of(10, 77, 0, 50);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** One's complement sum of all 16-bit words; 0xffff over anything that includes its right checksum. */
function onesSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

describe('packets, byte by byte', () => {
  it('an ARP probe tells nobody anything: its sender address is zero (RFC 5227)', () => {
    expect(hex(arpProbe(OWN, VIP))).toBe(
      `ffffffffffff0a77000000010806${'0001080006040001'}0a770000000100000000${'000000000000'}0a4d0032${'00'.repeat(18)}`,
    );
  });

  it('an ARP request names the asker', () => {
    const arp = parseArp(parseEthernet(arpRequest(OWN, Uint8Array.of(10, 77, 0, 1), VIP))!)!;
    expect([arp.operation, hex(arp.senderAddress), hex(arp.targetAddress)]).toEqual([1, '0a4d0001', '0a4d0032']);
  });

  it('a DAD-like solicitation goes from :: to the solicited-node group, with hop limit 255 and a right checksum', () => {
    const vip6 = Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56);
    const frame = solicitationProbe(OWN, vip6);
    expect(macText(frame.subarray(0, 6))).toBe('33:33:ff:12:34:56');
    const packet = parseIp(parseEthernet(frame)!)!;
    expect(hex(packet.from)).toBe('00'.repeat(16));
    expect(hex(packet.to)).toBe('ff0200000000000000000001ff123456');
    expect(frame[14 + 7]).toBe(255);
    const pseudo = Uint8Array.of(...packet.from, ...packet.to, 0, 0, 0, 24, 0, 0, 0, 58);
    expect(onesSum(Uint8Array.of(...pseudo, ...packet.payload))).toBe(0xffff);
  });

  it('UDP of both families has right checksums and hop limit 1', () => {
    fc.assert(
      fc.property(fc.constantFrom(4, 16), fc.uint8Array({ maxLength: 200 }), (length, payload) => {
        const [from, to] = [new Uint8Array(length).fill(1), new Uint8Array(length).fill(2)];
        const packet = udpPacket(from, to, 7947, payload);
        const parsed = parseIp(parseEthernet(ethernet(PEER, OWN, length === 4 ? ETHER.ipv4 : ETHER.ipv6, packet))!)!;
        expect(packet[length === 4 ? 8 : 7]).toBe(1);
        if (length === 4) expect(onesSum(packet.subarray(0, 20))).toBe(0xffff);
        const size = parsed.payload.length;
        const pseudo = Uint8Array.of(...from, ...to, 0, 17, size >> 8, size & 0xff);
        expect(onesSum(Uint8Array.of(...pseudo, ...parsed.payload))).toBe(0xffff);
        expect(hex(parsed.payload.subarray(8))).toBe(hex(payload));
      }),
    );
  });

  it('an echo reply is told from a request', () => {
    const request = echoRequest(VIP, Uint8Array.of(10, 77, 0, 254), 7, 8, new Uint8Array(32));
    const parsed = parseIp(parseEthernet(ethernet(PEER, OWN, ETHER.ipv4, request))!)!;
    expect(parseEchoReply(parsed)).toBeNull();
    const reply = { ...parsed, payload: Uint8Array.of(0, ...parsed.payload.subarray(1)) };
    expect(parseEchoReply(reply)).toEqual({ identifier: 7, sequence: 8 });
  });

  it('frames are padded to 60 bytes, and a VLAN tag is skipped', () => {
    const frame = ethernet(PEER, OWN, ETHER.arp, new Uint8Array(28));
    expect(frame.length).toBe(60);
    const tagged = Uint8Array.of(...frame.subarray(0, 12), 0x81, 0, 0, 10, ...frame.subarray(12));
    expect(parseEthernet(tagged)?.type).toBe(ETHER.arp);
  });

  it('MACs as text and back, and the group address beside one', () => {
    expect(parseMac(macText(OWN))).toEqual(OWN);
    expect(parseMac('0a:77:00:00:00')).toBeNull();
    expect(macText(groupMac(Uint8Array.of(2, 1, 2, 3, 4, 5)))).toBe('03:01:02:03:04:05');
  });

  it('no bytes break a parser (I7)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const frame = parseEthernet(bytes);
        if (frame === null) return;
        parseArp(frame);
        const packet = parseIp(frame);
        if (packet === null) return;
        parseAdvertisement(packet);
        parseEchoReply(packet);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { CLAIM_LASTS_MS, Claims, claimText } from '../../../src/reach/claims.js';
import { FORGOTTEN_AFTER_MS, Leaks } from '../../../src/reach/leaks.js';
import { ARP, arpPacket, BROADCAST, ETHER, ethernet, parseEthernet } from '../../../src/reach/packets.js';
import { DATAGRAM, sealDatagram } from '../../../src/wire/seal.js';

const VIP = Uint8Array.of(10, 77, 0, 50);
const FARM = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const OTHER_FARM = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
const mac = (last: number) => Uint8Array.of(0x0a, 0x77, 0, 0, 0, last);
const VMAC = Uint8Array.of(2, 1, 1, 1, 1, 1);
const PROBE = Uint8Array.of(2, 7, 7, 7, 7, 7);
const newClaims = () => new Claims({ vips: [VIP], mac: mac(1), vmac: VMAC, probeMac: PROBE, farmId: FARM });

const arp = (from: Uint8Array, says: Uint8Array, address = VIP, operation: number = ARP.reply) => {
  const packet = {
    operation,
    senderMac: says,
    senderAddress: address,
    targetMac: mac(1),
    targetAddress: mac(0).subarray(0, 4),
  };
  return parseEthernet(ethernet(BROADCAST, from, ETHER.arp, arpPacket(packet)))!;
};

/** A heartbeat's datagram as strangers see it: its header is in clear. */
const heartbeat = (from: Uint8Array, farmId: Uint8Array, sender: string) => {
  const aead = { seal: () => new Uint8Array(40), open: () => null };
  const header = { type: DATAGRAM.heartbeat, farmId, keyId: 1, sender, incarnation: 2 ** 21, counter: 3 } as const;
  const datagram = sealDatagram(aead, new Uint8Array(32), header, new Uint8Array(8));
  const sealed = Uint8Array.of(0, datagram.length, ...datagram);
  return parseEthernet(ethernet(BROADCAST, from, ETHER.control, sealed))!;
};

describe('claims of a VIP', () => {
  it('a stranger that answers, asks or announces with it', () => {
    const claims = newClaims();
    expect(claims.take(arp(mac(100), mac(100)), 0)).toEqual({
      vip: '10.77.0.50',
      mac: '0a:77:00:00:00:64',
      farm: null,
    });
    expect(newClaims().take(arp(mac(100), mac(100), VIP, ARP.request), 0)).not.toBeNull();
    expect(claims.take(arp(mac(100), mac(100)), 1000)).toBeNull();
    expect(claims.current(1000)).toHaveLength(1);
  });

  it('is told again when it comes back after a while, and forgotten in between', () => {
    const claims = newClaims();
    claims.take(arp(mac(100), mac(100)), 0);
    expect(claims.current(CLAIM_LASTS_MS + 1)).toEqual([]);
    expect(claims.take(arp(mac(100), mac(100)), CLAIM_LASTS_MS + 2)).not.toBeNull();
  });

  it.each([
    ['the vMAC', arp(mac(2), VMAC)],
    ['the multicast vMAC', arp(mac(2), Uint8Array.of(3, ...VMAC.subarray(1)))],
    ['the probe MAC', arp(mac(2), PROBE)],
    ['our own MAC', arp(mac(1), mac(1))],
    ['another address', arp(mac(100), mac(100), Uint8Array.of(10, 77, 0, 51))],
  ])('%s is no claim', (_name, frame) => {
    expect(newClaims().take(frame, 0)).toBeNull();
  });

  it('a member answers with its own MAC when the farm relays', () => {
    const claims = newClaims();
    claims.setMembers(['0a:77:00:00:00:02']);
    expect(claims.take(arp(mac(2), mac(2)), 0)).toBeNull();
  });

  it('whose heartbeats carry our farm id is a member, before it has proved anything', () => {
    const claims = newClaims();
    claims.take(heartbeat(mac(3), FARM, 'n3'), 0);
    expect(claims.take(arp(mac(3), mac(3)), 0)).toBeNull();
  });

  it('a member that serves another farm now is no member any more', () => {
    const claims = newClaims();
    claims.setMembers(['0a:77:00:00:00:09']);
    claims.take(heartbeat(mac(9), OTHER_FARM, 'web1'), 0);
    expect(claims.take(arp(mac(9), Uint8Array.of(2, 5, 5, 5, 5, 5)), 0)?.farm?.node).toBe('web1');
    // Not even by what a stranger says of our own MAC.
    claims.take(heartbeat(mac(1), OTHER_FARM, 'web1'), 0);
    expect(claims.take(arp(mac(1), mac(1)), 0)).toBeNull();
  });

  it('another farm with the same VIP is told as one', () => {
    const claims = newClaims();
    claims.take(heartbeat(mac(9), OTHER_FARM, 'web1'), 0);
    const claim = claims.take(arp(mac(9), Uint8Array.of(2, 5, 5, 5, 5, 5)), 0);
    expect(claim?.farm).toEqual({ id: '0909090909090909', node: 'web1' });
    expect(claimText(claim!)).toMatch(/node web1 of another Covey farm/);
  });

  it('a farm that answers from several nodes, each in its own words, is told once', () => {
    const claims = newClaims();
    for (const last of [8, 9]) claims.take(heartbeat(mac(last), OTHER_FARM, `web${last}`), 0);
    expect(claims.take(arp(mac(8), Uint8Array.of(2, 5, 5, 5, 5, 5)), 0)).not.toBeNull();
    expect(claims.take(arp(mac(9), Uint8Array.of(2, 5, 5, 5, 5, 5)), 0)).toBeNull();
    expect(claims.take(arp(mac(9), mac(9)), 0)).toBeNull();
    expect(claims.current(0)).toHaveLength(1);
  });

  it('a claim of one who shows to be a member is none any more', () => {
    const claims = newClaims();
    claims.take(arp(mac(3), mac(3)), 0);
    claims.take(heartbeat(mac(3), FARM, 'n3'), 100);
    expect(claims.current(200)).toEqual([]);
  });

  it('a claim is known for what it is as soon as a heartbeat says so', () => {
    const claims = newClaims();
    claims.take(arp(mac(9), Uint8Array.of(2, 5, 5, 5, 5, 5)), 0);
    claims.take(heartbeat(mac(9), OTHER_FARM, 'web9'), 100);
    expect(claims.current(200).map(({ farm }) => farm?.node)).toEqual(['web9']);
  });

  it('a claim that another member saw counts as well', () => {
    const claims = newClaims();
    const claim = { vip: '10.77.0.50', mac: '0a:77:00:00:00:64', farm: null };
    expect(claims.add(claim, 0)).toBe(true);
    expect(claims.add(claim, 1)).toBe(false);
  });
});

describe('leaks of the vMAC', () => {
  it('remembers who it may have been, for as long as switches remember', () => {
    const leaks = new Leaks(VMAC);
    expect(leaks.take(arp(mac(2), VMAC), 0)).toBeNull();
    const leak = leaks.take(arp(VMAC, VMAC, Uint8Array.of(10, 77, 0, 99)), 5);
    expect(leak).toMatchObject({ count: 1, atMs: 5 });
    expect(leak?.evidence).toBe('ARP to ff:ff:ff:ff:ff:ff, which says that 10.77.0.99 is at 02:01:01:01:01:01');
    expect(leaks.remembered(FORGOTTEN_AFTER_MS)).not.toBeNull();
    expect(leaks.remembered(FORGOTTEN_AFTER_MS + 5)).toBeNull();
  });
});

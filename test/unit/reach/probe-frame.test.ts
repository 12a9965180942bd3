import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROBE_KINDS, PROBES, type ProbeKind } from '../../../src/reach/contract.js';
import { macText, parseAdvertisement, parseEthernet, parseIp } from '../../../src/reach/packets.js';
import { carrierFrame, type ProbeSender, parseProbe, probeFrame, sizeFrame } from '../../../src/reach/probe-frame.js';

const tagUnder = (key: string) => (bytes: Uint8Array) =>
  new Uint8Array(createHmac('sha256', key).update(bytes).digest().subarray(0, 8));
const tag = tagUnder('farm');
const sender: ProbeSender = {
  name: 'n1',
  run: 0xdeadbeef,
  mac: Uint8Array.of(0x0a, 0x77, 0, 0, 0, 1),
  address: Uint8Array.of(10, 77, 0, 1),
  probeMac: Uint8Array.of(2, 1, 2, 3, 4, 5),
  vip4: Uint8Array.of(10, 77, 0, 50),
  vip6: Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50),
  port: 7947,
  tag,
};
const peer = { run: 7, mac: Uint8Array.of(0x0a, 0x77, 0, 0, 0, 2), address: Uint8Array.of(10, 77, 0, 2) };
const receiver = { mac: peer.mac, probeMac: sender.probeMac, tag };
const carrier = {
  address: sender.address,
  framesSeen: 123_456,
  mode: 'flood',
  kinds: ['flood-ipv4', 'answer-relay'] as const,
  to: [7, 8],
};
const DESTINATIONS = { everyone: 'ff:ff:ff:ff:ff:ff', unknown: '02:01:02:03:04:05', group: '03:01:02:03:04:05' };
const plain = PROBE_KINDS.filter((kind) => kind !== 'carrier' && kind !== 'size');

function frameOf(kind: ProbeKind): Uint8Array {
  if (kind === 'carrier') return carrierFrame(sender, 9, carrier);
  return kind === 'size' ? sizeFrame(sender, 9, peer, 1500) : probeFrame(sender, kind, 9, peer);
}

describe('probe frames', () => {
  it.each(plain)('%s: says who sent it and when, from the own MAC to where it belongs', (kind) => {
    const frame = frameOf(kind);
    const { to } = PROBES[kind];
    expect(macText(frame.subarray(0, 6))).toBe(to === 'peer' ? macText(peer.mac) : DESTINATIONS[to]);
    expect(macText(frame.subarray(6, 12))).toBe(macText(sender.mac));
    const probe = parseProbe(frame, receiver);
    expect(probe).toMatchObject({ kind, run: sender.run, round: 9, carrier: null });
    expect(probe?.name).toBe(/^(answer|nd)-/.test(kind) ? null : 'n1');
  });

  it('a carrier brings its round along', () => {
    expect(parseProbe(frameOf('carrier'), receiver)).toMatchObject({ kind: 'carrier', name: 'n1', carrier });
  });

  it('a size probe fills its frame', () => {
    expect(frameOf('size').length).toBe(1514);
    expect(parseProbe(frameOf('size'), receiver)?.bytes).toBe(1500);
  });

  it('ND answers name it, too, in a whole advertisement from the VIP', () => {
    const says = (kind: ProbeKind) => {
      const packet = parseIp(parseEthernet(frameOf(kind))!)!;
      expect(Buffer.from(packet.from).equals(sender.vip6!)).toBe(true);
      return macText(parseAdvertisement(packet)!.mac!);
    };
    expect(says('nd-flood')).toBe(DESTINATIONS.unknown);
    expect(says('nd-multicast')).toBe(DESTINATIONS.group);
    expect(says('nd-relay')).toBe(macText(sender.mac));
  });

  it('ARP answers name the MAC that is asked about, and never the live vMAC', () => {
    const says = (kind: ProbeKind) => macText(frameOf(kind).subarray(22, 28));
    expect(says('answer-flood')).toBe(DESTINATIONS.unknown);
    expect(says('answer-multicast')).toBe(DESTINATIONS.group);
    expect(says('answer-relay')).toBe(macText(sender.mac));
  });

  it('is nothing without the key, and nothing with any bit of it turned (I7)', () => {
    for (const kind of PROBE_KINDS) {
      expect(parseProbe(frameOf(kind), { ...receiver, tag: tagUnder('another farm') })).toBeNull();
    }
    fc.assert(
      fc.property(fc.constantFrom(...PROBE_KINDS), fc.nat(), (kind, at) => {
        const frame = frameOf(kind);
        const before = parseProbe(frame, receiver)!;
        frame[at % frame.length]! ^= 1 << (at & 7);
        const after = parseProbe(frame, receiver);
        // What no tag covers is not believed either: addresses of the frame and the packet, and padding.
        if (after !== null) expect({ ...after, mac: before.mac, bytes: 0 }).toEqual({ ...before, bytes: 0 });
      }),
      { numRuns: 2000 },
    );
  });

  it('does not count when it was addressed otherwise: passed on by a stranger, say', () => {
    for (const kind of PROBE_KINDS) {
      const frame = frameOf(kind);
      const other = PROBES[kind].to === 'peer' ? sender.probeMac : peer.mac;
      frame.set(other, 0);
      expect(parseProbe(frame, receiver)).toBeNull();
    }
  });

  it('no bytes break the parser', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 150 }), (bytes) => parseProbe(bytes, receiver) === null));
    fc.assert(
      fc.property(fc.constantFrom(...PROBE_KINDS), fc.nat({ max: 200 }), (kind, length) => {
        parseProbe(frameOf(kind).subarray(0, length), receiver);
      }),
    );
  });
});

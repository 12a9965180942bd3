/** The random frames are worth something only if they reach every verdict. The comparison itself runs where the addon does. */
import { describe, expect, test } from 'vitest';
import { MemoryDataPlane } from '../../src/dataplane/memory.js';
import { AGREEMENT_FRAMES, agreementFrames, prepareForAgreement } from './agreement.suite.js';

/** Every reason that a frame alone can have while the lease is open. */
const REASONS = [
  'accepted',
  'held',
  'fragmentsHeld',
  'arpAnswered',
  'ndAnswered',
  'controlReceived',
  'rejectedOtherProtocol',
  'rejectedOtherVlan',
  'rejectedNotOurVip',
  'rejectedOtherMac',
  'rejectedOtherAnswers',
  'relayed',
  'rejectedNoRule',
  'rejectedDenied',
  'rejectedNotOwner',
  'rejectedForeignKeep',
  'rejectedOwnFrame',
  'rejectedFragmentUnknown',
  'rejectedIcmpType',
  'malformedEthernet',
  'malformedArp',
  'malformedIpv4',
  'malformedIpv6',
  'malformedTransport',
  'malformedIcmp',
  'tooManyExtensionHeaders',
  'badChecksum',
];

describe('random frames', () => {
  test('reach every reason, each at least 100 times', async () => {
    const plane = new MemoryDataPlane();
    await prepareForAgreement(plane, (frame) => void plane.receive(frame));
    const frames = agreementFrames(plane.mac);
    const counts = new Map<string, number>();
    for (let i = 0; i < AGREEMENT_FRAMES; i++) {
      const { reason } = plane.classify(frames.next());
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    expect(
      REASONS.filter((reason) => (counts.get(reason) ?? 0) < 100).map((reason) => [reason, counts.get(reason)]),
    ).toEqual([]);
    expect([...counts.keys()].filter((reason) => !REASONS.includes(reason))).toEqual([]);
  }, 60_000);

  test('are the same for the same seed', () => {
    const [a, b] = [agreementFrames(new Uint8Array(6)), agreementFrames(new Uint8Array(6))];
    for (let i = 0; i < 200; i++) expect(a.next()).toEqual(b.next());
  });
});

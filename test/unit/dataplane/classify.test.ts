/** The TypeScript reading of the packets against the named records; C++ reads the same file. */
import { describe, expect, test } from 'vitest';
import { COUNTER_NAMES } from '../../../src/dataplane/counters.js';
import { MemoryDataPlane } from '../../../src/dataplane/memory.js';
import { readCounters } from '../../../src/dataplane/memory-counters.js';
import { readNamedPackets } from '../../conformance/records.js';

const records = readNamedPackets();

/** Reasons that no verdict on a single frame can have: losses, levels, and counts besides the verdict. */
const NOT_A_VERDICT = new Set([
  'framesSeen',
  'filteredInKernel',
  'injected',
  'acceptedInKernel',
  'replayed',
  'relayCopies',
  'ingressFrames',
  'controlSent',
  'steeringSent',
  'steeringConfirmed',
  'steeringUnanswered',
  'truncatedCapture',
  'captureDrops',
  'injectErrors',
  'relayErrors',
  'heldOverflow',
  'heldDiscarded',
  'heldLapsed',
  'fragmentsReplayed',
  'fragmentsOverflow',
  'fragmentsExpired',
  'answerErrors',
  'controlOverflow',
  'controlMalformed',
  'keys',
  'keepsOwn',
  'keepsForeign',
  'keysEvicted',
  'embryosEvicted',
  'tableFull',
  'askers',
  'askersEvicted',
  'vmacAsSource',
  'loopTurns',
  'leaseLapses',
]);

describe('named packets', () => {
  test.each(records.map((record) => [record.name, record] as const))('%s', (_, record) => {
    const counters = new BigUint64Array(COUNTER_NAMES.length);
    let injected: Uint8Array[] = [];
    let answers: Uint8Array[] = [];
    const plane = new MemoryDataPlane({
      mac: record.mac,
      counters,
      inject: (packet) => injected.push(packet.slice()),
      transmit: (frame) => answers.push(frame),
    });
    plane.setShape(record.shape);
    if (record.isLeaseOpen) plane.renewLease(1000);
    for (const step of record.steps) {
      if (step.type === 'apply') plane.apply([step.op]);
      else plane.receive(step.frame);
    }
    const before = readCounters(counters);
    expect(plane.classify(record.frame)).toEqual(record.expected);
    expect(readCounters(counters), 'classify counts nothing').toEqual(before);
    injected = [];
    answers = [];
    // Acting on the frame gives the same verdict and bumps the counter that it names.
    expect(plane.receive(record.frame)).toEqual(record.expected);
    expect(injected).toEqual(record.injected);
    expect(answers).toEqual(record.answers);
    const after = readCounters(counters);
    const reason = record.expected.reason as keyof typeof after;
    // More than one where early fragments follow.
    expect(after[reason]).toBeGreaterThan(before[reason]);
    expect(after.framesSeen).toBe(before.framesSeen + 1);
  });

  test('name each reason that a verdict can have', () => {
    const named = new Set<string>(records.map((record) => record.expected.reason));
    expect(COUNTER_NAMES.filter((name) => !named.has(name) && !NOT_A_VERDICT.has(name))).toEqual([]);
    expect([...named].filter((name) => NOT_A_VERDICT.has(name))).toEqual([]);
  });

  test('are many', () => expect(records.length).toBeGreaterThanOrEqual(250));

  test('have distinct names', () => {
    expect(new Set(records.map((record) => record.name)).size).toBe(records.length);
  });
});

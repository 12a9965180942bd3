/** The named packets of test/vectors/classify.txt, on the wire and by classify. */
import { describe, expect, test } from 'vitest';
import { NOBODY } from '../../src/buckets/contract.js';
import { COUNTER_NAMES } from '../../src/dataplane/counters.js';
import { type NamedPacket, readNamedPackets } from './records.js';
import { Bench, type RigFactory } from './rig.js';

export function packetCases(factory: RigFactory): void {
  describe('named packets', () => {
    test('all get the verdict on record', async () => {
      const bench = new Bench();
      await bench.open(factory);
      try {
        const wrong: unknown[] = [];
        for (const record of readNamedPackets()) {
          const seen = await verdictOn(bench, record);
          if (JSON.stringify(seen) !== JSON.stringify(record.expected))
            wrong.push({ name: record.name, seen, expected: record.expected });
        }
        expect(wrong).toEqual([]);
      } finally {
        await bench.close();
      }
    }, 60_000);
  });
}

async function verdictOn(bench: Bench, record: NamedPacket): Promise<object> {
  const { plane } = bench;
  // Frames go to it, and who answers whom follows from it.
  expect(Uint8Array.from(plane.mac)).toEqual(record.mac);
  plane.reset();
  plane.setShape(record.shape);
  if (record.isLeaseOpen) {
    bench.startLease();
    // It stays through a reset.
    plane.apply([{ op: 'reach', mode: 'flood', members: [], self: NOBODY, plans: [] }]);
  }
  for (const step of record.steps) {
    if (step.type === 'apply') plane.apply([step.op]);
    else await bench.deliver(step.frame);
  }
  const { kind, reason, rule, plan, bucket } = plane.classify(record.frame);
  expect(COUNTER_NAMES).toContain(reason);
  // Where there is no bucket, the plan means nothing.
  return { kind, reason, rule, plan: bucket === -1 ? -1 : plan, bucket };
}
